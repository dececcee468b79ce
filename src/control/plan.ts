/**
 * Plans migrations. Pure: reads nothing but its arguments, decides nothing by time or chance.
 *
 * One step: the (host, rule) pair furthest above its threshold; the least loaded host that can take one of its VMs;
 * of those VMs one that brings the pair under the threshold, the one with the least memory to copy; where none does,
 * the one that takes most off. No step may break a rule anywhere or make a broken one worse. Steps repeat on the
 * snapshot that they predict, until no rule is broken, nothing can be done, or the limit of moves is reached.
 */
import { absence, type Evaluation, evaluate, excess, subjectValue } from "../deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../pool.ts";
import type { Rule } from "../rule.ts";
import { applyMove, immovability, obstacle, vmWeight } from "./moves.ts";

export interface PlanOptions {
  readonly maxMoves: number;
  /** Memory that a destination keeps free beyond what the VM needs. */
  readonly headroomBytes: number;
  /** VMs that this run leaves alone, with the reason. */
  readonly bannedVms: ReadonlyMap<Uuid, string>;
  /** Pairs "vm>host" that this run does not try (again), with the reason. */
  readonly bannedPairs: ReadonlyMap<string, string>;
}

/** The key of `PlanOptions.bannedPairs`. */
export function pairKey(vm: Uuid, destination: Uuid): string {
  return `${vm}>${destination}`;
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
  const stepOptions = { ...options, bannedVms };
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

interface BrokenPair {
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
  const unresolved: Unresolved[] = [];
  for (const pair of brokenPairs(state, rules)) {
    const search = new PairSearch(state, rules, options, pair);
    const move = search.best();
    if (move !== null) return { move, unresolved };
    unresolved.push({ ...pair, host: pair.host.uuid, refusals: search.refusals() });
  }
  return { move: null, unresolved };
}

/** The broken pairs, worst first: by how many thresholds the host is above what the rule allows. */
function brokenPairs(state: Snapshot, rules: readonly Rule[]): BrokenPair[] {
  const hosts = new Map(state.hosts.map((host) => [host.uuid, host]));
  const pairs: BrokenPair[] = [];
  for (const { rule, mean, verdicts } of rules.map((each) => evaluate(state.hosts, each))) {
    for (const { hostUuid, value, broken } of verdicts) {
      const host = hosts.get(hostUuid);
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

interface Candidate {
  readonly vm: Vm;
  /** What the VM adds to the broken subject on its host. */
  readonly weight: number;
  readonly clears: boolean;
}

/** Looks for the best single move that helps one broken pair, and remembers what stood in the way. */
class PairSearch {
  readonly #state: Snapshot;
  readonly #rules: readonly Rule[];
  readonly #options: PlanOptions;
  readonly #pair: BrokenPair;
  readonly #refusals = new Map<string, Refusal>();

  constructor(state: Snapshot, rules: readonly Rule[], options: PlanOptions, pair: BrokenPair) {
    this.#state = state;
    this.#rules = rules;
    this.#options = options;
    this.#pair = pair;
  }

  best(): Move | null {
    const candidates = this.#candidates();
    const destinations = this.#destinations();
    for (const group of [
      candidates.filter(({ clears }) => clears),
      candidates.filter(({ clears }) => !clears),
    ]) {
      for (const destination of destinations) {
        const fitting = group.find(({ vm }) => this.#accepts(vm, destination));
        if (fitting !== undefined) return this.#move(fitting.vm, destination);
      }
    }
    return null;
  }

  refusals(): readonly Refusal[] {
    return [...this.#refusals.values()];
  }

  /** Movable VMs of the host that weigh on the subject: those that clear it by least memory, then by most weight. */
  #candidates(): Candidate[] {
    const { host, rule, value, mean } = this.#pair;
    const vms = new Map(this.#state.vms.map((vm) => [vm.uuid, vm]));
    const candidates: Candidate[] = [];
    for (const { hostUuid, vmUuid } of this.#state.placements) {
      const vm = vms.get(vmUuid);
      if (hostUuid !== host.uuid || vm === undefined) continue;
      const reason = immovability(vm) ?? this.#options.bannedVms.get(vm.uuid) ?? null;
      const weight = vmWeight(vm, host, rule.subject);
      if (reason !== null) this.#refuse(vm, null, reason);
      else if (weight === null) this.#refuse(vm, null, `its part in ${rule.subject} is unknown`);
      else if (weight <= 0) this.#refuse(vm, null, `it has no part in ${rule.subject}`);
      else candidates.push({ vm, weight, clears: excess(value - weight, mean, rule.threshold) <= 0 });
    }
    return candidates.sort(byCostThenWeight);
  }

  /** Every other host, from the least loaded on. */
  #destinations(): Host[] {
    const { host, rule } = this.#pair;
    const load = (candidate: Host) => subjectValue(candidate, rule.subject) ?? Number.POSITIVE_INFINITY;
    return this.#state.hosts
      .filter((candidate) => candidate.uuid !== host.uuid)
      .sort((a, b) => load(a) - load(b) || order(a.uuid, b.uuid));
  }

  #accepts(vm: Vm, destination: Host): boolean {
    const reason =
      obstacle(this.#state, vm, destination, this.#options.headroomBytes) ??
      this.#options.bannedPairs.get(pairKey(vm.uuid, destination.uuid)) ??
      this.#harm(vm, destination);
    if (reason !== null) this.#refuse(vm, destination, reason);
    return reason === null;
  }

  /** The rule that the move would break or make worse on some host, in words; null when it does neither. */
  #harm(vm: Vm, destination: Host): string | null {
    const after = applyMove(this.#state, vm.uuid, this.#pair.host.uuid, destination.uuid);
    for (const rule of this.#rules) {
      const before = evaluate(this.#state.hosts, rule);
      const excessBefore = new Map(before.verdicts.map((v) => [v.hostUuid, v.deviation - rule.threshold]));
      for (const verdict of evaluate(after.hosts, rule).verdicts) {
        if (!verdict.broken) continue;
        const over = verdict.deviation - rule.threshold;
        if (over <= Math.max(0, excessBefore.get(verdict.hostUuid) ?? 0) + 1e-9) continue;
        const name =
          this.#state.hosts.find(({ uuid }) => uuid === verdict.hostUuid)?.name ?? verdict.hostUuid;
        return `${name} would break the rule of ${rule.subject}: ${round(verdict.deviation)} above the mean, allowed ${rule.threshold}`;
      }
    }
    return null;
  }

  #refuse(vm: Vm, host: Host | null, reason: string): void {
    this.#refusals.set(`${vm.uuid}>${host?.uuid ?? ""}`, { vm: vm.uuid, host: host?.uuid ?? null, reason });
  }

  #move(vm: Vm, destination: Host): Move {
    const { host: source, rule, value, mean } = this.#pair;
    const destinationBefore = subjectValue(destination, rule.subject) ?? 0;
    return {
      vm: vm.uuid,
      source: source.uuid,
      destination: destination.uuid,
      rule,
      mean,
      sourceBefore: value,
      sourceAfter: value - (vmWeight(vm, source, rule.subject) ?? 0),
      destinationBefore,
      destinationAfter: destinationBefore + (vmWeight(vm, destination, rule.subject) ?? 0),
      copyBytes: vm.copyBytes,
    };
  }
}

/** Clearing VMs by least memory to copy; the others by most weight. */
function byCostThenWeight(a: Candidate, b: Candidate): number {
  const cost = ({ vm }: Candidate) => vm.copyBytes ?? Number.MAX_SAFE_INTEGER;
  if (a.clears && b.clears) return cost(a) - cost(b) || order(a.vm.uuid, b.vm.uuid);
  return b.weight - a.weight || cost(a) - cost(b) || order(a.vm.uuid, b.vm.uuid);
}

/** At most one decimal. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}
