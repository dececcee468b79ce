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
import type { Move, Plan, Refusal, ServeForecast } from "../planner/plan.ts";
import { ahead } from "../planner/serve/planServing.ts";
import { allowedText, calledRule, inUnit, othersText, termOf } from "../rules/words.ts";
import { figure, plural } from "../text/format.ts";
import type { Names } from "../text/names.ts";
import { gateLine, limitReached, moveLine, searchText } from "./report.ts";
import {
  forbiddenText,
  type HostServing,
  minutesText,
  savesText,
  servingOf,
  wantedText,
  whyShort,
  worthText,
} from "./serving.ts";

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
   * Of a VM: moves or stays. Of a host: absent (counts in no mean, takes nothing), breaks a rule, is expected to be
   * short of CPUs, or keeps all.
   * With a closed gate a VM always stays.
   */
  readonly verdict: "moves" | "stays" | "absent" | "breaks" | "short" | "keeps" | "unknown";
  /** One sentence, not escaped. */
  readonly answer: string;
  /** The figures and reasons behind it, a line each, not escaped. */
  readonly details: readonly string[];
  readonly figures: readonly RuleFigures[];
  readonly moves: readonly Move[];
  readonly refusals: readonly Refused[];
  /** What the rule that serves VMs expects of the host, or of the VM's host; left out where none acts. */
  readonly serving?: HostServing;
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
    const explained = { answer, details, figures, moves, refusals: [], ...servingFor(plan, host?.uuid) };
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
      ...searchDetails(plan, host?.uuid),
      ...refusals.map((each) => refusalLine(each, names)),
    ],
    figures,
    moves: [],
    refusals,
    ...servingFor(plan, host?.uuid),
  };
}

/** Of a host that stays broken: that no move was searched for, or not whole. */
function searchDetails(plan: Plan, host: Uuid | undefined): readonly string[] {
  const text = plan.unresolved.some((each) => each.host === host) ? searchText(plan) : null;
  return text === null ? [] : [text];
}

function servingFor({ serve }: Plan, host: Uuid | undefined): Pick<Explanation, "serving"> {
  const serving = serve === undefined || host === undefined ? null : servingOf(serve, host);
  return serving === null ? {} : { serving };
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
  if (plan.before.length === 0 && plan.serve === undefined) return "there are no rules";
  const absent = plan.absent.find((each) => each.host === host.uuid);
  if (absent !== undefined) return `its host is left out of mean and moves: ${absent.reason}`;
  const served = plan.serve === undefined ? null : whyItIsNotServed(plan, plan.serve, vm, host, names);
  const figures = figuresOf(assessment, plan, host.uuid);
  if (figures.length === 0 && served !== null) return served.reason;
  const broken = figures.filter(isBroken);
  if (broken.length === 0 && served?.decides === true) return served.reason;
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

interface NotServed {
  readonly reason: string;
  /** That its host is short of CPUs now. */
  readonly decides: boolean;
}

/** Why the rule that serves VMs leaves the VM where it is; null where it knows nothing of the host. */
function whyItIsNotServed(
  { moves }: Plan,
  serve: ServeForecast,
  vm: Vm,
  host: Host,
  names: Names,
): NotServed | null {
  const serving = servingOf(serve, host.uuid);
  if (serving === null) return null;
  const { figures, still } = serving;
  const next = `in the next ${ahead(serve.rule.overMinutes)}`;
  if (figures.shortageBefore < 0.05) {
    return {
      decides: false,
      reason: `its host is expected to lack nothing ${next} (${wantedText(figures)})`,
    };
  }
  const others = moves
    .filter(({ source }) => source === host.uuid)
    .map((move) => `${names.of(move.vm)} to ${names.of(move.destination)}`);
  const lacks = `its host is expected to lack ${minutesText(figures.shortageBefore)} ${next} (${wantedText(figures)})`;
  const moved =
    others.length === 0
      ? ""
      : `, ${minutesText(figures.shortageAfter)} once the plan has moved ${others.join(", ")}`;
  const offer = still?.offers.find((each) => each.vm === vm.uuid);
  if (still === null) return { decides: true, reason: `${lacks}${moved}` };
  if (still.forbidden?.vm === vm.uuid) {
    const { destination } = still.forbidden;
    const saves = `moving it to ${names.of(destination)} would save ${savesText(still.forbidden)}`;
    return { decides: true, reason: `${lacks}${moved}; ${saves}, but ${forbiddenText(still.forbidden)}` };
  }
  if (offer !== undefined) {
    const worth = worthText(offer, serve.rule, still.limited);
    return {
      decides: true,
      reason: `${lacks}${moved}; moving it to ${names.of(offer.destination)} ${worth}`,
    };
  }
  const own = still.refusals.filter((each) => each.vm === vm.uuid);
  const kept =
    own.length === 0 ? "" : `; it can go nowhere: ${plural(own.length, "reason follows", "reasons follow")}`;
  return { decides: true, reason: `${lacks}${moved}${kept}` };
}

/** Why `host` is as it is, and what the plan does about it. */
export function explainHost(assessment: ExplainContext, host: Host): Explanation {
  const { plan, bans, gate, names } = assessment;
  const name = names.of(host.uuid);
  if (plan === null) return refused(`Nothing is done about ${name}`, "unknown", gate);
  const absent = plan.absent.find((each) => each.host === host.uuid);
  const figures = figuresOf(assessment, plan, host.uuid);
  const moves = plan.moves.filter(({ source, destination }) => [source, destination].includes(host.uuid));
  const serving = plan.serve === undefined ? null : servingOf(plan.serve, host.uuid);
  const refusals = distinct([
    ...(serving?.still?.refusals ?? []),
    ...plan.unresolved.filter((each) => each.host === host.uuid).flatMap((each) => each.refusals),
  ]);
  const verdict =
    absent !== undefined
      ? "absent"
      : figures.some(isBroken)
        ? "breaks"
        : (serving?.figures.shortageBefore ?? 0) >= 0.05
          ? "short"
          : "keeps";
  const excluded = bans.hosts.get(host.uuid);
  const failing = bans.failing.get(host.uuid);
  const details = [
    ...(gate === null ? [] : [`The next run does nothing: ${gateLine(gate)}`]),
    ...(excluded === undefined ? [] : [`Nothing goes to it or leaves it: ${excluded}`]),
    ...(failing === undefined ? [] : [`Nothing goes to it: ${failing}`]),
    ...figures.map((each) => figureLine(each, name)),
    ...(plan.serve === undefined || serving === null ? [] : servingDetails(plan.serve, serving, names)),
    ...moves.map((move) => `Move ${plan.moves.indexOf(move) + 1}: ${moveLine(move, names)}`),
    ...searchDetails(plan, host.uuid),
    ...refusals.map((each) => refusalLine(each, names)),
  ];
  const answer =
    absent === undefined
      ? `${name} ${hostAnswer(plan, figures, moves, host.uuid, serving)}`
      : `${name} counts in no mean and takes nothing: ${absent.reason}`;
  return { verdict, answer, details, figures, moves, refusals, ...(serving === null ? {} : { serving }) };
}

function hostAnswer(
  plan: Plan,
  figures: readonly RuleFigures[],
  moves: readonly Move[],
  host: Uuid,
  serving: HostServing | null,
): string {
  const short = plan.serve === undefined || serving === null ? null : shortAnswer(plan.serve, serving);
  if (figures.length === 0 && short === null) return "breaks no rule: there are none";
  const broken = figures.filter(isBroken);
  const coming = moves.filter((move) => move.destination === host).length;
  const leaving = moves.length - coming;
  const traffic = [...count(leaving, "away from it"), ...count(coming, "onto it")].join(" and ");
  const plans = traffic === "" ? "nothing moves from or to it" : `the plan moves ${traffic}`;
  const kept =
    figures.length === 0 ? [] : [`keeps every rule of likeness (${figures.map(shortFigures).join("; ")})`];
  if (broken.length === 0) {
    if (short === null) return `keeps every rule (${figures.map(shortFigures).join("; ")}); ${plans}`;
    return `${[short.answer, ...kept].join(" and ")}; ${plans}${short.end}`;
  }
  const left = broken.filter((each) => each.brokenAfter === true);
  const end =
    left.length === 0 ? "then it keeps every rule" : `it stays ${left.map(overAfter).join(" and ")}`;
  const breaks = `breaks ${broken.map(({ rule }) => calledRule(rule)).join(" and ")} (${broken.map(shortFigures).join("; ")})`;
  if (short === null) return `${breaks}; ${plans}, ${end}`;
  return `${breaks} and ${short.answer}; ${plans}, ${end}${short.end}`;
}

/** What is short on the host now, and when the plan is made. */
function shortAnswer(
  { rule }: ServeForecast,
  { figures, still }: HostServing,
): { readonly answer: string; readonly end: string } {
  const next = `in the next ${ahead(rule.overMinutes)} (${wantedText(figures)})`;
  const lacks = figures.shortageBefore < 0.05 ? "nothing" : minutesText(figures.shortageBefore);
  const changes = figures.wantedAfter !== figures.wantedBefore;
  const left = figures.shortageAfter < 0.05 ? "nothing" : minutesText(figures.shortageAfter);
  const after = changes ? `, and it lacks ${left} then` : "";
  const stays = still === null || changes ? "" : ", and it stays so";
  return { answer: `is expected to lack ${lacks} ${next}`, end: `${after}${stays}` };
}

/** Why nothing more is done about what the host is short of, and what its VMs' own moves would save. */
function servingDetails({ rule }: ServeForecast, { still }: HostServing, names: Names): readonly string[] {
  if (still === null) return [];
  const offers = still.offers.map(
    (offer) =>
      `${names.of(offer.vm)} to ${names.of(offer.destination)} ${worthText(offer, rule, still.limited)}`,
  );
  return [
    `Why it stays ${minutesText(still.minutes)} short: ${whyShort(still, rule, names)}`,
    ...offers.slice(1),
  ];
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
  { source, rule, term: place, mean, sourceBefore, sourceAfter, purpose, reason }: Move,
  names: Names,
): string {
  if (rule === null) return purpose === "evacuates" ? `${names.of(source)} is to be emptied` : reason;
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

function refusalsOf({ unresolved, serve }: Plan, vm: Uuid): readonly Refused[] {
  const all = [
    ...(serve?.short.flatMap(({ refusals }) => refusals) ?? []),
    ...unresolved.flatMap(({ refusals }) => refusals),
  ];
  return distinct(all.filter((each) => each.vm === vm));
}

/** Each once, where several rules say the same: of a destination that a rule bars, the last that says so. */
function distinct(all: readonly Refusal[]): readonly Refused[] {
  const keyOf = ({ vm, host, code, reason }: Refusal) =>
    `${vm}>${host ?? ""}>${code === "rule" ? code : reason}`;
  const seen = new Map(all.map((each) => [keyOf(each), each]));
  return [...seen.values()];
}

function refusalLine({ vm, host, reason }: Refused, names: Names): string {
  return host === null
    ? `${names.of(vm)} stays: ${reason}`
    : `${names.of(vm)} not to ${names.of(host)}: ${reason}`;
}
