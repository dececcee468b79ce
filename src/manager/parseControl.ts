/** The commands that look at xcp-control and hold it back. Pure; never throws. */

import type { Command } from "./parse.ts";
import { after, type Problem, problem, quote, readQuoted, readSpan, splitReason } from "./words.ts";

/** Migrations that are shown where no number is given, and the most that are shown at once. */
const shownMigrations = 20;
const mostMigrations = 1000;

/** What follows SHOW MIGRATIONS. */
export function readMigrations(rest: string): Command | Problem {
  if (rest === "") return { kind: "show-migrations", count: shownMigrations };
  const count = /^\d{1,6}$/.test(rest) ? Number(rest) : Number.NaN;
  if (count >= 1 && count <= mostMigrations) return { kind: "show-migrations", count };
  return problem(`${quote(rest)} is no number of migrations: write 1 to ${mostMigrations}.`);
}

/** What follows SHOW MIGRATION. */
export function readMigration(rest: string): Command | Problem {
  if (rest === "")
    return problem("SHOW MIGRATION which? Write SHOW MIGRATION id; SHOW MIGRATIONS lists them.");
  if (/^[0-9a-f-]{1,36}$/i.test(rest)) return { kind: "show-migration", id: rest.toLowerCase() };
  return problem(`${quote(rest)} is no id of a migration, nor the beginning of one.`);
}

/** What follows PAUSE CONTROL. */
export function readPause(rest: string): Command | Problem {
  const parts = splitReason(rest);
  if ("kind" in parts) return parts;
  const { head, reason } = parts;
  if (head === "") return { kind: "pause", seconds: null, reason };
  const span = after("FOR", head);
  if (span === null) return problem(`Write PAUSE CONTROL [FOR 2h] [REASON text], not ${quote(head)}.`);
  const seconds = readSpan(span);
  return typeof seconds === "number" ? { kind: "pause", seconds, reason } : seconds;
}

/** How far back a rehearsal goes where nothing is said. */
export const rehearsedSeconds: number = 7 * 86_400;

/** What follows REHEARSE: SINCE, EVERY and RULES in this order, each or none. */
export function readRehearse(rest: string): Command | Problem {
  const [times, rules] = cut("RULES", rest);
  const [begin, every] = cut("EVERY", times);
  const since = begin === "" ? null : after("SINCE", begin);
  const files = rules === null ? [] : readFiles(rules);
  if ((begin !== "" && since === null) || files === null) {
    return problem(`Write REHEARSE [SINCE 7d] [EVERY 5m] [RULES file [AND file]], not ${quote(rest)}.`);
  }
  const sinceSeconds = since === null ? rehearsedSeconds : readSpan(since);
  if (typeof sinceSeconds !== "number") return sinceSeconds;
  const everySeconds = every === null ? null : readSpan(every);
  if (everySeconds !== null && typeof everySeconds !== "number") return everySeconds;
  return { kind: "rehearse", sinceSeconds, everySeconds, files };
}

/** `text` before the word, and behind it; null where the word is not there. */
function cut(word: string, text: string): readonly [string, string | null] {
  const found = new RegExp(`(?:^|\\s)${word}(?=\\s|$)`, "i").exec(text);
  if (found === null) return [text.trim(), null];
  return [text.slice(0, found.index).trim(), text.slice(found.index + found[0].length).trim()];
}

/** One file or two; null where that is not what is written. */
function readFiles(text: string): readonly string[] | null {
  const quoted = readQuoted(text);
  const [first, second] = quoted === null ? cut("AND", text) : [quoted.text, after("AND", quoted.behind)];
  if (quoted !== null && quoted.behind !== "" && second === null) return null;
  if (second === null) return first === "" ? null : [first];
  const last = readQuoted(second);
  if (last !== null && last.behind !== "") return null;
  const name = last?.text ?? second;
  return first === "" || name === "" ? null : [first, name];
}

/** What follows EXCLUDE VM and EXCLUDE HOST. */
export function readExclude(words: string, object: "VM" | "HOST", rest: string): Command | Problem {
  const quoted = readQuoted(rest);
  const behind = quoted === null ? null : splitReason(quoted.behind);
  if (quoted !== null && behind !== null) {
    if ("kind" in behind) return behind;
    if (behind.head === "") return { kind: "exclude", object, wanted: quoted.text, reason: behind.reason };
  }
  const parts = splitReason(rest);
  if ("kind" in parts) return parts;
  const { head: wanted, reason } = parts;
  if (wanted === "") return problem(`${words} which? Write ${words} uuid|name [REASON text].`);
  return { kind: "exclude", object, wanted, reason };
}
