/** The commands about rules: which rule is meant, and what it shall be. Pure; never throws. */
import { isSingle, namedSubjects, parseSubject, type Subject } from "../domain/rule.ts";
import { parseGreenRule, parseRule } from "../rules/parse.ts";
import { closest } from "../text/text.ts";
import type { Command } from "./parse.ts";
import { type Problem, problem, quote, readQuoted } from "./words.ts";

/** A rule of HostRule by its subject, any other by its number or its name. */
export type RuleReference =
  | { readonly by: "subject"; readonly subject: Subject }
  | { readonly by: "number"; readonly id: number }
  | { readonly by: "name"; readonly name: string };

/** Reads what stands behind CREATE RULE HOST. */
export function readCreate(rest: string): Command | Problem {
  if (rest === "") return { kind: "create-rule", rule: null };
  const rule = parseRule(rest);
  return "kind" in rule ? rule : { kind: "create-rule", rule };
}

/** Reads what stands behind CREATE RULE GREEN. */
export function readCreateGreen(rest: string): Command | Problem {
  const rule = parseGreenRule(rest);
  return "kind" in rule ? rule : { kind: "create-green-rule", rule };
}

/** Reads what stands behind DELETE RULE HOST. */
export function readDelete(rest: string): Command | Problem {
  if (rest === "") return { kind: "delete-rule", rule: null };
  const rule = rest.toUpperCase() === "ALL" ? "all" : readReference(rest);
  return typeof rule === "object" && "kind" in rule ? rule : { kind: "delete-rule", rule };
}

/** Reads what stands behind DELETE RULE GREEN. */
export function readDeleteGreen(rest: string): Command | Problem {
  if (rest === "") return problem("DELETE RULE GREEN which? Write its number, its name, or ALL.");
  const rule = rest.toUpperCase() === "ALL" ? "all" : readReference(rest);
  return typeof rule === "object" && "kind" in rule ? rule : { kind: "delete-green-rule", rule };
}

/** Reads what stands behind ENABLE RULE and DISABLE RULE. */
export function readSwitch(enabled: boolean): (rest: string) => Command | Problem {
  return (rest) => {
    const words = enabled ? "ENABLE RULE" : "DISABLE RULE";
    if (rest === "") return problem(`${words} which? Write its subject, its number or its name.`);
    const rule = readReference(rest);
    return "kind" in rule ? rule : { kind: "switch-rule", rule, enabled };
  };
}

/** Reads what stands behind ALTER RULE HOST and ALTER RULE GREEN. */
export function readAlter(kind: "HOST" | "GREEN"): (rest: string) => Command | Problem {
  return (rest) => {
    const parts = splitAtTo(rest);
    if (parts === null) return kind === "HOST" ? alterSingle(rest) : alterUsage(kind, rest);
    const rule = readReference(parts.head);
    if ("kind" in rule) return rule;
    if (kind === "GREEN") {
      const to = parseGreenRule(parts.behind);
      return "kind" in to ? to : { kind: "alter-green-rule", rule, to };
    }
    const to = parseRule(parts.behind);
    return "kind" in to ? to : { kind: "alter-rule", rule, to };
  };
}

function alterUsage(kind: string, rest: string): Problem {
  return problem(
    `Write ALTER RULE ${kind} rule TO and the whole rule as it shall be, not ${quote(rest)}. The rule is named by its subject, its number or its name.`,
  );
}

/** `ALTER RULE HOST CpuAverage > 30`: the rule of that subject gets that threshold. */
function alterSingle(rest: string): Command | Problem {
  const to = rest === "" ? alterUsage("HOST", rest) : parseRule(rest);
  if ("kind" in to) return to;
  if (!isSingle(to)) return alterUsage("HOST", rest);
  return { kind: "alter-rule", rule: { by: "subject", subject: to.subject }, to };
}

/** The text before and behind the first TO that stands outside of quotes. */
function splitAtTo(rest: string): { readonly head: string; readonly behind: string } | null {
  const quoted = readQuoted(rest);
  const from = quoted === null ? 0 : rest.length - quoted.behind.length;
  const found = /(?:^|\s)TO(?=\s|$)/i.exec(rest.slice(from));
  if (found === null) return null;
  const at = from + found.index;
  return { head: rest.slice(0, at).trim(), behind: rest.slice(at + found[0].length).trim() };
}

/** Longer than any name. */
const longestReference = 300;

/** The rule that `text` names by its subject, its number or its name; what is nearly a subject is a slip of the pen. */
export function readReference(text: string): RuleReference | Problem {
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

const changesShown = 20;
const mostChanges = 10_000;

/** Reads what stands behind SHOW RULE HISTORY. */
export function readHistory(rest: string): Command | Problem {
  const count = rest === "" ? changesShown : Number(rest);
  if (/^\d*$/.test(rest) && count >= 1 && count <= mostChanges) return { kind: "show-rule-history", count };
  return problem(
    `${quote(rest)} is no number of changes: write SHOW RULE HISTORY, or N from 1 to ${mostChanges}.`,
  );
}
