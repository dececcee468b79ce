/**
 * What an evacuation is decided by: the gates that guard against bad and old data and an administrator's hold stand,
 * those that keep rules from moving VMs to and fro do not, for somebody asked for it. Pure.
 */

import { AppError } from "../domain/errors.ts";
import type { Gate } from "../domain/gate.ts";
import { isOpen } from "../domain/migration.ts";
import type { Host, Snapshot, Uuid } from "../domain/pool.ts";
import { type Evacuation, planEvacuation } from "../planner/evacuate/evacuate.ts";
import type { ControlSettings } from "../settings/types.ts";
import { findNamed } from "../text/find.ts";
import {
  type Assessment,
  assess,
  type DecisionInput,
  type PairBans,
  pairsOf,
  plannerOptions,
} from "./assess.ts";
import { bansOf } from "./cooldown.ts";
import { settledGate } from "./gates.ts";
import { asAsked } from "./placing.ts";

/** An assessment for emptying one host. */
export interface EvacuationAssessment extends Assessment {
  /** As collected: whether it is enabled is of interest, though it takes no part here. */
  readonly host: Host;
  /** The same where guests may be squeezed; null where they may be already. */
  readonly squeezing: (() => Drainable) | null;
}

/** Either what an evacuation is decided by, or why there is nothing to decide by. */
export type Drainable = EvacuationAssessment | { readonly gate: Gate };

/**
 * Assesses `input` for emptying the host that `wanted` names, by uuid, the start of one, or name.
 * Throws AppError not-found, ambiguous, or conflict where it is the pool's only host.
 */
export function assessEvacuation(
  input: DecisionInput,
  settings: ControlSettings,
  poolUuid: string | null,
  wanted: string,
): Drainable {
  const { stored, controlState } = input;
  const relaxed = asAsked(settings);
  if (stored === null) {
    const { gate } = assess(input, relaxed, poolUuid);
    if (gate === null) throw new Error("there is nothing to decide by, and no gate says so");
    return { gate };
  }
  const host = findNamed("host", wanted, stored.snapshot.hosts);
  refuseOnly(host, stored.snapshot);
  // Out of the mean, and no matter for suspicion: what is wrong with its figures does not keep its VMs there.
  const snapshot = withHost(stored.snapshot, { ...host, enabled: false });
  const assessment = assess({ ...input, stored: { ...stored, snapshot } }, relaxed, poolUuid);
  const open = controlState.recent.filter(({ state }) => isOpen(state));
  const bans = bansOf(assessment.stored?.snapshot ?? snapshot, controlState.exclusions, open, relaxed);
  const squeezing =
    settings.squeeze === "allow"
      ? null
      : () => assessEvacuation(input, { ...settings, squeeze: "allow" }, poolUuid, host.uuid);
  return { ...assessment, bans, host, squeezing };
}

function refuseOnly(host: Host, { hosts }: Snapshot): void {
  if (hosts.length > 1) return;
  const name = host.name === "" ? host.uuid : host.name;
  throw new AppError("conflict", `${name} is the only host of the pool: its VMs have nowhere to go`);
}

function withHost(snapshot: Snapshot, host: Host): Snapshot {
  return { ...snapshot, hosts: snapshot.hosts.map((each) => (each.uuid === host.uuid ? host : each)) };
}

/** The plan, null where the collection allows none; and the gate that keeps it from being carried out. */
export interface EvacuationForecast {
  readonly plan: Evacuation | null;
  readonly gate: Gate | null;
}

/** VMs that stay, and that would leave if a migration might shrink guests to their minimums. */
function squeezable(
  { squeezing }: EvacuationAssessment,
  settings: ControlSettings,
  { stays }: Evacuation,
): readonly Uuid[] {
  const allowed = stays.length === 0 ? null : (squeezing?.() ?? null);
  if (allowed === null || !("host" in allowed)) return [];
  const { plan } = forecastEvacuation(allowed, { ...settings, squeeze: "allow" });
  if (plan === null) return [];
  const still = new Set(plan.stays.map(({ vm }) => vm));
  return stays.map(({ vm }) => vm).filter((vm) => !still.has(vm));
}

/** What an evacuation would do, but for what holds it by somebody's word. */
export function forecastEvacuation(
  assessment: EvacuationAssessment,
  settings: ControlSettings,
): EvacuationForecast {
  const { stored, gate, controlState, bans } = assessment;
  if (gate !== null || stored === null) return { plan: null, gate };
  const plan = evacuationOf(assessment, settings, stored.snapshot, {
    vms: bans.vms,
    pairs: pairsOf(stored.snapshot, bans),
  });
  const helped = squeezable(assessment, settings, plan);
  return {
    plan: helped.length === 0 ? plan : { ...plan, squeezable: helped },
    gate: plan.moves.length === 0 ? null : settledGate(controlState),
  };
}

/** The plan from where things stand by now. */
export function evacuationOf(
  assessment: EvacuationAssessment,
  settings: ControlSettings,
  state: Snapshot,
  bans: PairBans,
): Evacuation {
  const options = plannerOptions(assessment, settings, bans, 0);
  const { serve } = assessment;
  return planEvacuation(state, assessment.rules, assessment.host.uuid, {
    ...options,
    ...(serve === null ? {} : { serve }),
    suspects: assessment.suspicion.hosts,
  });
}
