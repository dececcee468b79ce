/** Runs named tests of one file in a folder, and says how they ended. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";

export interface TestEnds {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  /** What kept the file from being run, or its preparations from being made; null where nothing did. */
  readonly problem: string | null;
}

/** Longest time of one call; a test that hangs ends by vitest's own limit long before. */
const limitMs = 600_000;

/** Runs the tests of `file` whose full names hold one of `named`. */
export async function runTests(
  folder: string,
  file: string,
  named: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<TestEnds> {
  const report = path.join(folder, ".xcp-balance", "mutants.json");
  rmSync(report, { force: true });
  const pattern = named.map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const vitest = path.join(folder, "node_modules", "vitest", "vitest.mjs");
  const args = [vitest, "run", file, "-t", pattern, "--reporter=json", `--outputFile=${report}`];
  const output = await call(args, folder, environment);
  if (!existsSync(report)) return { passed: [], failed: [], problem: output.trim().split("\n").at(-1) ?? "" };
  return endsIn(JSON.parse(readFileSync(report, "utf8")) as Report);
}

/** Whether the sources of `folder` compile. */
export async function compiles(folder: string): Promise<boolean> {
  const tsc = path.join(folder, "node_modules", "typescript", "bin", "tsc");
  return (await call([tsc, "-p", ".", "--noEmit"], folder, process.env)).trim() === "";
}

function call(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const pieces: Buffer[] = [];
    child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
    child.stderr.on("data", (piece: Buffer) => pieces.push(piece));
    const timer = setTimeout(() => child.kill("SIGTERM"), limitMs);
    child.once("error", reject);
    child.once("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(pieces).toString("utf8"));
    });
  });
}

/** What vitest's JSON reporter writes, as far as it is read here. */
interface Report {
  readonly testResults: readonly {
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

function endsIn({ testResults }: Report): TestEnds {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const namesOf = (status: string) =>
    tests.filter((test) => test.status === status).map(({ fullName }) => fullName);
  const problem = testResults.find(({ status, assertionResults }) => {
    return status === "failed" && !assertionResults.some((test) => test.status === "failed");
  });
  return { passed: namesOf("passed"), failed: namesOf("failed"), problem: problem?.message ?? null };
}
