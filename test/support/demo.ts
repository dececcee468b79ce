/** The demos, as npm run demo shows them: on a private server and a simulated pool of their own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { coverageEnvironment } from "./programs.ts";

const program = fileURLToPath(new URL("../../dist/demo/main.js", import.meta.url));

/** Plays a demo to its end, by the words after `npm run demo --`. */
export async function play(...args: string[]): Promise<{ code: number | null; text: string }> {
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
