/** Where the socket of a private server lies: its path must be short. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** A socket's path may have 107 bytes on Linux and 103 on macOS; a longer one gets a folder of its own. */
const maxSocketPathBytes = 103;
const socketPrefix = "xcp-balance-";

function socketNote(directory: string): string {
  return join(directory, "socket-folder");
}

/** The folder for the socket: `directory`, or a private one where its path is too long. */
export async function makeSocketFolder(directory: string): Promise<string> {
  if (fits(directory)) return directory;
  const parent = fits(join(tmpdir(), `${socketPrefix}123456`)) ? tmpdir() : "/tmp";
  // mkdtemp makes it with mode 700.
  const folder = await mkdtemp(join(parent, socketPrefix));
  await writeFile(socketNote(directory), folder);
  return folder;
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, "s.sock")) <= maxSocketPathBytes;
}

/** Removes the folder that makeSocketFolder made elsewhere, if it did. */
export async function removeSocketFolder(directory: string): Promise<void> {
  const folder = await readFile(socketNote(directory), "utf8").catch(() => "");
  if (!basename(folder).startsWith(socketPrefix) || dirname(folder) === directory) return;
  await rm(join(folder, "s.sock"), { force: true });
  await rm(folder, { recursive: true, force: true });
  await rm(socketNote(directory), { force: true });
}
