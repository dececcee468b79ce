/**
 * Plans migrations. Pure: reads nothing but its arguments, decides nothing by time or chance.
 *
 * One step: the (host, rule) pair furthest above its threshold; the least loaded host that can take one of its VMs;
 * of those VMs one that brings the pair under the threshold, the one with the least memory to copy; where none does,
 * the one that takes most off. No step may break a rule anywhere or make a broken one worse. Steps repeat on the
 * snapshot that they predict, until no rule is broken, nothing can be done, or the limit of moves is reached.
 */
import { absence, type Evaluation, evaluate } from "../deviation.ts";
import type { Host, Snapshot, Uuid } from "../pool.ts";
import type { Rule } from "../rule.ts";
import { applyMove, pairKey } from "./moves.ts";
import { RuleBook } from "./ruleBook.ts";
import { PairSearch } from "./search.ts";

export interface PlanOptions {
  readonly maxMoves: number;
  /** Memory that a destination keeps free beyond what the VM needs. */
  readonly headroomBytes: number;
  /** VMs that this run leaves alone, with the reason. */
  readonly bannedVms: ReadonlyMap<Uuid, string>;
  /** Pairs by `pairKey` that this run does not try (again), with the reason. */
  readonly bannedPairs: ReadonlyMap<string, string>;
}

/** One migration of the plan, with the figures it was chosen by (in the rule's unit). */
export interface Move {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
  readonly rule: Rule;
  readonly mean: number;
  readonly sourceBefore: number;
  readonly sourceAfter: number;
  readonly destinationBefore: number;
  readonly destinationAfter: number;
  readonly copyBytes: number | null;
}

/** Why a VM of a host that breaks a rule does not go to a host; `host` is null when it can go nowhere. */
export interface Refusal {
  readonly vm: Uuid;
  readonly host: Uuid | null;
  readonly reason: string;
}

/** A broken (host, rule) pair that the plan leaves, with what stood in the way. */
export interface Unresolved {
  readonly host: Uuid;
  readonly rule: Rule;
  readonly value: number;
  readonly mean: number;
  readonly refusals: readonly Refusal[];
}

export interface Plan {
  readonly moves: readonly Move[];
  /** Every rule before the first and after the last move. */
  readonly before: readonly Evaluation[];
  readonly after: readonly Evaluation[];
  readonly unresolved: readonly Unresolved[];
  /** Hosts that count in no mean and receive nothing, with the reason. */
  readonly absent: readonly { readonly host: Uuid; readonly reason: string }[];
  /** True when more moves would follow but for the limit. */
  readonly limited: boolean;
}

/** The moves that make the rules hold, as far as single good steps lead. */
export function planMigrations(snapshot: Snapshot, rules: readonly Rule[], options: PlanOptions): Plan {
  const moves: Move[] = [];
  let state = snapshot;
  // A VM moves once in a plan: two rules that pull it both ways must not make it travel.
  const bannedVms = new Map(options.bannedVms);
  const barred = new Map(snapshot.bars.map((bar) => [pairKey(bar.vmUuid, bar.hostUuid), bar.reason]));
  const stepOptions = { ...options, bannedVms, bannedPairs: new Map([...options.bannedPairs, ...barred]) };
  let next = nextStep(state, rules, stepOptions);
  while (next.move !== null && moves.length < options.maxMoves) {
    moves.push(next.move);
    bannedVms.set(next.move.vm, "this plan moves it already");
    state = applyMove(state, next.move.vm, next.move.source, next.move.destination);
    next = nextStep(state, rules, stepOptions);
  }
  return {
    moves,
    before: rules.map((rule) => evaluate(snapshot.hosts, rule)),
    after: rules.map((rule) => evaluate(state.hosts, rule)),
    unresolved: next.unresolved,
    absent: snapshot.hosts.flatMap((host) => {
      const reason = absence(host);
      return reason === null ? [] : [{ host: host.uuid, reason }];
    }),
    limited: next.move !== null,
  };
}

/** A host that breaks a rule. */
export interface BrokenPair {
  readonly host: Host;
  readonly rule: Rule;
  readonly value: number;
  readonly mean: number;
}

interface Step {
  readonly move: Move | null;
  readonly unresolved: readonly Unresolved[];
}

function nextStep(state: Snapshot, rules: readonly Rule[], options: PlanOptions): Step {
  const book = new RuleBook(state.hosts, rules);
  const unresolved: Unresolved[] = [];
  for (const pair of brokenPairs(state.hosts, book.evaluations)) {
    const search = new PairSearch(state, book, options, pair);
    const move = search.best();
    if (move !== null) return { move, unresolved };
    unresolved.push({ ...pair, host: pair.host.uuid, refusals: search.refusals() });
  }
  return { move: null, unresolved };
}

/** The broken pairs, worst first: by how many thresholds the host is above what the rule allows. */
function brokenPairs(hosts: readonly Host[], evaluations: readonly Evaluation[]): BrokenPair[] {
  const byUuid = new Map(hosts.map((host) => [host.uuid, host]));
  const pairs: BrokenPair[] = [];
  for (const { rule, mean, verdicts } of evaluations) {
    for (const { hostUuid, value, broken } of verdicts) {
      const host = byUuid.get(hostUuid);
      if (broken && mean !== null && host !== undefined) pairs.push({ host, rule, value, mean });
    }
  }
  return pairs.sort((a, b) => severity(b) - severity(a) || order(a.host.uuid, b.host.uuid));
}

function severity({ value, mean, rule }: BrokenPair): number {
  return (value - mean) / Math.max(rule.threshold, 1e-9);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
