// Makes the npm package and the Debian package in packages/: npm run package; and tries the latter: npm run package -- try
import { runCompiled } from "./compiled.mjs";
import { script } from "./setup.mjs";

await script(() => runCompiled("packaging", "main.js", process.argv.slice(2)));
