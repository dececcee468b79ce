/** The manager's language: a line of text in, a command or a problem out. Pure; never throws. */

import type { GreenRule, Rule } from "../domain/rule.ts";
import { closest, editDistance } from "../text/text.ts";
import { readExclude, readMigration, readMigrations, readPause, readRehearse } from "./parseControl.ts";
import {
  type RuleReference,
  readAlter,
  readCreate,
  readCreateGreen,
  readDelete,
  readDeleteGreen,
  readHistory,
  readSwitch,
} from "./parseRules.ts";
import { after, type Problem, problem, quote, readQuoted } from "./words.ts";

/** What a line asks for. `wanted` is a uuid, the start of one, or a name, as it was typed. */
export type Command =
  | { readonly kind: "nothing" }
  | { readonly kind: "show-vms" }
  | { readonly kind: "show-vm"; readonly wanted: string; readonly details: boolean }
  | { readonly kind: "show-hosts" }
  | { readonly kind: "show-host"; readonly wanted: string; readonly details: boolean }
  | { readonly kind: "show-rules" }
  | { readonly kind: "show-pool" }
  | { readonly kind: "show-collection" }
  /** Without a rule the dialogue asks for it. */
  | { readonly kind: "create-rule"; readonly rule: Rule | null }
  | { readonly kind: "create-green-rule"; readonly rule: GreenRule }
  /** Without a rule the dialogue asks for each. */
  | { readonly kind: "delete-rule"; readonly rule: RuleReference | "all" | null }
  | { readonly kind: "delete-green-rule"; readonly rule: RuleReference | "all" }
  | { readonly kind: "alter-rule"; readonly rule: RuleReference; readonly to: Rule }
  | { readonly kind: "alter-green-rule"; readonly rule: RuleReference; readonly to: GreenRule }
  | { readonly kind: "switch-rule"; readonly rule: RuleReference; readonly enabled: boolean }
  | { readonly kind: "show-green-rules" }
  | { readonly kind: "show-rule-history"; readonly count: number }
  | { readonly kind: "show-subjects" }
  | { readonly kind: "show-plan" }
  | { readonly kind: "explain"; readonly object: "VM" | "HOST"; readonly wanted: string }
  | { readonly kind: "evacuate"; readonly wanted: string }
  /** `everySeconds` null: as control ran lately. */
  | {
      readonly kind: "rehearse";
      readonly sinceSeconds: number;
      readonly everySeconds: number | null;
      readonly files: readonly string[];
    }
  | { readonly kind: "show-status" }
  | { readonly kind: "show-costs" }
  | { readonly kind: "show-green" }
  | { readonly kind: "show-migrations"; readonly count: number }
  /** `id` is the beginning of one, in lower case. */
  | { readonly kind: "show-migration"; readonly id: string }
  | { readonly kind: "show-flaps" }
  | { readonly kind: "show-exclusions" }
  /** For so many seconds; null: until somebody resumes. */
  | { readonly kind: "pause"; readonly seconds: number | null; readonly reason: string }
  | { readonly kind: "resume" }
  | {
      readonly kind: "exclude";
      readonly object: "VM" | "HOST";
      readonly wanted: string;
      readonly reason: string;
    }
  | { readonly kind: "include"; readonly object: "VM" | "HOST"; readonly wanted: string }
  | { readonly kind: "help" }
  | { readonly kind: "exit" };

interface Form {
  /** The fixed words that the command begins with. */
  readonly words: string;
  readonly usage: string;
  /** Reads what follows the words, without blanks around it. */
  readonly read: (rest: string) => Command | Problem;
}

const forms: readonly Form[] = [
  bare("SHOW VMS", { kind: "show-vms" }),
  named("SHOW VM", (wanted, details) => ({ kind: "show-vm", wanted, details })),
  bare("SHOW HOSTS", { kind: "show-hosts" }),
  named("SHOW HOST", (wanted, details) => ({ kind: "show-host", wanted, details })),
  bare("SHOW RULES HOST", { kind: "show-rules" }),
  bare("SHOW RULES GREEN", { kind: "show-green-rules" }),
  { words: "SHOW RULE HISTORY", usage: "SHOW RULE HISTORY [N]", read: readHistory },
  bare("SHOW SUBJECTS", { kind: "show-subjects" }),
  bare("SHOW POOL", { kind: "show-pool" }),
  bare("SHOW COLLECTION", { kind: "show-collection" }),
  bare("SHOW PLAN", { kind: "show-plan" }),
  nameOnly("EXPLAIN VM", (wanted) => ({ kind: "explain", object: "VM", wanted })),
  nameOnly("EXPLAIN HOST", (wanted) => ({ kind: "explain", object: "HOST", wanted })),
  nameOnly("EVACUATE HOST", (wanted) => ({ kind: "evacuate", wanted })),
  {
    words: "REHEARSE",
    usage: "REHEARSE [SINCE 7d] [EVERY 5m] [RULES file [AND file]]",
    read: readRehearse,
  },
  bare("SHOW STATUS", { kind: "show-status" }),
  bare("SHOW COSTS", { kind: "show-costs" }),
  bare("SHOW GREEN", { kind: "show-green" }),
  { words: "SHOW MIGRATIONS", usage: "SHOW MIGRATIONS [N]", read: readMigrations },
  { words: "SHOW MIGRATION", usage: "SHOW MIGRATION id", read: readMigration },
  bare("SHOW FLAPS", { kind: "show-flaps" }),
  bare("SHOW EXCLUSIONS", { kind: "show-exclusions" }),
  { words: "PAUSE CONTROL", usage: "PAUSE CONTROL [FOR 2h] [REASON text]", read: readPause },
  bare("RESUME CONTROL", { kind: "resume" }),
  exclude("VM"),
  exclude("HOST"),
  nameOnly("INCLUDE VM", (wanted) => ({ kind: "include", object: "VM", wanted })),
  nameOnly("INCLUDE HOST", (wanted) => ({ kind: "include", object: "HOST", wanted })),
  { words: "CREATE RULE HOST", usage: "CREATE RULE HOST [Subject > N]", read: readCreate },
  { words: "CREATE RULE GREEN", usage: "CREATE RULE GREEN KEEP ...", read: readCreateGreen },
  { words: "ALTER RULE HOST", usage: "ALTER RULE HOST rule TO Subject > N", read: readAlter("HOST") },
  { words: "ALTER RULE GREEN", usage: "ALTER RULE GREEN rule TO KEEP ...", read: readAlter("GREEN") },
  { words: "ENABLE RULE", usage: "ENABLE RULE rule", read: readSwitch(true) },
  { words: "DISABLE RULE", usage: "DISABLE RULE rule", read: readSwitch(false) },
  { words: "DELETE RULE HOST", usage: "DELETE RULE HOST [Subject | rule | ALL]", read: readDelete },
  { words: "DELETE RULE GREEN", usage: "DELETE RULE GREEN rule | ALL", read: readDeleteGreen },
  bare("HELP", { kind: "help" }),
  bare("EXIT", { kind: "exit" }),
  bare("QUIT", { kind: "exit" }),
];

/** The words that a command can begin with, for completion. */
export const commandWords: readonly string[] = forms.map((form) => form.words);

/** The command that `line` writes. Case, blanks, a `;` at the end and a copied prompt do not matter. */
export function parseCommand(line: string): Command | Problem {
  const text = bareLine(line);
  if (text === "" || text.startsWith("#") || text.startsWith("--")) return { kind: "nothing" };
  if (text === "?" || text === "\\?") return { kind: "help" };
  if (text === "\\q") return { kind: "exit" };
  for (const form of forms) {
    const rest = after(form.words, text);
    if (rest !== null) return form.read(rest);
  }
  return unknownCommand(text);
}

function bareLine(line: string): string {
  const text = line.trim().replace(/^XCP_Manager>\s*/i, "");
  let end = text.length;
  // Not a regular expression: `\s*;` over a megabyte of blanks is quadratic.
  while (end > 0 && /[\s;]/.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

function bare(words: string, command: Command): Form {
  return {
    words,
    usage: words,
    read: (rest) =>
      rest === ""
        ? command
        : problem(`${words} takes nothing more, but ${quote(rest)} follows (one command a line).`),
  };
}

function named(words: string, build: (wanted: string, details: boolean) => Command): Form {
  const usage = `${words} uuid|name [DETAILS]`;
  const read = (rest: string): Command | Problem => {
    const quoted = readQuoted(rest);
    if (quoted !== null && /^(?:DETAILS)?$/i.test(quoted.behind)) {
      return build(quoted.text, quoted.behind !== "");
    }
    const details = /\sDETAILS$/i.test(rest);
    const wanted = details ? rest.slice(0, -"DETAILS".length).trimEnd() : rest;
    return wanted === "" ? problem(`${words} which? Write ${usage}.`) : build(wanted, details);
  };
  return { words, usage, read };
}

function nameOnly(words: string, build: (wanted: string) => Command): Form {
  const usage = `${words} uuid|name`;
  const read = (rest: string): Command | Problem => {
    const quoted = readQuoted(rest);
    const wanted = quoted !== null && quoted.behind === "" ? quoted.text : rest;
    return wanted === "" ? problem(`${words} which? Write ${usage}.`) : build(wanted);
  };
  return { words, usage, read };
}

function exclude(object: "VM" | "HOST"): Form {
  const words = `EXCLUDE ${object}`;
  return {
    words,
    usage: `${words} uuid|name [REASON text]`,
    read: (rest) => readExclude(words, object, rest),
  };
}

function unknownCommand(text: string): Problem {
  const typed = text.toUpperCase();
  const begun = forms.filter((form) => form.words.startsWith(`${typed} `));
  if (begun.length > 0) {
    return problem(`${quote(text)} is not the whole command: ${begun.map((form) => form.usage).join(", ")}.`);
  }
  const meant = closestForm(typed);
  const hint = meant === null ? "" : ` Did you mean ${meant.usage}?`;
  return problem(`${quote(text)} is no command.${hint} HELP lists the commands.`);
}

/** The form whose words are nearest to as many first words of `typed`; the longer one where two are as near. */
function closestForm(typed: string): Form | null {
  const words = typed.slice(0, 200).split(/[\s;]+/);
  let nearest: { form: Form; distance: number } | null = null;
  for (const form of forms.toSorted((a, b) => b.words.length - a.words.length)) {
    const start = words.slice(0, form.words.split(" ").length).join(" ");
    if (closest(start, [form.words]) === null) continue;
    const distance = editDistance(start, form.words);
    if (nearest === null || distance < nearest.distance) nearest = { form, distance };
  }
  return nearest?.form ?? null;
}
