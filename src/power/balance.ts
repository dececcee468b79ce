/**
 * What balance rules say to consolidation, so that the two kinds never undo each other: while a broken rule can be cured, no
 * host is put to sleep; where only a sleeping host cures it, that host is woken; and no host goes to sleep whose absence
 * would break one. Pure.
 */

import { withDerived } from "../domain/derived.ts";
import { evaluate } from "../domain/deviation.ts";
import type { Host, Snapshot, Uuid } from "../domain/pool.ts";
import type { Rule } from "../domain/rule.ts";
import { breaks, isWorse } from "../planner/evacuate/harm.ts";
import { planMigrations } from "../planner/planner.ts";
import { describeRule, printRule } from "../rules/print.ts";
import { figure } from "../text/format.ts";
import type { PackingOptions } from "./options.ts";
import { nameOf } from "./packing.ts";
import { withHosts } from "./states.ts";

export interface BrokenPair {
  readonly host: Host;
  readonly rule: Rule;
  /** Of the term that decides, which is the only one of most rules; and of all. */
  readonly value: number;
  readonly mean: number;
  readonly values: readonly number[];
}

/** Pairs that break a balance rule, floors considered. */
export function brokenPairs(pool: Snapshot, options: PackingOptions): readonly BrokenPair[] {
  const snapshot = withDerived(pool);
  const hosts = new Map(snapshot.hosts.map((host) => [host.uuid, host]));
  return (options.balance ?? []).flatMap((rule) => {
    const evaluation = evaluate(snapshot.hosts, rule);
    const floors = options.floors ?? (() => Number.NEGATIVE_INFINITY);
    return evaluation.verdicts.flatMap((verdict): BrokenPair[] => {
      const { value, values, term } = verdict;
      const host = hosts.get(verdict.hostUuid);
      if (host === undefined || !breaks(verdict, evaluation, floors)) return [];
      return [{ host, rule, value, mean: evaluation.means[term] ?? 0, values }];
    });
  });
}

/** "host xen3: CpuAverage is more than 25 % above the medium (61.2, mean 30)" */
export function describePair({ host, rule, value, mean }: BrokenPair): string {
  return `host ${nameOf(host)}: ${describeRule(rule)} (${figure(value, 1)}, mean ${figure(mean, 1)})`;
}

/** A pair that is broken after and was not before, or stands higher than before; or null. */
export function newlyBroken(before: Snapshot, after: Snapshot, options: PackingOptions): BrokenPair | null {
  const start = new Map(brokenPairs(before, options).map((pair) => [keyOf(pair), pair.values]));
  return (
    brokenPairs(after, options).find((pair) => {
      const was = start.get(keyOf(pair));
      return was === undefined || isWorse(pair.rule, was, pair.values);
    }) ?? null
  );
}

function keyOf({ host, rule }: BrokenPair): string {
  return `${host.uuid}>${printRule(rule)}`;
}

export type BalanceNeed =
  /** Nothing is broken, or nothing that any host could cure. */
  | { readonly kind: "none" }
  /** Balance cures it with the hosts that are on: consolidation waits. */
  | { readonly kind: "curable"; readonly pair: BrokenPair }
  /** It takes this sleeping host. */
  | { readonly kind: "wake"; readonly pair: BrokenPair; readonly host: Host };

/** What the broken pairs of `snapshot` ask for. `sleepers` in the order in which they would be woken. */
export function balanceNeed(
  snapshot: Snapshot,
  options: PackingOptions,
  sleepers: readonly Host[],
): BalanceNeed {
  const [pair] = brokenPairs(snapshot, options);
  if (pair === undefined) return { kind: "none" };
  const left = leftBroken(snapshot, options);
  if (left.size === 0) return { kind: "curable", pair };
  const still = brokenPairs(snapshot, options).find((each) => left.has(keyOf(each))) ?? pair;
  for (const host of sleepers) {
    const withIt = leftBroken(withHosts(snapshot, [host]), options);
    if (withIt.size < left.size) return { kind: "wake", pair: still, host };
  }
  const all = brokenPairs(snapshot, options);
  return left.size < all.length ? { kind: "curable", pair } : { kind: "none" };
}

/** Pairs that stay broken when balance has done what it can. */
function leftBroken(snapshot: Snapshot, options: PackingOptions): ReadonlySet<string> {
  const { unresolved } = planMigrations(snapshot, options.balance ?? [], {
    ...options,
    maxMoves: Number.POSITIVE_INFINITY,
    budgetMs: 100,
  });
  return new Set(unresolved.map(({ host, rule }) => `${host}>${printRule(rule)}`));
}

/** Hosts that the sleepers' order prefers: longest asleep first. */
export function longestAwakeFirst(
  sleepers: readonly { readonly host: Host; readonly since: number }[],
): readonly Host[] {
  return sleepers
    .toSorted((a, b) => a.since - b.since || compare(a.host.uuid, b.host.uuid))
    .map(({ host }) => host);
}

function compare(a: Uuid, b: Uuid): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
