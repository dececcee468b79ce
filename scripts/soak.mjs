// The long tests: npm run soak -- collect|control|demo|fuzz|mutants|wlb [ARG]; minutes, not seconds. ARG goes to vitest, or to the
// mutation check. Figures in bench/README.md and docs/reliability.md
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runCompiled } from "./compiled.mjs";
import { projectFolder, run, script, setUp } from "./setup.mjs";

await script(async () => {
  const [name, ...args] = process.argv.slice(2);
  if (name === "mutants") return runCompiled(join("soak", "mutants"), "main.js", args);
  if (name === undefined || !existsSync(join(projectFolder, "soak", `${name}.test.ts`))) {
    process.stderr.write("usage: npm run soak -- collect|control|demo|fuzz|mutants|wlb\n");
    return 2;
  }
  await setUp();
  const vitest = join(projectFolder, "node_modules", "vitest", "vitest.mjs");
  const config = join("soak", "vitest.config.ts");
  return run(process.execPath, [vitest, "run", "--config", config, `soak/${name}.test.ts`, ...args]);
});
