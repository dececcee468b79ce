/** The words of a line of a snapshot's text. Pure. */
import type { Codec } from "./codec.ts";

/** What is wrong with a line, in words. */
export class SnapshotProblem extends Error {}

/** `word argument ... key=value ...`; arguments and values as they are written, quotes included. */
export interface Line {
  readonly word: string;
  readonly arguments: readonly string[];
  readonly values: ReadonlyMap<string, string>;
}

const quotedText = '"(?:[^"\\\\]|\\\\.)*"';
const wordPattern = new RegExp(
  `[ \\t]*(?:([A-Za-z0-9]+)=)?(${quotedText}|\\[(?:${quotedText}(?:,${quotedText})*)?\\]|[^\\s"\\[\\]=]+)(?=\\s|$)`,
  "y",
);

/** Splits a line into its words. */
export function readLine(raw: string): Line {
  const line = raw.trimEnd();
  const bare: string[] = [];
  const values = new Map<string, string>();
  wordPattern.lastIndex = 0;
  for (let end = 0; end < line.length; end = wordPattern.lastIndex) {
    const match = wordPattern.exec(line);
    if (match === null) {
      throw new SnapshotProblem(
        `cannot read "${line.slice(end).trim().slice(0, 40)}" (an open quote, a line cut off?)`,
      );
    }
    const [, key, written = ""] = match;
    if (key === undefined) bare.push(written);
    else if (values.has(key)) throw new SnapshotProblem(`${key} is given twice`);
    else values.set(key, written);
  }
  const [word = "", ...rest] = bare;
  return { word, arguments: rest, values };
}

/** Reads a line's words one by one; what nobody asked for is a problem at the end. */
export class LineReader {
  readonly #line: Line;
  readonly #asked = new Set<string>();
  #next = 0;

  constructor(line: Line) {
    this.#line = line;
  }

  /** The next argument as it is written. */
  bare(what: string): string {
    const argument = this.#line.arguments[this.#next++];
    if (argument === undefined) throw new SnapshotProblem(`${this.#line.word} lacks ${what}`);
    return argument;
  }

  uuid(whose: string): string {
    const argument = this.bare(`the uuid of ${whose}`);
    if (/^[\w.:-]{1,36}$/.test(argument)) return argument;
    throw new SnapshotProblem(`${argument.slice(0, 60)} is no uuid of ${whose}`);
  }

  quoted(what: string): string {
    return unquote(this.bare(what));
  }

  value<T>(key: string, codec: Codec<T>): T {
    this.#asked.add(key);
    const written = this.#line.values.get(key);
    if (written === undefined && codec.absent !== undefined) return codec.absent;
    if (written === undefined) throw new SnapshotProblem(`${this.#line.word} lacks ${key}=`);
    try {
      return codec.parse(written);
    } catch (error) {
      if (!(error instanceof SnapshotProblem)) throw error;
      throw new SnapshotProblem(`${key}=${written.slice(0, 60)}: ${error.message}`);
    }
  }

  /** Reports arguments and values that nobody asked for. */
  finish(): void {
    const { word, values } = this.#line;
    const unknown =
      [...values.keys()].find((key) => !this.#asked.has(key)) ?? this.#line.arguments[this.#next];
    if (unknown !== undefined) throw new SnapshotProblem(`${word} has no "${unknown.slice(0, 60)}"`);
  }
}

/** A text between quotes, in ASCII: \" \\ and \u{9b} for everything that is not a printable ASCII character. */
export function quote(content: string): string {
  const escaped = content.replace(/["\\]/g, "\\$&").replace(/[^ -~]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return `"${escaped}"`;
}

/** The text that `quote` wrote. */
export function unquote(written: string): string {
  if (!/^".*"$/su.test(written) || written.length < 2) {
    throw new SnapshotProblem(`${written.slice(0, 60)} must stand in quotes`);
  }
  return written
    .slice(1, -1)
    .replace(/\\(?:u\{([0-9a-fA-F]{1,6})\}|(.?))/gsu, (all, code: string, sign: string) => {
      const point = code === undefined ? -1 : Number.parseInt(code, 16);
      if (point >= 0 && point <= 0x10ffff) return String.fromCodePoint(point);
      if (sign === '"' || sign === "\\") return sign;
      throw new SnapshotProblem(`${all} is no escape; there are \\" \\\\ and \\u{hex}`);
    });
}
