/**
 * HTML and SVG as text. The one place where text becomes markup: whatever stands in a template is escaped, unless this
 * file has made it. Pure.
 */
import { printable } from "../text/text.ts";

/** Markup that is safe in a page; only `html` and `trusted` make any. */
export class Markup {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** For text of our own, such as a style sheet: it is taken as it is. */
  static trusted(text: string): Markup {
    return new Markup(text);
  }

  get text(): string {
    return this.#text;
  }
}

/** What a template takes: null is nothing, a list is its members one after the other. */
export type Content = Markup | string | number | null | readonly Content[];

/**
 * html`<p title="${name}">${name}</p>`: values are escaped for elements and for attributes in double quotes. Never put one
 * into a style, a comment, or an attribute without quotes.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = parts[0] ?? "";
  for (const [index, value] of values.entries()) text += `${written(value)}${parts[index + 1] ?? ""}`;
  return Markup.trusted(text);
}

function written(value: Content): string {
  if (value === null) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "number") return String(Math.round(value * 100) / 100);
  return typeof value === "string" ? escaped(value) : value.map(written).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

/** What a terminal must not get, a page must not get either: an override of direction hides what a name says. */
function escaped(text: string): string {
  return printable(text).replace(/[&<>"'`]/g, (character) => entities[character] ?? "");
}
