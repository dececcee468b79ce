/** The data folder of a private server: made whole or not at all. */
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../domain/errors.ts";
import type { ServerProgram } from "./findServer.ts";
import { endWithUs } from "./processes.ts";
import { initialiseCommand, serverEnvironment, temporaryFolderOf } from "./serverFlags.ts";

/**
 * Makes `directory`/data unless this version of the server made it before. It is made under another name and
 * renamed when it is whole, so that a crash leaves nothing that looks whole; what a crash left is removed.
 * Empties `directory`/tmp as well. The caller holds the claim on `directory`.
 */
export async function ensureData(directory: string, server: ServerProgram): Promise<void> {
  const data = join(directory, "data");
  const note = join(directory, "made-by");
  const maker = `${server.flavour} ${server.version}\n`;
  await sweepHalfMade(directory);
  const temporary = temporaryFolderOf(directory);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { mode: 0o700 });
  const made = await readFile(note, "utf8").catch(() => null);
  if (made === maker && (await isFilled(data))) return;
  await rm(note, { force: true });
  await rm(data, { recursive: true, force: true });
  const half = join(directory, `data.new-${process.pid}`);
  await mkdir(half, { mode: 0o700 });
  await initialise(server, half, temporary);
  await rename(half, data);
  await writeFile(note, maker);
}

async function sweepHalfMade(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith("data.new-")) await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function isFilled(folder: string): Promise<boolean> {
  return (await readdir(folder).catch((): string[] => [])).includes("mysql");
}

function initialise(server: ServerProgram, data: string, temporary: string): Promise<void> {
  const [program, args] = initialiseCommand(server, data, temporary, process.getuid?.() === 0);
  const env = serverEnvironment(server, process.env);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    endWithUs(child);
    let output = "";
    const keep = (text: string): void => {
      output = (output + text).slice(-4000);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    const fail = (how: string): void =>
      reject(new AppError("mysql", `${program} could not make a data folder: ${how}\n${output.trim()}`));
    child.once("error", (error) => fail(error.message));
    child.once("close", (code, signal) => (code === 0 ? resolve() : fail(`ended with ${signal ?? code}`)));
  });
}
