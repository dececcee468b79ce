/** The file of a saved plan: written whole and for its owner alone, and read back. */

import { randomUUID } from "node:crypto";
import fs from "node:fs/promises";
import { AppError, describeError } from "../domain/errors.ts";
import { writeWhole } from "../program/wholeFile.ts";
import { bytes } from "../text/format.ts";
import { printableJsonLines } from "../text/text.ts";

/** A plan of the largest pool is far smaller. */
const mostBytes = 64 * 1024 * 1024;

/** Writes `plan` as JSON. Throws AppError "file" when that cannot be; what was there stays as it was. */
export async function writePlanFile(file: string, plan: object): Promise<void> {
  await writeWhole(file, `${printableJsonLines(plan)}\n`, randomUUID());
}

/** The JSON in `file`. Throws AppError "file" where it cannot be read, "usage" where it holds no JSON. */
export async function readPlanFile(file: string): Promise<unknown> {
  const text = await textOf(file);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new AppError("usage", `${file} holds no JSON: ${describeError(cause)}`, { cause });
  }
}

async function textOf(file: string): Promise<string> {
  try {
    const status = await fs.stat(file);
    if (status.isDirectory()) throw new Error("it is a directory");
    if (!status.isFile()) throw new Error("it is no file");
    if (status.size > mostBytes) throw new Error(`it is larger than ${bytes(mostBytes)}, so it is no plan`);
    return await fs.readFile(file, "utf8");
  } catch (cause) {
    throw new AppError("file", `cannot read the plan ${file}: ${describeError(cause)}`, { cause });
  }
}
