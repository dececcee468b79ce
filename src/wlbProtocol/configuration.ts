/**
 * The dictionary that XenCenter edits. It changes only keys that it was given and then sends everything back, and its page
 * does not open where a word that it expects is missing: so every key is always there. Pure.
 */

import type { Uuid } from "../domain/pool.ts";
import { hasEffect } from "../domain/workloadBalancing.ts";

const mebibyte = 1024 * 1024;

/** What a threshold's high, medium and low are of its critical value: loads fall, free memory rises. */
const ofLoad = { High: 0.85, Medium: 0.5, Low: 0.15 } as const;
const ofFree = { High: 1.25, Medium: 10, Low: 20 } as const;

const thresholds: readonly (readonly [string, number, Readonly<Record<string, number>>])[] = [
  ["HostCpuThreshold", 0.9, ofLoad],
  ["HostMemoryThreshold", 64 * mebibyte, ofFree],
  ["HostPifReadThreshold", 1000 * mebibyte, ofLoad],
  ["HostPifWriteThreshold", 1000 * mebibyte, ofLoad],
  ["HostPbdReadThreshold", 1000 * mebibyte, ofLoad],
  ["HostPbdWriteThreshold", 1000 * mebibyte, ofLoad],
];

const weights = [
  "VmCpuUtilizationWeight",
  "VmMemoryWeight",
  "VmNetworkReadWeight",
  "VmNetworkWriteWeight",
  "VmDiskReadWeight",
  "VmDiskWriteWeight",
] as const;

/** What XenCenter derives by, where it is not told otherwise: the same, so that nothing hangs on who reads them. */
const resources = ["Cpu", "Memory", "NetworkRead", "NetworkWrite", "DiskRead", "DiskWrite"] as const;
const partsOfWeight = { Medium: 0.6, Low: 0.3 } as const;

/** What stands for a key that nobody has set. */
export interface ConfigurationDefaults {
  /** Minutes that a VM rests after a move, and samples in which a rule must be broken: as the settings have them. */
  readonly recentMoveMinutes: number;
  readonly pollIntervals: number;
}

/** From 6.5 on XenCenter shows the audit page, from 8.0 on nothing is missing. */
const wlbVersion = "8.3";

/** Every key of the pool without those of hosts, with the value that it has where nobody set it. */
function defaultValues({ recentMoveMinutes, pollIntervals }: ConfigurationDefaults): Map<string, string> {
  const values = new Map<string, string>([
    ["WlbVersion", wlbVersion],
    ["OptimizationMode", "0"],
    ["EnableOptimizationModeSchedules", "false"],
    ["OverCommitCpuInPerfMode", "true"],
    ["OverCommitCpuInDensityMode", "true"],
    ["RecentMoveMinutes", String(Math.min(260, Math.max(1, recentMoveMinutes)))],
    ["AutoBalanceEnabled", "true"],
    ["AutoBalancePollIntervals", String(pollIntervals)],
    ["AutoBalanceSeverity", "High"],
    ["AutoBalanceAggressiveness", "Medium"],
    ["PowerManagementEnabled", "false"],
    ["PowerManagementPollIntervals", "3"],
    ["PoolAuditLogGranularity", "Minimum"],
    ["CredentialsValid", "true"],
    ["ReportingSMTPServer", ""],
  ]);
  for (const [name, critical, parts] of thresholds) {
    values.set(`${name}Critical`, decimal(critical));
    for (const [level, part] of Object.entries(parts))
      values.set(`${name}${level}`, decimal(critical * part));
  }
  for (const name of weights) {
    for (const [level, part] of [["High", 1], ...Object.entries(partsOfWeight)] as const) {
      values.set(`${name}${level}`, decimal(part));
    }
  }
  for (const name of resources) {
    const parts = name === "Memory" ? ofFree : ofLoad;
    for (const [level, part] of Object.entries(parts))
      values.set(`${name}${level}ThresholdFactor`, decimal(part));
    for (const [level, part] of Object.entries(partsOfWeight))
      values.set(`${name}${level}WeightFactor`, decimal(part));
  }
  // XenCenter looks for this one with a small letter.
  values.set("diskWriteMediumWeightFactor", decimal(partsOfWeight.Medium));
  return values;
}

/** With a point, and never with an exponent. */
function decimal(value: number): string {
  return String(Math.round(value * 10_000) / 10_000);
}

/** A host as the configuration shows it. */
export interface ConfiguredHost {
  readonly uuid: Uuid;
  /** Whether the pool knows how to switch it on. */
  readonly canPowerOn: boolean;
}

/** What is given back: what was set, and for everything else a value that makes sense. */
export function completeConfiguration(
  stored: ReadonlyMap<string, string>,
  hosts: readonly ConfiguredHost[],
  defaults: ConfigurationDefaults,
): ReadonlyMap<string, string> {
  const values = defaultValues(defaults);
  for (const { uuid, canPowerOn } of hosts) {
    const key = (name: string) => `host_${uuid.toLowerCase()}_${name}`;
    values.set(key("ParticipatesInPowerManagement"), "false");
    values.set(key("LastPowerOnSucceeded"), String(canPowerOn));
    for (const name of exclusionKeys) values.set(key(name), "false");
  }
  for (const [name, value] of stored) values.set(name, value);
  for (const [name, allowed] of words) {
    const value = values.get(name) ?? "";
    const found = allowed.find((word) => word.toLowerCase() === value.toLowerCase());
    values.set(name, found ?? allowed[0] ?? "");
  }
  for (const [name, least, most] of pageRanges) {
    const text = values.get(name) ?? "";
    const value = Number(text);
    if (!(/^\d+$/.test(text) && value >= least && value <= most))
      values.set(name, String(Math.min(most, Math.max(least, Math.round(value) || least))));
  }
  // Without a dot it is no version, and the page does not open.
  if (!/^\d+\.\d/.test(values.get("WlbVersion") ?? "")) values.set("WlbVersion", wlbVersion);
  return values;
}

/** What the fields of XenCenter's page take. */
const pageRanges: readonly (readonly [string, number, number])[] = [
  ["RecentMoveMinutes", 1, 260],
  ["AutoBalancePollIntervals", 1, 100],
];

const exclusionKeys = [
  "ExcludeFromPlacementRecommendations",
  "ExcludeFromEvacuationRecommendations",
  "ExcludeFromPoolOptimizations",
  "ExcludeFromPoolOptimizationAcceptVMs",
] as const;

/** Words that XenCenter cannot do without; the first stands for what is none of them. */
const words: readonly (readonly [string, readonly string[]])[] = [
  ["AutoBalanceSeverity", ["High", "Low", "Medium", "Critical"]],
  ["AutoBalanceAggressiveness", ["Medium", "Low", "High"]],
  ["PoolAuditLogGranularity", ["Minimum", "Medium", "Maximum"]],
];

/** What a configuration that was sent asks for. */
export interface ConfigurationChange {
  readonly set: ReadonlyMap<string, string>;
  readonly gone: readonly string[];
  /** Keys that differ from what was there and do nothing here. */
  readonly withoutEffect: readonly string[];
}

/** Instructions that go with a configuration and are no part of it. */
const flags: readonly string[] = [
  "set_host_configuration",
  "set_scheduled_task",
  "delete_scheduled_task",
  "set_report_subscription",
  "delete_report_subscription",
];

/** Longest key; keys and values may hold any text. */
const longestKey = 255;
const longestValue = 100_000;
const mostKeys = 5000;

/** What becomes of `sent`; or, in words, why it cannot be stored. */
export function changeOf(
  sent: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, string>,
  stored: ReadonlyMap<string, string>,
): ConfigurationChange | string {
  // XenCenter sends everything back: what it left as it was given must not begin to act.
  const own = [...sent].filter(([key, value]) => known.get(key) !== value || stored.has(key));
  const set = withTaskNumbers(new Map(own.filter(([key]) => !flags.includes(key))), stored);
  for (const [key, value] of set) {
    if (key === "" || key.length > longestKey)
      return `a key is empty or longer than ${longestKey} characters`;
    if (value.length > longestValue) return `the value of ${key} is longer than ${longestValue} characters`;
  }
  const gone = sent.get("delete_scheduled_task") === "true" ? deletedTasks(sent) : [];
  const names = [...set.keys()].filter((key) => isOfTask(key, gone));
  for (const name of names) set.delete(name);
  const removed = [...new Set([...names, ...[...stored.keys()].filter((key) => isOfTask(key, gone))])];
  if (new Set([...stored.keys(), ...set.keys()]).size > mostKeys)
    return `there would be more than ${mostKeys} keys`;
  const changed = [...set].filter(([key, value]) => known.get(key) !== value).map(([key]) => key);
  return {
    set,
    gone: removed,
    withoutEffect: changed.filter((key) => !hasEffect(key, set.get(key) ?? "")),
  };
}

/** Gives each new task, whose number is 0 or below, a number that none has. */
function withTaskNumbers(
  sent: ReadonlyMap<string, string>,
  stored: ReadonlyMap<string, string>,
): Map<string, string> {
  const taken = [...stored.keys(), ...sent.keys()].flatMap((key) => taskNumber(key) ?? []);
  let last = Math.max(0, ...taken);
  const numbers = new Map<number, number>();
  const numbered = [...sent].map(([key, value]): [string, string] => {
    const given = taskNumber(key);
    if (given === null || given > 0) return [key, value];
    const number = numbers.get(given) ?? ++last;
    numbers.set(given, number);
    return [key.replace(/^schedTask_-?\d+_/, `schedTask_${number}_`), value];
  });
  return new Map(numbered);
}

function taskNumber(key: string): number | null {
  const [, id] = /^schedTask_(-?\d{1,9})_/.exec(key) ?? [];
  return id === undefined ? null : Number(id);
}

/** The numbers of scheduled tasks that are marked for deletion. */
function deletedTasks(sent: ReadonlyMap<string, string>): string[] {
  return [...sent].flatMap(([key, value]) => {
    const [, id = ""] = /^schedTask_(-?\d+)_TaskDelete$/.exec(key) ?? [];
    return id !== "" && value.toLowerCase() === "true" ? [id] : [];
  });
}

function isOfTask(key: string, ids: readonly string[]): boolean {
  const [, id = ""] = /^schedTask_(-?\d+)_/.exec(key) ?? [];
  return ids.includes(id);
}
