/**
 * Runs the tests and tells what they reached, in the tests' own processes and in the programs that they start.
 * `npm run coverage [-- ARG]`: ARG goes to vitest, e.g. test/store. Ends with the tests' exit code.
 */
import { readFileSync, realpathSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { runToItsEnd } from "../galera/run.ts";
import { workFolder } from "../src/privateServer/projectServer.ts";
import { coverageTable, type Report, reachedFiles } from "./reached.ts";

/** Files below this share are listed with the lines that nothing ran. */
const poorPercent = 80;

const realWorkFolder = realpathSync(workFolder);
const projectFolder = dirname(realWorkFolder);
const folder = join(realWorkFolder, "coverage");
/** What the programs themselves write when they end. */
const rawFolder = join(folder, "raw");
const inPackages = (...parts: string[]): string => join(projectFolder, "node_modules", ...parts);
const run = (file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> =>
  runToItsEnd(process.execPath, [file, ...args], { cwd: projectFolder, env: { ...process.env, ...env } });

function readReport(name: string): Report {
  return JSON.parse(readFileSync(join(folder, name, "coverage-final.json"), "utf8")) as Report;
}

async function test(args: readonly string[]): Promise<number> {
  const wanted = {
    enabled: "true",
    provider: "v8",
    reporter: "json",
    reportsDirectory: join(folder, "tests"),
    include: "src/**/*.ts",
    reportOnFailure: "true",
  };
  const options = Object.entries(wanted).map(([name, value]) => `--coverage.${name}=${value}`);
  return run(inPackages("vitest", "vitest.mjs"), ["run", ...options, ...args], {
    XCP_TEST_COVERAGE: rawFolder,
  });
}

/** Puts together what the programs wrote, by the source maps of dist. */
async function reportPrograms(): Promise<number> {
  return run(inPackages("c8", "bin", "c8.js"), [
    "report",
    `--temp-directory=${rawFolder}`,
    `--reports-dir=${join(folder, "programs")}`,
    "--reporter=json",
    "--include=dist/**",
    // One file after the other: there are thousands.
    "--merge-async",
  ]);
}

rmSync(folder, { recursive: true, force: true });
try {
  // The same programs, a file a module with its map.
  if (
    (await run(inPackages("typescript", "bin", "tsc"), ["-p", ".", "--sourceMap", "--outDir", "dist"])) !== 0
  )
    throw new Error("the sources do not compile");
  const code = await test(process.argv.slice(2));
  const programs = (await reportPrograms()) === 0 ? readReport("programs") : {};
  const files = reachedFiles(readReport("tests"), programs, join(projectFolder, "src/"));
  for (const line of coverageTable(files, poorPercent)) process.stdout.write(`${line}\n`);
  process.exitCode = code;
} finally {
  // The next set-up makes dist anew, without maps and in one file a program.
  rmSync(join(projectFolder, "dist", ".built"), { force: true });
  rmSync(rawFolder, { recursive: true, force: true });
}
