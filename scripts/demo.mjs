// Sets up what is missing and shows the demo; arguments go to it.
import { join } from "node:path";
import { projectFolder, run, script, setUp } from "./setup.mjs";

await script(async () => {
  await setUp();
  return run(process.execPath, [join(projectFolder, "dist", "demo", "main.js"), ...process.argv.slice(2)]);
});
