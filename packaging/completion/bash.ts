/** Completion for bash. Neither eval nor compgen -W, which both evaluate what they are given; no other package is needed. */
import type { CommandTree } from "../commandTree.ts";
import { type CommandPath, commandPaths, safe, spellings, subcommands, valueKind } from "./words.ts";

export function bashCompletion(tree: CommandTree): string {
  const name = safe(tree.name);
  const call = `_${name.replaceAll("-", "_")}`;
  const paths = commandPaths(tree);
  return `# bash completion for ${name}: options, commands, fixed values and files. Made from the program's own list of options.
${call}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev="" at="" word before="" i=1
  local -a words=()
  COMPREPLY=()
  ((COMP_CWORD > 0)) && prev=\${COMP_WORDS[COMP_CWORD - 1]}
  # --format=csv comes as three words.
  if [[ $cur == "=" ]]; then
    cur=""
  elif [[ $prev == "=" ]] && ((COMP_CWORD > 1)); then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  # Which command it is: the words before the cursor that are neither options nor their values.
  for ((; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word != -* && $word != "=" && $before != "=" ]] && ! ${call}_value "$at" "$before"; then
      at="$at $word"
    fi
    before=$word
  done
  case "$at|$prev" in
${paths.flatMap(valueCases).join("\n")}
  esac
  case "$at" in
${paths.map(wordCase).join("\n")}
  esac
  # In quotes: what was typed is compared, and never a pattern or a command.
  for word in "\${words[@]}"; do
    [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
  done
}
# Whether $2 is an option of the command $1 that takes a value.
${call}_value() {
  case "$1|$2" in
${paths.map(takers).join("\n")}
  esac
  return 1
}
complete -F ${call} ${name}
`;
}

/** The command as the function gathers it: a blank before each word. */
function at({ words }: CommandPath): string {
  return words.map((word) => ` ${safe(word)}`).join("");
}

/** What stands behind an option that takes a value. */
function valueCases(path: CommandPath): readonly string[] {
  return path.command.options.flatMap((option) => {
    const kind = valueKind(option);
    if (kind === "none") return [];
    const patterns = spellings(option).map((name) => `"${at(path)}|${safe(name)}"`);
    return [`    ${patterns.join(" | ")}) ${behind(kind, option.choices)} ;;`];
  });
}

function behind(kind: "choice" | "file" | "other", choices: readonly string[]): string {
  if (kind === "file") return "compopt -o default; return";
  if (kind === "other") return "return";
  const offered = choices.map(safe).join(" ");
  return `for word in ${offered}; do [[ $word == "$cur"* ]] && COMPREPLY+=("$word"); done; return`;
}

function wordCase(path: CommandPath): string {
  const offered = [
    ...subcommands(path.command).map(({ name }) => name),
    ...path.command.options.flatMap(({ long, short }) => [long ?? short ?? ""]),
  ];
  return `    "${at(path)}") words=(${offered.map(safe).join(" ")}) ;;`;
}

function takers(path: CommandPath): string {
  const names = path.command.options
    .filter((option) => valueKind(option) !== "none")
    .flatMap(spellings)
    .map((name) => `"${at(path)}|${safe(name)}"`);
  return names.length === 0 ? `    # "${at(path)}": none` : `    ${names.join(" | ")}) return 0 ;;`;
}
