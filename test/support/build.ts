/** The programs as src is now, made once before the tests of a run begin. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const projectFolder = fileURLToPath(new URL("../..", import.meta.url));

/** Makes build and dist anew where they are older than src: a test of yesterday's program proves nothing. */
export async function ensureBuilt(): Promise<void> {
  const script = join(projectFolder, "scripts", "setup.mjs");
  const child = spawn(process.execPath, [script, "--build-only"], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  // The compiler writes the programs in spite of a wrong type; finding those is the business of `npm run check`.
  if (code !== 0) console.warn(`dist was older than src and did not compile cleanly:\n${output}`);
}
