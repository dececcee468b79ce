/**
 * Why a VM moves or stays, why a host is as it is: one definite answer, read off the plan that the next run would make.
 * Pure: it plans nothing by itself, so that it cannot contradict the plan.
 */
import type { Bans } from "../decide/cooldown.ts";
import type { Verdict } from "../domain/deviation.ts";
import type { Gate } from "../domain/gate.ts";
import type { Host, Snapshot, Uuid, Vm } from "../domain/pool.ts";
import { isSingle, type Rule, sumText, termsOf } from "../domain/rule.ts";
import { immovability } from "../planner/facts.ts";
import type { Move, Plan } from "../planner/plan.ts";
import { allowedText, calledRule, inUnit, othersText, termOf } from "../rules/words.ts";
import { figure, plural } from "../text/format.ts";
import type { Names } from "../text/names.ts";
import { gateLine, limitReached, moveLine } from "./report.ts";

/** What an answer is read off. */
export interface ExplainContext {
  readonly snapshot: Snapshot;
  /** Null where no plan is made, which is the collection's fault: see `gate`. */
  readonly plan: Plan | null;
  readonly bans: Bans;
  /** What keeps the next run from acting: a gate of the data, somebody's word, or what control did lately. */
  readonly gate: Gate | null;
  /** Why nothing is done about a host above the threshold; null where something is. */
  readonly suppressed: (host: Uuid, rule: Rule) => string | null;
  readonly names: Names;
}

/** A host against one rule, now and when the plan is done; null where it is not known, or there is no plan. */
export interface RuleFigures {
  readonly rule: Rule;
  /** Which term of a chain the figures are of: the one that keeps it, or is least past. Not given of other rules. */
  readonly term?: number;
  readonly value: number | null;
  readonly mean: number | null;
  readonly deviation: number | null;
  readonly broken: boolean;
  /** Why nothing is done about it though it is above the threshold; null where something is, or it is not. */
  readonly suppressed: string | null;
  readonly valueAfter: number | null;
  readonly brokenAfter: boolean | null;
}

/** A destination that does not take the VM; null stands for every one. */
export interface Refused {
  readonly vm: Uuid;
  readonly host: Uuid | null;
  readonly reason: string;
}

export interface Explanation {
  /**
   * Of a VM: moves or stays. Of a host: absent (counts in no mean, takes nothing), breaks a rule, or keeps all.
   * With a closed gate a VM always stays.
   */
  readonly verdict: "moves" | "stays" | "absent" | "breaks" | "keeps" | "unknown";
  /** One sentence, not escaped. */
  readonly answer: string;
  /** The figures and reasons behind it, a line each, not escaped. */
  readonly details: readonly string[];
  readonly figures: readonly RuleFigures[];
  readonly moves: readonly Move[];
  readonly refusals: readonly Refused[];
}

/** Why `vm` moves, or why it stays. */
export function explainVm(assessment: ExplainContext, vm: Vm): Explanation {
  const { snapshot, plan, gate, names } = assessment;
  const name = names.of(vm.uuid);
  const hostUuid = snapshot.placements.find(({ vmUuid }) => vmUuid === vm.uuid)?.hostUuid;
  const host = snapshot.hosts.find(({ uuid }) => uuid === hostUuid);
  if (plan === null) return refused(`${name} stays`, "stays", gate);
  const moves = plan.moves.filter((move) => move.vm === vm.uuid);
  const figures = host === undefined ? [] : figuresOf(assessment, plan, host.uuid);
  const last = moves.at(-1);
  if (last !== undefined) {
    const answer = `${name} moves to ${names.of(last.destination)}, because ${becauseOf(last, names)}`;
    const details = moves.map((move) => `Move ${plan.moves.indexOf(move) + 1}: ${moveLine(move, names)}`);
    const explained = { answer, details, figures, moves, refusals: [] };
    if (gate === null) return { verdict: "moves", ...explained };
    return { ...explained, ...blockedFor(`${name} stays for now`, gate, answer, details), verdict: "stays" };
  }
  const refusals = host === undefined ? [] : refusalsOf(plan, vm.uuid);
  const reason = whyItStays(assessment, plan, vm, host, refusals);
  return {
    verdict: "stays",
    answer: `${name} stays${host === undefined ? "" : ` on ${names.of(host.uuid)}`}: ${reason}`,
    details: [
      ...figures.map((each) => figureLine(each, host === undefined ? "" : names.of(host.uuid))),
      ...refusals.map((each) => refusalLine(each, names)),
    ],
    figures,
    moves: [],
    refusals,
  };
}

/** The first reason that holds, in the order in which the planner asks. */
function whyItStays(
  assessment: ExplainContext,
  plan: Plan,
  vm: Vm,
  host: Host | undefined,
  refusals: readonly Refused[],
): string {
  const { bans, names } = assessment;
  const immovable = immovability(vm) ?? bans.vms.get(vm.uuid);
  if (immovable !== undefined && immovable !== null) return immovable;
  if (host === undefined) return "the last collection saw it on no host";
  if (plan.before.length === 0) return "there are no rules";
  const absent = plan.absent.find((each) => each.host === host.uuid);
  if (absent !== undefined) return `its host is left out of mean and moves: ${absent.reason}`;
  const figures = figuresOf(assessment, plan, host.uuid);
  const broken = figures.filter(isBroken);
  if (broken.length === 0) return `its host breaks no rule (${figures.map(shortFigures).join("; ")})`;
  const left = broken.filter((each) => each.brokenAfter === true);
  const leaving = plan.moves.filter((move) => move.source === host.uuid);
  if (left.length === 0) {
    const others = leaving.map((move) => `${names.of(move.vm)} to ${names.of(move.destination)}`);
    return `its host keeps the rules without it, once ${others.length === 0 ? "the mean has changed" : `the plan has moved ${others.join(", ")}`}`;
  }
  const why = `its host stays ${left.map(overAfter).join(" and ")}, and it cannot help`;
  if (refusals.length > 0) return `${why}: ${plural(refusals.length, "reason follows", "reasons follow")}`;
  return plan.limited ? `before its turn comes ${limitReached(plan, names)}` : why;
}

/** Why `host` is as it is, and what the plan does about it. */
export function explainHost(assessment: ExplainContext, host: Host): Explanation {
  const { plan, bans, gate, names } = assessment;
  const name = names.of(host.uuid);
  if (plan === null) return refused(`Nothing is done about ${name}`, "unknown", gate);
  const absent = plan.absent.find((each) => each.host === host.uuid);
  const figures = figuresOf(assessment, plan, host.uuid);
  const moves = plan.moves.filter(({ source, destination }) => [source, destination].includes(host.uuid));
  const refusals = plan.unresolved.filter((each) => each.host === host.uuid).flatMap((each) => each.refusals);
  const verdict = absent !== undefined ? "absent" : figures.some(isBroken) ? "breaks" : "keeps";
  const excluded = bans.hosts.get(host.uuid);
  const failing = bans.failing.get(host.uuid);
  const details = [
    ...(gate === null ? [] : [`The next run does nothing: ${gateLine(gate)}`]),
    ...(excluded === undefined ? [] : [`Nothing goes to it or leaves it: ${excluded}`]),
    ...(failing === undefined ? [] : [`Nothing goes to it: ${failing}`]),
    ...figures.map((each) => figureLine(each, name)),
    ...moves.map((move) => `Move ${plan.moves.indexOf(move) + 1}: ${moveLine(move, names)}`),
    ...refusals.map((each) => refusalLine(each, names)),
  ];
  const answer =
    absent === undefined
      ? `${name} ${hostAnswer(plan, figures, moves, host.uuid)}`
      : `${name} counts in no mean and takes nothing: ${absent.reason}`;
  return { verdict, answer, details, figures, moves, refusals };
}

function hostAnswer(plan: Plan, figures: readonly RuleFigures[], moves: readonly Move[], host: Uuid): string {
  if (plan.before.length === 0) return "breaks no rule: there are none";
  const broken = figures.filter(isBroken);
  const coming = moves.filter((move) => move.destination === host).length;
  const leaving = moves.length - coming;
  const traffic = [...count(leaving, "away from it"), ...count(coming, "onto it")].join(" and ");
  const plans = traffic === "" ? "nothing moves from or to it" : `the plan moves ${traffic}`;
  if (broken.length === 0) return `keeps every rule (${figures.map(shortFigures).join("; ")}); ${plans}`;
  const left = broken.filter((each) => each.brokenAfter === true);
  const end =
    left.length === 0 ? "then it keeps every rule" : `it stays ${left.map(overAfter).join(" and ")}`;
  return `breaks ${broken.map(({ rule }) => calledRule(rule)).join(" and ")} (${broken.map(shortFigures).join("; ")}); ${plans}, ${end}`;
}

function count(vms: number, where: string): string[] {
  return vms === 0 ? [] : [`${plural(vms, "VM")} ${where}`];
}

function refused(head: string, verdict: "stays" | "unknown", gate: Gate | null): Explanation {
  const why = gate === null ? "there is no plan" : gateLine(gate);
  return {
    verdict,
    answer: `${head}: the next run does nothing: ${why}`,
    details: [],
    figures: [],
    moves: [],
    refusals: [],
  };
}

function blockedFor(head: string, gate: Gate, answer: string, details: readonly string[]) {
  return {
    answer: `${head}: the next run does nothing: ${gateLine(gate)}`,
    details: [`Without that ${answer}`, ...details],
  };
}

function becauseOf(
  { source, rule, term: place, mean, sourceBefore, sourceAfter }: Move,
  names: Names,
): string {
  if (rule === null) return `${names.of(source)} is to be emptied`;
  const term = termOf(rule, place);
  const comes = `and comes to ${figure(sourceAfter)} without it`;
  if (term.condition !== "more than mean") {
    const has = `has ${inUnit(sourceBefore, term)} of ${sumText(term)}`;
    return `${names.of(source)} ${has} (${allowedText(term, mean)})${othersText(rule)} ${comes}`;
  }
  const over = inUnit(sourceBefore - mean, term);
  const figures = `${figure(sourceBefore)}, mean ${figure(mean)}, allowed ${term.amount}`;
  return `${names.of(source)} is ${over} above the mean of ${sumText(term)} (${figures})${othersText(rule)} ${comes}`;
}

/** Above the threshold, and something is to be done about it. */
function isBroken({ broken, suppressed }: RuleFigures): boolean {
  return broken && suppressed === null;
}

function figuresOf({ suppressed }: ExplainContext, plan: Plan, host: Uuid): readonly RuleFigures[] {
  const of = (verdicts: readonly Verdict[] | undefined) => verdicts?.find((each) => each.hostUuid === host);
  return plan.before.map((before, index) => {
    const [now, later] = [of(before.verdicts), of(plan.after[index]?.verdicts)];
    const term = now?.term ?? 0;
    return {
      rule: before.rule,
      ...(isSingle(before.rule) ? {} : { term }),
      value: now?.value ?? null,
      mean: before.means[term] ?? null,
      deviation: now?.deviation ?? null,
      broken: now?.broken ?? false,
      suppressed: now?.broken === true ? suppressed(host, before.rule) : null,
      valueAfter: later?.values[term] ?? null,
      brokenAfter: later?.broken ?? null,
    };
  });
}

function figureLine(figures: RuleFigures, host: string): string {
  const { value, valueAfter } = figures;
  const after =
    valueAfter === null || valueAfter === value ? "" : `; the plan brings it to ${figure(valueAfter)}`;
  return `${host}: ${shortFigures(figures)}${isBroken(figures) ? ": BREAKS IT" : ""}${after}`;
}

function shortFigures({ rule, term: place, value, mean, deviation, suppressed }: RuleFigures): string {
  if (value === null || deviation === null) return `${calledRule(rule)}: no value`;
  const term = termOf(rule, place);
  const side = deviation < 0 ? "below" : "above";
  const name = isSingle(rule) || rule.name === null ? "" : `${rule.name}: `;
  const others = termsOf(rule).length > 1 ? ", the term that decides" : "";
  const limit =
    term.condition === "more than mean"
      ? `${figure(Math.abs(deviation))} ${side} the mean of ${figure(mean ?? 0)}, allowed ${term.amount}`
      : allowedText(term, 0);
  return `${name}${sumText(term)} ${inUnit(value, term)}, ${limit}${others}${suppressed === null ? "" : `: ${suppressed}`}`;
}

function overAfter({ rule, term: place, valueAfter }: RuleFigures): string {
  const term = termOf(rule, place);
  const value = valueAfter === null ? "" : `, with ${inUnit(valueAfter, term)}`;
  return `above what ${calledRule(rule)} allows${value}`;
}

function refusalsOf({ unresolved }: Plan, vm: Uuid): readonly Refused[] {
  const all = unresolved.flatMap(({ refusals }) => refusals).filter((each) => each.vm === vm);
  const seen = new Map(all.map((each) => [`${each.host ?? ""}>${each.reason}`, each]));
  return [...seen.values()];
}

function refusalLine({ vm, host, reason }: Refused, names: Names): string {
  return host === null
    ? `${names.of(vm)} stays: ${reason}`
    : `${names.of(vm)} not to ${names.of(host)}: ${reason}`;
}
