/**
 * All rules against one state of the pool, and what a single move would do to them. Pure.
 * A move changes two hosts' values and the mean; only that is computed anew, since a search asks for many moves.
 */
import { type Evaluation, evaluate, excess, rounding, subjectValue } from "../deviation.ts";
import type { Host, Uuid, Vm } from "../pool.ts";
import { type Rule, subjectUnit } from "../rule.ts";
import { vmWeight } from "./moves.ts";

/** A rule's mean and the values of the two hosts after a move. */
interface After {
  readonly mean: number;
  readonly source: number;
  readonly destination: number;
}

export class RuleBook {
  readonly evaluations: readonly Evaluation[];
  readonly #names: ReadonlyMap<Uuid, string>;

  constructor(hosts: readonly Host[], rules: readonly Rule[]) {
    this.evaluations = rules.map((rule) => evaluate(hosts, rule));
    this.#names = new Map(hosts.map(({ uuid, name }) => [uuid, name]));
  }

  /** Whether `source` keeps `rule` once `vm` is on `destination`; false where a measure is missing. */
  clears(rule: Rule, vm: Vm, source: Host, destination: Host): boolean {
    const evaluation = this.evaluations.find((each) => each.rule === rule);
    const after = evaluation === undefined ? null : afterMove(evaluation, vm, source, destination);
    return typeof after === "object" && after !== null
      ? excess(after.source, after.mean, rule.threshold) <= 0
      : false;
  }

  /**
   * Why the rules forbid the move, in words: a measure that decides is unknown, or some host would break a rule or
   * break it worse. Null when they allow it.
   */
  objection(vm: Vm, source: Host, destination: Host): string | null {
    for (const evaluation of this.evaluations) {
      const after = afterMove(evaluation, vm, source, destination);
      if (typeof after === "string") return after;
      const harmed = this.#harmed(evaluation, after, source.uuid, destination.uuid);
      if (harmed !== null) return harmed;
    }
    return null;
  }

  #harmed(evaluation: Evaluation, after: After, source: Uuid, destination: Uuid): string | null {
    const { rule, verdicts } = evaluation;
    for (const { hostUuid, value, deviation } of verdicts) {
      const next = hostUuid === source ? after.source : hostUuid === destination ? after.destination : value;
      if (excess(next, after.mean, rule.threshold) <= 0) continue;
      const over = next - after.mean - rule.threshold;
      if (over <= Math.max(0, deviation - rule.threshold) + rounding(next)) continue;
      const above = Math.round((next - after.mean) * 10) / 10;
      const name = this.#names.get(hostUuid) || hostUuid;
      return `${name} would break the rule of ${rule.subject}: ${above} ${subjectUnit[rule.subject]} above the mean, allowed ${rule.threshold}`;
    }
    return null;
  }
}

/** The rule's figures after the move, or what is unknown, in words. */
function afterMove(
  { rule: { subject }, mean, verdicts }: Evaluation,
  vm: Vm,
  source: Host,
  destination: Host,
): After | string {
  const arriving = vmWeight(vm, destination, subject);
  const leaving = vmWeight(vm, source, subject);
  if (arriving === null || leaving === null) return `its part in ${subject} is unknown`;
  const there = subjectValue(destination, subject);
  if (there === null || mean === null) return `the host's ${subject} is unknown`;
  // A source without a value is in no mean: only the arrival counts then.
  const here = subjectValue(source, subject);
  const change = arriving - (here === null ? 0 : leaving);
  return {
    mean: mean + change / verdicts.length,
    source: (here ?? 0) - leaving,
    destination: there + arriving,
  };
}
