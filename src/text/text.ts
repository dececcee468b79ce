/** Text for people: what may reach a terminal, how wide it is there, and which word was meant. Pure. */

/**
 * `text` with everything but graphic characters and plain spaces written as `\u{9b}`.
 *
 * A whitelist: letters, marks, numbers, punctuation and symbols stay. Controls, C1, newlines, bidi and
 * zero-width characters, other blanks, private use, unassigned code points and lone surrogates are escaped, so
 * that one name is one line and cannot move the cursor. What is printable already comes out as it is, so it does
 * no harm to escape twice.
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u{${code.toString(16)}}`;
  });
}

// Default_Ignorable catches the letters and marks that show nothing (Hangul fillers, variation selectors).
const unprintable = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|\p{Default_Ignorable_Code_Point}/gu;

/**
 * `value` as one line of JSON that is safe on a terminal: what `printable` would escape is written as `\u009b`,
 * so every reader of JSON gets the real text back.
 */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(unprintable, unicodeEscapes);
}

/** The same on many lines, for people to read and for tools to compare. */
export function printableJsonLines(value: unknown): string {
  // A line end within a text is an escape already; those that are left are the layout's.
  return JSON.stringify(value, null, 2).replace(unprintable, (character) =>
    character === "\n" ? character : unicodeEscapes(character),
  );
}

function unicodeEscapes(character: string): string {
  return character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Longest error of somebody else, and longest name, in a line for people; programs get them whole. */
export const longest = { error: 300, name: 80 };

/** `text` in one line, with what goes beyond `most` characters left out, and "…" in its place. */
export function shorten(text: string, most: number): string {
  const line = text.replace(/\s*\n\s*/g, " ");
  const characters = [...line];
  return characters.length <= most ? line : `${characters.slice(0, most - 1).join("")}…`;
}

/** Columns that printable `text` takes on a terminal: 0 for marks, 2 for East Asian wide and emoji. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** `text` in at most `columns` columns, the last of them `…` where something was cut off. */
export function fitWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let kept = "";
  let width = 0;
  for (const character of text) {
    width += characterWidth(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return columns > 0 ? `${kept}…` : "";
}

/** `text` followed by blanks up to `columns` columns; cut with `…` where it is wider. */
export function padWidth(text: string, columns: number): string {
  const fitted = fitWidth(text, columns);
  return fitted + " ".repeat(Math.max(0, columns - displayWidth(fitted)));
}

function characterWidth(character: string): number {
  if (/^\p{M}$/u.test(character)) return 0;
  if (/^\p{Emoji_Presentation}$/u.test(character)) return 2;
  const code = character.codePointAt(0) ?? 0;
  return wideRanges.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Unicode's East_Asian_Width W and F, in whole blocks. */
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
];

/** Letters that must be changed, added, removed or swapped with their neighbour to get from `a` to `b`. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, at(beforeLast, column - 2) + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? 0;
}

/** Longer words are no typing mistakes, and the distance costs the product of both lengths. */
const longestGuess = 100;

/** Shorter words are guessed more carefully. */
const shortWord = 5;

/** The candidate that `word` was most likely meant to be, in any case; null where none is near. */
export function closest(word: string, candidates: Iterable<string>): string | null {
  const wanted = word.toLowerCase();
  if (wanted === "" || wanted.length > longestGuess) return null;
  let nearest: string | null = null;
  let limit = Math.max(1, Math.floor(wanted.length / 3));
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - wanted.length) > limit) continue;
    // Of so few letters another first one makes another word: nobody who writes zeta means beta.
    if (wanted.length < shortWord && candidate[0]?.toLowerCase() !== wanted[0]) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance > limit || (distance === limit && nearest !== null)) continue;
    nearest = candidate;
    limit = distance;
  }
  return nearest;
}
