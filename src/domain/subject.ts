/**
 * What rules compare hosts by: the thesis' four subjects, three that are derived, and XAPI's own data sources. Pure.
 */

/** The thesis' four subjects, in the order the dialogue lists them. */
export const subjects: readonly Subject[] = ["PifEth0RxKb", "PifEth0TxKb", "OccupiedMemoryMb", "CpuAverage"];
export type Subject = "PifEth0RxKb" | "PifEth0TxKb" | "OccupiedMemoryMb" | "CpuAverage";

/** The unit as the dialogue and the rules print it. */
export const subjectUnit: Readonly<Record<Subject, string>> = {
  PifEth0RxKb: "Kb/s",
  PifEth0TxKb: "Kb/s",
  OccupiedMemoryMb: "MB",
  CpuAverage: "%",
};

/**
 * What only chains name: running guests of the host; CPU time that its VMs wanted and did not get, in percent of the
 * host's CPUs; memory that is free on it.
 */
export type DerivedSubject = "VmCount" | "CpuWait" | "MemoryFreeMb";

declare const brand: unique symbol;

/** A data source of a host, by XAPI's name and in XAPI's unit. Migrations are not known to change it. */
export type SourceSubject = string & { readonly [brand]: "SourceSubject" };

/** Everything that a term of a rule may name. */
export type AnySubject = Subject | DerivedSubject | SourceSubject;

/** The subjects that have a name of our own. */
export const namedSubjects: readonly (Subject | DerivedSubject)[] = [
  ...subjects,
  "VmCount",
  "CpuWait",
  "MemoryFreeMb",
];

const derivedUnit: Readonly<Record<DerivedSubject, string>> = {
  VmCount: "VMs",
  CpuWait: "%",
  MemoryFreeMb: "MB",
};

/** The thesis' subject that `text` names, in any case, or null. */
export function parseSubject(text: string): Subject | null {
  const wanted = text.trim().toLowerCase();
  return subjects.find((subject) => subject.toLowerCase() === wanted) ?? null;
}

/** The subject that `text` names: one of ours in any case, or what looks like a data source of XAPI; or null. */
export function parseAnySubject(text: string): AnySubject | null {
  const wanted = text.trim().toLowerCase();
  const named = namedSubjects.find((subject) => subject.toLowerCase() === wanted);
  if (named !== undefined) return named;
  return looksLikeSource(text.trim()) ? (text.trim() as SourceSubject) : null;
}

/** XAPI's names are a word with a number, a well-known word, or words joined by `_` or `-`. */
function looksLikeSource(text: string): boolean {
  if (text.length > 100) return false;
  return (
    /^(?:loadavg|hostload|cpu\d+)$/.test(text) || /^[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9.]+)+$/.test(text)
  );
}

/** Whether `subject` is a data source of XAPI, whose values are stored because a rule names it. */
export function isSource(subject: AnySubject): subject is SourceSubject {
  return !(namedSubjects as readonly string[]).includes(subject);
}

/** Whether `subject` is one of the thesis' four. */
export function isThesisSubject(subject: AnySubject): subject is Subject {
  return (subjects as readonly string[]).includes(subject);
}

/** The unit that values of `subject` have; "" for a plain number. */
export function unitOf(subject: AnySubject): string {
  if (isThesisSubject(subject)) return subjectUnit[subject];
  if (!isSource(subject)) return derivedUnit[subject];
  return sourceUnits.find(([names]) => names.test(subject))?.[1] ?? "";
}

/** As XAPI documents them; sources that are not here are plain numbers, or nobody knows. */
const sourceUnits: readonly (readonly [RegExp, string])[] = [
  [/^(?:pif|vif)_.+_[rt]x$/, "B/s"],
  [/_kib$/, "KiB"],
  [/^memory_reclaimed/, "B"],
  [/^(?:cpu\d+|cpu_avg|cpu\d+-[CP]\d+)$/, "of 1"],
  [/^io_throughput_/, "MiB/s"],
  [/^(?:iops|pool_session_creation)/, "1/s"],
];

/**
 * How a VM that leaves a host changes the host's value: "falls" (it takes its part along), "rises" (what it held is
 * free), or "stays", as far as anybody knows.
 */
export function whenVmLeaves(subject: AnySubject): "falls" | "rises" | "stays" {
  if (isSource(subject)) return "stays";
  return subject === "MemoryFreeMb" ? "rises" : "falls";
}

/** The highest value that the subject can have. */
export function highestOf(subject: AnySubject): number {
  return subject === "CpuAverage" || subject === "CpuWait" ? 100 : Number.POSITIVE_INFINITY;
}
