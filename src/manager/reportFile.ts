/** The file of a report: drawn from the facts of one pool or several, and written whole. */
import { randomUUID } from "node:crypto";
import { packageVersion } from "../program/program.ts";
import { writeWhole } from "../program/wholeFile.ts";
import type { ReportFacts } from "../report/facts.ts";
import type { PoolOnPage } from "../report/poolsPage.ts";

/** A report that stands in its file. */
export interface WrittenReport {
  readonly file: string;
  readonly bytes: number;
  /** Seconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly pools: readonly { readonly uuid: string; readonly name: string }[];
}

/**
 * Writes the report of `pools`, a part each, at the time of the newest of them.
 * @throws AppError "file" where it cannot be written; what was there stays as it was.
 */
export async function writeReport(
  file: string,
  pools: readonly ReportFacts[],
  by: string,
): Promise<WrittenReport> {
  // Loaded where a report is drawn: no other command waits for it.
  const { reportPage } = await import("../report/report.ts");
  const to = Math.max(...pools.map((pool) => pool.to));
  const text = reportPage(pools, { version: `xcp-balance ${packageVersion()}`, by, at: to });
  await writeWhole(file, text, randomUUID());
  return {
    file,
    bytes: Buffer.byteLength(text),
    from: Math.min(...pools.map((pool) => pool.from)),
    to,
    pools: pools.map(({ pool }) => pool),
  };
}

/**
 * Writes the page that leads to the reports of several pools, which lie beside it. Returns its size in bytes.
 * @throws AppError "file" where it cannot be written; what was there stays as it was.
 */
export async function writePoolsPage(
  file: string,
  pools: readonly PoolOnPage[],
  by: string,
  at: Date,
): Promise<number> {
  const { poolsPage } = await import("../report/poolsPage.ts");
  const text = poolsPage(pools, { version: `xcp-balance ${packageVersion()}`, by, at: at.getTime() / 1000 });
  await writeWhole(file, text, randomUUID());
  return Buffer.byteLength(text);
}
