/** SHOW RULES HOST and GREEN, SHOW RULE HISTORY, SHOW SUBJECTS. Read only. */

import { withDerived } from "../../domain/derived.ts";
import { mean, subjectValue, takesPart } from "../../domain/deviation.ts";
import type { Host } from "../../domain/pool.ts";
import {
  type AnySubject,
  isSource,
  namedSubjects,
  parseAnySubject,
  type SingleRule,
  unitOf,
} from "../../domain/rule.ts";
import type { Database } from "../../store/connection.ts";
import { listRuleChanges } from "../../store/ruleChanges.ts";
import { listAddedRules, listRules, readRules, subjectsNamedByRules } from "../../store/rules.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import type { Result, SubjectFigures } from "../result.ts";

/** The host rules by subject, as the thesis lists them, then the others by number; and the rows that are none. */
export async function showRules(db: Database): Promise<Result> {
  const { unknown } = await readRules(db);
  const { chains } = await listAddedRules(db);
  return { kind: "rules", rules: bySubject(await listRules(db)), chains, unknown };
}

/** The rules that consolidate VMs, by number. */
export async function showGreenRules(db: Database): Promise<Result> {
  return { kind: "green-rules", rules: (await listAddedRules(db)).green };
}

/** The newest changes of rules. */
export async function showRuleHistory(db: Database, count: number): Promise<Result> {
  return { kind: "rule-history", changes: await listRuleChanges(db, count) };
}

/** Everything that hosts can be compared by: our subjects, and the data sources that rules name or that are stored. */
export async function showSubjects(db: Database): Promise<Result> {
  const stored = (await loadSnapshot(db))?.snapshot;
  const hosts = stored === undefined ? [] : withDerived(stored).hosts.filter(takesPart);
  const named = (await subjectsNamedByRules(db)).flatMap((name) => parseAnySubject(name) ?? []);
  const present = hosts.flatMap(({ sources = {} }) => Object.keys(sources)).flatMap(sourceOf);
  const sources = [...new Set([...named.filter(isSource), ...present])].sort();
  return {
    kind: "subjects",
    subjects: [...namedSubjects, ...sources].map((subject) => figuresOf(subject, hosts)),
  };
}

function sourceOf(name: string): AnySubject[] {
  const subject = parseAnySubject(name);
  return subject !== null && isSource(subject) ? [subject] : [];
}

function figuresOf(subject: AnySubject, hosts: readonly Host[]): SubjectFigures {
  const values = hosts.flatMap((host) => subjectValue(host, subject) ?? []);
  return { subject, unit: unitOf(subject), mean: mean(values), hosts: values.length, of: hosts.length };
}

/** `rules` in the alphabetical order of their subjects. */
export function bySubject(rules: readonly SingleRule[]): SingleRule[] {
  return rules.toSorted((a, b) => (a.subject < b.subject ? -1 : 1));
}
