/** What the next run of xcp-control would do, as text and as JSON. Pure: values in, lines or objects out. */
import type { Evaluation } from "../deviation.ts";
import type { Migration } from "../migration.ts";
import { Names } from "../names.ts";
import type { StoredSnapshot } from "../pool.ts";
import { type Rule, subjectUnit } from "../rule.ts";
import type { Basis } from "./basis.ts";
import type { Gate } from "./gates.ts";
import type { Move, Plan, Unresolved } from "./plan.ts";

/** "refused: age of data: collected 900 s ago, limit 300 s (...); run xcp-collect" */
export function gateLine(gate: Gate): string {
  return `refused: ${gate.name}: ${gate.measured}, limit ${gate.limit}; ${gate.advice}`;
}

/** Everything that a dry run tells: what keeps the next run from acting, what is open, and the plan. */
export function forecastLines(basis: Basis, stored: StoredSnapshot, plan: Plan): string[] {
  const { unknown, held, standing } = basis;
  const names = new Names(stored.snapshot);
  return [
    ...(held === null ? [] : [`A run would be ${gateLine(held)}`]),
    ...standing.open.map((migration) => openLine(migration, names)),
    ...unknownRuleLines(unknown),
    ...planLines(stored, plan),
  ];
}

/** The same as one object. */
export function forecastJson(
  { unknown, held, standing }: Basis,
  stored: StoredSnapshot,
  plan: Plan,
): Readonly<Record<string, unknown>> {
  const open = standing.open.map(({ vm, source, destination, state }) => ({
    vm,
    from: source,
    to: destination,
    state,
  }));
  return { ...planJson(stored, plan, unknown), held, open };
}

function openLine({ vm, source, destination, state }: Migration, names: Names): string {
  return `Open since an earlier run (${state}): ${names.of(vm)}: ${names.of(source)} -> ${names.of(destination)}; the next run finds out how it ended`;
}

/** A row of HostRule that is no rule, as the store tells it. */
interface IgnoredRule {
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

/** The plan for a person: each rule with its hosts before and after, the moves, and what stays broken. */
export function planLines(stored: StoredSnapshot, plan: Plan): string[] {
  const { snapshot, ageSeconds } = stored;
  const names = new Names(snapshot);
  const hosts = `${snapshot.hosts.length} ${snapshot.hosts.length === 1 ? "host" : "hosts"}`;
  return [
    `Pool ${snapshot.pool.name === "" ? snapshot.pool.uuid : snapshot.pool.name}: ${hosts}, collected ${Math.round(ageSeconds)} s ago`,
    ...plan.absent.map(({ host, reason }) => `${names.of(host)} is left out of mean and moves: ${reason}`),
    ...plan.before.flatMap((before, index) => ruleLines(before, plan.after[index], names)),
    ...plan.moves.map((move, index) => `Move ${index + 1}: ${moveLine(move, names)}`),
    ...closingLines(plan, names),
  ];
}

function ruleLines(before: Evaluation, after: Evaluation | undefined, names: Names): string[] {
  const unit = subjectUnit[before.rule.subject];
  const head = `Rule ${before.rule.subject} more than ${before.rule.threshold} ${unit} above the mean`;
  const missing = before.missing.map((host) => `  ${names.of(host)}: no value, left out of this mean`);
  if (before.mean === null) return [`${head}: no host has a value`, ...missing];
  const later = new Map(after?.verdicts.map((verdict) => [verdict.hostUuid, verdict]));
  return [
    `${head}: mean ${figure(before.mean)} ${unit}`,
    ...before.verdicts.map((verdict) => {
      const next = later.get(verdict.hostUuid);
      const change = next === undefined || next.value === verdict.value ? "" : ` -> ${withDeviation(next)}`;
      return `  ${names.of(verdict.hostUuid)}: ${withDeviation(verdict)}${verdict.broken ? " BREAKS IT" : ""}${change}`;
    }),
    ...missing,
  ];
}

function withDeviation({ value, deviation }: { value: number; deviation: number }): string {
  return `${figure(value)} (${deviation < 0 ? "" : "+"}${figure(deviation)})`;
}

/** "VM2 - Debian: Host2 -> Host1; CpuAverage Host2 100 -> 50.5, Host1 25 -> 74.5 (...); 256 MB to copy" */
export function moveLine(move: Move, names: Names): string {
  const { subject, threshold } = move.rule;
  const unit = subjectUnit[subject];
  const source = `${names.of(move.source)} ${figure(move.sourceBefore)} -> ${figure(move.sourceAfter)}`;
  const target = `${names.of(move.destination)} ${figure(move.destinationBefore)} -> ${figure(move.destinationAfter)}`;
  const why = `mean ${figure(move.mean)} ${unit}, allowed ${threshold} above it`;
  const copy = move.copyBytes === null ? "" : `; ${Math.round(move.copyBytes / 1024 / 1024)} MB to copy`;
  return `${names.of(move.vm)}: ${names.of(move.source)} -> ${names.of(move.destination)}; ${subject} ${source}, ${target} (${why})${copy}`;
}

/** Why nothing more is done: always at least one sentence. */
function closingLines(plan: Plan, names: Names): string[] {
  if (plan.before.length === 0) {
    return [
      "Nothing to do: there are no rules; create one with: xcp-manager -e 'CREATE RULE HOST CpuAverage > 25'",
    ];
  }
  const lines = plan.unresolved.flatMap((pair) => unresolvedLines(pair, names));
  if (plan.limited)
    lines.push("More moves would follow; the limit of one run is reached (ControlMaxMovesPerRun)");
  if (lines.length > 0 || plan.moves.length > 0) return lines;
  return [
    `Nothing to do: no host breaks a rule. ${plan.after.map((each) => balanced(each, names)).join(" ")}`,
  ];
}

function balanced({ rule, mean, verdicts }: Evaluation, names: Names): string {
  const [highest] = verdicts;
  const unit = subjectUnit[rule.subject];
  if (mean === null || highest === undefined) return `${rule.subject}: no host has a value.`;
  return `${rule.subject}: mean ${figure(mean)} ${unit}, ${names.of(highest.hostUuid)} is furthest above it, by ${figure(highest.deviation)} of ${rule.threshold} ${unit} allowed.`;
}

/** A large pool has thousands of pairs of VM and host, each with its reason. */
const shownRefusals = 40;

/** Why a pair stays broken: a line each VM and host. */
export function unresolvedLines(pair: Unresolved, names: Names): string[] {
  const { subject, threshold } = pair.rule;
  const unit = subjectUnit[subject];
  const over = figure(pair.value - pair.mean);
  const head = `${names.of(pair.host)} stays ${over} ${unit} above the mean of ${subject} (allowed ${threshold})`;
  if (pair.refusals.length === 0) return [`${head}: it has no VM that could be moved`];
  const more = pair.refusals.length - shownRefusals;
  return [
    `${head}, because:`,
    ...pair.refusals.slice(0, shownRefusals).map(({ vm, host, reason }) => {
      const where = host === null ? "stays" : `not to ${names.of(host)}`;
      return `  ${names.of(vm)} ${where}: ${reason}`;
    }),
    ...(more > 0 ? [`  and ${more} more reasons: xcp-control --dry-run --json gives all`] : []),
  ];
}

/** The plan as one object for --dry-run --json; `moves` are in executable order, all objects by uuid. */
export function planJson(
  stored: StoredSnapshot,
  plan: Plan,
  unknownRules: readonly IgnoredRule[] = [],
): Readonly<Record<string, unknown>> {
  const names = new Names(stored.snapshot);
  return {
    pool: { uuid: stored.snapshot.pool.uuid, name: stored.snapshot.pool.name },
    collection: stored.collection.id,
    ageSeconds: Math.round(stored.ageSeconds * 10) / 10,
    gate: null,
    rules: plan.before.map((before, index) => ruleJson(before, plan.after[index], names)),
    moves: plan.moves.map((move) => moveJson(move, names)),
    unresolved: plan.unresolved.map(({ host, rule, value, mean, refusals }) => ({
      host,
      hostName: names.exact(host),
      subject: rule.subject,
      value,
      mean,
      refusals,
    })),
    absent: plan.absent,
    ignoredRules: unknownRules,
    limited: plan.limited,
  };
}

/** The closed gate in the same shape, with no moves. */
export function gateJson(gate: Gate): Readonly<Record<string, unknown>> {
  return { gate, moves: [] };
}

function ruleJson(
  before: Evaluation,
  after: Evaluation | undefined,
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
      valueAfter: later.get(hostUuid)?.value ?? null,
      deviationAfter: later.get(hostUuid)?.deviation ?? null,
      brokenAfter: later.get(hostUuid)?.broken ?? null,
    })),
  };
}

/** One move as JSON: uuids, with names beside them. */
export function moveJson(move: Move, names: Names): Readonly<Record<string, unknown>> {
  return {
    vm: move.vm,
    from: move.source,
    to: move.destination,
    vmName: names.exact(move.vm),
    fromName: names.exact(move.source),
    toName: names.exact(move.destination),
    ...ruleWords(move.rule),
    mean: move.mean,
    fromBefore: move.sourceBefore,
    fromAfter: move.sourceAfter,
    toBefore: move.destinationBefore,
    toAfter: move.destinationAfter,
    copyBytes: move.copyBytes,
  };
}

function ruleWords({ subject, threshold }: Rule): { subject: string; threshold: number; unit: string } {
  return { subject, threshold, unit: subjectUnit[subject] };
}

/** At most two decimals, without trailing zeros. */
export function figure(value: number): string {
  return String(Math.round(value * 100) / 100);
}
