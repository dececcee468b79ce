/** One type name is declared once: whoever reads a name need not ask which of two it is. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../src/", import.meta.url));

/** A product of its own, with words of its own for hosts, rows and journals; among themselves they are unique, too. */
const products: readonly string[] = ["simulator"];

function declaredIn(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "");
  const found = code.matchAll(
    /^(?:export )?(?:default )?(?:declare )?(?:abstract )?(?:type|interface|class|enum) (\w+)/gm,
  );
  return [...found].map(([, name = ""]) => name);
}

/** "Session: store/session.ts, xapi/session.ts" of each name that several files declare. */
function declaredTwice(files: ReadonlyMap<string, string>): string[] {
  const places = new Map<string, string[]>();
  for (const [file, text] of files) {
    for (const name of new Set(declaredIn(text))) places.set(name, [...(places.get(name) ?? []), file]);
  }
  return [...places].flatMap(([name, where]) => (where.length > 1 ? [`${name}: ${where.join(", ")}`] : []));
}

const sources = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
  .map((file) => file.replaceAll("\\", "/"));

function filesOf(isWanted: (folder: string) => boolean): ReadonlyMap<string, string> {
  const wanted = sources.filter((file) => isWanted(file.slice(0, file.indexOf("/"))));
  return new Map(wanted.map((file) => [file, readFileSync(path.join(root, file), "utf8")]));
}

describe("type names", () => {
  it("are declared in one file of src each", () => {
    expect(declaredTwice(filesOf((folder) => !products.includes(folder)))).toEqual([]);
  });

  it.each(products)("are declared in one file of %s each", (product) => {
    expect(declaredTwice(filesOf((folder) => folder === product))).toEqual([]);
  });

  it("of two files are found, exported or not, whatever kind they are", () => {
    const files = new Map([
      ["a.ts", "export interface Step {\n}\n/* class Found {} */\n  class Inner {}\n"],
      ["b.ts", "type Step<T> = T;\nexport abstract class Found {}\nclass Inner {}\n"],
    ]);
    expect(declaredTwice(files)).toEqual(["Step: a.ts, b.ts"]);
  });
});
