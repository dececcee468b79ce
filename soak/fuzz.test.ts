/**
 * Recorded answers of real pools, damaged at random, before the readers of src/xapi: each is read or refused, within a
 * second and 64 MB, and never ends in an error of the program. The pool's JSON is read by nobody here; as something
 * foreign it comes before the readers all the same. Skipped where the recorded answers are missing.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { afterAll, expect, it } from "vitest";
import { seeded } from "../test/support/changingPool.ts";
import { damaged } from "./damage.ts";

const folder = new URL("../../shared/xapi/recorded/", import.meta.url);
const files = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(http|json)$/.test(name)) : [];
if (files.length === 0) console.warn("no recorded answers beside the repository: the fuzz test is skipped");

const count = Number(process.env["XCP_SOAK_COUNT"] ?? 10_000);
const seed = Number(process.env["XCP_SOAK_SEED"] ?? 1);
const limitMs = 1_000;
/** Beside what Node and the modules themselves take, which an empty thread shows to be about 10 MB. */
const limits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 10 };

interface Ended {
  readonly end: string;
  readonly milliseconds: number;
}

interface Input {
  readonly reader: string;
  readonly className: string;
  readonly text: string;
}

/** The thread that reads, begun again when an input has ended it. */
class Reader {
  #worker: Worker | null = null;

  async read(input: Input): Promise<Ended> {
    this.#worker ??= new Worker(new URL("fuzzReader.mjs", import.meta.url), { resourceLimits: limits });
    const worker = this.#worker;
    return new Promise<Ended>((resolve) => {
      const done = (ended: Ended) => {
        clearTimeout(timer);
        worker.off("message", done).off("error", failed);
        resolve(ended);
      };
      const fail = (end: string) => {
        this.#worker = null;
        void worker.terminate();
        done({ end, milliseconds: 0 });
      };
      const failed = (error: unknown) => fail(String(error));
      const timer = setTimeout(() => fail("no end within 30 s"), 30_000);
      worker.once("message", done);
      worker.once("error", failed);
      worker.postMessage(input);
    });
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }
}

const reader = new Reader();
afterAll(() => reader.stop());

function bodyOf(name: string): string {
  const text = readFileSync(new URL(name, folder), "utf8");
  return name.endsWith(".http") ? text.slice(/\r?\n\r?\n/.exec(text)?.index ?? 0).trimStart() : text;
}

it.skipIf(files.length === 0)(`${count} damaged answers are read or refused`, async () => {
  const began = performance.now();
  const random = seeded(seed);
  const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const bodies = new Map(files.map((name) => [name, bodyOf(name)]));
  // Records of physical CPUs are recorded, and read by nobody.
  const classOf = (name: string) => /^xml-(?!host_cpu)(\w+)\.get_all_records/.exec(name)?.[1];
  const classes = files.flatMap((name) => classOf(name) ?? []);
  const figures = { inputs: 0, read: 0, refused: 0, slowestMs: 0, longest: 0 };
  const wrong: string[] = [];
  for (; figures.inputs < count; figures.inputs++) {
    const name = oneOf(files);
    const text = damaged(bodies.get(name) ?? "", bodies.get(oneOf(files)) ?? "", random);
    const own = classOf(name);
    const fitting = name.startsWith("rrd") ? "rrd" : own === undefined ? "answer" : "stream";
    const input: Input = {
      reader: random() < 0.6 ? fitting : oneOf(["response", "answer", "records", "stream", "rrd"]),
      className: own ?? oneOf(classes),
      text,
    };
    let ended = await reader.read(input);
    // On a busy machine a second may go by with nothing done: what is slow is so a second time.
    if (ended.milliseconds > limitMs) ended = await reader.read(input);
    const { end, milliseconds } = ended;
    if (end === "read" || end === "refused") figures[end]++;
    const problem = milliseconds > limitMs ? `${milliseconds.toFixed(0)} ms` : end;
    if (problem !== "read" && problem !== "refused")
      wrong.push(`input ${figures.inputs} of seed ${seed} (${name}, ${input.reader}): ${problem}`);
    figures.slowestMs = Math.max(figures.slowestMs, Math.round(milliseconds));
    figures.longest = Math.max(figures.longest, text.length);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.info(`damaged answers: ${JSON.stringify(figures)}, ${seconds} s, seed ${seed}`);
  expect(wrong).toEqual([]);
  expect(figures.read).toBeGreaterThan(count / 100);
  expect(figures.refused).toBeGreaterThan(count / 10);
});
