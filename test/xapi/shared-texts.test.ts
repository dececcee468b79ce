import fc from "fast-check";
import { expect, test } from "vitest";
import { RecordsReader } from "../../src/xapi/recordStream.ts";
import { SharedTexts } from "../../src/xapi/sharedTexts.ts";

const words = fc.constantFrom(
  "",
  "a",
  "b",
  "GenuineIntel",
  "a text of more than thirteen characters",
  "\ud800",
);
const entries = fc.uniqueArray(fc.tuple(words, words), { selector: ([key]) => key, maxLength: 4 });

test("what is shared is what was given, lists and maps in their order", () => {
  const seen = fc.array(
    fc.tuple(fc.constantFrom("one", "other"), fc.array(words, { maxLength: 4 }), entries),
  );
  fc.assert(
    fc.property(seen, (records) => {
      const texts = new SharedTexts();
      for (const [field, list, map] of records) {
        for (const text of list) expect(texts.text(text)).toBe(text);
        expect(texts.list(field, list)).toEqual(list);
        expect([...texts.map(field, new Map(map))]).toEqual(map);
      }
    }),
  );
});

test("lists and maps with the same texts are one, those of another order are not", () => {
  const texts = new SharedTexts();
  const map = texts.map(
    "platform",
    new Map([
      ["a", "1"],
      ["b", "2"],
    ]),
  );
  expect(
    texts.map(
      "platform",
      new Map([
        ["a", "1"],
        ["b", "2"],
      ]),
    ),
  ).toBe(map);
  expect(
    texts.map(
      "platform",
      new Map([
        ["b", "2"],
        ["a", "1"],
      ]),
    ),
  ).not.toBe(map);
  const list = texts.list("tags", ["a", "b"]);
  expect(texts.list("tags", ["a", "b"])).toBe(list);
  expect(texts.list("tags", ["b", "a"])).not.toBe(list);
});

test("records of two answers share what both hold, also where the answers came in pieces", () => {
  const answer = (...records: string[]) =>
    `<methodResponse><params><param><value><struct><member><name>Status</name><value>Success</value></member>` +
    `<member><name>Value</name><value><struct>${records.join("")}</struct></value></member></struct></value></param></params></methodResponse>`;
  const member = (name: string, value: string) =>
    `<member><name>${name}</name><value>${value}</value></member>`;
  const network = (ref: string, bridge: string) =>
    member(
      ref,
      `<struct>${member("uuid", `uuid of ${ref}`)}${member("bridge", bridge)}` +
        `${member("other_config", `<struct>${member("a key of some length", "a value of some length")}</struct>`)}</struct>`,
    );
  const texts = new SharedTexts();
  const read = (xml: string) => {
    const reader = new RecordsReader("network", "network.get_all_records", { texts, batch: 1 });
    for (let at = 0; at < xml.length; at += 7) reader.write(xml.slice(at, at + 7));
    return [...reader.end()];
  };
  const [[, first] = [], [, second] = []] = read(answer(network("r1", "xenbr0"), network("r2", "xenbr1")));
  const [[, third] = []] = read(answer(network("r3", "xenbr2")));
  expect([first?.bridge, second?.bridge, third?.bridge]).toEqual(["xenbr0", "xenbr1", "xenbr2"]);
  expect(second?.other_config).toBe(first?.other_config);
  expect(third?.other_config).toBe(first?.other_config);
  expect([...(third?.other_config ?? [])]).toEqual([["a key of some length", "a value of some length"]]);
});
