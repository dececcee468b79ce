/**
 * Walks over the tags and texts of one XML document from left to right.
 * Strict about structure, lenient about characters; a document type declaration is refused.
 */

import { AppError } from "../domain/errors.ts";
import { decodeReferences } from "./references.ts";

/** A document that is not what was asked for. Its message holds no text of the document but tag names. */
export class XmlError extends AppError {
  constructor(message: string) {
    super("pool", message);
    this.name = "XmlError";
  }
}

/** Elements that old servers close at once: `<value/>`. */
const mayBeEmpty: ReadonlySet<string> = new Set(["value", "name", "data", "params"]);

/** Tags that need no closer look: the types that XAPI writes. */
const plainTags: ReadonlySet<string> = new Set(["struct", "array", "boolean", "double", "string", "nil"]);

const lessThan = 60;
const slash = 47;
const exclamation = 33;
const question = 63;

export class Scanner {
  protected xml: string;
  protected at: number;
  /** The tag that was opened last closed itself: `<string/>`. */
  protected closed = false;

  constructor(xml: string) {
    this.xml = xml;
    this.at = xml.charCodeAt(0) === 0xfeff ? 1 : 0;
  }

  /** Opens the root element, which must be `name`. */
  start(name: string): void {
    this.skipMisc();
    if (this.at >= this.xml.length) throw new XmlError("the document is empty");
    if (this.xml.charCodeAt(this.at) !== lessThan) throw new XmlError("the document is not XML");
    const root = this.open();
    if (root === name) return;
    if (root.toLowerCase() === "html") throw new XmlError("the document is a web page (HTML)");
    throw unexpected(root, name);
  }

  /** Closes the root element; nothing may follow it. */
  finish(name: string): void {
    this.close(name);
    this.skipMisc();
    if (this.at < this.xml.length) throw new XmlError(`something follows </${name}>`);
  }

  /** Reads an opening tag after white space, and returns its name. Attributes are passed over. */
  open(): string {
    this.skipMisc();
    const { xml } = this;
    if (xml.charCodeAt(this.at) !== lessThan) throw this.stray("a tag");
    const end = xml.indexOf(">", this.at);
    if (end < 0) throw truncated();
    this.closed = xml.charCodeAt(end - 1) === slash;
    const tag = xml.slice(this.at + 1, this.closed ? end - 1 : end);
    const name = plainTags.has(tag) ? tag : /^[A-Za-z][\w.:-]*(?=\s|$)/.exec(tag)?.[0];
    if (name === undefined) throw this.stray("an opening tag");
    this.at = end + 1;
    return name;
  }

  /** Opens `name`, which must have content where only content makes sense. */
  expectOpen(name: string): void {
    // The common tags come without blanks and attributes; a regular expression for each would cost a second.
    this.skipBlanks();
    const { xml, at } = this;
    const end = at + name.length + 1;
    if (xml.charCodeAt(at) === lessThan && xml.startsWith(name, at + 1) && xml[end] === ">") {
      this.closed = false;
      this.at = end + 1;
      return;
    }
    const found = this.open();
    if (found !== name || (this.closed && !mayBeEmpty.has(name))) throw unexpected(found, name);
  }

  close(name: string): void {
    this.skipBlanks();
    if (this.tryClose(name)) return;
    this.skipMisc();
    if (!this.tryClose(name)) throw this.stray(`</${name}>`);
  }

  protected tryClose(name: string): boolean {
    const { xml, at } = this;
    if (xml.charCodeAt(at) !== lessThan || xml.charCodeAt(at + 1) !== slash) return false;
    if (!xml.startsWith(name, at + 2)) return false;
    let end = at + 2 + name.length;
    while (isBlank(xml.charCodeAt(end))) end++;
    if (xml[end] !== ">") return false;
    this.at = end + 1;
    return true;
  }

  /** True where the next tag, after white space, is a closing one. */
  protected atClose(): boolean {
    this.skipMisc();
    return this.xml.charCodeAt(this.at) === lessThan && this.xml.charCodeAt(this.at + 1) === slash;
  }

  /** Passes over the text of an element and its closing tag, as `text` does. */
  protected skipText(name: string): void {
    if (this.closed) return;
    for (;;) {
      const next = this.xml.indexOf("<", this.at);
      if (next < 0) throw truncated();
      this.at = next;
      if (this.tryClose(name)) return;
      if (this.tryCdata() === null && !this.tryComment()) throw this.stray(`</${name}>`);
    }
  }

  /** The text of an element up to its closing tag; CDATA counts, comments do not. */
  text(name: string): string {
    if (this.closed) return "";
    const { xml } = this;
    let result = "";
    for (;;) {
      const next = xml.indexOf("<", this.at);
      if (next < 0) throw truncated();
      result += decodeReferences(xml.slice(this.at, next));
      this.at = next;
      if (this.tryClose(name)) return result;
      const cdata = this.tryCdata();
      if (cdata !== null) result += cdata;
      else if (!this.tryComment()) throw this.stray(`</${name}>`);
    }
  }

  /**
   * The text of an element that may hold a typed value instead: null, at its tag, where one follows.
   * White space and comments before the tag are nothing. With `wanted` off the text is checked and "" is returned.
   */
  protected textUnlessTyped(name: string, wanted = true): string | null {
    const { xml, at: start } = this;
    const next = xml.indexOf("<", start);
    if (next < 0) throw truncated();
    this.at = next;
    if (this.tryClose(name)) return wanted ? decodeReferences(xml.slice(start, next)) : "";
    if (xml.charCodeAt(next + 1) === exclamation && !this.typeFollows(start)) {
      this.at = start;
      return this.text(name);
    }
    if (!isBlankText(xml, start, next)) throw this.stray(`</${name}>`);
    return null;
  }

  /** True, at the tag, where only white space and comments lie between `start` and a type. */
  private typeFollows(start: number): boolean {
    this.at = start;
    this.skipBlanks();
    while (this.tryComment()) this.skipBlanks();
    const mark = this.xml.charCodeAt(this.at + 1);
    return this.xml.charCodeAt(this.at) === lessThan && mark !== exclamation && mark !== slash;
  }

  private skipBlanks(): void {
    while (isBlank(this.xml.charCodeAt(this.at))) this.at++;
  }

  /** Passes over white space, comments and processing instructions. */
  private skipMisc(): void {
    for (;;) {
      this.skipBlanks();
      if (this.xml.charCodeAt(this.at) !== lessThan) return;
      const mark = this.xml.charCodeAt(this.at + 1);
      if (mark === question) this.at = this.find("?>", 2) + 2;
      else if (mark !== exclamation || !this.tryComment()) return;
    }
  }

  private tryComment(): boolean {
    if (!this.xml.startsWith("<!--", this.at)) return false;
    this.at = this.find("-->", 4) + 3;
    return true;
  }

  private tryCdata(): string | null {
    if (!this.xml.startsWith("<![CDATA[", this.at)) return null;
    const end = this.find("]]>", 9);
    const text = this.xml.slice(this.at + 9, end);
    this.at = end + 3;
    return text;
  }

  private find(end: string, after: number): number {
    const found = this.xml.indexOf(end, this.at + after);
    if (found < 0) throw truncated();
    return found;
  }

  /** What to say of anything at the present place but `wanted`. */
  private stray(wanted: string): XmlError {
    const { xml, at } = this;
    if (at >= xml.length) return truncated();
    if (/^<!(?!--|\[CDATA\[)/.test(xml.slice(at, at + 10))) {
      return new XmlError("declarations such as <!DOCTYPE> are refused");
    }
    if (xml.charCodeAt(at) !== lessThan) return new XmlError(`text where ${wanted} should be`);
    const end = xml.indexOf(">", at);
    return end < 0 ? truncated() : unexpected(xml.slice(at + 1, Math.min(end, at + 60)), wanted);
  }
}

/** `found` stands where `wanted` should. */
export function unexpected(found: string, wanted: string): XmlError {
  // A short name, without whatever else stood there.
  const name = /^[!/?]?[\w.:-]{1,40}/.exec(found)?.[0] ?? "...";
  return new XmlError(`<${name}> where ${wanted} should be`);
}

function truncated(): XmlError {
  return new XmlError("the document ends too early");
}

function isBlank(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

function isBlankText(xml: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isBlank(xml.charCodeAt(at))) return false;
  return true;
}
