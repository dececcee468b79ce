// Runs the tests and tells what they reach, child processes too: npm run coverage [-- ARG]; ARG goes to vitest.
import { runCompiled } from "./compiled.mjs";
import { script } from "./setup.mjs";

await script(() => runCompiled("coverage", "main.js", process.argv.slice(2)));
