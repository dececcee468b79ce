/** A setting that is written down and read by nobody would be a promise that is not kept. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { floorSettings } from "../../src/domain/subject.ts";
import { settingKeys } from "../../src/settings/keys.ts";

const text = readFileSync(new URL("../../src/settings/settings.ts", import.meta.url), "utf8");

it("every key of the table is read into the settings", () => {
  const read = new Set<string>(text.match(/(?<=")[A-Z]\w+(?=")/g));
  // These are read by their kind: a floor for each subject that has one, and beside a password the file that holds it.
  for (const key of floorSettings) read.add(key);
  for (const [key, { kind }] of Object.entries(settingKeys)) if (kind === "secret") read.add(`${key}File`);
  expect(Object.keys(settingKeys).filter((key) => !read.has(key))).toEqual([]);
});
