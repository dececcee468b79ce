/** The demos, as npm run demo shows them: on a private server and a simulated pool of their own, to their end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { coverageEnvironment, runProgram } from "../support/programs.ts";

const program = fileURLToPath(new URL("../../dist/demo/main.js", import.meta.url));

beforeAll(async () => {
  // Compiles the programs where they are older than their source.
  await runProgram("xcp-manager", ["--version"]);
});

async function play(...args: string[]): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...coverageEnvironment() },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A demo that was not waited for would keep its server and the folder of it.
  onTestFinished(() => void child.kill("SIGTERM"));
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, text };
}

it("the thesis' experiment: a rule is written in the dialogue, VM2 moves, and then nothing is to be done", async () => {
  const { code, text } = await play();
  expect(text).toContain("And when [subjects, or nothing]:");
  expect(text).toMatch(/^VM2 - Debian \(.+\) is on Host1$/m);
  expect(text).toMatch(/^Nothing to do: /m);
  expect(text).not.toMatch(/clock|warning/i);
  expect(code).toBe(0);
}, 180_000);

it("a night under a green rule: hosts sleep, and are on in the morning", async () => {
  const { code, text } = await play("green");
  expect(text).toMatch(/^\s+blade\d: is put to sleep$/m);
  expect(text).toMatch(/^\s+blade\d: is woken$/m);
  expect(text).toContain("No VM was stopped or suspended");
  expect(text).not.toMatch(/clocks|warning/i);
  expect(code).toBe(0);
}, 400_000);

it("an unknown demo is refused with the names of those there are", async () => {
  expect(await play("blue")).toEqual({
    code: 2,
    text: "demo: there is no demo blue; there are thesis and green\n",
  });
});
