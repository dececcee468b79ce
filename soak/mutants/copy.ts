/** The copy of the project in which guards are broken: the sources that people work on are never touched. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";

/** What is made, fetched or kept by git, and is no part of the copy. */
const left: ReadonlySet<string> = new Set([".git", ".xcp-balance", "build", "dist", "node_modules"]);

/** Copies `project` to PARENT/project and returns that folder; the facts that some tests read lie beside it. */
export function copyProject(project: string, parent: string): string {
  rmSync(parent, { recursive: true, force: true });
  const copy = path.join(parent, "project");
  mkdirSync(path.join(copy, ".xcp-balance"), { recursive: true });
  for (const name of readdirSync(project)) {
    if (!left.has(name)) cpSync(path.join(project, name), path.join(copy, name), { recursive: true });
  }
  symlinkSync(path.join(project, "node_modules"), path.join(copy, "node_modules"));
  const unpacked = path.join(project, ".xcp-balance", "server");
  if (existsSync(unpacked)) symlinkSync(unpacked, path.join(copy, ".xcp-balance", "server"));
  const facts = path.join(project, "..", "shared");
  if (existsSync(facts)) symlinkSync(facts, path.join(parent, "shared"));
  return copy;
}
