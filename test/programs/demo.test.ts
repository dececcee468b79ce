/** The demo of the thesis' experiment, to its end; the night under a green rule: npm run soak -- demo. */
import { beforeAll, expect, it } from "vitest";
import { play } from "../support/demo.ts";
import { runProgram } from "../support/programs.ts";

beforeAll(async () => {
  // Compiles the programs where they are older than their source.
  await runProgram("xcp-manager", ["--version"]);
});

it("the thesis' experiment: a rule is written in the dialogue, VM2 moves, and then nothing is to be done", async () => {
  const { code, text } = await play();
  expect(text).toContain("And when [subjects, or nothing]:");
  expect(text).toMatch(/^VM2 - Debian \(.+\) is on Host1$/m);
  expect(text).toMatch(/^Nothing to do: /m);
  expect(text).not.toMatch(/clock|warning/i);
  expect(code).toBe(0);
}, 180_000);

it("an unknown demo is refused with the names of those there are", async () => {
  expect(await play("blue")).toEqual({
    code: 2,
    text: "demo: there is no demo blue; there are thesis and green\n",
  });
});
