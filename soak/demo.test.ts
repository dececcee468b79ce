/** The demo of a night, which takes minutes: npm run soak -- demo. */
import { beforeAll, expect, it } from "vitest";
import { play } from "../test/support/demo.ts";
import { runProgram } from "../test/support/programs.ts";

beforeAll(async () => {
  // Compiles the programs where they are older than their source.
  await runProgram("xcp-manager", ["--version"]);
});

it("a night under a green rule: hosts sleep, and are on in the morning", async () => {
  const { code, text } = await play("green");
  expect(text).toMatch(/^\s+blade\d: is put to sleep$/m);
  expect(text).toMatch(/^\s+blade\d: is woken$/m);
  expect(text).toContain("No VM was stopped or suspended");
  expect(text).not.toMatch(/clocks|warning/i);
  expect(code).toBe(0);
});
