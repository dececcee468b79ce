import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeCall, UnsendableError } from "../../src/xapi/codec.ts";
import { decodeResponse } from "../../src/xapi/xml.ts";
import { readCall } from "./support/readCall.ts";
import { success } from "./support/xapiText.ts";

/** What XML 1.0 can carry at all. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const sendable = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]*$/u;

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  // What the builder's CDATA and the decoder's references could trip over.
  fc
    .array(
      fc.constantFrom(
        "<",
        ">",
        "&",
        "]]>",
        "]",
        "&lt;",
        "&#65;",
        "<![CDATA[",
        "<!--",
        "\r\n",
        "\r",
        " ",
        "é",
      ),
    )
    .map((parts) => parts.join("")),
);

test("every text of Unicode that XML can carry arrives as it was sent; any other is refused", () => {
  fc.assert(
    fc.property(anyText, anyText, (text, name) => {
      if (!sendable.test(text + name)) {
        expect(() => encodeCall("VM.set_name_label", ["s", text, { [name]: text }])).toThrow(UnsendableError);
        return;
      }
      const call = readCall(encodeCall("VM.set_name_label", ["s", text, { [name]: [text] }]));
      expect(call).toEqual({ method: "VM.set_name_label", params: ["s", text, new Map([[name, [text]]])] });
    }),
    { numRuns: 2000 },
  );
});

test("a lone surrogate is refused, a pair is sent", () => {
  expect(() => encodeCall("x", ["a\ud83d"])).toThrow(UnsendableError);
  expect(() => encodeCall("x", ["\ude00"])).toThrow("U+DE00");
  expect(readCall(encodeCall("x", ["😀"])).params).toEqual(["😀"]);
});

test("a refusal names the place and the character, never the text", () => {
  expect(() => encodeCall("x", ["s", "secret\u0000"])).toThrow("parameter 2 holds the character U+0000");
  expect(() => encodeCall("x", ["s", "secret\u0000"])).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining("secret") }),
  );
});

test("whole numbers travel as decimal text, as XAPI's ints do", () => {
  expect(readCall(encodeCall("x", [9007199254740991, -1, [2], true])).params).toEqual([
    "9007199254740991",
    "-1",
    ["2"],
    true,
  ]);
  expect(() => encodeCall("x", [0.5])).toThrow(UnsendableError);
  expect(() => encodeCall("x", [Number.NaN])).toThrow(UnsendableError);
});

test("every text that xapi may answer is read as it was written", () => {
  fc.assert(
    fc.property(anyText, anyText, (text, name) => {
      const answer = decodeResponse(success({ [name]: [text] }));
      expect(answer).toEqual(
        new Map<string, unknown>([
          ["Status", "Success"],
          ["Value", new Map([[name, [text]]])],
        ]),
      );
    }),
    { numRuns: 1000 },
  );
});

test("arbitrary text either is refused by an error of ours or is a document", () => {
  const pieces = fc.constantFrom(
    ...[
      "<value>",
      "</value>",
      "<struct>",
      "</struct>",
      "<member>",
      "</member>",
      "<name>",
      "</name>",
      "<array>",
    ],
    ...[
      "<data>",
      "</data>",
      "</array>",
      "<int>",
      "1",
      "</int>",
      "<nil/>",
      "<!--",
      "-->",
      "<![CDATA[",
      "]]>",
      " ",
      "<",
    ],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      const xml = `<methodResponse><params><param><value>${parts.join("")}</value></param></params></methodResponse>`;
      try {
        decodeResponse(xml);
      } catch (error) {
        expect((error as Error).name).toBe("XmlError");
      }
    }),
    { numRuns: 2000 },
  );
});
