/** The thresholds of the pool's configuration as reports show them, and which of them a value has reached. Pure. */
import { completeConfiguration } from "../../wlbProtocol/configuration.ts";
import type { CellValue, ColumnKind } from "../../wlbProtocol/dataSet.ts";
import type { PoolView } from "../view.ts";

const levels = ["Critical", "High", "Medium", "Low"] as const;

/** The prefix of the configuration's keys, that of the reports' columns, and whether less is worse. */
const subjects = [
  ["HostCpuThreshold", "host_cpu_threshold", "cpu", false],
  ["HostMemoryThreshold", "host_memory_threshold", "memory", true],
  ["HostPifReadThreshold", "host_net_read_threshold", "network_reads", false],
  ["HostPifWriteThreshold", "host_net_write_threshold", "network_writes", false],
] as const;

export const thresholdColumns: Readonly<Record<string, ColumnKind>> = Object.fromEntries(
  subjects.flatMap(([key, column]) =>
    levels.map((level) => [
      `${column}_${level.toLowerCase()}`,
      key === "HostCpuThreshold" ? "decimal" : "long",
    ]),
  ),
);

export interface Thresholds {
  /** By column. */
  readonly values: Readonly<Record<string, CellValue>>;
  /** "Critical", "High", "Medium" or "Low"; null where the value is unknown. */
  readonly levelOf: (key: string, value: CellValue | undefined) => string | null;
}

/** Those of the view's pool. */
export function thresholdsOf({ status }: Pick<PoolView, "status">): Thresholds {
  const configuration = completeConfiguration(status?.configuration ?? new Map(), [], {
    recentMoveMinutes: 60,
    pollIntervals: 1,
  });
  const limitOf = (key: string, level: string) => {
    const value = Number(configuration.get(`${key}${level}`));
    return Number.isFinite(value) ? value : null;
  };
  return {
    values: Object.fromEntries(
      subjects.flatMap(([key, column]) =>
        levels.map((level) => [`${column}_${level.toLowerCase()}`, limitOf(key, level)]),
      ),
    ),
    levelOf: (key, value) => {
      if (typeof value !== "number") return null;
      const isLess = subjects.some(([name, , , less]) => name === key && less);
      const reached = levels.find((level) => {
        const limit = limitOf(key, level);
        return limit !== null && (isLess ? value <= limit : value >= limit);
      });
      return reached ?? "Low";
    },
  };
}
