/** What was typed, and names, as messages and commands write them. Pure. */
import { fitWidth, printable } from "./text.ts";

/** What was typed, safe to print and not longer than an error should be. */
export function quote(text: string): string {
  return `"${fitWidth(printable(text.slice(0, 200)), 100)}"`;
}

/** `name` as the commands read it back, quoted where it must be. */
export function quoteName(name: string): string {
  const shown = printable(name);
  const plain =
    shown !== "" && shown.trim() === shown && !/^["']|;$|\sDETAILS$|(?:^|\s)REASON(?:\s|$)/i.test(shown);
  return plain ? shown : `"${shown.replaceAll('"', '""')}"`;
}

/** `text` as one word of a shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
