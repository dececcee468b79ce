/** What a run leaves alone after its setbacks: VMs, pairs, and hosts that migrations do not reach. */

import type { PairBans } from "../decide/assess.ts";
import { failingHosts, failingVms, type PathFailure } from "../decide/failingHosts.ts";
import type { Snapshot, Uuid } from "../domain/pool.ts";
import { pairKey } from "../planner/facts.ts";
import type { Move } from "../planner/plan.ts";
import type { Setback } from "./outcome.ts";

export class Setbacks {
  readonly #vms = new Map<Uuid, string>();
  readonly #pairs = new Map<string, string>();
  /** What broke on its way lately, in this run and before. */
  readonly #failures: PathFailure[];
  readonly #failing = new Set<Uuid>();
  readonly #onFailingHost: (host: Uuid, reason: string) => void;

  /** `earlier` are migrations of earlier runs that broke on their way lately. */
  constructor(earlier: readonly PathFailure[], onFailingHost: (host: Uuid, reason: string) => void) {
    this.#failures = [...earlier];
    this.#onFailingHost = onFailingHost;
  }

  /** VMs and pairs that this run does not try again. */
  get bans(): PairBans {
    return { vms: this.#vms, pairs: this.#pairs };
  }

  banVm(vm: Uuid, reason: string): void {
    this.#vms.set(vm, reason);
  }

  /** Bans what the setback of this move speaks against; hosts for every VM that runs in `state`. */
  add({ vm, destination }: Move, { failure, reason }: Setback, state: Snapshot): void {
    switch (failure) {
      case "vm":
      case "later":
      case "stopped":
        this.banVm(vm, reason);
        return;
      case "pair":
        this.#pairs.set(pairKey(vm, destination), reason);
        return;
      case "host":
        this.#banHost(destination, reason, state);
        return;
      case "path":
        this.#pairs.set(pairKey(vm, destination), reason);
        this.#failures.push({ vm, destination, reason });
        if (failingVms(this.#failures).has(vm)) this.banVm(vm, reason);
        for (const [host, why] of failingHosts(this.#failures)) this.#banHost(host, why, state);
        return;
      case "pool":
        // The run ends.
        return;
      default:
        failure satisfies never;
    }
  }

  #banHost(host: Uuid, reason: string, { placements }: Snapshot): void {
    for (const { vmUuid } of placements) this.#pairs.set(pairKey(vmUuid, host), reason);
    if (this.#failing.has(host)) return;
    this.#failing.add(host);
    this.#onFailingHost(host, reason);
  }
}
