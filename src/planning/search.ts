/** Looks for the best single move that helps one host with one rule. Pure. */
import { absence, subjectValue } from "../deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../pool.ts";
import { immovability, memoryObstacle, pairKey, vmWeight } from "./moves.ts";
import type { BrokenPair, Move, PlanOptions, Refusal } from "./plan.ts";
import type { RuleBook } from "./ruleBook.ts";

interface Candidate {
  readonly vm: Vm;
  /** What the VM adds to the broken subject on its host. */
  readonly weight: number;
}

/** One search; it remembers what stood in the way of the moves it did not choose. */
export class PairSearch {
  readonly #state: Snapshot;
  readonly #book: RuleBook;
  readonly #options: PlanOptions;
  readonly #pair: BrokenPair;
  readonly #refusals = new Map<string, Refusal>();

  /** The bars of the pool stand among the options' banned pairs. */
  constructor(state: Snapshot, book: RuleBook, options: PlanOptions, pair: BrokenPair) {
    this.#state = state;
    this.#book = book;
    this.#options = options;
    this.#pair = pair;
  }

  /** The move that clears the pair with least memory to copy; where none clears it, the one that takes most off. */
  best(): Move | null {
    const { host, rule } = this.#pair;
    const candidates = this.#candidates();
    const destinations = this.#destinations();
    for (const [ordered, clearing] of [
      [candidates.toSorted(byCost), true],
      [candidates.toSorted(byWeight), false],
    ] as const) {
      for (const destination of destinations) {
        const fitting = ordered.find(
          ({ vm }) =>
            this.#book.clears(rule, vm, host, destination) === clearing && this.#accepts(vm, destination),
        );
        if (fitting !== undefined) return this.#move(fitting, destination);
      }
    }
    return null;
  }

  refusals(): readonly Refusal[] {
    return [...this.#refusals.values()];
  }

  /** Movable VMs of the host that weigh on the subject. */
  #candidates(): Candidate[] {
    const { host, rule } = this.#pair;
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
      else candidates.push({ vm, weight });
    }
    return candidates;
  }

  /** Every other host, from the least loaded on. */
  #destinations(): Host[] {
    const { host, rule } = this.#pair;
    const load = (candidate: Host) => subjectValue(candidate, rule.subject) ?? Number.MAX_VALUE;
    return this.#state.hosts
      .filter((candidate) => candidate.uuid !== host.uuid)
      .sort((a, b) => load(a) - load(b) || order(a.uuid, b.uuid));
  }

  #accepts(vm: Vm, destination: Host): boolean {
    const reason =
      absence(destination) ??
      this.#options.bannedPairs.get(pairKey(vm.uuid, destination.uuid)) ??
      memoryObstacle(vm, destination, this.#options.headroomBytes) ??
      this.#book.objection(vm, this.#pair.host, destination);
    if (reason !== null) this.#refuse(vm, destination.uuid, reason);
    return reason === null;
  }

  #refuse(vm: Vm, host: Uuid | null, reason: string): void {
    this.#refusals.set(`${vm.uuid}>${host ?? ""}`, { vm: vm.uuid, host, reason });
  }

  #move({ vm, weight }: Candidate, destination: Host): Move {
    const { host: source, rule, value, mean } = this.#pair;
    const destinationBefore = subjectValue(destination, rule.subject) ?? 0;
    return {
      vm: vm.uuid,
      source: source.uuid,
      destination: destination.uuid,
      rule,
      mean,
      sourceBefore: value,
      sourceAfter: value - weight,
      destinationBefore,
      destinationAfter: destinationBefore + (vmWeight(vm, destination, rule.subject) ?? 0),
      copyBytes: vm.copyBytes,
    };
  }
}

function cost({ vm }: Candidate): number {
  return vm.copyBytes ?? Number.MAX_SAFE_INTEGER;
}

/** Least memory to copy first. */
function byCost(a: Candidate, b: Candidate): number {
  return cost(a) - cost(b) || order(a.vm.uuid, b.vm.uuid);
}

/** Most weight first, to a thousandth: the noise of a measure must not prefer a VM that costs more to copy. */
function byWeight(a: Candidate, b: Candidate): number {
  const steps = ({ weight }: Candidate) => Math.round(weight * 1000);
  return steps(b) - steps(a) || byCost(a, b);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
