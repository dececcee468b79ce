/** What a run of xcp-collect tells node_exporter of the pool. Pure. */
import type { Snapshot, Uuid } from "../domain/pool.ts";
import { lowScore, type Scores, scoreOf } from "../domain/score.ts";
import type { MetricSample } from "../metrics/families.ts";
import type { CollectResult } from "./collect.ts";

const bytesPerMb = 1024 * 1024;

/**
 * `storedAt` is when the stored collection began, in seconds since 1970; null where this run stored none. `scores` are
 * those of the last hour; null where they could not be read.
 */
export function collectSamples(
  result: CollectResult,
  storedAt: number | null,
  scores: Scores | null,
): readonly MetricSample[] {
  const { snapshot, unread, skipped, clockSkewSeconds, complete, certificateEnds } = result;
  const pool = { pool: snapshot.pool.uuid };
  const guests = guestsByHost(snapshot);
  const one = (name: MetricSample["name"], value: number | null, labels: object = {}): MetricSample[] =>
    value === null ? [] : [{ name, labels: { ...pool, ...labels }, value }];
  return [
    ...one("xcp_balance_pool_info", 1, { name: snapshot.pool.name }),
    ...one("xcp_balance_snapshot_timestamp_seconds", storedAt),
    ...one("xcp_balance_snapshot_complete", Number(complete)),
    ...one("xcp_balance_hosts", snapshot.hosts.length - unread.length, { state: "read" }),
    ...one("xcp_balance_hosts", unread.length, { state: "unread" }),
    ...one(
      "xcp_balance_vms",
      [...guests.values()].reduce((sum, count) => sum + count, 0),
    ),
    ...one("xcp_balance_records_unreadable", skipped.length),
    ...one("xcp_balance_clock_skew_seconds", clockSkewSeconds),
    ...snapshot.hosts.flatMap(({ uuid: host, name, cpuAverage, memoryTotalMb, memoryFreeMb }) => [
      ...one("xcp_balance_host_info", 1, { host, name }),
      ...one("xcp_balance_host_cpu_ratio", cpuAverage === null ? null : cpuAverage / 100, { host }),
      ...one("xcp_balance_host_memory_total_bytes", inBytes(memoryTotalMb), { host }),
      ...one("xcp_balance_host_memory_free_bytes", inBytes(memoryFreeMb), { host }),
      ...one("xcp_balance_host_vms", guests.get(host) ?? 0, { host }),
    ]),
    ...[...certificateEnds].flatMap(([host, end]) =>
      one("xcp_balance_host_certificate_end_timestamp_seconds", end.getTime() / 1000, { host }),
    ),
    ...[...(scores?.hosts ?? [])].flatMap(([host, got]) =>
      one("xcp_balance_host_vm_score", scoreOf(got), { host }),
    ),
    ...(scores === null || scores.vms.size === 0 ? [] : ofVms([...scores.vms.values()].map(scoreOf))),
  ];

  function ofVms(all: readonly number[]): MetricSample[] {
    const short = all.filter((score) => score < lowScore).length;
    const lowest = all.reduce((least, score) => Math.min(least, score), 100);
    return [...one("xcp_balance_vm_score_lowest", lowest), ...one("xcp_balance_vms_short_of_cpu", short)];
  }
}

function inBytes(mb: number | null): number | null {
  return mb === null ? null : mb * bytesPerMb;
}

function guestsByHost({ vms, placements }: Snapshot): ReadonlyMap<Uuid, number> {
  const domains = new Set(vms.filter(({ isControlDomain }) => isControlDomain).map(({ uuid }) => uuid));
  const counts = new Map<Uuid, number>();
  for (const { hostUuid, vmUuid } of placements)
    if (!domains.has(vmUuid)) counts.set(hostUuid, (counts.get(hostUuid) ?? 0) + 1);
  return counts;
}
