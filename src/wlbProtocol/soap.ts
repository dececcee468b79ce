/**
 * Reads the envelope of a request. Strict: no document type, no entities but the five, bounded in depth and in
 * elements, and no text beside elements. Pure.
 */
import { Scanner, XmlError } from "../xml/scanner.ts";

/** An element with its children, or with its text; names are without prefixes. */
export interface SoapElement {
  readonly name: string;
  /** "" where there are children. */
  readonly text: string;
  readonly children: readonly SoapElement[];
}

/** A request is six elements deep, and a configuration has some hundred keys of three elements each. */
const deepest = 20;
const mostElements = 20_000;

/**
 * The root element of `xml`.
 * @throws XmlError for what is no such document; its message holds nothing of it but names.
 */
export function readSoap(xml: string): SoapElement {
  return new SoapReader(xml).document();
}

class SoapReader extends Scanner {
  #elements = 0;

  document(): SoapElement {
    const root = this.#element(1);
    if (this.#somethingFollows()) throw new XmlError("something follows the envelope");
    return root;
  }

  #element(depth: number): SoapElement {
    if (depth > deepest) throw new XmlError(`elements are nested deeper than ${deepest}`);
    if (++this.#elements > mostElements) throw new XmlError(`there are more than ${mostElements} elements`);
    const qualified = this.open();
    const name = qualified.slice(qualified.indexOf(":") + 1);
    if (this.closed) return { name, text: "", children: [] };
    const text = this.textUnlessTyped(qualified);
    if (text !== null) return { name, text, children: [] };
    const children: SoapElement[] = [];
    while (!this.atClose()) children.push(this.#element(depth + 1));
    this.close(qualified);
    return { name, text: "", children };
  }

  #somethingFollows(): boolean {
    // Asked for its own sake: it passes over white space and comments.
    this.atClose();
    return this.at < this.xml.length;
  }
}

/**
 * The one child of that name; null where there is none.
 * @throws XmlError where there are several: which one counts would be anybody's guess.
 */
export function childNamed(element: SoapElement | null, name: string): SoapElement | null {
  const found = (element?.children ?? []).filter((child) => child.name === name);
  if (found.length > 1) throw new XmlError(`<${name}> stands there ${found.length} times`);
  return found[0] ?? null;
}
