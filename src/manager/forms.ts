/** How commands are written: words alone, or words and the name of a VM or host. Pure; never throws. */

import type { CommandRecord } from "./command.ts";
import { namesOf } from "./offer.ts";
import { problem, quote, readQuoted, type TextProblem } from "./words.ts";

type Form<Arguments> = Pick<CommandRecord<Arguments, never>, "words" | "usage" | "read">;
type FormWithNames<Arguments> = Form<Arguments> & Required<Pick<CommandRecord<never, never>, "complete">>;

/** A command of words alone. */
export function bare(words: string): Form<null> {
  return {
    words,
    usage: words,
    read: (rest) =>
      rest === ""
        ? null
        : problem(`${words} takes nothing more, but ${quote(rest)} follows (one command a line).`),
  };
}

/** Entries of a log that are shown where no number is given, and the most that are shown at once. */
const shownEntries = 20;
const mostEntries = 1000;

/** How many of the newest `things` are asked for. */
export function readCount(rest: string, things: string): number | TextProblem {
  if (rest === "") return shownEntries;
  const count = /^\d{1,6}$/.test(rest) ? Number(rest) : Number.NaN;
  if (count >= 1 && count <= mostEntries) return count;
  return problem(`${quote(rest)} is no number of ${things}: write 1 to ${mostEntries}.`);
}

/** What is shown of a VM or host. `wanted` is a uuid, the start of one, or a name, as it was typed. */
export interface WantedDetails {
  readonly wanted: string;
  readonly details: boolean;
}

/** `words` and a VM or host, with DETAILS behind it or not. */
export function named(words: string, kind: "VM" | "HOST"): FormWithNames<WantedDetails> {
  const usage = `${words} uuid|name [DETAILS]`;
  const read = (rest: string): WantedDetails | TextProblem => {
    const quoted = readQuoted(rest);
    if (quoted !== null && /^(?:DETAILS)?$/i.test(quoted.behind)) {
      return { wanted: quoted.text, details: quoted.behind !== "" };
    }
    const details = /\sDETAILS$/i.test(rest);
    const wanted = details ? rest.slice(0, -"DETAILS".length).trimEnd() : rest;
    return wanted === "" ? problem(`${words} which? Write ${usage}.`) : { wanted, details };
  };
  return { words, usage, read, complete: namesOf(kind) };
}

/** A VM or a host, by its uuid, the start of it, or its name, as it was typed. */
export interface WantedObject {
  readonly object: "VM" | "HOST";
  readonly wanted: string;
}

/** `words` and a VM or host, and nothing more. */
export function nameOnly(words: string, object: "VM" | "HOST"): FormWithNames<WantedObject> {
  const usage = `${words} uuid|name`;
  const read = (rest: string): WantedObject | TextProblem => {
    const quoted = readQuoted(rest);
    const wanted = quoted !== null && quoted.behind === "" ? quoted.text : rest;
    return wanted === "" ? problem(`${words} which? Write ${usage}.`) : { object, wanted };
  };
  return { words, usage, read, complete: namesOf(object) };
}
