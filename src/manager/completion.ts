/** What the Tab key offers. Pure. */

import { namedSubjects, subjects } from "../domain/rule.ts";
import { commandWords } from "./parse.ts";
import { quoteName } from "./words.ts";

/** What may be named after SHOW VM and its like. */
export interface KnownNames {
  readonly vms: readonly { readonly uuid: string; readonly name: string }[];
  readonly hosts: readonly { readonly uuid: string; readonly name: string }[];
  /** Names of rules that have one. */
  readonly rules?: readonly string[];
}

/** readline's answer: the candidates, and the part of the line that they replace. */
export type Completion = [string[], string];

/** Longer lists help nobody; then only what all candidates share is filled in. */
const mostOffered = 100;

/** Whether completing `line` needs the names in the database. */
export function needsNames(line: string): boolean {
  return /^\s*(?:(?:SHOW|EXPLAIN|EXCLUDE|INCLUDE)\s+(?:VM|HOST)|EVACUATE\s+HOST|(?:DELETE|ALTER)\s+RULE\s+(?:HOST|GREEN)|(?:ENABLE|DISABLE)\s+RULE)\s/i.test(
    line,
  );
}

const argumentPattern =
  /^\s*((?:SHOW|EXPLAIN|EXCLUDE|INCLUDE)\s+(?:VM|HOST)|EVACUATE\s+HOST|(?:CREATE|DELETE|ALTER)\s+RULE\s+(?:HOST|GREEN)|(?:ENABLE|DISABLE)\s+RULE|PAUSE\s+CONTROL)\s+(.*)$/i;

/** Completes a command: its words, a subject, or the uuid or name of a VM or host. */
export function completeCommand(line: string, names: KnownNames): Completion {
  const argument = argumentPattern.exec(line);
  if (argument === null) return offer(commandWords, line.trimStart());
  const [, words = "", typed = ""] = argument;
  if (/CONTROL$/i.test(words)) return offer(["FOR ", "REASON "], typed);
  if (/RULE/i.test(words)) return completeRule(words, typed, names.rules ?? []);
  return offer(referencesTo(/HOST$/i.test(words) ? names.hosts : names.vms), typed);
}

/** Words that go on with a rule after its first term. */
const ruleWords = ["AND", "ABOVE", "BELOW", "FOR", "BETWEEN", "NAME", "COMMENT", "DISABLED"];

/** The rule that is meant, or the next word of what it shall be. */
function completeRule(words: string, typed: string, named: readonly string[]): Completion {
  const written = /^CREATE/i.test(words) ? typed : /\sTO\s+(.*)$/is.exec(typed)?.[1];
  if (written === undefined) {
    const known = [...subjects, ...named.map(quoteName)];
    return offer(/^DELETE/i.test(words) ? [...known, "ALL"] : known, typed);
  }
  const last = /[^\s+>]*$/.exec(written)?.[0] ?? "";
  if (/GREEN$/i.test(words)) return offer([...greenWords, ...subjects], last);
  return offer(written === last ? namedSubjects : [...namedSubjects, ...ruleWords], last);
}

const greenWords = [
  "KEEP",
  "MemoryFree",
  "BELOW",
  "ABOVE",
  "AND",
  "WITH",
  "SPARE",
  "BETWEEN",
  "NAME",
  "COMMENT",
];

/** Completes an answer from its likely values. */
export function completeAnswer(line: string, suggestions: readonly string[]): Completion {
  return offer(suggestions, line);
}

function referencesTo(known: KnownNames["vms"]): string[] {
  return known.flatMap((one) => [one.uuid, quoteName(one.name)]);
}

function offer(candidates: readonly string[], typed: string): Completion {
  const wanted = typed.toLowerCase();
  const hits = candidates.filter((candidate) => candidate.toLowerCase().startsWith(wanted));
  return [hits.length > mostOffered ? [sharedStart(hits)] : hits, typed];
}

function sharedStart(texts: readonly string[]): string {
  const sorted = [...texts].sort();
  const first = sorted[0] ?? "";
  const last = sorted.at(-1) ?? "";
  let length = 0;
  while (length < first.length && first[length] === last[length]) length++;
  return first.slice(0, length);
}
