/**
 * Rules of a pool with a VM on one host after the other. Pure.
 *
 * Where a VM comes to a host, only that host's values change, and the means. So nothing is evaluated anew but this host, and
 * the others only where a mean has fallen: they are past it sooner then. What is found is what `evaluate` and `harmsOf`
 * find of the whole pool, to the last digit: sums are made in the same order.
 */
import {
  assess,
  bySeverity,
  type Evaluation,
  evaluate,
  takesPart,
  termLimit,
  termValue,
  type Verdict,
} from "../../domain/deviation.ts";
import type { Host, Uuid } from "../../domain/pool.ts";
import { type Rule, type Term, termsOf } from "../../domain/rule.ts";
import { breaks, type Floors, type Harm, harmsOf } from "../evacuate/harm.ts";
import type { RankedRule } from "./ranking.ts";

/** A rule of the hosts without the VM. */
interface Ruled {
  readonly terms: readonly Term[];
  readonly before: Evaluation;
  readonly verdicts: ReadonlyMap<Uuid, Verdict>;
  /** Of each term: the values of the hosts that take part, in their order. */
  readonly values: readonly (readonly (number | null)[])[];
}

export class RuledHosts {
  readonly #floors: Floors;
  readonly #places: ReadonlyMap<Uuid, number>;
  readonly #ruled: readonly Ruled[];

  /** @param without the hosts where the VM runs nowhere. */
  constructor(without: readonly Host[], rules: readonly Rule[], floors: Floors) {
    const measured = without.filter(takesPart);
    this.#floors = floors;
    this.#places = new Map(measured.map(({ uuid }, index) => [uuid, index]));
    this.#ruled = rules.map((rule) => {
      const terms = termsOf(rule);
      const before = evaluate(without, rule);
      return {
        terms,
        before,
        verdicts: new Map(before.verdicts.map((verdict) => [verdict.hostUuid, verdict])),
        values: terms.map((term) => measured.map((host) => termValue(host, term))),
      };
    });
  }

  /** Each rule on `host`, which takes part and is as it is with the VM, and what the VM there does to the rules of any host. */
  with(host: Host): { readonly rules: readonly RankedRule[]; readonly harms: readonly Harm[] } {
    const evaluations = this.#ruled.map((ruled) => this.#evaluate(ruled, host));
    const [before, after] = [evaluations.map((each) => each.before), evaluations.map((each) => each.after)];
    return {
      rules: after.map((each) => ruleOn(each, host.uuid)),
      harms: harmsOf(before, after, [{ destination: host.uuid }], this.#floors),
    };
  }

  /** The evaluations before and after, of the hosts only that the VM can have made a difference to. */
  #evaluate({ terms, before, verdicts, values }: Ruled, host: Host): Record<"before" | "after", Evaluation> {
    const own = terms.map((term) => termValue(host, term));
    const at = this.#places.get(host.uuid);
    const means = terms.map(({ condition }, t) =>
      condition === "more than mean" ? meanWith(values[t] ?? [], at, own[t] ?? null) : null,
    );
    const { rule } = before;
    const known = own.filter((value) => value !== null);
    const found = known.length < terms.length ? [] : [assess(host.uuid, known, terms, means)];
    if (terms.some((_, t) => (means[t] ?? 0) < (before.means[t] ?? 0))) {
      const evaluation = { ...before, means };
      for (const verdict of before.verdicts) {
        if (verdict.hostUuid === host.uuid || !breaks(verdict, evaluation, this.#floors)) continue;
        found.push(assess(verdict.hostUuid, verdict.values, terms, means));
      }
      found.sort(bySeverity);
    }
    const missing = known.length < terms.length ? [host.uuid] : [];
    const after = {
      rule,
      mean: means.find((each) => each !== null) ?? null,
      means,
      verdicts: found,
      missing,
    };
    return {
      before: { ...before, verdicts: found.flatMap(({ hostUuid }) => verdicts.get(hostUuid) ?? []) },
      after,
    };
  }
}

/** The mean where the value at one place is another; summed as `mean` does. */
function meanWith(
  values: readonly (number | null)[],
  at: number | undefined,
  own: number | null,
): number | null {
  let [sum, count] = [0, 0];
  for (let place = 0; place < values.length; place++) {
    const value = place === at ? own : (values[place] ?? null);
    if (value === null) continue;
    sum += value;
    count++;
  }
  return count === 0 ? null : sum / count;
}

function ruleOn({ rule, means, verdicts }: Evaluation, uuid: Uuid): RankedRule {
  const verdict = verdicts.find(({ hostUuid }) => hostUuid === uuid);
  if (verdict === undefined) return { rule, term: 0, value: null, mean: null, limit: null, broken: false };
  const poolMean = means[verdict.term] ?? null;
  const term = termsOf(rule)[verdict.term];
  const limit = term === undefined ? null : termLimit(term, poolMean);
  return { rule, term: verdict.term, value: verdict.value, mean: poolMean, limit, broken: verdict.broken };
}
