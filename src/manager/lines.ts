/** Lines of a script: from -e, a file or a pipe, bounded in length, with the place of each for messages. */

import { AppError } from "../domain/errors.ts";

export interface LineSource {
  /**
   * The next line without its line end, or null at the end.
   * Throws AppError usage for a line that is too long, holds a NUL byte or is not UTF-8.
   */
  readonly next: () => Promise<string | null>;
  /** Where the last line stood: `rules.xcp:3`; empty where no line was written. */
  readonly where: () => string;
  /** Lets go of the file or pipe. */
  readonly close: () => Promise<void>;
}

/** Longer than any command on the longest name; what is longer is no script. */
const longestLineBytes = 1024 * 1024;

const newline = 10;

/** The lines of `chunks`, which belong to `name`. The last one may lack its line end. */
export function linesOf(name: string, chunks: AsyncIterable<Uint8Array>): LineSource {
  const lines = split(chunks);
  let number = 0;
  return {
    next: async () => {
      number++;
      const { done, value } = await lines.next();
      if (done === true) return null;
      return decode(value);
    },
    where: () => (name === "" ? "" : `${name}:${number}`),
    close: async () => void (await lines.return(undefined)),
  };
}

/** The lines of `texts`, one after the other: the values of -e. */
export function linesOfTexts(name: string, texts: readonly string[]): LineSource {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const text of texts) yield new TextEncoder().encode(`${text}\n`);
  }
  return linesOf(name, chunks());
}

async function* split(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      yield Buffer.concat([...pending, chunk.subarray(start, checkedEnd(pendingBytes, start, end))]);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    checkedEnd(pendingBytes, start, chunk.length);
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
  }
  if (pendingBytes > 0) yield Buffer.concat(pending);
}

/** `end`, unless the line from `start` with what came before it is too long. */
function checkedEnd(pendingBytes: number, start: number, end: number): number {
  if (pendingBytes + end - start <= longestLineBytes) return end;
  throw new AppError("usage", `The line is longer than ${longestLineBytes} bytes.`);
}

function decode(bytes: Uint8Array): string {
  if (bytes.includes(0)) throw new AppError("usage", "The line holds a NUL byte.");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r$/, "");
  } catch {
    throw new AppError("usage", "The line is not UTF-8 text.");
  }
}
