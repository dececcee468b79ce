// The long tests: npm run soak -- collect|control|demo|fuzz|mutants|property|wlb [ARG]; minutes, not seconds. ARG goes to
// vitest, or to the mutation check. Figures in bench/README.md and docs/reliability.md
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runCompiled } from "./compiled.mjs";
import { projectFolder, run, script, setUp } from "./setup.mjs";

/** The suite's own properties, each tried on sixteen times as many pools. */
async function manyPools(args) {
  await setUp();
  const vitest = join(projectFolder, "node_modules", "vitest", "vitest.mjs");
  const files = args.length > 0 ? args : ["test/property", "test/wlb/answers"];
  const env = { ...process.env, XCP_TEST_RUNS: process.env.XCP_TEST_RUNS ?? "4" };
  return run(process.execPath, [vitest, "run", "--testTimeout=3600000", ...files], { env });
}

await script(async () => {
  const [name, ...args] = process.argv.slice(2);
  if (name === "mutants") return runCompiled(join("soak", "mutants"), "main.js", args);
  if (name === "property") return manyPools(args);
  if (name === undefined || !existsSync(join(projectFolder, "soak", `${name}.test.ts`))) {
    process.stderr.write("usage: npm run soak -- collect|control|demo|fuzz|mutants|property|wlb\n");
    return 2;
  }
  await setUp();
  const vitest = join(projectFolder, "node_modules", "vitest", "vitest.mjs");
  const config = join("soak", "vitest.config.ts");
  return run(process.execPath, [vitest, "run", "--config", config, `soak/${name}.test.ts`, ...args]);
});
