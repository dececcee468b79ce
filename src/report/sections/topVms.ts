/** The VMs that used most. Pure. */
import type { Uuid } from "../../domain/pool.ts";
import { figure, grouped, plural } from "../../text/format.ts";
import type { ReportFacts, TopVm } from "../facts.ts";
import { html, type Markup } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import { pageTable } from "../tables.ts";
import { periodText } from "../times.ts";

export function topVmsSection({ facts, id }: SectionInput): ReportSection | null {
  const { vms, snapshots, from, to } = facts.topVms;
  const [first] = vms;
  if (first === undefined || from === null || to === null) return null;
  const moves = new Map<string, number>();
  for (const { vm, state } of facts.migrations) {
    if (state === "succeeded") moves.set(vm, (moves.get(vm) ?? 0) + 1);
  }
  return {
    id: `${id}-vms`,
    title: "VMs that use most",
    finding: html`<b>${facts.names.of(first.vm)}</b> used ${figure(first.cpus, 1)} CPUs on average. From ${plural(snapshots, "snapshot")} of ${periodText(from, to)}, evenly apart.`,
    body: pageTable<TopVm>(
      `The ${vms.length} VMs with the most CPU`,
      [
        { title: "VM", kind: "name", cell: ({ vm }) => facts.names.of(vm) },
        { title: "Host now", kind: "name", cell: ({ host }) => placeText(host, facts) },
        { title: "Share", cell: (vm) => meter(vm, first.cpus) },
        { title: "CPUs used", kind: "figure", cell: ({ cpus }) => figure(cpus) },
        { title: "at most", kind: "figure", cell: ({ mostCpus }) => figure(mostCpus) },
        { title: "vCPUs", kind: "figure", cell: ({ vcpus }) => vcpus ?? "-" },
        { title: "Memory MB", kind: "figure", cell: ({ memoryMb }) => known(memoryMb) },
        { title: "Network Kb/s", kind: "figure", cell: ({ networkKb }) => known(networkKb) },
        { title: "Migrated", kind: "figure", cell: ({ vm }) => moves.get(vm) ?? 0 },
      ],
      vms,
    ),
  };
}

/** Where a VM is now. */
export function placeText(host: Uuid | null, { names }: ReportFacts): string {
  return host === null ? "does not run" : names.of(host);
}

function known(value: number | null): string {
  return value === null ? "-" : grouped(value);
}

function meter({ cpus }: TopVm, most: number): Markup {
  const width = most <= 0 ? 0 : (cpus / most) * 120;
  return html`<svg class="meter" viewBox="0 0 120 10" aria-hidden="true"><rect class="bar" width="${width}" height="10"/></svg>`;
}

/** How many VMs of the pool run, for whoever counts. */
export function runningText({ runningVms, hostCount }: ReportFacts): string {
  return `${plural(hostCount, "host")}, ${plural(runningVms, "running VM")}`;
}
