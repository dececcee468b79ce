/** What the next run of xcp-control would do, as objects for programs: uuids, with names beside them. Pure. */

import type { Assessment } from "../decide/assess.ts";
import type { Evaluation, Verdict } from "../domain/deviation.ts";
import { type Gate, gateName } from "../domain/gate.ts";
import type { Snapshot, StoredSnapshot } from "../domain/pool.ts";
import { isSingle, type Rule, subjectsOf, sumText, type Term, termUnit } from "../domain/rule.ts";
import { unmeasured } from "../domain/unmeasured.ts";
import type { Move, Plan, ServeForecast, ServeOffer, SwapOffer, Unresolved } from "../planner/plan.ts";
import { anyRuleObject, ruleObject } from "../rules/json.ts";
import { printRule } from "../rules/print.ts";
import { termOf } from "../rules/words.ts";
import { Names } from "../text/names.ts";
import { gainPerGib, type IgnoredRule, type PlanContext } from "./report.ts";
import { whyShort } from "./serving.ts";

/** Everything that a dry run tells, as one object. */
export function forecastJson(
  assessment: Assessment,
  stored: StoredSnapshot,
  plan: Plan,
): Readonly<Record<string, unknown>> {
  const { unknown, blocked, controlState } = assessment;
  const open = controlState.open.map(({ vm, source, destination, state }) => ({
    vm,
    from: source,
    to: destination,
    state,
  }));
  return { ...planJson({ ...assessment, stored }, plan, unknown), held: gateObject(blocked), open };
}

/** The plan as one object; `moves` are in an order that can be carried out. */
export function planJson(
  assessment: PlanContext,
  plan: Plan,
  unknownRules: readonly IgnoredRule[] = [],
): Readonly<Record<string, unknown>> {
  const { stored, sampling } = assessment;
  const names = new Names(stored.snapshot);
  return {
    pool: { uuid: stored.snapshot.pool.uuid, name: stored.snapshot.pool.name },
    collection: stored.collection.id,
    ageSeconds: Math.round(stored.ageSeconds * 10) / 10,
    samples: sampling.samples,
    samplesSpanSeconds: sampling.spanSeconds,
    gate: null,
    ruleRevision: assessment.ruleRevision ?? null,
    rules: plan.before.map((before, index) => ruleJson(before, plan.after[index], assessment, names)),
    moves: plan.moves.map((move) => moveJson(move, names)),
    seconds: plan.seconds,
    secondsBound: plan.secondsBound,
    certificate: plan.certificate,
    unresolved: plan.unresolved.map((each) => unresolvedJson(each, names)),
    absent: plan.absent,
    ignoredRules: unknownRules,
    restingRules: (assessment.inactive ?? []).map(({ rule, reason }) => ({ ...anyRuleObject(rule), reason })),
    ...unmeasuredObject(stored.snapshot, plan),
    searched: plan.searched,
    ...(plan.searchBefore === undefined ? {} : { searchBefore: plan.searchBefore }),
    limited: plan.limited,
    spent: plan.spent,
    ...(plan.serve === undefined ? {} : { serve: serveJson(plan.serve, names) }),
  };
}

function unresolvedJson(
  { host, rule, term, value, mean, proved, proof, reason, refusals, swap }: Unresolved,
  names: Names,
): Readonly<Record<string, unknown>> {
  return {
    host,
    hostName: names.exact(host),
    ...subjectWords(rule, term),
    value,
    mean,
    proved,
    proof,
    reason,
    refusals,
    ...(swap === undefined ? {} : { swap: swapJson(swap, names) }),
  };
}

function swapJson(
  { moves, copyBytes, host, rule, term, value, limit, seconds }: SwapOffer,
  names: Names,
): Readonly<Record<string, unknown>> {
  return {
    moves: moves.map(({ vm, source, destination }) => ({
      vm,
      vmName: names.exact(vm),
      from: source,
      fromName: names.exact(source),
      to: destination,
      toName: names.exact(destination),
    })),
    copyBytes,
    between: { host, hostName: names.exact(host), ...subjectWords(rule, term), value, limit, seconds },
  };
}

/** CPU-minutes that are expected not to be served, of the pool and of each host that lacks some before or after. */
function serveJson(
  { rule, before, after, hosts, short }: ServeForecast,
  names: Names,
): Readonly<Record<string, unknown>> {
  const offer = ({ vm, destination, ...figures }: ServeOffer) => ({
    vm,
    vmName: names.exact(vm),
    to: destination,
    toName: names.exact(destination),
    ...figures,
  });
  return {
    ...anyRuleObject(rule),
    shortageMinutes: before,
    shortageMinutesAfter: after,
    hosts: hosts.map(({ host, ...figures }) => ({ host, hostName: names.exact(host), ...figures })),
    stillShort: short.map((each) => ({
      host: each.host,
      hostName: names.exact(each.host),
      shortageMinutes: each.minutes,
      reason: whyShort(each, rule, names),
      limited: each.limited,
      offers: each.offers.map(offer),
      forbidden: each.forbidden === null ? null : offer(each.forbidden),
      refusals: each.refusals,
    })),
  };
}

/** Subjects that no host has a value of; not there where every one is measured. */
function unmeasuredObject(snapshot: Snapshot, plan: Plan): { readonly unmeasured?: readonly string[] } {
  const subjects = unmeasured(snapshot, subjectsOf(plan.before.map(({ rule }) => rule)));
  return subjects.length === 0 ? {} : { unmeasured: subjects };
}

/** The closed gate in the same shape, with no moves. */
export function gateJson(gate: Gate): Readonly<Record<string, unknown>> {
  return { gate: gateObject(gate), moves: [] };
}

/** A gate as programs read it, under its name; null where there is none. */
export function gateObject(gate: Gate | null): Readonly<Record<string, string>> | null {
  if (gate === null) return null;
  const { measured, limit, advice } = gate;
  return { name: gateName(gate), measured, limit, advice };
}

function ruleJson(
  before: Evaluation,
  after: Evaluation | undefined,
  { suppressed }: PlanContext,
  names: Names,
): Readonly<Record<string, unknown>> {
  const { rule } = before;
  const later = new Map(after?.verdicts.map((verdict) => [verdict.hostUuid, verdict]));
  return {
    ...ruleObject(rule),
    ...(isSingle(rule)
      ? { mean: before.mean, meanAfter: after?.mean ?? null }
      : { means: before.means, meansAfter: after?.means ?? null }),
    missing: before.missing,
    hosts: before.verdicts.map((verdict) => ({
      host: verdict.hostUuid,
      hostName: names.exact(verdict.hostUuid),
      ...figuresJson(rule, verdict, later.get(verdict.hostUuid)),
      broken: verdict.broken,
      tolerated: verdict.broken ? suppressed(verdict.hostUuid, rule) : null,
      brokenAfter: later.get(verdict.hostUuid)?.broken ?? null,
    })),
  };
}

/** Of a chain the value of each term. */
function figuresJson(
  rule: Rule,
  now: Verdict,
  later: Verdict | undefined,
): Readonly<Record<string, unknown>> {
  if (!isSingle(rule)) return { values: now.values, valuesAfter: later?.values ?? null };
  return {
    value: now.value,
    deviation: now.deviation,
    valueAfter: later?.value ?? null,
    deviationAfter: later?.deviation ?? null,
  };
}

/** What figures of a rule are of: its subject, or the sum of a chain's term with the chain. */
function subjectWords(rule: Rule, term: number | undefined): Readonly<Record<string, unknown>> {
  return isSingle(rule)
    ? { subject: rule.subject }
    : { subject: sumText(termOf(rule, term)), rule: printRule(rule) };
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
    ...(move.served === undefined ? {} : { served: move.served }),
  };
}

/** Without a rule nothing is known by which to assess the hosts. */
function moveFigures(move: Move): Readonly<Record<string, unknown>> {
  const { rule, mean, sourceBefore, sourceAfter, destinationBefore, destinationAfter } = move;
  if (rule === null) return { subject: null, threshold: null, unit: null };
  const words = isSingle(rule)
    ? ruleObject(rule)
    : { ...subjectWords(rule, move.term), ...termWords(termOf(rule, move.term)) };
  return {
    ...words,
    mean,
    fromBefore: sourceBefore,
    fromAfter: sourceAfter,
    toBefore: destinationBefore,
    toAfter: destinationAfter,
  };
}

function termWords(term: Term): Readonly<Record<string, unknown>> {
  return { threshold: term.amount, condition: term.condition, unit: termUnit(term) };
}
