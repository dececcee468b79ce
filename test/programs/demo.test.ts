/** The demos of the thesis' experiment and of Workload Balancing, to their ends; the night under a green rule: npm run soak -- demo. */
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

it("a pool with xcp-wlb as its server: a VM starts beside no other of its group, a move is applied and recognised, a host emptied", async () => {
  const { code, text } = await play("wlb");
  expect(text).toMatch(/^db2 runs on blade2, where it has the most stars/m);
  expect(text).toMatch(/^ {2}(shop|wiki) +blade\d +\d+ +\d+ +Cpu$/m);
  expect(text).toMatch(
    /^Applied by an administrator: (shop|wiki) from boss to blade\d \(recommendation \d+\)$/m,
  );
  expect(text).toMatch(/^blade2 is empty$/m);
  expect(text).toMatch(/^ {2}(shop|wiki) from boss to blade\d$/m);
  expect(text).not.toMatch(/clock|warning/i);
  expect(code).toBe(0);
}, 240_000);

it("an unknown demo is refused with the names of those there are", async () => {
  expect(await play("blue")).toEqual({
    code: 2,
    text: "demo: there is no demo blue; there are thesis, green, wlb\n",
  });
});
