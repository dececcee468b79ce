/** What a package holds beside the programs: made at its build, into dist/, from the programs that stand there. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder, readCommandTrees, readManifest } from "./commandTree.ts";
import { bashCompletion } from "./completion/bash.ts";
import { fishCompletion } from "./completion/fish.ts";
import { zshCompletion } from "./completion/zsh.ts";
import { manPage } from "./manPage.ts";

export interface Commit {
  /** "f957941c..."; with "-dirty" where the tree has changes of its own; "unknown" outside git. */
  readonly id: string;
  readonly date: Date;
}

/** Writes dist/man, dist/completion and dist/COMMIT. The programs must be built. */
export async function writeGenerated(version: string = readManifest().version): Promise<void> {
  const commit = readCommit();
  const files: (readonly [name: string, text: string])[] = [["COMMIT", `${commit.id}\n`]];
  for (const tree of await readCommandTrees()) {
    files.push([join("man", `${tree.name}.1`), manPage(tree, version, commit.date)]);
    files.push([join("completion", "bash", tree.name), bashCompletion(tree)]);
    files.push([join("completion", "zsh", `_${tree.name}`), zshCompletion(tree)]);
    files.push([join("completion", "fish", `${tree.name}.fish`), fishCompletion(tree)]);
  }
  const dist = join(projectFolder, "dist");
  for (const folder of ["man", "completion"]) rmSync(join(dist, folder), { recursive: true, force: true });
  for (const [name, text] of files) {
    mkdirSync(join(dist, name, ".."), { recursive: true });
    writeFileSync(join(dist, name), text);
  }
}

/** The commit that the sources stand at. */
export function readCommit(): Commit {
  const git = (...args: string[]) =>
    execFileSync("git", args, {
      cwd: projectFolder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    return {
      id: git("describe", "--always", "--dirty", "--exclude=*", "--abbrev=40"),
      date: new Date(git("log", "-1", "--format=%cI")),
    };
  } catch {
    return { id: "unknown", date: new Date() };
  }
}
