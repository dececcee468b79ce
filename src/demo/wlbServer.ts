/** xcp-wlb as the demo runs it: a process that lives until it is stopped. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { workFolder } from "../privateServer/projectServer.ts";
import { type Stage, writeSettings } from "./stage.ts";

export interface RunningWlb {
  readonly port: number;
  /** The file of its certificate. */
  readonly certificate: string;
  /** What it printed at its start. */
  readonly said: string;
  readonly stop: () => Promise<void>;
}

const main = fileURLToPath(new URL("../wlb/main.js", import.meta.url));

/** The line of settings for a password, as `xcp-wlb --hash-password` prints it. */
export async function hashLine(password: string): Promise<string> {
  const child = spawn(process.execPath, [main, "--hash-password"], { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  child.stdin.end(`${password}\n`);
  await once(child, "close");
  return text.trim();
}

/** Starts it on a free port of 127.0.0.1; resolves when it has said all it says at its start. */
export async function startWlb(stage: Stage, lines: readonly string[]): Promise<RunningWlb> {
  const folder = join(workFolder, "demo-wlb");
  await rm(folder, { recursive: true, force: true });
  const settings = await writeSettings("wlb", [
    ...stage.wlbLines,
    "WlbListen=127.0.0.1:0",
    `WlbFolder=${folder}`,
    "WlbRefreshSeconds=1",
    ...lines,
  ]);
  const child = spawn(process.execPath, [main, "--settings", settings], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "close");
  };
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      if (/wlb-enabled=true.*\n/.test(said)) resolve();
    });
    child.once("close", () => reject(new Error("xcp-wlb ended at its start")));
  });
  const port = Number(/listening to \S+:(\d+)/.exec(said)?.[1]);
  return { port, certificate: join(folder, "certificate.pem"), said, stop };
}
