// Programs for developers that do not ship (bench/, galera/): compiled with all that they import, and run.
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { projectFolder, run, SetupProblem, setUp } from "./setup.mjs";

/** Compiled sources look for what lies beside src in the project: it lies beside them, too. */
function linkProject(compiled) {
  mkdirSync(compiled, { recursive: true });
  for (const name of ["package.json", "sql", "dist", ".xcp-balance"]) {
    rmSync(join(compiled, name), { force: true });
    symlinkSync(join(projectFolder, name), join(compiled, name));
  }
}

/** Sets up what is missing, compiles `folder` and runs its `main` with `args`. Returns its exit code. */
export async function runCompiled(folder, main, args) {
  await setUp();
  const compiled = join(projectFolder, ".xcp-balance", "compiled", folder);
  linkProject(compiled);
  const tsc = join(projectFolder, "node_modules", ".bin", "tsc");
  const words = ["-p", join(projectFolder, folder), "--outDir", compiled];
  const code = await run(tsc, words, { stdio: ["ignore", 2, 2] });
  if (code !== 0) throw new SetupProblem(`${folder}/ does not compile; the compiler's reasons stand above`);
  return run(process.execPath, [join(compiled, folder, main), ...args]);
}
