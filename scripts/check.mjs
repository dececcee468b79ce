// Sets up what is missing, then checks format, lint and types. Says all that is wrong, not only the first.
import { join } from "node:path";
import { projectFolder, run, script, setUp } from "./setup.mjs";

const checks = [
  ["biome", "ci", "."],
  ["tsc", "-p", ".", "--noEmit"],
  // The tests, and with them soak/, galera/ and bench/.
  ["tsc", "-p", "test"],
];

await script(async () => {
  await setUp();
  // Side by side: a compiler uses one core. What they print is told apart by the file that each line begins with.
  const codes = await Promise.all(
    checks.map(async ([program, ...args]) => {
      const code = await run(join(projectFolder, "node_modules", ".bin", program), args);
      if (code !== 0) process.stderr.write(`xcp-balance: ${program} ${args.join(" ")} found problems\n`);
      return code;
    }),
  );
  return Math.max(...codes);
});
