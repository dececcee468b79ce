/**
 * What a VM's place is decided by where somebody asks for it: as for an evacuation the gates that guard against bad and
 * old data stand, and what somebody has excluded; what keeps rules from moving VMs to and fro does not. Pure.
 */

import { isOpen } from "../domain/migration.ts";
import { occupiesHost, type Snapshot, type Uuid, type Vm } from "../domain/pool.ts";
import type { Rule } from "../domain/rule.ts";
import { rankHosts } from "../planner/place/rank.ts";
import type { Ranking, RankOptions } from "../planner/place/ranking.ts";
import type { Demand, PlanOptions } from "../planner/plan.ts";
import type { ControlSettings } from "../settings/types.ts";
import { type Assessment, assess, type DecisionInput, plannerOptions } from "./assess.ts";
import { bansOf } from "./cooldown.ts";
import { excessBytes } from "./squeeze.ts";

/** The settings without the limits of what acts by itself. */
export function asAsked(settings: ControlSettings): ControlSettings {
  return {
    ...settings,
    quietMinutes: 0,
    maxMovesPerHour: Number.POSITIVE_INFINITY,
    maxMovesPerHost: Number.POSITIVE_INFINITY,
  };
}

/**
 * Assesses `input` for what somebody asks for: `bans` are exclusions and migrations that go on, and no cooldowns.
 * `poolUuid` is the pool that the settings mean, null where they name none.
 */
export function assessAsked(
  input: DecisionInput,
  settings: ControlSettings,
  poolUuid: string | null,
): Assessment {
  const relaxed = asAsked(settings);
  const assessment = assess(input, relaxed, poolUuid);
  const { stored, controlState } = assessment;
  if (stored === null) return assessment;
  const open = controlState.recent.filter(({ state }) => isOpen(state));
  return { ...assessment, bans: bansOf(stored.snapshot, controlState.exclusions, open, relaxed) };
}

/** What a VM used when it last ran, by the history. */
export interface LastUse {
  /** Its measures then: means of the samples. */
  readonly measures: Pick<
    Vm,
    "vcpuAverage" | "cpuDemand" | "vif0RxKb" | "vif0TxKb" | "cpuWait" | "eth0RxKb" | "eth0TxKb" | "eth0Vifs"
  >;
  /** What it wanted of the CPUs then, in CPUs of the pool's fastest host: the mean, and how far samples were from it. */
  readonly demand: Demand | null;
  readonly samples: number;
  /** When the newest of the samples was collected. */
  readonly at: Date;
}

/** The VM with what it used when it last ran, where it does not run and that is known. */
export function withLastUse(vm: Vm, use: LastUse | null): Vm {
  return use === null || occupiesHost(vm.powerState) ? vm : { ...vm, ...use.measures };
}

/** What of an assessment a ranking needs: one is enough for any number of VMs. */
export type RankingBasis = Pick<
  Assessment,
  "controlState" | "suppressed" | "suspicion" | "bans" | "serve"
> & {
  readonly rules: readonly Rule[];
  readonly snapshot: Snapshot;
};

/**
 * The hosts for `vm`, which is one of the snapshot (with `withLastUse` where it is halted) or one of nobody's
 * (`vmOfSize`). Ranks by what is stored, however old that is: whether it may be acted on the assessment's `gate` says.
 */
export function rankPlaces(
  basis: RankingBasis,
  settings: ControlSettings,
  vm: Vm,
  use: LastUse | null,
): Ranking {
  return rankHosts(basis.snapshot, basis.rules, vm, placingOptions(basis, settings, vm, use));
}

/** The options of everything that is asked for a VM's place; `use` is null where it runs or nothing is known. */
export function placingOptions(
  basis: RankingBasis,
  settings: ControlSettings,
  vm: Vm,
  use: LastUse | null,
): PlanOptions & RankOptions {
  const { bans, snapshot, suspicion, serve } = basis;
  // Where a VM starts is no migration: that those to a host fail says nothing against it.
  const failing = occupiesHost(vm.powerState) ? bans.failing : new Map<Uuid, string>();
  return {
    ...plannerOptions(basis, asAsked(settings), { vms: bans.vms, pairs: bans.pairs }, 0),
    bannedHosts: new Map([...failing, ...bans.hosts]),
    homeServer: vm.homeServer ?? null,
    suspects: suspicion.hosts,
    ...(serve === null ? {} : { serve, demand: use?.demand ?? null }),
    ...(settings.squeeze === "never" ? { shrinkableBytes: shrinkable(snapshot) } : {}),
  };
}

/** What the guests of each host have beyond what xapi would leave them; worked out once for each snapshot. */
function shrinkable(snapshot: Snapshot): ReadonlyMap<Uuid, number> {
  const sums = shrinkables.get(snapshot) ?? shrinkableIn(snapshot);
  shrinkables.set(snapshot, sums);
  return sums;
}

const shrinkables = new WeakMap<Snapshot, ReadonlyMap<Uuid, number>>();

function shrinkableIn({ vms, placements }: Snapshot): ReadonlyMap<Uuid, number> {
  const hosts = new Map(placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const sums = new Map<Uuid, number>();
  for (const vm of vms) {
    const host = hosts.get(vm.uuid);
    const more = excessBytes(vm);
    if (host !== undefined && more > 0) sums.set(host, (sums.get(host) ?? 0) + more);
  }
  return sums;
}
