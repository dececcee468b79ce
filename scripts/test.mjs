// Sets up what is missing and runs the tests; arguments go to vitest.
import { join } from "node:path";
import { projectFolder, run, script, setUp } from "./setup.mjs";

await script(async () => {
  await setUp();
  const vitest = join(projectFolder, "node_modules", "vitest", "vitest.mjs");
  return run(process.execPath, [vitest, "run", ...process.argv.slice(2)]);
});
