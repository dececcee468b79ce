// The long crash tests: npm run soak -- collect|control [ARG]; ARG goes to vitest. Minutes, not seconds; figures in bench/README.md
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectFolder, run, script, setUp } from "./setup.mjs";

await script(async () => {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined || !existsSync(join(projectFolder, "soak", `${name}.test.ts`))) {
    process.stderr.write("usage: npm run soak -- collect|control\n");
    return 2;
  }
  await setUp();
  const vitest = join(projectFolder, "node_modules", "vitest", "vitest.mjs");
  const config = join("soak", "vitest.config.ts");
  return run(process.execPath, [vitest, "run", "--config", config, `soak/${name}.test.ts`, ...args]);
});
