/** Balance rules: a subject and a threshold above the pool's mean. Pure; imports nothing. */

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

/** "When a host's `subject` is more than `threshold` above the pool's mean." */
export interface Rule {
  readonly subject: Subject;
  /** In the subject's unit; a finite number, 0 or more. */
  readonly threshold: number;
}

/** The subject that `text` names, in any case, or null. */
export function parseSubject(text: string): Subject | null {
  const wanted = text.trim().toLowerCase();
  return subjects.find((subject) => subject.toLowerCase() === wanted) ?? null;
}

/** The threshold that `text` writes, or null where it is no finite number of 0 or more. */
export function parseThreshold(text: string): number | null {
  if (!/^\s*\+?(\d+(\.\d*)?|\.\d+)\s*$/.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** "CpuAverage is more than 25 % above the medium", the thesis' wording. */
export function describeRule(rule: Rule): string {
  return `${rule.subject} is more than ${rule.threshold} ${subjectUnit[rule.subject]} above the medium`;
}
