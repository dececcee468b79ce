/** What a run of xcp-collect says about itself. Pure: result in, text or JSON out. */
import type { CollectResult } from "./collect.ts";

/** The one-line summary: "collected pool main: 2 hosts, 5 VMs in 0.4 s". */
export function summaryLine(result: CollectResult, durationMs: number): string {
  const { snapshot, unread, skipped, stored } = result;
  const running = snapshot.vms.filter((vm) => vm.powerState === "Running" && !vm.isControlDomain).length;
  const parts = [
    count(snapshot.hosts.length, "host") + (unread.length > 0 ? ` (${unread.length} unread)` : ""),
    `${count(snapshot.vms.length, "VM")} (${running} running guests)`,
    ...(skipped.length > 0 ? [`${count(skipped.length, "object")} left out`] : []),
  ];
  const pool = snapshot.pool.name === "" ? snapshot.pool.uuid : snapshot.pool.name;
  const text = `collected pool ${pool}: ${parts.join(", ")} in ${(durationMs / 1000).toFixed(1)} s`;
  if (stored === "superseded") return `${text}; not stored, a collection that started later is there already`;
  return stored.complete
    ? text
    : `${text}; INCOMPLETE: too many hosts unread, xcp-control will not act on it`;
}

/** One line for each host that could not be read and each object that was left out. */
export function problemLines(result: CollectResult): string[] {
  return [
    ...result.unread.map(({ name, reason }) => `host ${name} unread, its measures are unknown: ${reason}`),
    ...result.skipped.map(({ what, reason }) => `${what} left out: ${reason}`),
  ];
}

/** The same as one object for --json. */
export function summaryJson(result: CollectResult, durationMs: number): Readonly<Record<string, unknown>> {
  const { snapshot, unread, skipped, stored } = result;
  return {
    pool: { uuid: snapshot.pool.uuid, name: snapshot.pool.name },
    collection: stored === "superseded" ? null : stored.id,
    superseded: stored === "superseded",
    complete: stored !== "superseded" && stored.complete,
    hosts: snapshot.hosts.length,
    vms: snapshot.vms.length,
    placements: snapshot.placements.length,
    bars: snapshot.bars.length,
    unread,
    skipped,
    durationMs: Math.round(durationMs),
  };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
