/** What the manager's commands are made of: fixed words, names in quotes, spans of time. Pure; never throws. */

import { problem, type TextProblem } from "../rules/problem.ts";
import { quote } from "../text/quote.ts";

export { problem, type TextProblem } from "../rules/problem.ts";
export { quote, quoteName } from "../text/quote.ts";

/** What follows `words` in `text`, in any case and with any blanks between; null when it begins otherwise. */
export function after(words: string, text: string): string | null {
  let rest = text;
  for (const word of words.split(" ")) {
    if (rest.slice(0, word.length).toUpperCase() !== word) return null;
    rest = rest.slice(word.length);
    if (rest !== "" && !/^[\s;]/.test(rest)) return null;
    rest = rest.trimStart();
  }
  return rest;
}

/** `"a ""b"" c" DETAILS`: a quote inside is written twice. Null when `rest` is not written so. */
export function readQuoted(rest: string): { readonly text: string; readonly behind: string } | null {
  const mark = rest.charAt(0);
  if (mark !== '"' && mark !== "'") return null;
  let end = 1;
  for (; end < rest.length; end++) {
    if (rest[end] !== mark) continue;
    if (rest[end + 1] !== mark) break;
    end++;
  }
  if (end >= rest.length || end === 1) return null;
  return { text: rest.slice(1, end).replaceAll(mark + mark, mark), behind: rest.slice(end + 1).trim() };
}

const unitSeconds: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };
const longestSpanSeconds = 365 * 86_400;

/** Seconds that `text` writes, as in `90s`, `30 min`, `2h`, `1d 12h`; from a second to a year. */
export function readSpan(text: string): number | TextProblem {
  const wrong = problem(`${quote(text)} is no time: write it with its unit, as in 90s, 30m, 2h or 1d.`);
  // No time is longer.
  if (text === "" || text.length > 100) return wrong;
  let seconds = 0;
  const unread = text.replace(
    /(\d+(?:\.\d+)?)\s*(days?|d|hours?|h|minutes?|min|m|seconds?|sec|s)(?![a-z])\s*/gi,
    (_, number: string, unit: string) => {
      seconds += Number(number) * (unitSeconds[unit.charAt(0).toLowerCase()] ?? Number.NaN);
      return "";
    },
  );
  if (unread !== "") return wrong;
  if (seconds >= 1 && seconds <= longestSpanSeconds) return seconds;
  return problem(`${quote(text)} is not from 1 s to 365 d.`);
}

const longestReason = 1000;

/** `rest` up to a REASON, and the text behind that; the reason is "" where none is given. */
export function splitReason(rest: string): { readonly head: string; readonly reason: string } | TextProblem {
  const found = /(?:^|\s)REASON(?=\s|$)/i.exec(rest);
  if (found === null) return { head: rest, reason: "" };
  const text = rest.slice(found.index + found[0].length).trim();
  const quoted = readQuoted(text);
  const reason = quoted !== null && quoted.behind === "" ? quoted.text : text;
  if (reason === "") return problem("REASON is given without a text.");
  if (reason.length > longestReason) {
    return problem(`The reason is longer than ${longestReason} characters.`);
  }
  return { head: rest.slice(0, found.index).trim(), reason };
}
