/** Whether a saved plan may still be carried out, by the newest collection; and what has changed since it was made. */

import { type Assessment, pairsOf, plannerOptions } from "../decide/assess.ts";
import { takesPart } from "../domain/deviation.ts";
import type { Gate } from "../domain/gate.ts";
import type { Snapshot, StoredSnapshot, Uuid } from "../domain/pool.ts";
import { isSingle } from "../domain/rule.ts";
import type { Plan } from "../planner/plan.ts";
import { recheckServing } from "../planner/serve/planServing.ts";
import { conditionText, printRule, printServeRule } from "../rules/print.ts";
import type { ControlSettings } from "../settings/types.ts";
import { Names } from "../text/names.ts";
import { type NoPlan, type SavedMove, type SavedPlan, savedHosts } from "./savedPlan.ts";

type Closed = Pick<Gate, "measured" | "limit">;

const advice = "look at the pool, plan anew (xcp-control --dry-run --save) and have that reviewed";

function closed({ measured, limit }: Closed): Gate {
  return { code: "savedPlan", measured, limit, advice };
}

/** The gate of a file that holds no plan of ours. */
export function noPlanGate({ measured }: NoPlan): Gate {
  return closed({
    measured,
    limit: "a plan as xcp-control --dry-run --save writes it (format 1), unchanged",
  });
}

/** Exactly the saved moves with the figures that they have now, or the gate that keeps them from being made. */
export function assessSavedPlan(
  saved: SavedPlan,
  assessment: Assessment,
  { snapshot }: StoredSnapshot,
  settings: ControlSettings,
): Plan | Gate {
  const changed =
    poolChange(saved, snapshot) ??
    rulesChange(saved, assessment) ??
    hostsChange(saved, snapshot, assessment) ??
    firstOf(saved.moves, (move) => unknownObject(move, saved)) ??
    firstOf(saved.moves, momentaryMove) ??
    vmsChange(saved.moves, snapshot);
  if (changed !== null) return closed(changed);
  const moves = saved.moves.map(({ vm, from, to, purpose }) => ({
    vm,
    source: from,
    destination: to,
    parked: purpose === "waits elsewhere",
    serves: purpose === "serves",
  }));
  const bans = { vms: assessment.bans.vms, pairs: pairsOf(snapshot, assessment.bans) };
  const { serve } = assessment;
  const options = {
    ...plannerOptions(assessment, settings, bans, moves.length),
    ...(serve === null ? {} : { serve }),
  };
  const found = recheckServing(snapshot, assessment.rules, moves, options);
  if ("moves" in found) return found;
  const move = saved.moves[found.index];
  const what = move === undefined ? "" : `, ${routeOf(move)}`;
  return closed({
    measured: `move ${found.index + 1}${what}: ${found.reason}`,
    limit: "every move possible, none that breaks a rule or makes one worse, each wanted by a rule",
  });
}

function firstOf<T>(list: readonly T[], look: (each: T) => Closed | null): Closed | null {
  for (const each of list) {
    const found = look(each);
    if (found !== null) return found;
  }
  return null;
}

/** What makes a rule worse for a moment is decided by the run that makes it. */
function momentaryMove(move: SavedMove): Closed | null {
  if (move.purpose !== "changes places") return null;
  return {
    measured: `${routeOf(move)} makes a rule worse for a moment`,
    limit: "moves that never do: VMs that change places are decided anew by each run",
  };
}

function routeOf({ vmName, fromName, toName }: SavedMove): string {
  return `${vmName}: ${fromName} -> ${toName}`;
}

function poolChange({ pool }: SavedPlan, snapshot: Snapshot): Closed | null {
  if (snapshot.pool.uuid.toLowerCase() === pool.uuid.toLowerCase()) return null;
  const words = ({ uuid, name }: SavedPlan["pool"]) => (name === "" ? uuid : `${name} (${uuid})`);
  return {
    measured: `the collection is of pool ${words(snapshot.pool)}`,
    limit: `the plan's own, ${words(pool)}`,
  };
}

/** `serving` is the rule that serves VMs, as CREATE RULE reads it; null where none acts. */
type KnownRules = Pick<SavedPlan, "rules" | "serving"> & { readonly ruleRevision?: number | null };

function rulesChange(then: KnownRules, assessment: Assessment): Closed | null {
  const now: KnownRules = {
    rules: assessment.rules,
    serving: assessment.serve === null ? null : printServeRule(assessment.serve.rule),
    ...(assessment.ruleRevision === undefined ? {} : { ruleRevision: assessment.ruleRevision }),
  };
  const words = ({ rules, serving }: KnownRules): string => {
    const balancing = rules.map((rule) => (isSingle(rule) ? conditionText(rule) : printRule(rule))).sort();
    return [...(serving === null ? [] : [serving]), ...balancing].join(", ") || "none";
  };
  if (words(then) === words(now)) return null;
  const asOf = ({ ruleRevision }: KnownRules): string =>
    ruleRevision === undefined || ruleRevision === null ? "" : ` (as of change ${ruleRevision})`;
  return {
    measured: `the rules are ${words(now)}${asOf(now)}`,
    limit: `those of the plan, ${words(then)}${asOf(then)}`,
  };
}

function hostsChange({ hosts }: SavedPlan, snapshot: Snapshot, { suspicion }: Assessment): Closed | null {
  const names = new Names(snapshot);
  const now = new Map(snapshot.hosts.map((host) => [host.uuid, takesPart(host)]));
  const then = new Map(hosts.map((host) => [host.uuid, host.takesPart]));
  const gone = hosts.filter((host) => host.takesPart && !now.get(host.uuid));
  const come = snapshot.hosts.filter((host) => takesPart(host) && !then.get(host.uuid));
  if (gone.length + come.length === 0) return null;
  const changes = [
    ...gone.map(({ uuid, name }) => {
      if (!now.has(uuid)) return `${name || uuid} is not in the pool any more`;
      const why = suspicion.hosts.get(uuid);
      return `${names.of(uuid)} takes no part any more${why === undefined ? "" : ` (${why})`}`;
    }),
    ...come.map(({ uuid }) => `${names.of(uuid)} takes part now`),
  ];
  return { measured: changes.join("; "), limit: "the same hosts as when the plan was made" };
}

/** A move of hosts that the plan itself does not know was put there by somebody. */
function unknownObject(move: SavedMove, { hosts }: SavedPlan): Closed | null {
  const known = new Set(hosts.filter((host) => host.takesPart).map(({ uuid }) => uuid));
  const foreign = [move.from, move.to].find((uuid) => !known.has(uuid));
  if (foreign === undefined) return null;
  return {
    measured: `${routeOf(move)} names the host ${foreign}`,
    limit: "hosts that took part in the plan",
  };
}

/** Every VM of the plan must be where its first move takes it from. */
function vmsChange(moves: readonly SavedMove[], snapshot: Snapshot): Closed | null {
  const names = new Names(snapshot);
  const at = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
  const looked = new Set<Uuid>();
  return firstOf(moves, ({ vm, vmName, from, fromName }) => {
    if (looked.has(vm)) return null;
    looked.add(vm);
    const host = at.get(vm);
    if (host === from) return null;
    const limit = `on ${fromName}, where the plan takes it from`;
    if (host !== undefined) return { measured: `${vmName} is on ${names.of(host)}`, limit };
    const found = vms.get(vm);
    if (found === undefined) return { measured: `${vmName} (${vm}) is not in the pool`, limit };
    return { measured: `${vmName} is on no host: it is ${found.powerState}`, limit };
  });
}

/** What else has changed since, for a person: hosts to which VMs came, or from which they went. */
export function changesSince({ hosts }: SavedPlan, snapshot: Snapshot): string[] {
  const names = new Names(snapshot);
  const then = new Map(hosts.map((host) => [host.uuid, host]));
  return savedHosts(snapshot).flatMap(({ uuid, vms, placements }) => {
    const before = then.get(uuid);
    if (before === undefined || before.placements === placements) return [];
    return [
      `Since the plan was made VMs came to or left ${names.of(uuid)}: ${before.vms} were on it, ${vms} are now`,
    ];
  });
}
