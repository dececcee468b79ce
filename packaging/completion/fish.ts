/** Completion for fish. Everything in it is fixed text in single quotes. */
import type { CommandTree, OptionForm } from "../commandTree.ts";
import { type CommandPath, commandPaths, safe, subcommands, valueKind } from "./words.ts";

export function fishCompletion(tree: CommandTree): string {
  const name = safe(tree.name);
  const lines = commandPaths(tree).flatMap((path) => linesOf(name, path));
  return [
    `# ${name}: options, commands, fixed values and files. Made from the program's own list of options.`,
    `complete -c ${name} -f`,
    ...lines,
    "",
  ].join("\n");
}

function linesOf(program: string, { words, command }: CommandPath): readonly string[] {
  const inside = subcommands(command);
  // The options of all stand before the command, too; those of a command only behind its words.
  const reached = words.map((word) => `__fish_seen_subcommand_from ${safe(word)}`);
  const open =
    inside.length === 0
      ? []
      : [`not __fish_seen_subcommand_from ${inside.map(({ name }) => safe(name)).join(" ")}`];
  const when = (conditions: readonly string[]) =>
    conditions.length === 0 ? "" : ` -n ${quoted(conditions.join("; and "))}`;
  const start = `complete -c ${program}`;
  return [
    ...inside.map(
      (each) => `${start}${when([...reached, ...open])} -a ${safe(each.name)} -d ${quoted(each.description)}`,
    ),
    ...command.options.map((option) => `${start}${when([...reached, ...open])} ${optionWords(option)}`),
  ];
}

function optionWords(option: OptionForm): string {
  const { short, long, description } = option;
  const names = [
    ...(short === null ? [] : [`-s ${safe(short).slice(1)}`]),
    ...(long === null ? [] : [`-l ${safe(long).slice(2)}`]),
  ];
  const kind = valueKind(option);
  const value = {
    none: [],
    choice: ["-x", `-a ${quoted(option.choices.map(safe).join(" "))}`],
    file: ["-r", "-F"],
    other: ["-x"],
  }[kind];
  return [...names, ...value, `-d ${quoted(description)}`].join(" ");
}

/** In single quotes only the quote and the backslash mean something. */
function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
