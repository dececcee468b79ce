/**
 * Decodes XML-RPC as xapi speaks it, 2010 to today: untyped strings, ints as text, nan and inf, nil, faults.
 * Refuses what is truncated, wrongly nested, too deep, followed by something, or no XML-RPC at all.
 */

import { decodeReferences } from "../xml/references.ts";
import { Scanner, unexpected, XmlError } from "../xml/scanner.ts";
import { readBoolean, readDate, readDouble, readInteger } from "./scalars.ts";

export { XmlError } from "../xml/scanner.ts";

/**
 * A decoded value. Untyped values are strings (XAPI's ints among them); structs are Maps, so that any name is safe;
 * of a name that comes twice the last value counts.
 * A scalar whose text does not fit its type stays text: whoever needs it decides, the rest of the answer is kept.
 */
export type XapiValue = string | number | boolean | Date | null | readonly XapiValue[] | XapiStruct;
export type XapiStruct = ReadonlyMap<string, XapiValue>;

/** A `<fault>`: how old pools refuse what they cannot even dispatch. */
export class XmlFault extends Error {
  readonly faultCode: string;
  readonly faultString: string;

  constructor(faultCode: string, faultString: string) {
    super(`fault ${faultCode}: ${faultString}`);
    this.name = "XmlFault";
    this.faultCode = faultCode;
    this.faultString = faultString;
  }
}

/** The value of a methodResponse. Throws XmlFault for a fault and XmlError for anything else. */
export function decodeResponse(xml: string): XapiValue {
  const reader = new XmlReader(xml);
  reader.start("methodResponse");
  const kind = reader.open();
  if (kind !== "params" && kind !== "fault") throw unexpected(kind, "params or fault");
  const value = kind === "params" ? reader.onlyParam() : reader.faultValue();
  reader.finish("methodResponse");
  if (kind === "params") return value;
  throw new XmlFault(faultText(value, "faultCode"), faultText(value, "faultString"));
}

function faultText(fault: XapiValue, name: string): string {
  const struct: XapiStruct | null = fault instanceof Map ? fault : null;
  const value = struct === null ? fault : struct.get(name);
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

const maxDepth = 64;

/** Types whose content is a text. */
const scalars: ReadonlySet<string> = new Set([
  "string",
  "base64",
  "int",
  "i4",
  "i8",
  "boolean",
  "double",
  "dateTime.iso8601",
]);

const memberStart = "<member><name>";
const memberMiddle = "</name><value>";
const memberEnd = "</value></member>";
/** From a plain member's beginning to its name, and from its name's end to its value. */
const nameAfter = memberStart.length;
const valueAfter = memberMiddle.length;

function tooDeep(): XmlError {
  return new XmlError(`values are nested deeper than ${maxDepth}`);
}

/** The grammar of values; its recursion is bounded by maxDepth. */
export class XmlReader extends Scanner {
  protected depth = 0;
  /** Where the texts of the last plain member end. */
  #nameEnd = 0;
  #valueEnd = 0;

  onlyParam(): XapiValue {
    if (this.closed) throw new XmlError("<params/> holds no value");
    this.expectOpen("param");
    const value = this.childValue();
    this.close("param");
    this.close("params");
    return value;
  }

  faultValue(): XapiValue {
    if (this.closed) throw new XmlError("<fault/> holds no value");
    const value = this.childValue();
    this.close("fault");
    return value;
  }

  protected childValue(): XapiValue {
    this.expectOpen("value");
    return this.openedValue();
  }

  /** The value whose tag was opened last. */
  protected openedValue(): XapiValue {
    if (this.closed) return "";
    if (++this.depth > maxDepth) throw tooDeep();
    const value = this.textUnlessTyped("value") ?? this.#typedValue();
    this.depth--;
    return value;
  }

  #skipChild(): void {
    this.expectOpen("value");
    this.skipOpened();
  }

  /** Passes over the value whose tag was opened last. Its structure is checked as if it were read, its texts are not. */
  protected skipOpened(): void {
    if (this.closed) return;
    if (++this.depth > maxDepth) throw tooDeep();
    if (this.textUnlessTyped("value", false) === null) this.#skipTyped();
    this.depth--;
  }

  #skipTyped(): void {
    const type = this.open();
    if (type === "struct") {
      if (!this.closed) this.#skipMembers();
    } else if (type === "array") {
      if (!this.closed) this.#skipItems();
    } else if (scalars.has(type)) this.skipText(type);
    else this.#bodyOf(type);
    this.close("value");
  }

  #skipMembers(): void {
    for (;;) {
      if (this.#plainMember()) continue;
      if (this.atClose()) break;
      this.expectOpen("member");
      this.expectOpen("name");
      this.skipText("name");
      this.#skipChild();
      this.close("member");
    }
    this.close("struct");
  }

  #skipItems(): void {
    this.expectOpen("data");
    if (!this.closed) {
      while (!this.atClose()) this.#skipChild();
      this.close("data");
    }
    this.close("array");
  }

  #typedValue(): XapiValue {
    const type = this.open();
    const value = this.#bodyOf(type);
    this.close("value");
    return value;
  }

  #bodyOf(type: string): XapiValue {
    switch (type) {
      case "struct":
        return this.closed ? new Map() : this.#struct();
      case "array":
        return this.closed ? [] : this.#array();
      case "nil":
      case "ex:nil":
        if (!this.closed) this.close(type);
        return null;
      case "string":
      case "base64":
        return this.text(type);
      case "int":
      case "i4":
      case "i8":
        return readInteger(this.text(type));
      case "boolean":
        return readBoolean(this.text(type));
      case "double":
        return readDouble(this.text(type));
      case "dateTime.iso8601":
        return readDate(this.text(type));
      default:
        throw unexpected(type, "a type");
    }
  }

  #struct(): XapiStruct {
    const struct = new Map<string, XapiValue>();
    for (;;) {
      const { xml, at } = this;
      if (this.#plainMember()) {
        const name = decodeReferences(xml.slice(at + nameAfter, this.#nameEnd));
        struct.set(name, decodeReferences(xml.slice(this.#nameEnd + valueAfter, this.#valueEnd)));
        continue;
      }
      if (this.atClose()) break;
      this.expectOpen("member");
      this.expectOpen("name");
      const name = this.text("name");
      struct.set(name, this.childValue());
      this.close("member");
    }
    this.close("struct");
    return struct;
  }

  /**
   * Passes over the commonest member, an untyped text without markup in it, as a whole; anything else: false, and
   * nothing is read. Tag by tag it would take five times as long.
   */
  #plainMember(): boolean {
    const { xml, at } = this;
    if (!xml.startsWith(memberStart, at)) return false;
    const nameEnd = xml.indexOf("<", at + nameAfter);
    if (nameEnd < 0 || !xml.startsWith(memberMiddle, nameEnd)) return false;
    const valueEnd = xml.indexOf("<", nameEnd + valueAfter);
    if (valueEnd < 0 || !xml.startsWith(memberEnd, valueEnd)) return false;
    this.#nameEnd = nameEnd;
    this.#valueEnd = valueEnd;
    this.at = valueEnd + memberEnd.length;
    return true;
  }

  #array(): XapiValue[] {
    const items: XapiValue[] = [];
    this.expectOpen("data");
    if (!this.closed) {
      while (!this.atClose()) items.push(this.childValue());
      this.close("data");
    }
    this.close("array");
    return items;
  }
}
