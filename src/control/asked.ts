/** What runs have in common that do what an administrator asked for. */
import { type Assessment, type PairBans, pairsOf } from "../decide/assess.ts";
import { moveLine, unknownRuleLines } from "../explain/report.ts";
import type { Names } from "../text/names.ts";
import { say, warnOfSuspects } from "./say.ts";
import { type ActOptions, type Course, type StoredAssessment, unbounded } from "./strategy.ts";

/** A run by `assessment` that keeps no caps, and serves no rule; `asked` says what was asked for and by whom. */
export function askedCourse(
  assessment: StoredAssessment,
  { control }: ActOptions,
  cause: "evacuation" | "room",
  asked: string,
  names: Names,
): Pick<Course, "assessment" | "control" | "log"> {
  return {
    assessment,
    control: unbounded(control),
    log: (move) => ({ rule: null, cause, reason: `${asked}: ${moveLine(move, names)}` }),
  };
}

/** Warns of what such a run does not heed, or does not believe. */
export function warnBefore(assessment: Assessment, names: Names, options: ActOptions): void {
  for (const line of unknownRuleLines(assessment.unknown)) say(options, "warning", line);
  warnOfSuspects(assessment.suspicion, names, options);
}

/** What was banned when the run began, and by now. */
export function bansBeside({ stored, bans }: StoredAssessment, now: PairBans): PairBans {
  return {
    vms: new Map([...bans.vms, ...now.vms]),
    pairs: new Map([...pairsOf(stored.snapshot, bans), ...now.pairs]),
  };
}
