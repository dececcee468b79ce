/** What the demos print, without what differs from one run to the next: times, ports, how often progress was told. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Told } from "./pools.ts";

const program = fileURLToPath(new URL("../../dist/demo/main.js", import.meta.url));

/** Plays one demo to its end. */
export async function tellDemo(name: string): Promise<Told> {
  const child = spawn(process.execPath, [program, name], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  const [code] = await once(child, "close");
  const told = name === "green" ? withoutNight(text) : text;
  return { name: `demo ${name}`, text: `${settled(told)}\nexit code ${code}` };
}

/** A night in fast motion never passes the same way twice: its minutes and what was done in them are left out. */
function withoutNight(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/^(\d| {7}|- blade|Green: |Next: |The last )/.test(line))
    .join("\n");
}

function settled(text: string): string {
  return text
    .replaceAll(/^Progress: .*\n/gm, "")
    .replaceAll(/^demo: installing .*\n/gm, "")
    .replaceAll(/^.*clock is \d+ s ahead.*\n/gm, "")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replaceAll(/\d+(\.\d+)?( ?(s|min|h)\b)/g, "N$2")
    .replaceAll(/\d+\.\d+/g, "N.N");
}
