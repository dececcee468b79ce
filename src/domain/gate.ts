/** What may keep a run from acting: the gates, each with its own code and the name that people and programs read. */

/**
 * Each gate by its code. Two gates may print one name where both say the same to whoever reads it: data that is older
 * than the last migration, and measures that tell of before one, are both a matter of freshness.
 */
const names = {
  unknownState: "log of migrations",
  paused: "paused",
  breaker: "breaker",
  hour: "migrations per hour",
  collection: "collection",
  suspect: "suspect data",
  age: "age of data",
  completeness: "completeness",
  freshness: "freshness",
  settled: "freshness",
  pool: "pool",
  upgrade: "rolling upgrade",
  wlb: "workload balancing",
  quiet: "quiet period",
  savedPlan: "saved plan",
  observe: "observe mode",
  hook: "hook",
} as const;

export type GateCode = keyof typeof names;

/** Every code. */
export const gateCodes: readonly GateCode[] = Object.keys(names) as GateCode[];

/** A condition that must hold before anything is planned, and does not; the first of them ends the run. */
export interface Gate {
  readonly code: GateCode;
  readonly measured: string;
  readonly limit: string;
  readonly advice: string;
  /** What ends by itself soon, and is meant: the wait after a migration, a pause with an end. Nobody need be called for it. */
  readonly passing?: true;
}

/** The gate with its advice as it is typed where `program` is how xcp-control was called, with its settings file. */
export function adviceFor(gate: Gate, program: string): Gate {
  return { ...gate, advice: gate.advice.replace("xcp-control --", () => `${program} --`) };
}

/** What the gate is called in lines and JSON. */
export function gateName({ code }: Pick<Gate, "code">): string {
  return names[code];
}

/** What the gate with this code is called; null of one that a later version has. */
export function gateNameOf(code: string): string | null {
  return Object.hasOwn(names, code) ? names[code as GateCode] : null;
}
