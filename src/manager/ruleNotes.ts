/** What an administrator may not have meant by a rule that was made all the same: each with the figure measured. */

import { withDerived } from "../domain/derived.ts";
import { subjectValue, takesPart } from "../domain/deviation.ts";
import {
  type AnySubject,
  isSource,
  type Rule,
  subjectFacts,
  subjectsOf,
  sumText,
  termsOf,
} from "../domain/rule.ts";
import { withUnit } from "../rules/print.ts";
import type { Database } from "../store/connection.ts";
import { noiseOf } from "../store/noise.ts";
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
  return [...notes, ...(await unmeasuredNotes(db, subjectsOf([rule])))];
}

async function unmeasuredNotes(db: Database, named: readonly AnySubject[]): Promise<string[]> {
  const added = named.filter((subject) => isSource(subject) || recordHint(subject) !== null);
  if (added.length === 0) return [];
  const stored = (await loadSnapshot(db))?.snapshot;
  const hosts = stored === undefined ? [] : withDerived(stored).hosts.filter(takesPart);
  const missing = added.filter((subject) => !hosts.some((host) => subjectValue(host, subject) !== null));
  return missing.map((subject) => {
    const where =
      recordHint(subject) ?? ", where the hosts have a data source of that name (xe host-data-source-list)";
    return `No collection has a value of ${subject} yet: xcp-collect reads it from now on${where}.`;
  });
}

/** How to have the pool record what it does not record by itself; null of a data source, and of what is always known. */
function recordHint(subject: AnySubject): string | null {
  if (isSource(subject)) return null;
  const { value } = subjectFacts[subject];
  return value.from === "guests" && value.record !== null ? ` ${value.record}` : null;
}
