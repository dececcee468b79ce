/** What an evacuation does to the rules of the hosts that remain, as data. Pure. */
import { type Evaluation, excess, rounding, termExcess, type Verdict } from "../../domain/deviation.ts";
import type { Host, Uuid } from "../../domain/pool.ts";
import { isSingle, type Rule, termsOf } from "../../domain/rule.ts";
import { isCurable } from "../../rules/lint.ts";
import type { Move, Unresolved } from "../plan.ts";

/** A value, in the rule's unit, at or under which a host breaks nothing. */
export type Floors = (rule: Rule, place: number) => number;

/** A rule that a host breaks, or may break, because of what comes to it. */
export interface Harm {
  readonly host: Uuid;
  readonly rule: Rule;
  /** Which term of a chain the figures are of: the one that is least past. */
  readonly term?: number;
  /** Null where the host's value is unknown, so that nobody can tell. */
  readonly value: number | null;
  readonly mean: number | null;
  readonly kind: "breaks" | "breaks worse" | "unknown";
}

/** The harms of `moves`, by rule and then by host, worst first. */
export function harmsOf(
  before: readonly Evaluation[],
  after: readonly Evaluation[],
  moves: readonly Pick<Move, "destination">[],
  floors: Floors,
): Harm[] {
  const reached = new Set(moves.map(({ destination }) => destination));
  return after.flatMap((evaluation, index) => {
    const { rule, means, verdicts, missing } = evaluation;
    const first = before[index];
    const start = new Map(first?.verdicts.map((verdict) => [verdict.hostUuid, verdict]));
    const broken = verdicts.flatMap((verdict) => {
      const kind = kindOf(start.get(verdict.hostUuid), verdict, first, evaluation, floors);
      if (kind === null) return [];
      const { hostUuid: host, value, term } = verdict;
      return [{ host, rule, ...(term > 0 ? { term } : {}), value, mean: means[term] ?? 0, kind }];
    });
    const unknown = missing
      .filter((host) => reached.has(host) && isSingle(rule))
      .map((host) => ({ host, rule, value: null, mean: evaluation.mean, kind: "unknown" as const }));
    return [...broken, ...unknown];
  });
}

function kindOf(
  start: Verdict | undefined,
  end: Verdict,
  before: Evaluation | undefined,
  after: Evaluation,
  floors: Floors,
): "breaks" | "breaks worse" | null {
  if (!breaks(end, after, floors)) return null;
  if (start === undefined || before === undefined || !breaks(start, before, floors)) return "breaks";
  return isWorse(after.rule, start.values, end.values) ? "breaks worse" : null;
}

/** Whether the values of a host are further past a term than before. */
export function isWorse(rule: Rule, before: readonly number[], after: readonly number[]): boolean {
  return termsOf(rule).some((term, index) => {
    const [then, now] = [before[index] ?? 0, after[index] ?? 0];
    // What VMs that come only bring nearer to being kept gets no worse by them.
    if (!isCurable(term)) return false;
    return (term.condition === "below" ? then - now : now - then) > rounding(now);
  });
}

/** Past every term, of those that are compared with the mean by the floor too. */
export function breaks({ values }: Verdict, { rule, means }: Evaluation, floors: Floors): boolean {
  return termsOf(rule).every((term, index) => {
    const value = values[index] ?? 0;
    if (term.condition !== "more than mean") return termExcess(term, value, null) > 0;
    return excess(value, Math.max((means[index] ?? 0) + term.amount, floors(rule, index)), 0) > 0;
  });
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
    const { rule, verdicts, means } = evaluation;
    return verdicts
      .filter((verdict) => breaks(verdict, evaluation, floors))
      .map(({ hostUuid, value, term }) => {
        const harm = harms.find((each) => each.host === hostUuid && each.rule === rule);
        return {
          host: hostUuid,
          rule,
          ...(term > 0 ? { term } : {}),
          value,
          mean: means[term] ?? 0,
          proved: false,
          proof: null,
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
