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

/** Of histories: bytes are whole numbers there. */
export const thresholdColumns: Readonly<Record<string, ColumnKind>> = Object.fromEntries(
  subjects.flatMap(([key, column]) =>
    levels.map((level) => [
      `${column}_${level.toLowerCase()}`,
      key === "HostCpuThreshold" ? "decimal" : "long",
    ]),
  ),
);

/** Of pool_health: the thresholds, each a decimal, and for each subject and level whether a sample has reached it. */
export const healthColumns: Readonly<Record<string, ColumnKind>> = Object.fromEntries(
  [
    ...Object.keys(thresholdColumns),
    ...subjects.flatMap(([, , name]) => levels.map((level) => flagOf(name, level))),
  ].map((column) => [column, "decimal"]),
);

function flagOf(name: string, level: string): string {
  return `${name}_${level.toLowerCase()}`;
}

export interface Thresholds {
  /** By column. */
  readonly values: Readonly<Record<string, CellValue>>;
  /** "Critical", "High", "Medium" or "Low"; null where the value is unknown. */
  readonly levelOf: (key: string, value: CellValue | undefined) => string | null;
  /**
   * Of pool_health, by column: the level of each subject's value, "cpu_threshold_percent", and 1 where it is that level, "cpu_high";
   * 0 where it is another, null where the value is unknown.
   */
  readonly healthOf: (values: HostValues) => Readonly<Record<string, CellValue>>;
}

/** What a host's levels hang on; loads as parts of 1 and in bytes a second, memory in bytes that are free. */
export type HostValues = Readonly<Record<(typeof subjects)[number][2], CellValue | undefined>>;

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
  const levelOf: Thresholds["levelOf"] = (key, value) => {
    if (typeof value !== "number") return null;
    const isLess = subjects.some(([name, , , less]) => name === key && less);
    const reached = levels.find((level) => {
      const limit = limitOf(key, level);
      return limit !== null && (isLess ? value <= limit : value >= limit);
    });
    return reached ?? "Low";
  };
  return {
    values: Object.fromEntries(
      subjects.flatMap(([key, column]) =>
        levels.map((level) => [`${column}_${level.toLowerCase()}`, limitOf(key, level)]),
      ),
    ),
    levelOf,
    healthOf: (hostValues) =>
      Object.fromEntries(
        subjects.flatMap(([key, , name]) => {
          const found = levelOf(key, hostValues[name]);
          const flags = levels.map((level) => [
            flagOf(name, level),
            found === null ? null : Number(found === level),
          ]);
          // The layout's columns of reads and writes are in the singular.
          return [[`${name.replace(/s$/, "")}_threshold_percent`, found], ...flags];
        }),
      ),
  };
}
