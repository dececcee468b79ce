/**
 * What Tab may offer, in any shell: verbs, options, their fixed values, and files. Names of VMs and hosts are never offered:
 * they are whatever a stranger wrote, and shells evaluate what they complete. Nothing here runs a program at Tab.
 */
import type { CommandTree, OptionForm } from "../commandTree.ts";

/** What an option's value is: nothing, one of fixed words, a file, or something that cannot be guessed. */
export type ValueKind = "none" | "choice" | "file" | "other";

export function valueKind({ value, choices }: OptionForm): ValueKind {
  if (value === null) return "none";
  if (choices.length > 0) return "choice";
  return /\b(?:file|path)\b/.test(value) ? "file" : "other";
}

/** A command and the words that lead to it: [], ["schema"], ["schema", "install"] ... */
export interface CommandPath {
  readonly words: readonly string[];
  readonly command: CommandTree;
}

/** The command and all below it, `help` left out. */
export function commandPaths(command: CommandTree, words: readonly string[] = []): readonly CommandPath[] {
  const below = subcommands(command).flatMap((each) => commandPaths(each, [...words, each.name]));
  return [{ words, command }, ...below];
}

/** The commands in it that Tab offers. */
export function subcommands({ commands }: CommandTree): readonly CommandTree[] {
  return commands.filter(({ name }) => name !== "help");
}

/** "-s" and "--settings". */
export function spellings({ short, long }: OptionForm): readonly string[] {
  return [short, long].filter((name) => name !== null);
}

/**
 * A word that stands in a shell's script as it is.
 * @throws Error for any other: what a program calls its options must be harmless in all shells.
 */
export function safe(word: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$|^--?[A-Za-z0-9][A-Za-z0-9-]*$/.test(word)) return word;
  throw new Error(`"${word}" cannot be offered by a shell`);
}
