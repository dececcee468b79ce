/** Runs one program or part of it in a process of its own and says what it took. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Usage } from "./usage.ts";

export interface Measured<T> extends Usage {
  /** From the start of the process to its end. */
  readonly wallMs: number;
  /** What it printed, as JSON. */
  readonly output: T;
}

const usage = new URL("./usage.js", import.meta.url).href;
// Also where compiled benchmarks lie, dist is two folders up.
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The whole of xcp-collect. */
export function runCollect(settings: string): Promise<Measured<{ durationMs: number }>> {
  return run([path("../../dist/collect/main.js"), "--settings", settings, "--json"]);
}

/** One part of parts.ts. */
export function runPart<T>(part: string, args: readonly string[], nodeArgs: readonly string[] = []) {
  return run<T>([...nodeArgs, path("./parts.js"), part, ...args]);
}

async function run<T>(args: readonly string[]): Promise<Measured<T>> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, ["--import", usage, ...args], {
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  const [output, used, [code]] = await Promise.all([
    text(child.stdout as Readable),
    text(child.stdio[3] as Readable),
    once(child, "close"),
  ]);
  const wallMs = performance.now() - startedMs;
  if (code !== 0) throw new Error(`node ${args.join(" ")} ended with code ${code}`);
  return { wallMs, ...(JSON.parse(used) as Usage), output: JSON.parse(output) as T };
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The run whose wall time is the median. */
export function medianRun<T extends { readonly wallMs: number }>(runs: readonly T[]): T {
  const middle = median(runs.map((one) => one.wallMs));
  const found = runs.find((one) => one.wallMs === middle);
  if (found === undefined) throw new Error("there are no runs to take the median of");
  return found;
}
