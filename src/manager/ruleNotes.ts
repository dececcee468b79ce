/** What an administrator may not have meant by a rule that was made all the same: each with the figure measured. */

import { withDerived } from "../domain/derived.ts";
import { subjectValue, takesPart } from "../domain/deviation.ts";
import {
  type AnySubject,
  highestOf,
  isSingle,
  type Rule,
  type ServeRule,
  subjectsOf,
  sumText,
  type Term,
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
    const unreachable = unreachableNote(term);
    if (unreachable !== null) {
      notes.push(unreachable);
      continue;
    }
    const noise = await noiseOf(db, term.subjects);
    if (noise === null || term.amount >= noiseFactor * noise.deviation) continue;
    notes.push(
      `The threshold of ${sumText(term)} is under the noise: a host's value has a standard deviation of ${withUnit(figure(noise.deviation), term)} (${plural(noise.samples, "sample")} of the last hour), so that chance alone breaks the rule now and then. ${calmer(term, noiseFactor * noise.deviation)}`,
    );
  }
  return [...notes, ...(await unmeasuredNotes(db, subjectsOf([rule]))), ...(await besideServing(db, rule))];
}

/** A threshold that no host, or every host above the mean, is beyond. Rules of the thesis may have it; chains are refused. */
function unreachableNote(term: Term): string | null {
  const most = mostOf(term);
  if (term.amount >= most)
    return `No host can break it: ${sumText(term)} is never above ${withUnit(most, term)}, so that none is ${withUnit(figure(term.amount), term)} above the mean. Write less.`;
  if (term.amount > 0) return null;
  return `Every host above the mean breaks it, and one always is: with ${withUnit(0, term)} the rule is never kept. Write more.`;
}

function mostOf({ subjects }: Term): number {
  return subjects.reduce((sum, subject) => sum + highestOf(subject), 0);
}

/** What helps against noise: a wider threshold, unless that is one which hosts hardly reach. */
function calmer(term: Term, enough: number): string {
  const average =
    "have more samples averaged (ControlSampleCount) or more breaches awaited (ControlBreaches)";
  return enough < mostOf(term) / 2
    ? `Write ${withUnit(figure(Math.ceil(enough)), term)} or more, or ${average}.`
    : `A threshold beyond that is hardly ever reached: ${average}.`;
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
