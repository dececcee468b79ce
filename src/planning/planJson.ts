/** What the next run of xcp-control would do, as objects for programs: uuids, with names beside them. Pure. */
import type { Evaluation } from "../deviation.ts";
import { Names } from "../names.ts";
import type { Move, Plan } from "../planner/plan.ts";
import type { StoredSnapshot } from "../pool.ts";
import { type Rule, subjectUnit } from "../rule.ts";
import type { Gate } from "./gates.ts";
import type { Basis } from "./judge.ts";
import { gainPerGib, type IgnoredRule, type PlanBasis } from "./report.ts";

/** Everything that a dry run tells, as one object. */
export function forecastJson(
  basis: Basis,
  stored: StoredSnapshot,
  plan: Plan,
): Readonly<Record<string, unknown>> {
  const { unknown, held, standing } = basis;
  const open = standing.open.map(({ vm, source, destination, state }) => ({
    vm,
    from: source,
    to: destination,
    state,
  }));
  return { ...planJson({ ...basis, stored }, plan, unknown), held, open };
}

/** The plan as one object; `moves` are in an order that can be carried out. */
export function planJson(
  basis: PlanBasis,
  plan: Plan,
  unknownRules: readonly IgnoredRule[] = [],
): Readonly<Record<string, unknown>> {
  const { stored, sampling } = basis;
  const names = new Names(stored.snapshot);
  return {
    pool: { uuid: stored.snapshot.pool.uuid, name: stored.snapshot.pool.name },
    collection: stored.collection.id,
    ageSeconds: Math.round(stored.ageSeconds * 10) / 10,
    samples: sampling.samples,
    samplesSpanSeconds: sampling.spanSeconds,
    gate: null,
    rules: plan.before.map((before, index) => ruleJson(before, plan.after[index], basis, names)),
    moves: plan.moves.map((move) => moveJson(move, names)),
    seconds: plan.seconds,
    secondsBound: plan.secondsBound,
    certificate: plan.certificate,
    unresolved: plan.unresolved.map(({ host, rule, value, mean, proved, reason, refusals }) => ({
      host,
      hostName: names.exact(host),
      subject: rule.subject,
      value,
      mean,
      proved,
      reason,
      refusals,
    })),
    absent: plan.absent,
    ignoredRules: unknownRules,
    limited: plan.limited,
    spent: plan.spent,
  };
}

/** The closed gate in the same shape, with no moves. */
export function gateJson(gate: Gate): Readonly<Record<string, unknown>> {
  return { gate, moves: [] };
}

function ruleJson(
  before: Evaluation,
  after: Evaluation | undefined,
  { tolerated }: PlanBasis,
  names: Names,
): Readonly<Record<string, unknown>> {
  const { rule } = before;
  const later = new Map(after?.verdicts.map((verdict) => [verdict.hostUuid, verdict]));
  return {
    ...ruleWords(rule),
    mean: before.mean,
    meanAfter: after?.mean ?? null,
    missing: before.missing,
    hosts: before.verdicts.map(({ hostUuid, value, deviation, broken }) => ({
      host: hostUuid,
      hostName: names.exact(hostUuid),
      value,
      deviation,
      broken,
      tolerated: broken ? tolerated(hostUuid, rule) : null,
      valueAfter: later.get(hostUuid)?.value ?? null,
      deviationAfter: later.get(hostUuid)?.deviation ?? null,
      brokenAfter: later.get(hostUuid)?.broken ?? null,
    })),
  };
}

/** One move as JSON. */
export function moveJson(move: Move, names: Names): Readonly<Record<string, unknown>> {
  return {
    vm: move.vm,
    from: move.source,
    to: move.destination,
    vmName: names.exact(move.vm),
    fromName: names.exact(move.source),
    toName: names.exact(move.destination),
    ...moveFigures(move),
    purpose: move.purpose,
    makesRoomFor: move.makesRoomFor,
    why: move.reason,
    copyBytes: move.copyBytes,
    gainPerGib: gainPerGib(move),
    startSeconds: move.startSeconds,
    seconds: move.seconds,
  };
}

/** Without a rule nothing is known by which to judge the hosts. */
function moveFigures(move: Move): Readonly<Record<string, unknown>> {
  const { rule, mean, sourceBefore, sourceAfter, destinationBefore, destinationAfter } = move;
  if (rule === null) return { subject: null, threshold: null, unit: null };
  return {
    ...ruleWords(rule),
    mean,
    fromBefore: sourceBefore,
    fromAfter: sourceAfter,
    toBefore: destinationBefore,
    toAfter: destinationAfter,
  };
}

function ruleWords({ subject, threshold }: Rule): { subject: string; threshold: number; unit: string } {
  return { subject, threshold, unit: subjectUnit[subject] };
}
