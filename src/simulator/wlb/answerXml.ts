/**
 * XML as xapi's client of workload balancing reads it: names without prefixes, no attributes, white space between elements
 * is nothing, and any other text between them is an item. Shares nothing with what writes the answers.
 */

export interface AnswerElement {
  readonly name: string;
  readonly children: readonly AnswerNode[];
}

export type AnswerNode = AnswerElement | string;

/** The document cannot be read; the message is what the client reports. */
export class AnswerXmlError extends Error {}

const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

interface OpenElement {
  readonly name: string;
  readonly children: AnswerNode[];
  /** What has come since the last tag. */
  text: string;
}

/** The root element. @throws AnswerXmlError */
export function readAnswerXml(document: string): AnswerElement {
  return new AnswerReader(document.replace(/^\ufeff/, "").replaceAll(/\r\n?/g, "\n")).root();
}

class AnswerReader {
  readonly #xml: string;
  #at = 0;
  readonly #open: OpenElement[] = [];

  constructor(xml: string) {
    this.#xml = xml;
  }

  root(): AnswerElement {
    for (;;) {
      const next = this.#xml.indexOf("<", this.#at);
      this.#text(this.#xml.slice(this.#at, next < 0 ? undefined : next));
      if (next < 0) throw new AnswerXmlError("unexpected end of input line 1");
      this.#at = next;
      const root = this.#markup();
      if (root !== null) return root;
    }
  }

  #text(raw: string): void {
    const current = this.#open.at(-1);
    if (current !== undefined) current.text += unescaped(raw);
    else if (raw.trim() !== "") throw new AnswerXmlError("expected root element line 1");
  }

  /** Takes in what begins with "<"; the root element where it ends with it. */
  #markup(): AnswerElement | null {
    if (this.#skips("<!--", "-->") || this.#skips("<?", "?>") || this.#skips("<!DOCTYPE", ">")) return null;
    if (this.#xml.startsWith("<![CDATA[", this.#at)) {
      const from = this.#at + "<![CDATA[".length;
      const to = this.#endOf("]]>", from);
      const current = this.#open.at(-1);
      if (current === undefined) throw new AnswerXmlError("expected root element line 1");
      current.text += this.#xml.slice(from, to);
      return null;
    }
    const from = this.#at + 1;
    const tag = this.#xml.slice(from, this.#endOf(">", from));
    const [, closing = "", qualified = "", rest = ""] = /^(\/?)([^\s/<>]+)([^<]*)$/.exec(tag) ?? [];
    if (qualified === "") throw new AnswerXmlError(`malformed tag <${tag}>`);
    const name = qualified.slice(qualified.indexOf(":") + 1);
    if (closing !== "") return this.#closed(name);
    this.#flush();
    this.#open.push({ name, children: [], text: "" });
    return rest.endsWith("/") ? this.#closed(name) : null;
  }

  #closed(name: string): AnswerElement | null {
    this.#flush();
    const element = this.#open.pop();
    if (element?.name !== name) throw new AnswerXmlError(`</${name}> closes nothing`);
    const whole = { name, children: element.children };
    const parent = this.#open.at(-1);
    if (parent === undefined) return whole;
    parent.children.push(whole);
    return null;
  }

  /** Text becomes a child unless it is blank: blanks, tabs and line feeds, and no carriage return. */
  #flush(): void {
    const current = this.#open.at(-1);
    if (current === undefined) return;
    if (/[^ \t\n]/.test(current.text)) current.children.push(current.text);
    current.text = "";
  }

  #skips(opening: string, closing: string): boolean {
    if (!this.#xml.startsWith(opening, this.#at)) return false;
    this.#endOf(closing, this.#at + opening.length);
    return true;
  }

  /** Where `mark` begins; reading goes on behind it. */
  #endOf(mark: string, from: number): number {
    const found = this.#xml.indexOf(mark, from);
    if (found < 0) throw new AnswerXmlError("unexpected end of input line 1");
    this.#at = found + mark.length;
    return found;
  }
}

function unescaped(raw: string): string {
  return raw.replaceAll(/&([^;]*);/g, (_, reference: string) => {
    const [, hex, decimal] = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(reference) ?? [];
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    const known = named[reference];
    if (known === undefined) throw new AnswerXmlError(`unknown entity reference (${reference})`);
    return known;
  });
}

/** The first child element of that name; null where there is none. */
export function firstChild(element: AnswerElement | null, name: string): AnswerElement | null {
  for (const child of element?.children ?? [])
    if (typeof child !== "string" && child.name === name) return child;
  return null;
}

/** The text of the first child of that name, "" of an empty one; null where there is none, or where it holds elements. */
export function textOfChild(element: AnswerElement | null, name: string): string | null {
  const child = firstChild(element, name);
  if (child === null) return null;
  const [first = ""] = child.children;
  return typeof first === "string" ? first : null;
}
