/** The npm package. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./commandTree.ts";

/** Packs what package.json lists; everything in it must have been made. Returns the tarball's path. */
export function packNpm(folder: string, destination: string): string {
  mkdirSync(destination, { recursive: true });
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", destination];
  const output = execFileSync("npm", args, { cwd: folder, encoding: "utf8" });
  const [made] = JSON.parse(output) as readonly { readonly filename: string }[];
  if (made === undefined) throw new Error(`npm pack named no file: ${output}`);
  return join(destination, made.filename);
}

/** The folders of the packages that the programs need at run time, from the project's folder. */
export function runtimePackages(): readonly string[] {
  const args = ["ls", "--omit=dev", "--all", "--parseable"];
  const output = execFileSync("npm", args, { cwd: projectFolder, encoding: "utf8" });
  return output
    .split("\n")
    .filter((line) => line.includes("node_modules"))
    .map((line) => line.slice(projectFolder.length + 1));
}
