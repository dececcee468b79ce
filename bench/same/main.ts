/**
 * Whether the programs say what they said before: plans, EXPLAIN, dry runs and evacuations of 300 or so seeded pools,
 * and both demos, compared with what was recorded. `npm run bench -- same [--record] [--texts FOLDER] [--only WORDS]`
 * For refactorings: `--texts` of two commits can be compared with diff. Exit code 1 where anything differs.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { workFolder } from "../../src/privateServer/projectServer.ts";
import { tellDemo } from "./demos.ts";
import { type Told, tellPools } from "./pools.ts";

/** The link to .xcp-balance leads from where this is compiled to the project. */
const projectFolder = dirname(realpathSync(workFolder));
const recording = join(projectFolder, "bench", "same", "recorded.txt");

const { values } = parseArgs({
  options: {
    record: { type: "boolean", default: false },
    texts: { type: "string" },
    "no-demos": { type: "boolean", default: false },
    /** Only what has these words in its name: "8x120", "demo". What else was recorded stays. */
    only: { type: "string", default: "" },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const isWanted = (name: string): boolean => name.includes(values.only);

async function* tellAll(): AsyncGenerator<Told> {
  yield* tellPools(isWanted);
  if (values["no-demos"]) return;
  for (const demo of ["thesis", "green"]) if (isWanted(`demo ${demo}`)) yield await tellDemo(demo);
}

function digest({ text }: Told): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

function readRecording(): ReadonlyMap<string, string> {
  const lines = readFileSync(recording, "utf8").split("\n").filter(Boolean);
  return new Map(lines.map((line) => [line.slice(33), line.slice(0, 32)]));
}

async function main(): Promise<number> {
  const known = readRecording();
  if (values.texts !== undefined) mkdirSync(values.texts, { recursive: true });
  const now = new Map<string, string>();
  const different: string[] = [];
  for await (const told of tellAll()) {
    const hash = digest(told);
    now.set(told.name, hash);
    if (!values.record && known.get(told.name) !== hash) different.push(told.name);
    if (values.texts !== undefined) {
      writeFileSync(join(values.texts, `${told.name.replaceAll(/\W+/g, "-")}.txt`), `${told.text}\n`);
    }
  }
  if (values.record) {
    const all = values.only === "" ? now : new Map([...known, ...now]);
    writeFileSync(recording, [...all].map(([name, hash]) => `${hash} ${name}\n`).join(""));
    say(`${now.size} texts recorded`);
    return 0;
  }
  for (const name of different) say(`differs: ${name}`);
  say(`${now.size - different.length} of ${now.size} texts are as recorded`);
  return different.length === 0 ? 0 : 1;
}

process.exitCode = await main();
