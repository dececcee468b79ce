/** The rights of a file as they are written in the shell. */
import fs from "node:fs";

/** What of the mode stands for rights: 0o600 of a file of its owner's alone. Throws where there is no such file. */
export function modeOf(file: string): number {
  return fs.statSync(file).mode & 0o777;
}

/** "0640" */
export function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}
