/** Resolves the references of XML text: the five entities and numbers. There are no others: declarations are refused. */

const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

// Bounded, so that a reference of a million digits is text and costs nothing.
const reference = /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(lt|gt|amp|quot|apos));/g;

/** `text` with the five entities and numeric references resolved. A bare or unknown `&` stays as it is. */
export function decodeReferences(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(reference, (_, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return named[name] ?? "";
    return character(decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number.parseInt(decimal, 10));
  });
}

/** U+FFFD for what is no character: zero, surrogates, numbers past the end of Unicode. */
function character(code: number): string {
  const impossible = code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff);
  return impossible ? "\ufffd" : String.fromCodePoint(code);
}
