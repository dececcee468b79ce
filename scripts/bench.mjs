// Compiles the benchmarks and runs the one that is named; the other arguments go to it.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { runCompiled } from "./compiled.mjs";
import { projectFolder, SetupProblem, script } from "./setup.mjs";

/** A benchmark is a folder of bench/ that holds a main.ts. */
function benchmarks() {
  const sources = join(projectFolder, "bench");
  return readdirSync(sources).filter((name) => existsSync(join(sources, name, "main.ts")));
}

await script(() => {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined || !benchmarks().includes(name)) {
    throw new SetupProblem(`name a benchmark: npm run bench -- ${benchmarks().join(" | ")}`);
  }
  return runCompiled("bench", join(name, "main.js"), args);
});
