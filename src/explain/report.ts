/** What the next run of xcp-control would do, in words. Pure: values in, lines out. */

import type { Assessment } from "../decide/assess.ts";
import type { Evaluation, Verdict } from "../domain/deviation.ts";
import { type Gate, gateName } from "../domain/gate.ts";
import type { Migration } from "../domain/migration.ts";
import { placedGuests, type Snapshot, type StoredSnapshot } from "../domain/pool.ts";
import { isSingle, type Rule, subjectsOf, sumText, termsOf } from "../domain/rule.ts";
import { unmeasuredLines } from "../domain/unmeasured.ts";
import type { Move, Plan, SwapMove, SwapOffer, Unresolved } from "../planner/plan.ts";
import { inVain } from "../planner/search/fruitless.ts";
import { ruleTitle } from "../rules/print.ts";
import {
  allowedText,
  inUnit,
  limitsText,
  othersText,
  overText,
  ruleHead,
  termOf,
  valuesText,
} from "../rules/words.ts";
import { bytes, figure, gigabytes, plural, span } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { serveLines, stillShortLines } from "./serving.ts";

/** What a plan is told with. */
export type PlanContext = Pick<Assessment, "sampling" | "suppressed"> &
  Partial<Pick<Assessment, "inactive" | "ruleRevision">> & { readonly stored: StoredSnapshot };

/** "refused: age of data: collected 900 s ago, limit 300 s (...); run xcp-collect" */
export function gateLine(gate: Gate): string {
  return `refused: ${gateName(gate)}: ${gate.measured}, limit ${gate.limit}; ${gate.advice}`;
}

/** Everything that a dry run tells: what keeps the next run from acting, what is open, and the plan. */
export function forecastLines(
  assessment: Assessment,
  stored: StoredSnapshot,
  plan: Plan,
  told: PlanTold = inProse,
): string[] {
  const { unknown, blocked, controlState } = assessment;
  const names = new Names(stored.snapshot);
  return [
    ...(blocked === null ? [] : [`A run would be ${gateLine(blocked)}`]),
    ...controlState.open.map((migration) => openLine(migration, names)),
    ...unknownRuleLines(unknown),
    ...inactiveLines(assessment.inactive),
    ...unmeasuredLines(stored.snapshot, subjectsOf(assessment.rules)),
    ...planLines({ ...assessment, stored }, plan, told),
  ];
}

export function openLine({ vm, source, destination, state }: Migration, names: Names): string {
  return `Open since an earlier run (${state}): ${names.of(vm)}: ${names.of(source)} -> ${names.of(destination)}; the next run finds out how it ended`;
}

/** A row of HostRule that is no rule, as the store tells it. */
export interface IgnoredRule {
  readonly subject: string;
  readonly threshold: number;
  readonly reason: string;
}

/** Rows that an operator may take for rules, and that nothing acts on. */
export function unknownRuleLines(unknown: readonly IgnoredRule[]): string[] {
  return unknown.map(
    ({ subject, threshold, reason }) => `Rule ${subject} > ${threshold} is left out: ${reason}`,
  );
}

/** Rules that do nothing now, each with the reason. */
export function inactiveLines(inactive: Assessment["inactive"]): string[] {
  return inactive.map(({ rule, reason }) => `${ruleHead(rule)} does nothing now: ${reason}`);
}

/** The plan for a person: each rule with its hosts before and after, the moves, and what stays broken. */
export function planLines(assessment: PlanContext, plan: Plan, told: PlanTold = inProse): string[] {
  const { snapshot } = assessment.stored;
  const names = new Names(snapshot);
  return [
    poolLine(assessment),
    ...speedLines(snapshot, names),
    ...plan.absent.map(({ host, reason }) => `${names.of(host)} is left out of mean and moves: ${reason}`),
    ...told.rules(plan, assessment, names),
    ...(plan.serve === undefined ? [] : serveLines(plan.serve, names)),
    ...told.moves(plan, names),
    ...totalLines(plan),
    ...closingLines(plan, assessment, names),
  ];
}

export function poolLine({ stored: { snapshot, ageSeconds }, sampling, ruleRevision }: PlanContext): string {
  const { pool, hosts } = snapshot;
  const average =
    sampling.samples > 1
      ? `, averaged over ${plural(sampling.samples, "sample")} of ${span(sampling.spanSeconds)}`
      : "";
  const revision = ruleRevision === undefined ? "" : `, rules as of change ${ruleRevision}`;
  const sizes = `${plural(hosts.length, "host")}, ${plural(placedGuests(snapshot), "running VM")}`;
  return `Pool ${pool.name === "" ? pool.uuid : pool.name}: ${sizes}, collected ${Math.round(ageSeconds)} s ago${average}${revision}`;
}

/** Where hosts are unequal: that a VM weighs more on a host of slower CPUs, and which those are. */
export function speedLines({ hosts }: Snapshot, names: Names): string[] {
  const rates = new Map<number, string[]>();
  for (const { uuid, cpuSpeed, cpuMhz } of hosts) {
    if (cpuSpeed === undefined || cpuMhz === null) continue;
    rates.set(cpuMhz, [...(rates.get(cpuMhz) ?? []), names.of(uuid)]);
  }
  if (rates.size === 0) return [];
  const slowestFirst = [...rates].sort(([a], [b]) => a - b);
  const told = slowestFirst.map(([mhz, there]) => `${there.join(", ")} ${mhz} MHz`).join("; ");
  return [`CPUs are unequal, so a VM's share is scaled by the clock rates (${told}; ControlCpuSpeed=scale)`];
}

/** How a plan's rules and moves are told; all else is told in sentences everywhere. */
export interface PlanTold {
  readonly rules: (plan: Plan, context: PlanContext, names: Names) => readonly string[];
  readonly moves: (plan: Plan, names: Names) => readonly string[];
}

/** Every rule with its hosts, and a sentence for each move. */
export const inProse: PlanTold = {
  rules: (plan, context, names) =>
    plan.before.flatMap((before, index) => ruleLines(before, plan.after[index], context, names)),
  moves: (plan, names) =>
    plan.moves.map((move, index) => `Move ${index + 1}: ${moveLine(move, names)}${when(move, plan)}`),
};

/** A line for each rule: its limit, and how many hosts are past it. */
export function ruleHeads(plan: Plan, context: PlanContext, names: Names): readonly string[] {
  return plan.before.flatMap(
    (before, index) => ruleLines(before, plan.after[index], context, names)[0] ?? [],
  );
}

/** Hosts that keep a rule and that the plan leaves alone are told one by one up to this number. */
const shownQuietHosts = 8;

export function ruleLines(
  before: Evaluation,
  after: Evaluation | undefined,
  { suppressed }: PlanContext,
  names: Names,
): string[] {
  const { rule, verdicts } = before;
  const head = ruleHead(rule);
  const without = isSingle(rule) ? "left out of this mean" : "not judged by it";
  const missing = before.missing.map((host) => `  ${names.of(host)}: no value, ${without}`);
  if (verdicts.length === 0) return [`${head}: no host has a value`, ...missing];
  const later = new Map(after?.verdicts.map((verdict) => [verdict.hostUuid, verdict]));
  const isMoved = ({ hostUuid, values }: Verdict) =>
    later.get(hostUuid)?.values.some((value, index) => value !== values[index]) ?? false;
  const isQuiet = (verdict: Verdict) => !verdict.broken && !isMoved(verdict);
  const quiet = verdicts.filter(isQuiet);
  const told = quiet.length > shownQuietHosts ? verdicts.filter((each) => !isQuiet(each)) : verdicts;
  const broken = verdicts.filter((each) => each.broken).length;
  const past = isSingle(rule) ? "above it" : "past all of it";
  const breaking = broken === 0 ? "" : `, ${broken} of ${plural(verdicts.length, "host")} ${past}`;
  return [
    `${head}: ${limitsText(before)}${breaking}`,
    ...told.map((verdict) => {
      const next = later.get(verdict.hostUuid);
      const change =
        next === undefined || after === undefined || !isMoved(verdict)
          ? ""
          : ` -> ${valuesText(after, next)}`;
      return `  ${names.of(verdict.hostUuid)}: ${valuesText(before, verdict)}${mark(verdict)}${change}`;
    }),
    ...(told.length < verdicts.length ? [`  ${quietLine(rule, quiet)}`] : []),
    ...missing,
  ];

  function mark({ hostUuid, broken }: Verdict): string {
    if (!broken) return "";
    const reason = suppressed(hostUuid, rule);
    return reason === null ? " BREAKS IT" : ` ${reason}`;
  }
}

function quietLine(rule: Rule, quiet: readonly Verdict[]): string {
  const ranges = termsOf(rule).map((term, index) => {
    const values = quiet.map((verdict) => verdict.values[index] ?? 0);
    const subject = isSingle(rule) ? "" : `${sumText(term)} `;
    return `${subject}${figure(Math.min(...values))} to ${figure(Math.max(...values))}`;
  });
  return `${quiet.length} more hosts keep it as they are, at ${ranges.join(", ")}`;
}

/** "VM2 - Debian: Host2 -> Host1; CpuAverage Host2 100 -> 50.5, Host1 25 -> 74.5 (...); 256 MB to copy, which takes 198 % ... for each GiB" */
export function moveLine(move: Move, names: Names): string {
  const route = `${names.of(move.vm)}: ${names.of(move.source)} -> ${names.of(move.destination)}`;
  const purpose = purposeOf(move, names);
  const worth = worthOf(move, names);
  const copy = move.copyBytes === null ? "" : `${bytes(move.copyBytes, "MB")} to copy${worth}`;
  const effect = move.rule === null ? "" : effectOf(move, move.rule, names);
  const parts = [purpose, effect, copy].filter((part) => part !== "");
  return [route, ...parts].join("; ");
}

/** ", which takes 198 % of CpuAverage off Host2 for each GiB": what the move does to its source for what it copies. */
function worthOf(move: Move, names: Names): string {
  const gain = gainPerGib(move);
  if (gain === null || move.rule === null || move.purpose !== "relieves") return "";
  const term = termOf(move.rule, move.term);
  const amount = `${inUnit(gain, term)} of ${sumText(term)}`;
  const source = names.of(move.source);
  return term.condition === "below"
    ? `, which gives ${source} ${amount} for each GiB`
    : `, which takes ${amount} off ${source} for each GiB`;
}

function purposeOf({ purpose, makesRoomFor, reason }: Move, names: Names): string {
  if (purpose === "relieves") return "";
  if (purpose === "serves" || purpose === "changes places") return reason;
  return makesRoomFor === null ? purpose : `${purpose}, room for ${names.of(makesRoomFor)}`;
}

function effectOf(move: Move, rule: Rule, names: Names): string {
  const term = termOf(rule, move.term);
  const source = `${names.of(move.source)} ${figure(move.sourceBefore)} -> ${figure(move.sourceAfter)}`;
  const target = `${names.of(move.destination)} ${figure(move.destinationBefore)} -> ${figure(move.destinationAfter)}`;
  return `${sumText(term)} ${source}, ${target} (${allowedText(term, move.mean)})`;
}

/**
 * What the source loses of the rule's subject, or wins where there is too little of it, for each GiB that is copied;
 * null where nothing is known to be copied.
 */
export function gainPerGib({ rule, term, copyBytes, sourceBefore, sourceAfter }: Move): number | null {
  if (rule === null || copyBytes === null || copyBytes <= 0) return null;
  const off = sourceBefore - sourceAfter;
  return (termOf(rule, term).condition === "below" ? -off : off) / gigabytes(copyBytes);
}

/** Where a plan has several moves, when each would start and how long it takes. */
export function when({ startSeconds, seconds }: Move, { moves }: Plan): string {
  if (moves.length < 2) return "";
  const start = startSeconds < 0.5 ? "starts at once" : `starts after ${span(startSeconds)}`;
  return `, ${start}, takes ${span(seconds)}`;
}

/** What the moves cost together, and how near to the best that is. */
export function totalLines(plan: Plan): string[] {
  const { moves, certificate, limited } = plan;
  if (moves.length === 0) return [];
  const { kind, costBytes, boundBytes, gap } = certificate;
  const whole = limited ? "the whole plan, of which these moves are the beginning" : "the plan";
  const proof =
    kind === "optimal"
      ? `nothing that does as much copies less than ${whole}: ${bytes(costBytes)}`
      : `${whole} copies ${bytes(costBytes)}, ${percent(gap)} above what cannot be undercut (${bytes(boundBytes)})`;
  const copied = moves.reduce((sum, { copyBytes }) => sum + (copyBytes ?? 0), 0);
  return [
    `In all ${plural(moves.length, "move")}, ${bytes(copied)} to copy, about ${span(plan.seconds)}${leastTime(plan)}`,
    ...(moves.every(({ purpose }) => purpose === "serves") ? [] : [`Proof: ${proof}${beside(moves)}`]),
  ];
}

/** That a proof is not of the moves that serve VMs. */
function beside(moves: readonly Move[]): string {
  return moves.some(({ purpose }) => purpose === "serves") ? ", beside what serves VMs" : "";
}

/** Whether another order of the moves could be done sooner. */
function leastTime({ moves, seconds, secondsBound }: Plan): string {
  if (moves.length < 2) return "";
  if (seconds <= secondsBound * 1.005) return ", which no order undercuts";
  return ` (no order takes less than ${span(secondsBound)})`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${figure(share * 100)} %` : "any number of times";
}

/** Why nothing more is done: always at least one sentence. */
function closingLines(plan: Plan, assessment: PlanContext, names: Names): string[] {
  if (plan.before.length === 0 && (assessment.inactive ?? []).length > 0) {
    return ["Nothing to do: no rule acts now"];
  }
  const short = plan.serve === undefined ? [] : stillShortLines(plan.serve, names);
  if (plan.before.length === 0 && plan.serve !== undefined) {
    if (plan.moves.length > 0) return short;
    return short.length > 0
      ? nothing("Nothing to do", short)
      : ["Nothing to do: no VM is expected to wait for a CPU"];
  }
  if (plan.before.length === 0) {
    return [
      "Nothing to do: there are no rules; create one at xcp-manager's prompt, such as CREATE RULE SERVE CPU",
    ];
  }
  const lines = [...short, ...unresolvedLines(plan.unresolved, names)];
  const search = searchText(plan);
  if (search !== null) lines.push(search);
  if (plan.limited) lines.push(`More moves would follow; ${limitReached(plan, names)}`);
  if (lines.length > short.length || plan.moves.length > 0) return lines;
  const above = plan.before.flatMap(({ rule, verdicts }) =>
    verdicts.flatMap(({ hostUuid, broken }) => {
      const reason = broken ? assessment.suppressed(hostUuid, rule) : null;
      return reason === null ? [] : [`${names.of(hostUuid)} is ${reason}.`];
    }),
  );
  if (above.length > 0) {
    const yet = `Nothing to do yet: ${above.join(" ")}`;
    return short.length === 0 ? [yet] : [...nothing("Nothing to do", short), yet];
  }
  const kept = `no host breaks a rule. ${plan.after.map((each) => balanced(each, names)).join(" ")}`;
  if (short.length === 0) return [`Nothing to do: ${kept}`];
  return [...nothing("Nothing to do", short), `N${kept.slice(1)}`];
}

/** The lines, of which the first says that nothing is done. */
function nothing(head: string, [first = "", ...others]: readonly string[]): string[] {
  return [`${head}: ${first}`, ...others];
}

/** Nothing is done, and that nothing can be was known without a search. */
export function isGivenUp({ moves, unresolved, searched }: Plan): boolean {
  return moves.length === 0 && unresolved.length > 0 && !searched;
}

/** That a plan which moves nothing was not searched for, or not whole, and why; null where it was. */
export function searchText(plan: Plan): string | null {
  if (isGivenUp(plan)) return "Nothing was searched for: it is proved that all of this stays";
  const { searchBefore } = plan;
  if (searchBefore === undefined) return null;
  const { secondsAgo, milliseconds, wholeMilliseconds } = searchBefore;
  return `Nothing was searched whole (${figure(milliseconds, 0)} ms of ${figure(wholeMilliseconds, 0)}): a search ${span(secondsAgo)} ago found nothing, and since then rules, VMs, places and memory are the same, and all loads within ${figure(100 * inVain.loads)} % of the largest host's; what differs more is searched whole, and after ${span(inVain.seconds)} everything`;
}

/** The limit that holds back a part of the plan: "the limit of one run is reached (ControlMaxMovesPerRun)". */
export function limitReached({ spent }: Plan, names: Names): string {
  if (spent.length === 0) return "the limit of one run is reached (ControlMaxMovesPerRun)";
  const hosts = spent.map((host) => names.of(host)).join(", ");
  return `as many as may within an hour come to or leave ${hosts} (ControlMaxMovesPerHost)`;
}

function balanced(evaluation: Evaluation, names: Names): string {
  const { rule, mean, verdicts } = evaluation;
  const [highest] = verdicts;
  if (highest === undefined) return `${ruleTitle(rule)}: no host has a value.`;
  const name = names.of(highest.hostUuid);
  if (!isSingle(rule)) {
    return `${ruleTitle(rule)}: ${name} is nearest to breaking it, with ${valuesText(evaluation, highest)}.`;
  }
  const term = termOf(rule);
  const allowed = `by ${figure(highest.deviation)} of ${inUnit(rule.threshold, term)} allowed`;
  return `${rule.subject}: mean ${inUnit(mean ?? 0, term)}, ${name} is furthest above it, ${allowed}.`;
}

/** A large pool has thousands of pairs of VM and host, each with its reason. */
const shownRefusals = 40;

/** Why pairs stay broken: a sentence each, then a line each VM and host, as far as there is room for them. */
export function unresolvedLines(pairs: readonly Unresolved[], names: Names): string[] {
  let room = shownRefusals;
  const lines: string[] = [];
  for (const pair of pairs) {
    const shown = pair.refusals.slice(0, Math.max(0, room));
    room -= shown.length;
    lines.push(headLine(pair, names), ...shown.map((refusal) => refusalLine(refusal, names)));
    if (pair.swap !== undefined) lines.push(`  ${swapLine(pair.swap, names)}`);
  }
  const all = pairs.reduce((sum, { refusals }) => sum + refusals.length, 0);
  if (all > shownRefusals) {
    lines.push(`  and ${all - shownRefusals} more reasons: xcp-control --dry-run --json gives all`);
  }
  return lines;
}

function headLine({ host, rule, term, value, mean, reason, refusals }: Unresolved, names: Names): string {
  const over = overText(termOf(rule, term), value, mean);
  const head = `${names.of(host)} stays ${over}${othersText(rule)}`;
  return refusals.length === 0 ? `${head}: it has no VM that could be moved` : `${head}: ${reason}`;
}

/** What would clear it, and what is worse meanwhile. */
function swapLine(
  { moves: [first, second], copyBytes, host, rule, term, value, limit, seconds }: SwapOffer,
  names: Names,
): string {
  const of = termOf(rule, term);
  const where = ({ vm, source, destination }: SwapMove) =>
    `${names.of(vm)} (${names.of(source)} -> ${names.of(destination)})`;
  const places = `${where(first)}, then ${where(second)} would clear it, ${bytes(copyBytes)} to copy`;
  const between = `${names.of(host)} would have ${inUnit(value, of)} of ${sumText(of)} for about ${span(seconds)}, ${inUnit(limit, of)} are allowed`;
  return `${places}; between the two ${between} (ControlMomentaryWorsening=yes lets control do it)`;
}

function refusalLine({ vm, host, reason }: Unresolved["refusals"][number], names: Names): string {
  const where = host === null ? "stays" : `not to ${names.of(host)}`;
  return `  ${names.of(vm)} ${where}: ${reason}`;
}
