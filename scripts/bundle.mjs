// Puts the compiled modules of build/ together into dist/, one file a program and what several share: a program of
// hundreds of modules takes twice the CPU to start, and cron starts two a minute. npm packages stay packages.
import { join } from "node:path";
import { rolldown } from "rolldown";

const programs = ["collect", "manager", "control", "wlb", "simulator", "demo"];

/** Returns the files that it wrote. Every file lies in a folder of dist, as in src: paths from it lead to the same places. */
export async function bundle(projectFolder) {
  const build = join(projectFolder, "build");
  const entries = [...programs.map((name) => `${name}/main`), "wlb/planWorker", "wlb/doctorWorker"];
  const made = await rolldown({
    cwd: projectFolder,
    input: Object.fromEntries(entries.map((name) => [name, join(build, `${name}.js`)])),
    platform: "node",
    external: (id) => !id.startsWith(".") && !id.startsWith("/"),
  });
  const dir = join(projectFolder, "dist");
  const { output } = await made.write({
    dir,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "shared/[name].js",
  });
  await made.close();
  return output.map(({ fileName }) => join(dir, fileName));
}
