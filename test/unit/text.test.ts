import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  closest,
  displayWidth,
  editDistance,
  fitWidth,
  padWidth,
  printable,
  printableJson,
} from "../../src/text/text.ts";

const graphicOrSpace = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;

describe("printable", () => {
  test("every code point of Unicode comes out as graphic characters and spaces only", () => {
    const wrong: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      const shown = printable(String.fromCodePoint(code));
      const kept = shown === String.fromCodePoint(code);
      const fine = graphicOrSpace.test(shown) && (kept || shown === `\\u{${code.toString(16)}}`);
      if (!fine) wrong.push(code.toString(16));
    }
    expect(wrong).toEqual([]);
  });

  test("any string of code units comes out as graphic characters and spaces only", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).toMatch(graphicOrSpace);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), (units) => {
        expect(printable(String.fromCharCode(...units))).toMatch(graphicOrSpace);
      }),
    );
  });

  test("escaping twice changes nothing more", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(printable(text))).toBe(printable(text));
      }),
    );
  });

  test.each([
    ["VM1 - Debian", "VM1 - Debian"],
    ["Größe 日本 Привет 🚀 a\u0301", "Größe 日本 Привет 🚀 a\u0301"],
    ["C:\\users\\x", "C:\\users\\x"],
    ["\u001b[31mred", "\\u{1b}[31mred"],
    ["\u009b31m", "\\u{9b}31m"],
    ["a\r\nb\tc\u0000", "a\\u{d}\\u{a}b\\u{9}c\\u{0}"],
    ["a\u202eb\u2066c\u200bd\u200e\ufeff", "a\\u{202e}b\\u{2066}c\\u{200b}d\\u{200e}\\u{feff}"],
    ["\u2028\u00a0\u3000", "\\u{2028}\\u{a0}\\u{3000}"],
    ["\u3164\ufe0f\u{e0041}", "\\u{3164}\\u{fe0f}\\u{e0041}"],
    ["\ud800x\udc00", "\\u{d800}x\\u{dc00}"],
  ])("%j is shown as %j", (text, shown) => {
    expect(printable(text)).toBe(shown);
  });
});

describe("printableJson", () => {
  test("every string survives the way through JSON, which shows graphic characters only", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        const json = printableJson({ name });
        expect(json).toMatch(graphicOrSpace);
        expect(JSON.parse(json)).toEqual({ name });
      }),
    );
    expect(printableJson("\u009b \u{e0041}")).toBe('"\\u009b \\udb40\\udc41"');
  });
});

describe("width", () => {
  test("counts columns, not code units", () => {
    expect(displayWidth("abc")).toBe(3);
    expect(displayWidth("日本")).toBe(4);
    expect(displayWidth("a\u0301")).toBe(1);
    expect(displayWidth("🚀")).toBe(2);
  });

  test("a text that fits is left as it is, a longer one is cut with …", () => {
    expect(fitWidth("abcd", 4)).toBe("abcd");
    expect(fitWidth("abcde", 4)).toBe("abc…");
    expect(fitWidth("日本語", 4)).toBe("日…");
    expect(padWidth("ab", 4)).toBe("ab  ");
    expect(displayWidth(padWidth("日本語", 4))).toBe(4);
    expect(fitWidth("ab", 0)).toBe("");
  });
});

describe("closest", () => {
  test("the distance counts changes, additions, removals and swaps of neighbours", () => {
    expect(editDistance("", "abc")).toBe(3);
    expect(editDistance("show", "show")).toBe(0);
    expect(editDistance("shwo", "show")).toBe(1);
    expect(editDistance("host", "hosts")).toBe(1);
    expect(editDistance("kitten", "sitting")).toBe(3);
  });

  test("names the word that was meant, in any case", () => {
    expect(closest("cpuavrage", ["PifEth0RxKb", "CpuAverage"])).toBe("CpuAverage");
    expect(closest("SHWO", ["SHOW", "CREATE"])).toBe("SHOW");
  });

  test("names none when nothing is near, nor for an empty or an endless word", () => {
    expect(closest("bananas", ["SHOW", "CREATE"])).toBeNull();
    expect(closest("zeta", ["beta", "delta"])).toBeNull();
    expect(closest("beto", ["beta", "delta"])).toBe("beta");
    expect(closest("", ["SHOW"])).toBeNull();
    expect(closest("x".repeat(1e6), ["x".repeat(1e6)])).toBeNull();
  });
});
