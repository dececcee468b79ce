/** CPU that VMs wanted and did not get. Pure. */
import { figure, plural } from "../../text/format.ts";
import type { CpuShortage, ReportFacts } from "../facts.ts";
import { html, type Markup } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import {
  label,
  legend,
  picture,
  pictureWidth,
  timeAxis,
  timeScale,
  valueAxis,
  valueScale,
  xOf,
} from "../svg.ts";
import { pageTable } from "../tables.ts";
import { momentText } from "../times.ts";
import { sharePercent } from "./deviation.ts";
import { placeText } from "./topVms.ts";

const left = 74;
const right = pictureWidth - 10;
const top = 20;
const bottom = 200;

/** Hosts of the table. */
const shownHosts = 10;

export function shortageSection({ facts, id }: SectionInput): ReportSection | null {
  const { shortage } = facts;
  if (shortage === null) return null;
  const { moments, vms, hosts } = shortage;
  const used = moments.reduce((sum, moment) => sum + moment.used, 0);
  const waited = moments.reduce((sum, moment) => sum + moment.waited, 0);
  const [worst] = hosts;
  return {
    id: `${id}-shortage`,
    title: "CPU wanted and not got",
    finding: html`VMs got <b>${sharePercent(used + waited === 0 ? 1 : used / (used + waited))}</b> of the CPU that they wanted: ${figure(used / moments.length, 1)} CPUs in use and <b>${figure(waited / moments.length)} CPUs</b> waited for, on average over ${plural(moments.length, "snapshot")}${worst === undefined || worst.waited === 0 ? null : html`; most of it on ${facts.names.of(worst.host)} with ${figure(worst.waited)} CPUs`}. A host can be busy without anybody waiting: this is where it hurts.`,
    body: [
      bars(facts, shortage, `${id}-wanted`),
      legend([
        ["barkey", "used"],
        ["barkey over", "wanted and not got"],
      ]),
      waited === 0
        ? null
        : [
            pageTable(
              "VMs that waited most",
              [
                { title: "VM", kind: "name", cell: ({ vm }) => facts.names.of(vm) },
                { title: "Host now", kind: "name", cell: ({ host }) => placeText(host, facts) },
                { title: "CPUs waited for", kind: "figure", cell: (vm) => figure(vm.waited) },
                { title: "CPUs used", kind: "figure", cell: (vm) => figure(vm.used) },
                {
                  title: "Score: got of what it wanted",
                  kind: "figure",
                  cell: (vm) =>
                    vm.used + vm.waited === 0 ? "-" : sharePercent(vm.used / (vm.used + vm.waited)),
                },
              ],
              vms.filter((vm) => vm.waited > 0),
            ),
            pageTable(
              "Hosts on which VMs waited most",
              [
                { title: "Host", kind: "name", cell: ({ host }) => facts.names.of(host) },
                { title: "CPUs waited for", kind: "figure", cell: (host) => figure(host.waited) },
                { title: "at most", kind: "figure", cell: ({ most }) => figure(most) },
              ],
              hosts.filter((host) => host.waited > 0).slice(0, shownHosts),
            ),
          ],
    ],
  };
}

/** A bar for each snapshot: what was used, and on it what was waited for. */
function bars({ from, to }: ReportFacts, { moments }: CpuShortage, id: string): Markup {
  const scale = timeScale(from, to, left, right);
  const values = valueScale(0, Math.max(...moments.map(({ used, waited }) => used + waited)), bottom, top);
  const width = Math.max(2, Math.min(26, ((right - left) / moments.length) * 0.6));
  return picture({
    id,
    height: bottom + 26,
    title: "CPUs that the pool's VMs used and waited for",
    description: `A bar for each of ${plural(moments.length, "snapshot")}: below what was used, above what was wanted and not got. ${moments.map(({ at, used, waited }) => `${momentText(at)}: ${figure(used, 1)} and ${figure(waited, 2)}`).join("; ")}.`,
    body: [
      label(left, top - 6, "CPUs", { kind: "ink" }),
      valueAxis(values, left, right, { unit: "", ticks: 4 }),
      timeAxis(scale, bottom, bottom),
      moments.map(({ at, used, waited }) => {
        const x = Math.min(right - width, Math.max(left, xOf(scale, at) - width / 2));
        const [y, above] = [values(used), values(used + waited)];
        return html`<g><title>${momentText(at)}: ${figure(used, 1)} CPUs used, ${figure(waited)} waited for</title><rect class="bar" x="${x}" y="${y}" width="${width}" height="${bottom - y}"/><rect class="bar over" x="${x}" y="${above}" width="${width}" height="${y - above}"/></g>`;
      }),
    ],
  });
}
