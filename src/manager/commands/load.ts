/** SHOW LOAD, or TOP: hosts by how loaded they are, measured as xcp-control decides. Read only. */

import { withDerived } from "../../domain/derived.ts";
import {
  absence,
  evaluate,
  mean,
  subjectValue,
  takesPart,
  termLimit,
  termMean,
} from "../../domain/deviation.ts";
import type { Host, Snapshot, StoredSnapshot, Uuid } from "../../domain/pool.ts";
import {
  type AnySubject,
  highestOf,
  namedSubjects,
  parseAnySubject,
  type Rule,
  termsOf,
  unitOf,
} from "../../domain/rule.ts";
import { lowScore, type Scores, scoreOf } from "../../domain/score.ts";
import { conditionText, describeRule } from "../../rules/print.ts";
import { loadAssessment } from "../../store/load/decisionInput.ts";
import { loadScores } from "../../store/load/scores.ts";
import { figure, span } from "../../text/format.ts";
import { firstThatFits, onScreen, screenTable, type TerminalView } from "../../text/screen.ts";
import { closest, printable } from "../../text/text.ts";
import { barColumns, barText, narrowBarColumns } from "../bar.ts";
import { notCollected } from "../collected.ts";
import { type Command, command, type HelpEntry, type ManagerContext } from "../command.ts";
import { offer } from "../offer.ts";
import { alignedLines, type Columns, type ShownTable, tableOf } from "../table.ts";
import { problem, quote, type TextProblem } from "../words.ts";

export interface HostLoad {
  readonly host: Host;
  /** Null where a measure is missing. */
  readonly value: number | null;
  /** From the mean; null where the host has no part in it. */
  readonly deviation: number | null;
  readonly vms: number;
  /** Of its VMs together: the share of the CPU they wanted that they got in the last hour; null where not known. */
  readonly score: number | null;
  /** Of the rules that act now. */
  readonly breaks: readonly Rule[];
  /** Why it takes no part; null where it does. */
  readonly absent: string | null;
}

/** Hosts from the most loaded to the least; those without a value last. */
export interface PoolLoad {
  readonly subject: AnySubject;
  readonly mean: number | null;
  /** What acting rules allow of the subject alone, from the lowest: mean and threshold, or an absolute limit. */
  readonly limits: readonly number[];
  readonly collection: StoredSnapshot["collection"];
  readonly ageSeconds: number;
  readonly hosts: readonly HostLoad[];
}

const help: readonly HelpEntry[] = [
  [
    "SHOW LOAD [Subject], TOP [Subject]",
    "hosts from the most loaded to the least, by CpuAverage or what is named, with the",
    "pool's mean and the limits of the rules marked",
  ],
  "SHOW LOAD OccupiedMemoryMb",
];

export const showLoad: Command<AnySubject, PoolLoad> = loadCommand("SHOW LOAD");
export const top: Command<AnySubject, PoolLoad> = loadCommand("TOP");

function loadCommand(words: string): Command<AnySubject, PoolLoad> {
  return command({
    words,
    usage: `${words} [Subject]`,
    help,
    complete: { names: false, offer: (typed) => offer(namedSubjects, typed) },
    read: readSubject,
    run: poolLoad,
    text: loadLines,
    screen: loadOnScreen,
    json: loadJson,
    table: loadTable,
    hints: ({ hosts }) => (hosts.length === 0 ? ["The database holds no host; xcp-collect fills it."] : []),
  });
}

function readSubject(rest: string): AnySubject | TextProblem {
  if (rest === "") return "CpuAverage";
  const subject = parseAnySubject(rest);
  if (subject !== null) return subject;
  const meant = closest(rest, namedSubjects);
  const hint = meant === null ? "SHOW SUBJECTS lists them." : `Did you mean ${meant}?`;
  return problem(`${quote(rest)} is no subject. ${hint}`);
}

/** Averaged as xcp-control averages, suspect hosts out of it. Throws AppError not-found before the first collection. */
async function poolLoad({ db, control }: ManagerContext, subject: AnySubject): Promise<PoolLoad> {
  const { stored, rules } = await loadAssessment(db, control, null);
  if (stored === null) throw notCollected();
  const { collection, ageSeconds } = stored;
  const { hosts } = await loadScores(db, stored);
  return { collection, ageSeconds, ...loadOf(withDerived(stored.snapshot), rules, subject, hosts) };
}

/** What `snapshot` says of `subject` under the rules that act. */
export function loadOf(
  { hosts, placements, vms }: Snapshot,
  rules: readonly Rule[],
  subject: AnySubject,
  scores: Scores["hosts"] = new Map(),
): Omit<PoolLoad, "collection" | "ageSeconds"> {
  const poolMean = mean(hosts.filter(takesPart).flatMap((host) => subjectValue(host, subject) ?? []));
  const broken = breaches(hosts, rules);
  const guests = new Set(vms.filter((vm) => !vm.isControlDomain).map(({ uuid }) => uuid));
  const loads = hosts.map((host): HostLoad => {
    const value = subjectValue(host, subject);
    const absent = absence(host);
    const got = scores.get(host.uuid);
    return {
      host,
      value,
      deviation: value === null || poolMean === null || absent !== null ? null : value - poolMean,
      vms: placements.filter(({ hostUuid, vmUuid }) => hostUuid === host.uuid && guests.has(vmUuid)).length,
      score: got === undefined ? null : scoreOf(got),
      breaks: broken.get(host.uuid) ?? [],
      absent,
    };
  });
  return { subject, mean: poolMean, limits: limitsOf(hosts, rules, subject), hosts: loads.toSorted(byLoad) };
}

function byLoad(a: HostLoad, b: HostLoad): number {
  const [first, second] = [a.value ?? Number.NEGATIVE_INFINITY, b.value ?? Number.NEGATIVE_INFINITY];
  return first === second ? (a.host.uuid < b.host.uuid ? -1 : 1) : first > second ? -1 : 1;
}

function breaches(hosts: readonly Host[], rules: readonly Rule[]): ReadonlyMap<Uuid, readonly Rule[]> {
  const found = new Map<Uuid, Rule[]>();
  for (const rule of rules) {
    for (const { hostUuid, broken } of evaluate(hosts, rule).verdicts) {
      if (broken) found.set(hostUuid, [...(found.get(hostUuid) ?? []), rule]);
    }
  }
  return found;
}

function limitsOf(hosts: readonly Host[], rules: readonly Rule[], subject: AnySubject): number[] {
  const terms = rules
    .flatMap(termsOf)
    .filter(({ subjects }) => subjects.length === 1 && subjects[0] === subject);
  return terms.map((term) => termLimit(term, termMean(hosts, term))).sort((a, b) => a - b);
}

function loadLines(load: PoolLoad): readonly string[] {
  return [...headLines(load), "", ...alignedLines(tableOf(columnsOf(load, "everything"), load.hosts))];
}

/** What the columns leave out where a terminal is narrow; the bar says most of it, and SHOW HOSTS the rest. */
const fullness = ["everything", "load", "load in short"] as const;

/**
 * Within the terminal's width. Red is a host that breaks a rule or is dead, yellow one that takes no part, and a score of VMs
 * that are short of CPU. Whatever a colour says stands in words or figures, too.
 */
function loadOnScreen(load: PoolLoad, screen: TerminalView): readonly string[] {
  const tables = fullness.map((which) => tableOf(columnsOf(load, which), load.hosts));
  const table = firstThatFits(tables, screen, ["Load"]);
  const paintOf = (row: number, column: string) => {
    const shown = load.hosts[row];
    if (shown === undefined) return null;
    if (column === "Score") return isStarved(shown) ? "warning" : null;
    if (shown.absent !== null) return shown.host.live ? "warning" : "alarm";
    return shown.breaks.length > 0 ? "alarm" : null;
  };
  return [
    ...headLines(load).map((line) => onScreen(line, screen)),
    "",
    ...screenTable(table, screen, paintOf, ["Load"]),
  ];
}

function isStarved({ score }: HostLoad): boolean {
  return score !== null && score < lowScore;
}

function headLines({ subject, mean: poolMean, limits, ageSeconds, collection }: PoolLoad): readonly string[] {
  const inUnit = unitWriter(subject);
  const age = Number.isFinite(ageSeconds) ? `${span(ageSeconds)} old` : "of unknown age";
  return [
    `Hosts by ${printable(subject)}, collection ${collection.id}, ${age}`,
    `Mean | ${poolMean === null ? "-" : inUnit(round(poolMean))}, limits ! ${limits.length === 0 ? "none: no rule compares it alone" : limits.map((limit) => inUnit(round(limit))).join(", ")}`,
  ];
}

function unitWriter(subject: AnySubject): (value: number) => string {
  const unit = unitOf(subject);
  return (value) => `${figure(value)}${unit === "" ? "" : ` ${unit}`}`;
}

function columnsOf(
  { subject, mean: poolMean, limits, hosts }: PoolLoad,
  which: (typeof fullness)[number],
): Columns<HostLoad> {
  const inUnit = unitWriter(subject);
  const values = hosts.flatMap(({ value }) => value ?? []);
  const highest = highestOf(subject);
  const full = Number.isFinite(highest) ? highest : Math.max(0, ...values, ...limits);
  const inShort = which === "load in short";
  const columns = inShort ? narrowBarColumns : barColumns;
  return {
    Host: hostName,
    [subject]: ({ value }) => (value === null ? null : inUnit(round(value))),
    ...(inShort
      ? {}
      : { "From mean": ({ deviation }) => (deviation === null ? null : signed(round(deviation))) }),
    Load: ({ value }) => barText({ value, full, mean: poolMean, limits, columns }),
    ...(which === "everything" ? figuresBeside : briefFigures),
    State: stateOf,
  };
}

const briefFigures: Columns<HostLoad> = {
  VMs: ({ vms }) => vms,
  Score: ({ score }) => (score === null ? null : round(score)),
};

const figuresBeside: Columns<HostLoad> = {
  "CPU %": ({ host }) => rounded(host.cpuAverage),
  "Memory MB": ({ host }) => rounded(host.memoryTotalMb),
  "Free MB": ({ host }) => rounded(host.memoryFreeMb),
  "Received Kb/s": ({ host }) => rounded(host.pifEth0RxKb),
  "Sent Kb/s": ({ host }) => rounded(host.pifEth0TxKb),
  ...briefFigures,
};

function loadTable({ subject, hosts }: PoolLoad): ShownTable {
  const unit = unitOf(subject);
  return tableOf<HostLoad>(
    {
      Host: hostName,
      Uuid: ({ host }) => host.uuid,
      [`${subject}${unit === "" ? "" : ` ${unit}`}`]: ({ value }) => value,
      "From mean": ({ deviation }) => deviation,
      ...figuresBeside,
      State: stateOf,
    },
    hosts,
  );
}

function loadJson({ subject, mean: poolMean, limits, collection, ageSeconds, hosts }: PoolLoad): object {
  return {
    subject,
    unit: unitOf(subject),
    mean: poolMean,
    limits,
    collection: collection.id,
    ageSeconds,
    hosts: hosts.map(({ host, value, deviation, vms, score, breaks, absent }) => ({
      uuid: host.uuid,
      name: host.name,
      value,
      deviation,
      cpuAverage: host.cpuAverage,
      memoryTotalMb: host.memoryTotalMb,
      memoryFreeMb: host.memoryFreeMb,
      pifEth0RxKb: host.pifEth0RxKb,
      pifEth0TxKb: host.pifEth0TxKb,
      vms,
      score,
      breaks: breaks.map(describeRule),
      absent,
    })),
  };
}

function hostName({ host }: HostLoad): string {
  return host.name === "" ? host.uuid : host.name;
}

/** Why it is out of the comparison, or which rules it breaks. */
function stateOf({ absent, breaks }: HostLoad): string {
  if (absent !== null) return absent;
  return breaks.map((rule) => `breaks ${conditionText(rule)}`).join("; ");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}

function signed(value: number): string {
  return value > 0 ? `+${figure(value)}` : figure(value);
}
