/** Passwords that no command line and no process list shows: typed without echo, or from a private file. */

import type { ReadStream } from "node:tty";
import { AppError } from "../domain/errors.ts";
import { Secret } from "../settings/secret.ts";
import { passwordFile, readGuarded } from "./privateFile.ts";

/** Asks for a password on the terminal `input`, echoing nothing. Throws AppError usage after Ctrl-C or Ctrl-D. */
export async function askPassword(
  input: ReadStream,
  output: NodeJS.WritableStream,
  question: string,
): Promise<Secret> {
  // Before the question: a fast typist's first keys must not be echoed either.
  input.setRawMode(true);
  output.write(question);
  input.setEncoding("utf8");
  try {
    return new Secret(await typed(input));
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write("\n");
  }
}

function typed(input: ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let password = "";
    const finish = (settle: () => void) => {
      input.off("data", take);
      settle();
    };
    const take = (chunk: string | Buffer) => {
      for (const key of String(chunk)) {
        if (key === "\r" || key === "\n") return finish(() => resolve(password));
        if (key === "\u0003" || key === "\u0004") {
          return finish(() => reject(new AppError("usage", "No password was given; nothing was changed.")));
        }
        password = key === "\u007f" || key === "\b" ? [...password].slice(0, -1).join("") : password + key;
      }
    };
    input.on("data", take);
    input.resume();
  });
}

/** The password in `file`, without the line end. Throws AppError settings where others can read or change it. */
export function readPasswordFile(file: string): Secret {
  return new Secret(readGuarded(file, passwordFile).replace(/\r?\n$/, ""));
}
