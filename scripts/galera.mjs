// Three Galera nodes on this machine, for the tests of MySQL on a cluster: npm run galera -- start | stop | status | test
import { runCompiled } from "./compiled.mjs";
import { script } from "./setup.mjs";

await script(() => runCompiled("galera", "main.js", process.argv.slice(2)));
