/** Files that hold passwords, or say whom to trust: read only where nobody else could read or change them. */
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { AppError } from "../domain/errors.ts";
import { octal } from "./fileMode.ts";

/** What is asked of a file, beside that nobody else may write it. */
export interface FileGuard {
  /** For messages: "settings file", "password file". */
  readonly what: string;
  /** Whether a file with this text must not be read by others. */
  readonly isSecret: (text: string) => boolean;
  /** Whether it may come through a pipe that this process was given: <(pass show xen). */
  readonly pipe?: boolean;
}

/** A password and nothing else. */
export const passwordFile: FileGuard = { what: "password file", isSecret: () => true, pipe: true };

/** Certificates and fingerprints: everybody may see them, and nobody may put others in their place. */
export const trustFile: FileGuard = { what: "file", isSecret: () => false, pipe: true };

/**
 * The text of `file`. Symbolic links are followed; the folder that holds the file in the end is looked at.
 * @throws AppError "settings" at once where it is no file, others can change it or the way to it, or others can read
 * it and it holds what `guard` calls a secret. Nobody waits for a named pipe.
 */
export function readGuarded(file: string, guard: FileGuard): string {
  if (guard.pipe === true && isGivenPipe(file)) return fs.readFileSync(file, "utf8");
  const descriptor = open(file, guard);
  try {
    const status = fs.fstatSync(descriptor);
    if (!status.isFile()) throw refusal(`${file} is no file`, "name a file");
    if (!isCredential(file)) checkChangeable(file, status);
    const text = fs.readFileSync(descriptor, "utf8");
    if (!isCredential(file) && guard.isSecret(text)) checkReadable(file, status);
    return text;
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Where systemd has put what LoadCredential= names; null where there is no such folder. */
export function credentialsFolder(): string | null {
  const folder = process.env["CREDENTIALS_DIRECTORY"];
  return folder === undefined || folder === "" ? null : folder;
}

/** systemd guards its folder of credentials itself, by an access list that shows as a mode for the group. */
function isCredential(file: string): boolean {
  const folder = credentialsFolder();
  return folder !== null && path.dirname(path.resolve(file)) === path.resolve(folder);
}

/** A pipe that is open in this process already: its writer is there, and nobody else can reach it. */
function isGivenPipe(file: string): boolean {
  if (!/^\/(dev|proc\/self)\/fd\/\d+$/.test(file)) return false;
  try {
    return fs.statSync(file).isFIFO();
  } catch {
    return false;
  }
}

function open(file: string, { what }: FileGuard): number {
  try {
    // Without O_NONBLOCK a named pipe would hold the program up until somebody writes to it.
    return fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    throw new AppError("settings", `Unable to read ${what} ${file}`, { cause: error });
  }
}

const othersRead = 0o077;
const groupRead = 0o040;
const othersWrite = 0o022;
const sticky = 0o1000;

/** Root may let one group read what is root's (0640): who is in it, root has said. A user's own file is the user's alone. */
function checkReadable(file: string, status: fs.Stats): void {
  if (process.geteuid === undefined) return;
  const allowed = status.uid === 0 && status.gid !== 0 ? groupRead : 0;
  if ((status.mode & othersRead & ~allowed) === 0) return;
  throw refusal(
    `${file} holds passwords and others can read it (mode ${octal(status.mode)})`,
    `run: chmod 600 ${file}`,
  );
}

/** Whoever can change the file can have the password sent to a host of his own. */
function checkChangeable(file: string, status: fs.Stats): void {
  const changeable = changeableByOthers(file, status);
  if (changeable !== null) throw refusal(changeable.message, changeable.next);
}

/**
 * Whether others than root and the user of this process can change `file` (or folder), or put another in its place: what is
 * wrong, and the command that mends it; null where they cannot.
 */
export function changeableByOthers(
  file: string,
  status: fs.Stats,
): { readonly message: string; readonly next: string } | null {
  const user = process.geteuid?.();
  if (user === undefined) return null;
  if (status.uid !== user && status.uid !== 0) {
    return {
      message: `${file} belongs to another user (uid ${status.uid})`,
      next: `run: chown ${user} ${file}`,
    };
  }
  if ((status.mode & othersWrite) !== 0) {
    return { message: `others can write ${file}`, next: `run: chmod go-w ${file}` };
  }
  for (const folder of foldersOf(fs.realpathSync(file))) {
    const { mode } = fs.statSync(folder);
    // In a sticky folder nobody can replace what belongs to another user.
    if ((mode & othersWrite) === 0 || (mode & sticky) !== 0) continue;
    return {
      message: `others can write the folder ${folder}, and so replace ${file}`,
      next: `run: chmod go-w ${folder}, or move the file`,
    };
  }
  return null;
}

/** The folder of `file` and those above it. */
function foldersOf(file: string): string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...foldersOf(folder)];
}

function refusal(message: string, next: string): AppError {
  return new AppError("settings", message, { next });
}
