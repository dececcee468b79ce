// The long tests: npm run soak -- collect|control|demo|fuzz|mutants|property|whole|wlb [ARG]; minutes, not seconds. ARG goes to
// vitest, or to the mutation check. Figures in bench/README.md and docs/reliability.md
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runCompiled } from "./compiled.mjs";
import { projectFolder, run, script, setUp } from "./setup.mjs";

/** Tests of the suite itself, `times` as much tried of each as its whole (test/support/runs.ts); `npm test` tries a part. */
async function suite(times, files) {
  await setUp();
  const vitest = join(projectFolder, "node_modules", "vitest", "vitest.mjs");
  const env = { ...process.env, XCP_TEST_RUNS: process.env.XCP_TEST_RUNS ?? String(times) };
  return run(process.execPath, [vitest, "run", "--testTimeout=3600000", ...files], { env });
}

await script(async () => {
  const [name, ...args] = process.argv.slice(2);
  if (name === "mutants") return runCompiled(join("soak", "mutants"), "main.js", args);
  if (name === "property") return suite(4, args.length > 0 ? args : ["test/property", "test/wlb/answers"]);
  if (name === "whole") return suite(1, args);
  if (name === undefined || !existsSync(join(projectFolder, "soak", `${name}.test.ts`))) {
    process.stderr.write("usage: npm run soak -- collect|control|demo|fuzz|mutants|property|whole|wlb\n");
    return 2;
  }
  await setUp();
  const vitest = join(projectFolder, "node_modules", "vitest", "vitest.mjs");
  const config = join("soak", "vitest.config.ts");
  return run(process.execPath, [vitest, "run", "--config", config, `soak/${name}.test.ts`, ...args]);
});
