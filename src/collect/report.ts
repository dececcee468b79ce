/** What a run of xcp-collect says about itself. Pure: result in, text or JSON out. */

import { clocksDisagree } from "../domain/clocks.ts";
import type { Collection, Snapshot, Uuid } from "../domain/pool.ts";
import type { SnapshotDocument } from "../snapshot/text.ts";
import { plural } from "../text/format.ts";
import { trustLines } from "../xapi/untrusted.ts";
import { userAgent } from "../xapi/userAgent.ts";
import type { CollectResult, LeftOut } from "./collect.ts";

/** The one-line summary: "collected pool main: 2 hosts, 3 VMs (3 running) in 0.4 s". */
export function summaryLine(result: CollectResult, durationMs: number): string {
  const { snapshot, unread, skipped, stored } = result;
  const guests = snapshot.vms.filter((vm) => !vm.isControlDomain);
  const running = guests.filter((vm) => vm.powerState === "Running").length;
  const parts = [
    plural(snapshot.hosts.length, "host") + (unread.length > 0 ? ` (${unread.length} unread)` : ""),
    `${plural(guests.length, "VM")} (${running} running)`,
    ...(skipped.length > 0 ? [`${plural(skipped.length, "record")} unreadable`] : []),
  ];
  const pool = snapshot.pool.name === "" ? snapshot.pool.uuid : snapshot.pool.name;
  const text = `collected pool ${pool}: ${parts.join(", ")} in ${(durationMs / 1000).toFixed(1)} s`;
  if (stored === null) return `${text}; not stored`;
  if (stored === "superseded") return `${text}; not stored, a collection that started later is there already`;
  return stored.complete
    ? text
    : `${text}; INCOMPLETE: too ${unread.length > 0 ? "many hosts unread" : "much unreadable"}, xcp-control will not act on it`;
}

/** One line for each VM whose measures are not counted yet, and why. */
export function settlingLines({
  snapshot,
  settling,
}: Pick<CollectResult, "snapshot" | "settling">): string[] {
  const names = new Map([...snapshot.hosts, ...snapshot.vms].map(({ uuid, name }) => [uuid, name]));
  const nameOf = (uuid: Uuid) => names.get(uuid) || uuid;
  return settling.map(({ vmUuid, hostUuid, isNew }) =>
    isNew
      ? `${nameOf(vmUuid)} moved to ${nameOf(hostUuid)} since the last collection: its measures are believed from the next one`
      : `${nameOf(vmUuid)} moved to ${nameOf(hostUuid)} less than 10 s ago: its measures are not believed yet`,
  );
}

/** One message for all hosts that are read value by value because nobody trusts their certificates; none where all are. */
export function untrustedLines({
  untrusted,
  snapshot,
}: Pick<CollectResult, "untrusted" | "snapshot">): string[] {
  const { hosts, pins } = untrusted;
  return hosts.length === 0 ? [] : [`${untrustedSummary(untrusted, snapshot)}:`, ...trustLines(hosts, pins)];
}

/** The same in a few words, for SHOW STATUS. */
export function untrustedSummary({ hosts }: CollectResult["untrusted"], snapshot: Snapshot): string {
  const of = `${hosts.length} of ${snapshot.hosts.length} hosts`;
  return `${of} read value by value, which is slow: their certificates are not trusted (xcp-collect --trust)`;
}

/** One line for each host that cost a call for each value: worth mending, and no failure. */
export function slowLines({ slow, untrusted }: Pick<CollectResult, "slow" | "untrusted">): string[] {
  const told = new Set(untrusted.hosts.map(({ name }) => name));
  return slow
    .filter(({ name }) => !told.has(name))
    .map(
      ({ name, reason }) =>
        `host ${name} was read value by value; it does not serve /rrd_updates to us: ${reason}`,
    );
}

/** One line for each host whose measures are not believed, and why. */
export function doubtLines({ snapshot }: Pick<CollectResult, "snapshot">): string[] {
  return snapshot.hosts.flatMap(({ name, uuid, doubt }) =>
    doubt === undefined ? [] : [`host ${name || uuid} is suspect, xcp-control leaves it alone: ${doubt}`],
  );
}

/** A line when the pool's clock and the database's differ much. */
export function clockLines({ clockSkewSeconds: skew }: Pick<CollectResult, "clockSkewSeconds">): string[] {
  if (skew === null || !clocksDisagree(skew)) return [];
  return [
    `the pool's clock is ${Math.abs(skew)} s ${skew > 0 ? "ahead of" : "behind"} the database's; is NTP running? No old history is deleted until they agree`,
  ];
}

/** An answer that waits for nothing and comes this late has waited for something else. */
const throttledMs = 2_000;

/** A line where a run that should have read what has changed had to read all, and where the pool seems to limit us. */
export function readingLines({ reading }: Pick<CollectResult, "reading">): string[] {
  const { wholeBecause, expected, rateLimits, waitedMs } = reading;
  const lines: string[] = [];
  if (!expected) lines.push(`everything was read, not only what has changed: ${wholeBecause}`);
  if ((rateLimits ?? 0) > 0 && waitedMs >= throttledMs)
    lines.push(
      `the pool limits callers (Rate_limit) and answered an empty question after ${(waitedMs / 1000).toFixed(1)} s: ` +
        `it seems to throttle us; raise the limit of the User-Agent ${userAgent}`,
    );
  return lines;
}

/** How our own words on a certificate begin; what a pool says stands behind the name of a call. */
const ofCertificate = /^(?:https:\/\/[\w.:[\]-]+ shows a certificate |the certificate of https:\/\/)/;

/** Each host that could not be read and each object that was left out; a line each, but for certificates. */
export function problemLines(result: CollectResult): string[] {
  return [
    ...result.unread.flatMap(({ name, reason }) => {
      // What we say of a certificate has lines of its own, one of them to paste; names and errors of others never have.
      const [first = "", ...more] = ofCertificate.test(reason) ? reason.split("\n") : [reason];
      return [`host ${name} unread, its measures are unknown: ${first}`, ...more];
    }),
    ...unreadableLines(result.skipped),
    ...(result.recording?.refused ? [`CollectRecordWaits=yes: ${result.recording.refused}`] : []),
    ...result.warnings,
  ];
}

/** A line when the pool was asked to record run-states of more VMs. */
export function recordingLines({ recording }: Pick<CollectResult, "recording">): string[] {
  if (recording === null || recording.begun === 0) return [];
  return [`the pool records run-states of ${plural(recording.begun, "more VM", "more VMs")} from now on`];
}

/** How many names a line has; the rest are counted. */
const mostNames = 8;

/** One line for each class and reason; hosts have lines of their own. */
function unreadableLines(skipped: CollectResult["skipped"]): string[] {
  const lines = new Map<string, LeftOut[]>();
  for (const record of skipped) {
    if (record.class === "host") continue;
    const key = `${record.class} ${record.reason}`;
    lines.set(key, [...(lines.get(key) ?? []), record]);
  }
  return [...lines.values()].map((records) => {
    const [{ class: name, reason }] = records as [LeftOut, ...LeftOut[]];
    const named = records.slice(0, mostNames).map((record) => record.name);
    const more = records.length > mostNames ? ` and ${records.length - mostNames} more` : "";
    const what = `${plural(records.length, `${name} record`)} cannot be read (${reason}): ${named.join(", ")}${more}`;
    return `${what}; ${meaning(name)}`;
  });
}

/** What becomes of the model without such a record. */
function meaning(name: string): string {
  switch (name) {
    case "VM":
      return "what is known of it stays, and it is not moved";
    case "VM_metrics":
    case "VM_guest_metrics":
    case "VM_group":
    case "VBD":
    case "VDI":
    case "VIF":
      return "the VMs concerned are not moved";
    case "host_metrics":
      return "the host is unread";
    case "PIF":
      return "the host's traffic is unknown, and no VM that needs its network is moved there";
    case "PBD":
    case "network":
      return "no VM that needs it is moved to a host of which it cannot be told";
    case "SR":
      return "its name is unknown";
    default:
      return "what it says is unknown";
  }
}

/** The same as one object for --json. */
export function summaryJson(result: CollectResult, durationMs: number): Readonly<Record<string, unknown>> {
  const { snapshot, unread, skipped, stored, complete } = result;
  return {
    pool: { uuid: snapshot.pool.uuid, name: snapshot.pool.name },
    collection: stored === "superseded" || stored === null ? null : stored.id,
    superseded: stored === "superseded",
    complete: stored === null ? complete : stored !== "superseded" && stored.complete,
    hosts: snapshot.hosts.length,
    vms: snapshot.vms.length,
    placements: snapshot.placements.length,
    read: result.reading.wholeBecause === null ? "changes" : "all",
    bars: snapshot.infeasiblePairs.length,
    unread,
    slow: result.slow,
    untrusted: result.untrusted.hosts,
    clockSkewSeconds: result.clockSkewSeconds,
    skipped: skipped.map(({ what, reason }) => ({ what, reason })),
    suspect: snapshot.hosts.flatMap(({ uuid, doubt }) =>
      doubt === undefined ? [] : [{ host: uuid, doubt }],
    ),
    arrivals: result.settling.map(({ vmUuid, hostUuid }) => ({ vm: vmUuid, host: hostUuid })),
    unmeasured: result.unmeasured,
    recordedFromNow: result.recording?.begun ?? 0,
    recordingRefused: result.recording?.refused ?? null,
    warnings: result.warnings,
    durationMs: Math.round(durationMs),
  };
}

/** "imported pool main: 2 hosts, 6 VMs, taken 2026-01-31T12:00:00.000Z". */
export function importLine(
  { snapshot, takenAt }: SnapshotDocument,
  stored: Collection | "superseded",
): string {
  const { pool, hosts, vms } = snapshot;
  const what = `${plural(hosts.length, "host")}, ${plural(vms.length, "VM")}, taken ${takenAt.toISOString()}`;
  const text = `imported pool ${pool.name === "" ? pool.uuid : pool.name}: ${what}`;
  return stored === "superseded" ? `${text}; not stored, a later collection is there already` : text;
}
