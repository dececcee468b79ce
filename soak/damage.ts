/** Damages to texts as a broken or hostile pool could send them; the same seed does the same damage. */

/** What is put in at some place. */
const foreign = [
  "<",
  ">",
  "&",
  "\0",
  "\uD800",
  "\uFEFF",
  "]]>",
  "<!--",
  "<![CDATA[",
  '<!DOCTYPE a [<!ENTITY b "bbbb">]>',
  "&#xFFFFFFFF;",
  "&#0;",
  "&lt;".repeat(500),
  "<value>",
  "</value>",
  "<value/>",
  "<nil/>",
  "<value><array><data>".repeat(2_000),
  "<struct><member><name>a</name><value>".repeat(2_000),
  "<member><name>__proto__</name><value>1</value></member>",
  "<v>NaN</v>",
  "<row>",
  "</row>",
  "<entry>AVERAGE:host</entry>",
  "<t>1e999</t>",
  "9".repeat(400),
  "-1",
  "1e308",
  "inf",
  "{}[]",
  '"\\u0000"',
  "OpaqueRef:NULL",
  " ".repeat(5_000),
] as const;

/** Nothing grows beyond this many characters: more than any recorded answer has. */
const longest = 2_000_000;

/** `text` with one to four damages; `other` is a text to take pieces of. */
export function damaged(text: string, other: string, random: () => number): string {
  let result = text;
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) result = damagedOnce(result, other, random);
  return result.slice(0, longest);
}

function damagedOnce(text: string, other: string, random: () => number): string {
  const below = (limit: number) => Math.floor(random() * limit);
  const at = below(text.length + 1);
  const end = Math.min(text.length, at + below(random() < 0.5 ? 8 : 2_000));
  const [before, piece, after] = [text.slice(0, at), text.slice(at, end), text.slice(end)];
  switch (below(8)) {
    case 0:
      return before;
    case 1:
      return before + after;
    case 2:
      return before + piece.repeat(1 + below(60)) + after;
    case 3:
      return before + String.fromCharCode(below(0x10000)) + text.slice(at + 1);
    case 4: {
      const from = below(other.length + 1);
      return before + other.slice(from, from + below(4_000)) + after;
    }
    case 5:
      return before + piece.replaceAll(/\d+/g, foreign[below(foreign.length)] ?? "") + after;
    case 6:
      return after + piece + before;
    default:
      return before + (foreign[below(foreign.length)] ?? "") + after;
  }
}
