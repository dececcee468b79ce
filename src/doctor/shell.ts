/** Fixes as they are typed: names and paths in them are a stranger's text, which no shell may take for its own. Pure. */

import { shellWord as word } from "../text/quote.ts";

export { word };

/** Opens `file` in an editor; `what` says what to change there. */
export function edit(file: string, what: string, line?: number): string {
  return `\${EDITOR:-vi} ${line === undefined ? "" : `+${line} `}${word(file)}   # ${what}`;
}

/** Gives `key` another value, wherever it stands in `file`. */
export function setKey(file: string, key: string, value: string): string {
  return `sed -i ${word(`s|^${key}=.*|${key}=${value.replace(/[\\&|]/g, "\\$&")}|`)} ${word(file)}`;
}

/** Adds `key` to `file`. */
export function addKey(file: string, key: string, value: string): string {
  return `echo ${word(`${key}=${value}`)} >>${word(file)}`;
}

/** Runs statements as an administrator of the server. */
export function asAdministrator(database: string, ...statements: readonly string[]): string {
  return `mysql -u root -p ${word(database)} -e ${word(statements.join("; "))}`;
}

/** A program with its settings. */
export function program(name: string, file: string, rest = ""): string {
  return `${name} --settings ${word(file)}${rest === "" ? "" : ` ${rest}`}`;
}
