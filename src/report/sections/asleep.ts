/** Hosts that slept, and what that was worth. Pure. */
import type { SleepSpan } from "../../domain/hostPower.ts";
import type { Uuid } from "../../domain/pool.ts";
import { savingsOf } from "../../power/savings.ts";
import { figure, gigabytes, plural, span } from "../../text/format.ts";
import type { ReportFacts } from "../facts.ts";
import { html, type Markup } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import { label, nameLabel, picture, pictureWidth, timeAxis, timeScale, xOf } from "../svg.ts";
import { momentText, periodText } from "../times.ts";

const left = 150;
const right = pictureWidth - 74;
const top = 8;

export function asleepSection({ facts, id }: SectionInput): ReportSection | null {
  const { greenRules, asleep, from, to, watts, greenBytes } = facts;
  const within = asleep.filter((each) => each.from < to && (each.to ?? to) > from);
  if (within.length === 0 && greenRules.length === 0) return null;
  const saved = savingsOf(within, greenBytes, watts, from, to);
  const hosts = new Set(within.map(({ host }) => host)).size;
  return {
    id: `${id}-asleep`,
    title: "Hosts asleep",
    finding:
      within.length === 0
        ? "There is a green rule, but no host slept in this time."
        : html`<b>${plural(hosts, "host")}</b> slept <b>${figure(saved.hoursAsleep, 1)} hours</b> in all, which saved <b>${figure(saved.kWh, 1)} kWh</b>; ${figure(gigabytes(saved.migratedBytes), 1)} GiB were migrated for it${saved.kWhPerGib === null ? null : `, ${figure(saved.kWhPerGib)} kWh for each GiB`}.`,
    body:
      within.length === 0
        ? null
        : [
            sleepPicture(facts, within, `${id}-sleep`),
            html`<p class="note">Reckoned from GreenIdleWatts=${watts.idleWatts} of a host that is on with little to do and GreenAsleepWatts=${watts.asleepWatts} of one that sleeps; nobody measured it.</p>`,
          ],
  };
}

function sleepPicture({ from, to, names }: ReportFacts, spans: readonly SleepSpan[], id: string): Markup {
  const collator = new Intl.Collator("en", { numeric: true });
  const hosts: Uuid[] = [...new Set(spans.map(({ host }) => host))].sort((a, b) =>
    collator.compare(names.of(a), names.of(b)),
  );
  const rowHeight = hosts.length > 24 ? 14 : 22;
  const bottom = top + hosts.length * rowHeight;
  const scale = timeScale(from, to, left, right);
  return picture({
    id,
    height: bottom + 26,
    title: "When hosts slept",
    description: `A line for each of ${plural(hosts.length, "host")} that slept, filled while it did, with its hours at the right.`,
    body: [
      timeAxis(scale, top, bottom),
      hosts.map((host, index) => {
        const y = top + index * rowHeight;
        const own = spans.filter((each) => each.host === host);
        const seconds = own.reduce(
          (sum, each) => sum + Math.max(0, Math.min(each.to ?? to, to) - Math.max(each.from, from)),
          0,
        );
        return html`<g>${nameLabel(left - 8, y + rowHeight / 2 + 4, names.of(host), rowHeight)}<line class="lane" x1="${left}" x2="${right}" y1="${y + rowHeight / 2}" y2="${y + rowHeight / 2}"/>${own.map(
          (each) => {
            const [start, end] = [Math.max(each.from, from), Math.min(each.to ?? to, to)];
            const x = xOf(scale, start);
            const until =
              each.to === null ? `since ${momentText(each.from)}` : periodText(each.from, each.to);
            return html`<rect class="sleep" x="${x}" y="${y + 3}" width="${Math.max(1, xOf(scale, end) - x)}" height="${rowHeight - 6}" rx="2"><title>${names.of(host)} asleep ${until}</title></rect>`;
          },
        )}${label(pictureWidth, y + rowHeight / 2 + 4, span(seconds), { anchor: "end", kind: "ink" })}</g>`;
      }),
    ],
  });
}
