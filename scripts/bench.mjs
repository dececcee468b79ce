// Sets up what is missing, compiles the benchmarks and runs the one that is named; the other arguments go to it.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { projectFolder, run, SetupProblem, script, setUp } from "./setup.mjs";

const sources = join(projectFolder, "bench");
const compiled = join(projectFolder, ".xcp-balance", "bench");

/** A benchmark is a folder of bench/ that holds a main.ts. */
const benchmarks = () => readdirSync(sources).filter((name) => existsSync(join(sources, name, "main.ts")));

/** Compiled sources look for what lies beside src in the project: it lies beside them, too. */
function linkProject() {
  mkdirSync(compiled, { recursive: true });
  for (const name of ["package.json", "sql", ".xcp-balance"]) {
    rmSync(join(compiled, name), { force: true });
    symlinkSync(join(projectFolder, name), join(compiled, name));
  }
}

await script(async () => {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined || !benchmarks().includes(name)) {
    throw new SetupProblem(`name a benchmark: npm run bench -- ${benchmarks().join(" | ")}`);
  }
  await setUp();
  linkProject();
  const tsc = join(projectFolder, "node_modules", ".bin", "tsc");
  const code = await run(tsc, ["-p", sources, "--outDir", compiled], { stdio: ["ignore", 2, 2] });
  if (code !== 0) throw new SetupProblem("the benchmarks do not compile; the compiler's reasons stand above");
  return run(process.execPath, [join(compiled, "bench", name, "main.js"), ...args]);
});
