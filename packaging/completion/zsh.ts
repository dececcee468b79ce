/** Completion for zsh, by its own _arguments. Everything in it is fixed text in single quotes. */
import type { CommandTree, OptionForm } from "../commandTree.ts";
import { type CommandPath, commandPaths, safe, spellings, subcommands, valueKind } from "./words.ts";

export function zshCompletion(tree: CommandTree): string {
  const name = safe(tree.name);
  return `#compdef ${name}
# Options, commands, fixed values and files. Made from the program's own list of options.

${commandPaths(tree)
  .map((path) => functionOf(name, path))
  .join("\n")}
_${name} "$@"
`;
}

function functionName(program: string, words: readonly string[]): string {
  return ["", program, ...words.map(safe)].join("_");
}

function functionOf(program: string, { words, command }: CommandPath): string {
  const own = functionName(program, words);
  const inside = subcommands(command);
  const specs = command.options.map(specOf);
  if (inside.length === 0) {
    return `${own}() {\n  _arguments -s \\\n${indented(specs)}\n}\n`;
  }
  const offered = inside.map((each) =>
    quoted(`${safe(each.name)}:${each.description.replaceAll(":", "\\:")}`),
  );
  const cases = inside.map(
    (each) => `        ${safe(each.name)}) ${functionName(program, [...words, each.name])} ;;`,
  );
  return `${own}() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -s -C \\
${indented([...specs, "'1: :->command'", "'*:: :->rest'"])} && return
  case $state in
    command)
      local -a commands=(
${offered.map((each) => `        ${each}`).join("\n")}
      )
      _describe command commands
      ;;
    rest)
      case $line[1] in
${cases.join("\n")}
      esac
      ;;
  esac
}
`;
}

function indented(specs: readonly string[]): string {
  return specs.map((spec) => `    ${spec}`).join(" \\\n");
}

/** '(-s --settings)'{-s,--settings}'[settings file]:path:_files' */
function specOf(option: OptionForm): string {
  const names = spellings(option).map(safe);
  const again = /may be given again|twice/.test(option.description);
  const together = again ? "'*'" : names.length > 1 ? `'(${names.join(" ")})'` : "";
  const spelt = names.length > 1 ? `{${names.join(",")}}` : (names[0] ?? "");
  const text = option.description.replaceAll(/[\\[\]:]/g, "\\$&");
  return `${together}${spelt}${quoted(`[${text}]${valueSpec(option)}`)}`;
}

function valueSpec(option: OptionForm): string {
  const kind = valueKind(option);
  if (kind === "none") return "";
  const name = safe(option.value ?? "");
  if (kind === "choice") return `:${name}:(${option.choices.map(safe).join(" ")})`;
  return kind === "file" ? `:${name}:_files` : `:${name}: `;
}

/** In single quotes nothing means anything, but they themselves. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
