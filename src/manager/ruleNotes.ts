/** What an administrator may not have meant by a rule that was made all the same: each with the figure measured. */

import { withDerived } from "../domain/derived.ts";
import { subjectValue, takesPart } from "../domain/deviation.ts";
import {
  type AnySubject,
  isSingle,
  type Rule,
  type ServeRule,
  subjectsOf,
  sumText,
  termsOf,
} from "../domain/rule.ts";
import { recordHint, unmeasuredLines } from "../domain/unmeasured.ts";
import { ruleTitle, withUnit } from "../rules/print.ts";
import { calledRule } from "../rules/words.ts";
import type { Database } from "../store/connection.ts";
import { noiseOf } from "../store/noise.ts";
import { readRules } from "../store/rules.ts";
import { loadSnapshot } from "../store/snapshot.ts";
import { figure, plural } from "../text/format.ts";

/** A threshold below twice the standard deviation of a host's own values is crossed by chance all the time. */
const noiseFactor = 2;

/** Notes on thresholds under the noise, and on subjects that no collection has a value of. */
export async function notesOn(db: Database, rule: Rule): Promise<readonly string[]> {
  const notes: string[] = [];
  for (const term of termsOf(rule)) {
    if (term.condition !== "more than mean") continue;
    const noise = await noiseOf(db, term.subjects);
    if (noise === null || term.amount >= noiseFactor * noise.deviation) continue;
    notes.push(
      `The threshold of ${sumText(term)} is under the noise: a host's value has a standard deviation of ${withUnit(figure(noise.deviation), term)} (${plural(noise.samples, "sample")} of the last hour); from ${withUnit(figure(noiseFactor * noise.deviation), term)} on it acts on load rather than on chance.`,
    );
  }
  return [...notes, ...(await unmeasuredNotes(db, subjectsOf([rule]))), ...(await besideServing(db, rule))];
}

/** That a rule which compares hosts can forbid what a rule that serves VMs would do. */
async function besideServing(db: Database, rule: Rule): Promise<readonly string[]> {
  if (!isSingle(rule) && !rule.enabled) return [];
  const serving = (await readRules(db)).serving.find(({ enabled }) => enabled);
  return serving === undefined ? [] : [servingNote(serving, [rule])];
}

/** The same of a rule that serves VMs beside those that compare hosts; none where there are none. */
export async function notesOnServing(db: Database, rule: ServeRule): Promise<readonly string[]> {
  const rules = (await readRules(db)).rules.filter((each) => isSingle(each) || each.enabled);
  return !rule.enabled || rules.length === 0 ? [] : [servingNote(rule, rules)];
}

function servingNote(serving: ServeRule, rules: readonly Rule[]): string {
  const [names, them] = [
    rules.map((rule) => calledRule(rule)).join(" and "),
    rules.length === 1 ? "it does" : "they do",
  ];
  return `${ruleTitle(serving)} makes no move that would break ${names}: a narrow threshold can shut its moves off. Where ${them}, SHOW PLAN and EXPLAIN HOST say so.`;
}

async function unmeasuredNotes(db: Database, named: readonly AnySubject[]): Promise<string[]> {
  const stored = (await loadSnapshot(db))?.snapshot;
  const added = named.filter((subject) => recordHint(subject) !== null);
  const known = named.filter((subject) => recordHint(subject) === null);
  const unmeasurable = stored === undefined ? [] : unmeasuredLines(stored, known);
  const hosts = stored === undefined ? [] : withDerived(stored).hosts.filter(takesPart);
  const missing = added.filter((subject) => !hosts.some((host) => subjectValue(host, subject) !== null));
  const awaited = missing.map(
    (subject) =>
      `No collection has a value of ${subject} yet: xcp-collect reads it from now on${recordHint(subject)}.`,
  );
  return [...unmeasurable, ...awaited];
}

/** A line for each subject of `rules` that no host had a value of in the last collection. */
export async function unmeasuredBy(db: Database, rules: readonly Rule[]): Promise<readonly string[]> {
  const stored = (await loadSnapshot(db))?.snapshot;
  const enabled = rules.filter((rule) => isSingle(rule) || rule.enabled);
  return stored === undefined ? [] : unmeasuredLines(stored, subjectsOf(enabled));
}
