/** What --version says: which program, which tables, from which commit, on which Node. */

import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The same distance from src/program as from dist/program. */
const root = fileURLToPath(new URL("../../", import.meta.url));

/** Beside the compiled programs of a package, which has no .git: the commit that it was built from. */
const commitFile = path.join(root, "dist", "COMMIT");

/** The line of --version: "xcp-collect 0.1.0, schema 15, commit f957941, Node 20.20.2". */
export function versionLine(program: string): string {
  const parts = [
    `${program} ${packageVersion()}`,
    `schema ${schemaNumber()}`,
    `commit ${commit() ?? "unknown"}`,
    `Node ${process.versions.node}`,
  ];
  return parts.join(", ");
}

/** The version in package.json. */
export function packageVersion(): string {
  return (JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as { version: string })
    .version;
}

/** The highest number in sql/: the tables that these programs work with. */
function schemaNumber(): number {
  const numbers = fs.readdirSync(path.join(root, "sql")).map((name) => /^(\d{4})_.*\.sql$/.exec(name)?.[1]);
  return Math.max(...numbers.map((digits) => Number(digits ?? 0)));
}

/** Seven digits; of a checkout what its .git says, read without git, which need not be there. */
function commit(): string | null {
  const git = gitFolder();
  const whole = git === null ? text(commitFile) : headOf(git);
  return whole?.replace(/^([0-9a-f]{7})[0-9a-f]*/, "$1") ?? null;
}

/** A working tree beside others has a file in the place of the folder. */
function gitFolder(): string | null {
  const place = path.join(root, ".git");
  if (!fs.existsSync(place)) return null;
  const named = /^gitdir: (.*)$/.exec(text(place) ?? "")?.[1];
  return named === undefined ? place : path.resolve(root, named);
}

function headOf(git: string): string | null {
  const head = text(path.join(git, "HEAD"));
  const branch = /^ref: (.*)$/.exec(head ?? "")?.[1];
  if (branch === undefined) return head;
  const common = path.resolve(git, text(path.join(git, "commondir")) ?? "");
  const packed = text(path.join(common, "packed-refs"))?.split("\n") ?? [];
  return (
    text(path.join(common, branch)) ??
    packed.find((line) => line.endsWith(` ${branch}`))?.split(" ")[0] ??
    null
  );
}

/** What a small file says; null where there is none. */
function text(file: string): string | null {
  try {
    return fs.readFileSync(file, "utf8").trim();
  } catch {
    return null;
  }
}
