/** What a run of xcp-control tells node_exporter. Pure. */
import { gateCodes } from "../domain/gate.ts";
import type { MetricSample } from "../metrics/families.ts";
import type { ControlStatistics } from "../store/load/controlStatistics.ts";
import type { RunFacts } from "./strategy.ts";

/** Counts come from the database, so that they survive runs; what no run has found out lately has no value. */
export function controlSamples(
  mode: "act" | "observe",
  statistics: ControlStatistics | null,
  facts: RunFacts | null,
): readonly MetricSample[] {
  if (statistics === null) return [];
  const { migrations, breaker, lease } = statistics;
  const pool = { pool: statistics.poolUuid ?? "" };
  const found: readonly (readonly [MetricSample["name"], number | null])[] = [
    ["xcp_balance_hosts_suspect", facts?.suspects ?? null],
    ["xcp_balance_rule_violations", facts?.violations ?? null],
    ["xcp_balance_moves_planned", facts?.moves ?? null],
    ["xcp_balance_migrated_bytes_total", migrations.bytes],
    ["xcp_balance_migration_seconds_total", migrations.seconds],
    ["xcp_balance_migrations_open", statistics.openMigrations],
    ["xcp_balance_vms_contended", statistics.contendedVms],
    ["xcp_balance_breaker_open", Number(breaker.open)],
    ["xcp_balance_breaker_trips", breaker.trips],
    ["xcp_balance_paused", Number(statistics.paused)],
    ["xcp_balance_lease_held", Number((lease.expiresInSeconds ?? 0) > 0 && lease.holder !== null)],
    [
      "xcp_balance_lease_taken_timestamp_seconds",
      lease.takenAt === null ? null : lease.takenAt.getTime() / 1000,
    ],
  ];
  return [
    { name: "xcp_balance_control_info", labels: { ...pool, mode }, value: 1 },
    ...[...migrations.ended].map(
      ([result, value]): MetricSample => ({
        name: "xcp_balance_migrations_total",
        labels: { ...pool, result },
        value,
      }),
    ),
    ...gateCodes.map(
      (gate): MetricSample => ({
        name: "xcp_balance_refusals_total",
        labels: { ...pool, gate },
        value: statistics.runs.refusals.get(gate) ?? 0,
      }),
    ),
    ...found.flatMap(([name, value]): MetricSample[] =>
      value === null ? [] : [{ name, labels: pool, value }],
    ),
  ];
}
