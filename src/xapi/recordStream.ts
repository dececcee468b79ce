/**
 * Reads the answer of get_all_records while it arrives: record by record, and of each only the fields that are kept.
 * The largest pools answer 150 MB, most of it fields that nobody here needs; neither the text nor a tree of it is held.
 */

import { decodeReferences } from "../xml/references.ts";
import { decodeAnswer, valueIn } from "./codec.ts";
import { fieldNames, RecordCollector, type RecordOf, readRecords, type XapiClass } from "./recordCodec.ts";
import type { Records, Ref } from "./records.ts";
import type { AnswerReader } from "./rpc.ts";
import { SharedTexts } from "./sharedTexts.ts";
import { type XapiStruct, type XapiValue, XmlError, XmlReader } from "./xml.ts";

const byteOrderMark = 0xfeff;

/** How deep the records lie: in the envelope's struct, in the value's. */
const recordDepth = 2;

/** Far more than any record, in characters: what has no end by then is none, and must not fill the memory. */
const largestRecord = 8 * 1024 * 1024;

/** Characters to collect before they are read: a record that is cut is read again from its beginning. */
const usualBatch = 64 * 1024;

/** The records of `name` in an answer of `method`. */
export class RecordsReader<C extends XapiClass> implements AnswerReader<Records<Ref<C>, RecordOf<C>>> {
  readonly #name: C;
  readonly #method: string;
  readonly #collected: RecordCollector<C>;
  readonly #scanner: RecordScanner;
  #pieces: string[] = [];
  #waiting = 0;
  readonly #batch: number;
  #enough: number;

  /** `texts`: what records of other answers share with these; `batch`: characters to collect before they are read. */
  constructor(
    name: C,
    method: string,
    {
      texts = new SharedTexts(),
      batch = usualBatch,
    }: { texts?: SharedTexts | undefined; batch?: number } = {},
  ) {
    this.#batch = batch;
    this.#enough = batch;
    this.#name = name;
    this.#method = method;
    this.#collected = new RecordCollector(name, texts);
    this.#scanner = new RecordScanner(fieldNames(name));
  }

  write(text: string): void {
    this.#pieces.push(text);
    this.#waiting += text.length;
    if (this.#waiting >= this.#enough) this.#read();
  }

  end(): Records<Ref<C>, RecordOf<C>> {
    this.#read();
    const scanner = this.#scanner;
    // A refusal, an empty pool, or no answer of XAPI's at all: small, and read as any other answer.
    if (!scanner.inRecords) return readRecords(this.#name, decodeAnswer(scanner.rest, this.#method));
    // What could not be read will not come any more: now it is an error.
    for (let next = scanner.next(); next !== null; next = scanner.next()) this.#collected.add(...next);
    valueIn(scanner.finishAnswer(), this.#method);
    return this.#collected.records();
  }

  /** Reads as many whole records as have come. */
  #read(): void {
    const scanner = this.#scanner;
    scanner.feed(this.#pieces.join(""));
    this.#pieces = [];
    this.#waiting = 0;
    try {
      if (scanner.begin()) {
        for (let next = scanner.next(); next !== null; next = scanner.next()) this.#collected.add(...next);
      }
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
    }
    if (scanner.rest.length > largestRecord) {
      throw new XmlError(`a record, or what stands in its place, has more than ${largestRecord} characters`);
    }
    // What is cut, or wrong, is tried again only when there is twice as much: the whole costs at most double.
    this.#enough = Math.max(this.#batch, scanner.rest.length);
  }
}

/** A member of a record: how it begins on the wire, up to its value, and whether somebody reads it. */
interface Member {
  readonly name: string;
  readonly opening: string;
  readonly isKept: boolean;
}

const memberEnd = "</value></member>";

/** Walks over an answer that grows; each step is taken whole or not at all. */
class RecordScanner extends XmlReader {
  inRecords = false;
  readonly #wanted: ReadonlySet<string>;
  #envelope = new Map<string, XapiValue>();
  /** The members of the last record. */
  readonly #order: Member[] = [];

  constructor(wanted: ReadonlySet<string>) {
    super("");
    this.#wanted = wanted;
  }

  /** What has not been read. */
  get rest(): string {
    return this.xml.slice(this.at);
  }

  feed(text: string): void {
    this.xml = this.rest + text;
    this.at = 0;
  }

  /** Goes to the first record; false where something else than a struct of records is answered. */
  begin(): boolean {
    if (this.inRecords) return true;
    return this.#step(() => {
      if (this.xml.charCodeAt(0) === byteOrderMark) this.at = 1;
      this.start("methodResponse");
      for (const tag of ["params", "param", "value", "struct"]) this.expectOpen(tag);
      this.#envelope = new Map();
      for (let name = this.#memberName(); name !== "Value"; name = this.#memberName()) this.#member(name);
      this.expectOpen("value");
      this.expectOpen("struct");
      this.depth = recordDepth;
      this.inRecords = true;
      return true;
    });
  }

  /** The next ref and record, with the wanted members; null after the last. Throws XmlError also where it is cut. */
  next(): [string, XapiValue] | null {
    return this.#step(() => {
      if (this.atClose()) return null;
      const ref = this.#memberName();
      this.expectOpen("value");
      const record = this.#tryStruct() ?? this.openedValue();
      this.close("member");
      return [ref, record];
    });
  }

  /** Reads what follows the records; returns the envelope, whose "Value" stands for them. */
  finishAnswer(): XapiStruct {
    for (const tag of ["struct", "value", "member"]) this.close(tag);
    this.depth = 1;
    while (!this.atClose()) this.#member(this.#memberName());
    for (const tag of ["struct", "value", "param", "params"]) this.close(tag);
    this.finish("methodResponse");
    return this.#envelope.set("Value", "");
  }

  /** The kept members of the record whose value was opened last; null, and nothing read, where it is no struct. */
  #tryStruct(): XapiStruct | null {
    const { at, closed } = this;
    const typed = !closed && this.textUnlessTyped("value", false) === null;
    if (!typed || this.open() !== "struct") {
      Object.assign(this, { at, closed });
      return null;
    }
    this.depth++;
    const struct: XapiStruct = this.closed ? new Map() : this.#members();
    this.depth--;
    this.close("value");
    return struct;
  }

  /** Reads up to the record's end. A pool sends the members of each record in the same order: the last one's is tried. */
  #members(): XapiStruct {
    const struct = new Map<string, XapiValue>();
    for (let index = 0; ; index++) {
      let member = this.#order[index];
      if (member !== undefined && this.xml.startsWith(member.opening, this.at)) {
        this.at += member.opening.length;
        this.closed = false;
      } else {
        if (this.atClose()) break;
        member = this.#openMember();
        this.#order[index] = member;
      }
      const text = this.#plainText(member.isKept);
      if (text === null && !member.isKept) this.skipOpened();
      else if (member.isKept) struct.set(member.name, text ?? this.openedValue());
      if (text === null) this.close("member");
    }
    this.close("struct");
    return struct;
  }

  /** The rest of a member whose value was opened and is untyped text; null, and nothing read, for any other. */
  #plainText(isKept: boolean): string | null {
    const { xml, at } = this;
    const end = this.closed ? -1 : xml.indexOf("<", at);
    if (end < 0 || !xml.startsWith(memberEnd, end)) return null;
    this.at = end + memberEnd.length;
    return isKept ? decodeReferences(xml.slice(at, end)) : "";
  }

  #openMember(): Member {
    const name = this.#memberName();
    this.expectOpen("value");
    // A name with a reference in it stands otherwise on the wire: its member is never tried.
    const opening = /^\w+$/.test(name) ? `<member><name>${name}</name><value>` : "?";
    return { name, isKept: this.#wanted.has(name), opening };
  }

  #memberName(): string {
    this.expectOpen("member");
    this.expectOpen("name");
    return this.text("name");
  }

  #member(name: string): void {
    this.#envelope.set(name, this.childValue());
    this.close("member");
  }

  #step<T>(work: () => T): T {
    const { at, depth } = this;
    try {
      return work();
    } catch (error) {
      Object.assign(this, { at, depth });
      throw error;
    }
  }
}
