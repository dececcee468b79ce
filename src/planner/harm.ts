/** What an evacuation does to the rules of the hosts that remain, as data. Pure. */
import { type Evaluation, excess, rounding, type Verdict } from "../deviation.ts";
import type { Host, Uuid } from "../pool.ts";
import type { Rule } from "../rule.ts";
import type { Move, Unresolved } from "./plan.ts";

/** A value, in the rule's unit, at or under which a host breaks nothing. */
export type Floors = (rule: Rule) => number;

/** A rule that a host breaks, or may break, because of what comes to it. */
export interface Harm {
  readonly host: Uuid;
  readonly rule: Rule;
  /** Null where the host's value is unknown, so that nobody can tell. */
  readonly value: number | null;
  readonly mean: number | null;
  readonly kind: "breaks" | "breaks worse" | "unknown";
}

/** The harms of `moves`, by rule and then by host, worst first. */
export function harmsOf(
  before: readonly Evaluation[],
  after: readonly Evaluation[],
  moves: readonly Move[],
  floors: Floors,
): Harm[] {
  const reached = new Set(moves.map(({ destination }) => destination));
  return after.flatMap((evaluation, index) => {
    const { rule, mean, verdicts, missing } = evaluation;
    const first = before[index];
    const start = new Map(first?.verdicts.map((verdict) => [verdict.hostUuid, verdict]));
    const broken = verdicts.flatMap((verdict) => {
      const kind = kindOf(start.get(verdict.hostUuid), verdict, first, evaluation, floors(rule));
      return kind === null ? [] : [{ host: verdict.hostUuid, rule, value: verdict.value, mean, kind }];
    });
    const unknown = missing
      .filter((host) => reached.has(host))
      .map((host) => ({ host, rule, value: null, mean, kind: "unknown" as const }));
    return [...broken, ...unknown];
  });
}

function kindOf(
  start: Verdict | undefined,
  end: Verdict,
  before: Evaluation | undefined,
  after: Evaluation,
  floor: number,
): "breaks" | "breaks worse" | null {
  if (!breaks(end, after, floor)) return null;
  if (start === undefined || before === undefined || !breaks(start, before, floor)) return "breaks";
  return end.value > start.value + rounding(end.value) ? "breaks worse" : null;
}

function breaks({ value }: Verdict, { rule, mean }: Evaluation, floor: number): boolean {
  return excess(value, Math.max((mean ?? 0) + rule.threshold, floor), 0) > 0;
}

/** The pairs that are broken when all is done, each with what the evacuation has to do with it. */
export function unresolvedOf(
  after: readonly Evaluation[],
  harms: readonly Harm[],
  floors: Floors,
  drained: Host,
): Unresolved[] {
  const name = drained.name || drained.uuid;
  return after.flatMap((evaluation) => {
    const { rule, verdicts } = evaluation;
    return verdicts
      .filter((verdict) => breaks(verdict, evaluation, floors(rule)))
      .map(({ hostUuid, value }) => {
        const harm = harms.find((each) => each.host === hostUuid && each.rule === rule);
        return {
          host: hostUuid,
          rule,
          value,
          mean: evaluation.mean ?? 0,
          proved: false,
          reason:
            harm === undefined ? `it broke the rule before ${name} was to be emptied` : told(harm, name),
          refusals: [],
        };
      });
  });
}

function told({ kind }: Harm, drained: string): string {
  return kind === "breaks"
    ? `what comes from ${drained} makes it break the rule`
    : `what comes from ${drained} makes it break the rule worse`;
}
