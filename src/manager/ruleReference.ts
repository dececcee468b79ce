/** How a command names the rule that is meant. Pure; never throws. */

import { namedSubjects, parseSubject, subjects } from "../domain/rule.ts";
import type { WantedRule } from "../store/ruleChanges.ts";
import { closest } from "../text/text.ts";
import { type ArgumentCompletion, offer } from "./offer.ts";
import { problem, quote, quoteName, readQuoted, type TextProblem } from "./words.ts";

/** Longer than any name. */
const longestReference = 300;

/** The rule that `text` names by its subject, its number or its name; what is nearly a subject is a slip of the pen. */
export function readReference(text: string): WantedRule | TextProblem {
  const quoted = readQuoted(text);
  const name = (quoted !== null && quoted.behind === "" ? quoted.text : text).trim();
  const subject = parseSubject(name);
  if (subject !== null) return { by: "subject", subject };
  if (/^#?\d{1,15}$/.test(name)) return { by: "number", id: Number(name.replace("#", "")) };
  if (name === "" || name.length > longestReference) {
    return problem(`${quote(text)} names no rule: write its subject, its number or its name.`);
  }
  const meant = quoted === null ? closest(name, namedSubjects) : null;
  return meant === null
    ? { by: "name", name }
    : problem(`${quote(text)} is no subject. Did you mean ${meant}?`);
}

/** What Tab offers for the rule that is meant, and `more` beside. */
export function completeReference(...more: readonly string[]): ArgumentCompletion {
  return {
    names: true,
    offer: (typed, { rules = [] }) => offer([...subjects, ...rules.map(quoteName), ...more], typed),
  };
}

/** Words that go on with a rule after its first term. */
const ruleWords = ["AND", "ABOVE", "BELOW", "FOR", "BETWEEN", "NAME", "COMMENT", "DISABLED"];

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

const serveWords = [
  "CPU",
  "WORTH",
  "CPU-MINUTES",
  "PER",
  "GB",
  "OVER",
  "MINUTES",
  "BETWEEN",
  "NAME",
  "COMMENT",
  "DISABLED",
];

/** What Tab offers for the next word of a rule that is written out. */
export function completeRule(kind: "HOST" | "GREEN" | "SERVE"): ArgumentCompletion {
  return {
    names: false,
    offer: (typed) => {
      const last = /[^\s+>]*$/.exec(typed)?.[0] ?? "";
      if (kind === "SERVE") return offer(serveWords, last);
      if (kind === "GREEN") return offer([...greenWords, ...subjects], last);
      return offer(typed === last ? namedSubjects : [...namedSubjects, ...ruleWords], last);
    },
  };
}
