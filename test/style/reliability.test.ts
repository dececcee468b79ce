/** docs/reliability.md names the tests that show what it says: each stands where it is said to, and no fault is without. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const page = read("docs/reliability.md");

interface NamedTest {
  readonly file: string;
  readonly title: string;
}

/** Each `file`: "title"; "title", up to the end of its cell or the next file. */
function namedTests(text: string): NamedTest[] {
  return [...text.matchAll(/`([a-z]+\/[\w-]+)`: ((?:"[^"]+"(?:; )?)+)/g)].flatMap(
    ([, file = "", titles = ""]) =>
      [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => ({
        file,
        title: title.replaceAll("\\|", "|"),
      })),
  );
}

describe("docs/reliability.md", () => {
  it("names no test that does not exist, in no file that does not", () => {
    const named = namedTests(page);
    expect(named.length).toBeGreaterThan(120);
    const missing = named.filter(({ file, title }) => {
      const path = `test/${file}.test.ts`;
      return !existsSync(new URL(`../../${path}`, import.meta.url)) || !read(path).includes(title);
    });
    expect(missing).toEqual([]);
  });

  it("has a test for each of the 46 faults, that bears its number", () => {
    const rows = page.split("\n").filter((line) => /^\| F\d+ \|/.test(line));
    expect(rows.map((row) => Number(/^\| F(\d+)/.exec(row)?.[1]))).toEqual(
      Array.from({ length: 46 }, (_, index) => index + 1),
    );
    const weak = rows.filter((row) => {
      const number = /^\| (F\d+)/.exec(row)?.[1] ?? "";
      const isOf = ({ title }: NamedTest) => new RegExp(`^(?:F\\d+, )*${number}\\b`).test(title);
      return !row.endsWith("| strong |") || !namedTests(row).some(isOf);
    });
    expect(weak).toEqual([]);
  });
});
