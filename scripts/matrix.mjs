// The suite on other versions of Node and of the database's server: npm run matrix [-- --only CELL,...] [TEST ...]
import { runCompiled } from "./compiled.mjs";
import { script } from "./setup.mjs";

await script(() => runCompiled("matrix", "main.js", process.argv.slice(2)));
