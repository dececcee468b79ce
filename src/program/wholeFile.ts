/** Puts a text into a file, all of it or nothing: written beside it and renamed. */
import fs from "node:fs/promises";
import path from "node:path";
import { AppError, describeError } from "../domain/errors.ts";

/**
 * Writes `text`, with mode 0600 where none is given. `unique` tells the file beside it from those of others; `advice` is added where `file`
 * is there and no file.
 * @throws AppError "file" when the file cannot be written; what was there stays as it was.
 */
export async function writeWhole(
  file: string,
  text: string,
  unique: string,
  advice = "",
  mode = 0o600,
): Promise<void> {
  const temporary = `${file}.${unique}.tmp`;
  try {
    await refuseDevice(file, advice);
    const handle = await fs.open(temporary, "wx", mode);
    try {
      // The umask takes nothing from what others are to read.
      await handle.chmod(mode);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, file);
  } catch (cause) {
    await fs.rm(temporary, { force: true });
    const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    const why = isMissing
      ? `there is no folder ${path.dirname(file)}: make it, or name another`
      : describeError(cause);
    throw new AppError("file", `cannot write ${file}: ${why}`, { cause });
  }
}

/** A rename would put a file in the place of a device or a pipe. */
async function refuseDevice(file: string, advice: string): Promise<void> {
  const status = await fs.stat(file).catch(() => null);
  if (status !== null && !status.isFile()) throw new Error(`it is no file${advice}`);
}
