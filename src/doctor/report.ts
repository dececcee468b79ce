/** What doctor found: every check with its findings. Pure data, for lines, JSON and whoever else asks. */

/** "not checked": what the check needs was not there. */
export type CheckState = "ok" | "warning" | "failure" | "not checked";

/** One thing that a check found. */
export interface Finding {
  readonly state: "ok" | "warning" | "failure";
  /** What was seen, as a sentence without its full stop. */
  readonly says: string;
  /** Commands for a shell that mend it, or a sentence where none does; more than one: in their order. */
  readonly fix: readonly string[];
}

export const areas = ["settings", "database", "network", "pool", "schedule"] as const;
export type Area = (typeof areas)[number];

/** A check and what came of it. */
export interface CheckResult {
  readonly name: string;
  readonly area: Area;
  /** What it asks. */
  readonly asks: string;
  /** That of its worst finding. */
  readonly state: CheckState;
  readonly findings: readonly Finding[];
  /** Of one that was not made: the check that must be well first. */
  readonly needs: string | null;
}

/** All checks in their order. */
export interface DoctorReport {
  readonly checks: readonly CheckResult[];
  readonly counts: Readonly<Record<"ok" | "warnings" | "failures" | "notChecked", number>>;
}

export function ok(says: string): Finding {
  return { state: "ok", says, fix: [] };
}

/** It works, and something will go wrong some day. */
export function warning(says: string, ...fix: readonly string[]): Finding {
  return { state: "warning", says, fix };
}

/** It does not work. */
export function failure(says: string, ...fix: readonly string[]): Finding {
  return { state: "failure", says, fix };
}

/** The worst state of `findings`; of none, "ok". */
export function worstOf(findings: readonly Finding[]): Finding["state"] {
  const has = (state: Finding["state"]) => findings.some((finding) => finding.state === state);
  return has("failure") ? "failure" : has("warning") ? "warning" : "ok";
}

export function reportOf(checks: readonly CheckResult[]): DoctorReport {
  const count = (state: CheckState) => checks.filter((check) => check.state === state).length;
  return {
    checks,
    counts: {
      ok: count("ok"),
      warnings: count("warning"),
      failures: count("failure"),
      notChecked: count("not checked"),
    },
  };
}

/** Whether nothing has failed; warnings and checks that could not be made for want of settings are told only. */
export function isWell({ counts }: DoctorReport): boolean {
  return counts.failures === 0;
}
