import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeAnswer } from "../../src/xapi/codec.ts";
import { readRecords } from "../../src/xapi/recordCodec.ts";
import { RecordsReader } from "../../src/xapi/recordStream.ts";

const member = (name: string, value: string) => `<member><name>${name}</name>${value}</member>`;
const text = (value: string) => `<value>${value}</value>`;
const struct = (...members: string[]) => text(`<struct>${members.join("")}</struct>`);
const answer = (...members: string[]) =>
  `<?xml version="1.0"?><methodResponse><params><param>${struct(...members)}</param></params></methodResponse>`;
const success = (...records: string[]) =>
  answer(member("Status", text("Success")), member("Value", struct(...records)));

const pbd = (ref: string, ...more: string[]) =>
  member(
    ref,
    struct(
      member("uuid", text(`uuid of ${ref}`)),
      member("other_config", struct(member("a", text("b")), member("c", struct(member("d", text("e")))))),
      member("host", text("OpaqueRef:h")),
      member("SR", text("<string>OpaqueRef:s&amp;t</string>")),
      member("device_config", text("<array><data><value>1</value><value/></data></array>")),
      member("currently_attached", text("<boolean>1</boolean>")),
      ...more,
    ),
  );

/** What both ways make of a text: the records and what was left out, or the error. */
function outcome(work: () => ReturnType<typeof readRecords<"PBD">>): unknown {
  try {
    const records = work();
    return { records: [...records], skipped: records.skipped };
  } catch (error) {
    return { error: error instanceof Error ? `${error.name}: ${error.message}` : error };
  }
}

const whole = (xml: string) => outcome(() => readRecords("PBD", decodeAnswer(xml, "PBD.get_all_records")));

function inPieces(xml: string, size: number): unknown {
  return outcome(() => {
    const reader = new RecordsReader("PBD", "PBD.get_all_records", { batch: 1 });
    for (let at = 0; at < xml.length; at += size) reader.write(xml.slice(at, at + size));
    return reader.end();
  });
}

const answers: Readonly<Record<string, string>> = {
  "three records": success(pbd("r1"), pbd("r2"), pbd("r3")),
  "records that come with white space, comments, CDATA and a byte order mark": `\ufeff${success(
    pbd("r1"),
    pbd("r2", "<!-- > -->", member("SR", text("<![CDATA[<x>&]]>"))),
  ).replaceAll("</member>", " </member>\n")}`,
  "members in another order in each record": success(
    pbd("r1", member("z", text("1"))),
    pbd("r2", member("y", struct())),
    pbd("r3", member("z", text("2")), member("currently_attached", text("<boolean>0</boolean>"))),
  ),
  "a record without a field, and one that is no struct": success(
    pbd("r1"),
    member("r2", struct(member("uuid", text("u")))),
    member("r3", text("text")),
    pbd("r4"),
  ),
  "a member whose name holds a reference": success(
    pbd("r1", member("a&lt;b", text("1"))),
    pbd("r2", member("a&lt;b", text("1"))),
  ),
  "no records": success(),
  "a status that follows the records": answer(
    member("Value", struct(pbd("r1"))),
    member("Status", text("Success")),
  ),
  "a refusal": answer(
    member("Status", text("Failure")),
    member("ErrorDescription", text("<array><data><value>HOST_IS_SLAVE</value></data></array>")),
  ),
  "a refusal that has records": answer(
    member("Status", text("Failure")),
    member("Value", struct(pbd("r1"))),
    member("ErrorDescription", text("<array><data><value>X</value></data></array>")),
  ),
  "a fault": `<methodResponse><fault>${struct(member("faultCode", text("1")), member("faultString", text("no")))}</fault></methodResponse>`,
  "a web page": "<html><body>Bad gateway</body></html>",
  "a text that is followed by something": `${success(pbd("r1"))}<x/>`,
  "a declaration among the records": success(pbd("r1"), "<!DOCTYPE x>", pbd("r2")),
  "nothing at all": "",
};

for (const [name, xml] of Object.entries(answers)) {
  test(`${name}: read in pieces of any size, the same comes out as from the whole`, () => {
    const expected = whole(xml);
    for (let size = 1; size <= xml.length + 1; size++) expect(inPieces(xml, size)).toEqual(expected);
  });
}

test("a ref that comes twice is refused, whatever comes with it: which of the two is meant cannot be told", () => {
  for (const again of [pbd("r1"), member("r1", text(""))]) {
    for (const size of [1, 50, 10_000]) {
      expect(inPieces(success(pbd("r1"), again, pbd("r2")), size)).toEqual({
        error: "XmlError: PBD: the ref r1 comes twice",
      });
    }
  }
});

test("three records are three records", () => {
  expect(inPieces(answers["three records"] ?? "", 7)).toMatchObject({
    records: [
      ["r1", { uuid: "uuid of r1", host: "OpaqueRef:h", SR: "OpaqueRef:s&t", currently_attached: true }],
      ["r2", { uuid: "uuid of r2" }],
      ["r3", { uuid: "uuid of r3" }],
    ],
    skipped: [],
  });
});

test("an answer that is cut anywhere is refused, in pieces as in the whole", () => {
  const xml = answers["members in another order in each record"] ?? "";
  for (let end = 0; end < xml.length; end++) {
    const cut = inPieces(xml.slice(0, end), 50);
    expect(cut).toEqual(whole(xml.slice(0, end)));
    expect(cut).toHaveProperty("error");
  }
});

test("an answer in which any characters were changed comes to the same in pieces as in the whole", () => {
  const xml = answers["a record without a field, and one that is no struct"] ?? "";
  const spoil = fc.record({
    at: fc.nat(xml.length),
    taken: fc.nat(12),
    put: fc.constantFrom("", "<", ">", "</value>", "<value>", "<struct>", "</member>", "&lt;", "<!--", "x"),
    size: fc.integer({ min: 1, max: 400 }),
  });
  fc.assert(
    fc.property(spoil, ({ at, taken, put, size }) => {
      const spoilt = xml.slice(0, at) + put + xml.slice(at + taken);
      expect(inPieces(spoilt, size)).toEqual(whole(spoilt));
    }),
    { numRuns: 3000 },
  );
});
