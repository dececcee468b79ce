/** What the simulator writes, against answers recorded from a real xapi, byte for byte. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { genericMessages } from "../../src/simulator/messages/genericMessages.ts";
import { ObjectDatabase } from "../../src/simulator/objects/database.ts";
import { classes, fieldSpec, type SimValue, wireType } from "../../src/simulator/objects/datamodel.ts";
import { SimFailure } from "../../src/simulator/server/failure.ts";
import { valueJson } from "../../src/simulator/server/jsonWriter.ts";
import { MalformedRequest, readCallXml } from "../../src/simulator/server/requestXml.ts";
import { convert, type RpcValue } from "../../src/simulator/server/rpcValue.ts";
import { formatDate, formatFloat, parseDate } from "../../src/simulator/server/wireText.ts";
import { failureXml, successXml, valueXml } from "../../src/simulator/server/xmlWriter.ts";
import { callXml, plain, readAnswer } from "./simServer.ts";

const recordedFolder = new URL("../../../shared/xapi/recorded/", import.meta.url);
const hasRecorded = existsSync(recordedFolder);
const listed = (names: string) => (hasRecorded ? names.split(" ") : []);

function recorded(name: string): string {
  const text = readFileSync(new URL(name, recordedFolder), "utf-8");
  return text.slice(text.indexOf("\r\n\r\n") + 4);
}

/** Reads records as a real xapi wrote them into a database of ours. */
function load(cls: string, records: RpcValue): ObjectDatabase {
  const db = new ObjectDatabase(() => "unused");
  if (records.kind !== "struct") throw new Error("no records");
  for (const [ref, record] of records.members) {
    if (record.kind !== "struct") throw new Error("no record");
    const fields = [...record.members].map(([name, value]): [string, SimValue] => [
      name,
      convert(value, fieldSpec(cls, name).type),
    ]);
    db.create(cls, Object.fromEntries(fields), ref);
  }
  return db;
}

function value(answer: RpcValue): RpcValue {
  const found = answer.kind === "struct" ? answer.members.get("Value") : undefined;
  if (found === undefined) throw new Error("no Value");
  return found;
}

async function allRecords(db: ObjectDatabase, cls: string): Promise<SimValue> {
  const message = genericMessages(db).get(`${cls}.get_all_records`);
  if (message === undefined) throw new Error(`${cls}.get_all_records is missing`);
  const signal = new AbortController().signal;
  const task = { ref: "", cancelled: signal, setProgress: () => {}, setCancellable: () => {} };
  return message.handle({ hostRef: "", sessionRef: "", args: [], task });
}

describe.skipIf(!hasRecorded)("recorded answers (skipped where ../shared is missing)", () => {
  const xmlClasses =
    "PBD PIF SR VBD VIF VM VM_guest_metrics VM_metrics host host_cpu host_metrics network pool task";
  test.each(listed(xmlClasses))(
    "%s.get_all_records in XML is what xapi wrote, byte for byte",
    async (cls) => {
      const body = recorded(`xml-${cls}.get_all_records.http`);
      const db = load(cls, value(readAnswer(body)));
      expect(successXml(await allRecords(db, cls), wireType(`map:ref:${cls}:record:${cls}`))).toBe(body);
    },
  );

  test.each(listed("VM_metrics host pool"))("%s.get_all_records in JSON is what xapi wrote", async (cls) => {
    const body = recorded(`json2.0-${cls}.get_all_records.http`);
    const db = load(cls, value(readAnswer(recorded(`xml-${cls}.get_all_records.http`))));
    const json = valueJson(await allRecords(db, cls), wireType(`map:ref:${cls}:record:${cls}`));
    expect(`{"jsonrpc":"2.0","result":${json},"id":1}`).toBe(body);
  });

  const failures =
    "xml-bad-ref xml-bad-session xml-bad-uuid xml-login-bad xml-too-few-args xml-where-bad xml-wrong-type";
  test.each(listed(failures))("the failure %s is what xapi wrote", (name) => {
    const body = recorded(`${name}.http`);
    const { ErrorDescription } = plain(readAnswer(body)) as { ErrorDescription: string[] };
    const [code = "", ...params] = ErrorDescription;
    expect(failureXml(new SimFailure(code, params))).toBe(body);
  });

  test("a login, a logout, a number and a date are written as xapi wrote them", () => {
    const login = recorded("xml-login.http");
    const session = String(plain(value(readAnswer(login))));
    expect(successXml(session, wireType("ref:session"))).toBe(login);
    expect(successXml("", wireType("void"))).toBe(recorded("xml-logout.http"));
    expect(successXml(7408566272, wireType("int"))).toBe(recorded("xml-compute_free_memory.http"));
    const time = recorded("xml-servertime.http");
    const date = parseDate(String(plain(value(readAnswer(time))))) ?? new Date(0);
    expect(successXml(date, wireType("datetime"))).toBe(time);
  });

  test("every class of the tables that xapi lists has the messages xapi lists for it", () => {
    const names = plain(readAnswer(recorded("xml-listMethods.http"))) as string[];
    const ours = new Set(genericMessages(new ObjectDatabase(() => "")).keys());
    const stored = [...classes.values()].filter(({ stored: isStored }) => isStored).map(({ name }) => name);
    const generic = /\.(get_record|get_all|get_all_records|get_all_where|get_all_records_where|get_by_uuid)$/;
    const wanted = names.filter((name) => generic.test(name) && stored.includes(name.split(".")[0] ?? ""));
    expect(wanted.filter((name) => !ours.has(name))).toEqual([]);
    const invented = [...ours].filter((name) => !names.includes(name));
    expect(invented).toEqual([]);
  });
});

describe("numbers and dates", () => {
  test.each([
    [0, "0"],
    [1, "1"],
    [0.1, "0.1"],
    [0.30000000000000004, "0.3"],
    [123456789.125, "123456789.125"],
    [1e15, "1000000000000000"],
    [1e16, "1e+16"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [-2.5e-7, "-2.5e-07"],
    [1 / 3, "0.3333333333333333"],
    [Number.NaN, "nan"],
    [Number.POSITIVE_INFINITY, "inf"],
    [Number.NEGATIVE_INFINITY, "-inf"],
  ])("%s is written as C's format .16g writes it", (number, text) => {
    expect(formatFloat(number)).toBe(text);
  });

  test("NaN and whole floats in JSON are xapi's: bare NaN, a point in every float", () => {
    const type = wireType("set:float");
    expect(valueJson([1, 0.5, Number.NaN, Number.POSITIVE_INFINITY], type)).toBe("[1.0,0.5,NaN,Infinity]");
  });

  test("dates have no dashes and are read with and without", () => {
    const date = new Date(Date.UTC(2026, 7, 21, 2, 0, 23));
    expect(formatDate(date)).toBe("20260821T02:00:23Z");
    expect(parseDate("20260821T02:00:23Z")).toEqual(date);
    expect(parseDate("2026-08-21T02:00:23Z")).toEqual(date);
    expect(parseDate("20260231T02:00:23Z")).toBeNull();
    expect(parseDate("yesterday")).toBeNull();
  });
});

describe("text", () => {
  test("a name of quotes, markup, emoji and control characters loses only what xapi drops", () => {
    const name = `a<b>&"'\u0000\u001b[31m\t\n😀`;
    const written = valueXml(name, wireType("string"));
    expect(written).toBe(`<value>a&lt;b&gt;&amp;&quot;'[31m\t\n😀</value>`);
  });

  test("what a client escapes arrives as it was, with its spaces", () => {
    const [first] = readCallXml(callXml("x", ["  <&\"' 😀 "])).params;
    expect(first).toEqual({ kind: "string", text: "  <&\"' 😀 " });
    const [second] = readCallXml(
      "<methodCall><methodName>x</methodName><params><param><value><string>&#x1F600;&#65;<![CDATA[<]]></string></value></param></params></methodCall>",
    ).params;
    expect(second).toEqual({ kind: "string", text: "😀A<" });
  });

  test.each([
    "",
    "hello",
    "<methodCall>",
    "<methodCall></methodCall>",
    "<methodCall><methodName>x</methodCall></methodName>",
    "<!DOCTYPE a [<!ENTITY b 'c'>]><methodCall><methodName>&b;</methodName></methodCall>",
    "<methodCall><methodName>&nope;</methodName></methodCall>",
    "<methodCall><methodName>x</methodName></methodCall><methodCall/>",
    "<methodCall><methodName>x</methodName><params><param><value><int>1.5</int></value></param></params></methodCall>",
  ])("%j is refused as a call", (xml) => {
    expect(() => readCallXml(xml)).toThrow(MalformedRequest);
  });
});

describe("arguments", () => {
  const int: RpcValue = { kind: "int", text: "3" };
  const text: RpcValue = { kind: "string", text: "3" };
  const half: RpcValue = { kind: "float", number: 0.5 };
  test("ints come tagged or as text, floats also as ints, and nothing else fits", () => {
    expect(convert(int, wireType("int"))).toBe(3);
    expect(convert(text, wireType("int"))).toBe(3);
    expect(convert(int, wireType("float"))).toBe(3);
    expect(convert(half, wireType("float"))).toBe(0.5);
    expect(() => convert(half, wireType("int"))).toThrow("Expected int64, got 'F(0.5)'");
    expect(() => convert(int, wireType("string"))).toThrow("Expected string, got 'I(3)'");
    expect(() => convert(text, wireType("bool"))).toThrow("Expected bool");
    expect(() => convert(text, wireType("set:string"))).toThrow("Expected list");
  });

  test("a map named after Object's own properties is only a map", () => {
    const members = new Map<string, RpcValue>([["__proto__", text]]);
    const map = convert({ kind: "struct", members }, wireType("map:string:string"));
    expect(valueXml(map, wireType("map:string:string"))).toContain("<name>__proto__</name><value>3</value>");
  });
});
