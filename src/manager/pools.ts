/** Several pools, each with settings and a database of its own: a line on each, and one that fails hurts no other. */

import { AppError, describeError, exitCode } from "../domain/errors.ts";
import type { ListedPool, PoolOverview } from "../domain/poolOverview.ts";
import type { PoolFolder } from "../program/pools.ts";
import { loadSettings, withDatabase } from "../program/program.ts";
import { loadPoolOverview } from "../store/poolOverview.ts";
import { plural, span } from "../text/format.ts";
import { printable, printableJson } from "../text/text.ts";
import { isJson, type OutputFormat } from "./format.ts";
import { listEntry } from "./layout.ts";
import { outputLines } from "./output.ts";
import { csvLines, type ShownTable, tableOf, tsvLines } from "./table.ts";

/** A line on each of `pools`; all are asked at the same time. Never rejects. */
export async function overviewsOf(pools: readonly PoolFolder[]): Promise<readonly ListedPool[]> {
  return Promise.all(
    pools.map(async ({ name, settings }): Promise<ListedPool> => {
      const file = settings.manager ?? "";
      try {
        const { mysql, control } = loadSettings(["mysql", "control"], file);
        const quiet = { name: "xcp-manager", warn: () => {}, told: new Set<string>(), quiet: true };
        const overview = await withDatabase(quiet, mysql, (db) =>
          loadPoolOverview(db, control.snapshotMaxAgeSeconds),
        );
        return { pool: name, settings: file, overview, problem: null };
      } catch (error) {
        return { pool: name, settings: file, overview: null, problem: describeError(error) };
      }
    }),
  );
}

/** A line a pool: "- Lab - Lab's pool - 3 hosts - 12 VMs - 20 s old - control: done 2 min ago - ok". */
export function poolLines(pools: readonly ListedPool[]): string[] {
  return pools.map(({ pool, overview, problem }) =>
    overview === null
      ? listEntry(pool, `cannot be asked: ${problem}`)
      : listEntry(
          pool,
          overview.name,
          plural(overview.hosts, "host"),
          plural(overview.vms, "VM"),
          ageText(overview),
          `control: ${controlText(overview)}`,
          overview.state,
        ),
  );
}

export function poolTable(pools: readonly ListedPool[]): ShownTable {
  return tableOf<ListedPool>(
    {
      Pool: ({ pool }) => pool,
      Name: ({ overview }) => overview?.name ?? null,
      Hosts: ({ overview }) => overview?.hosts ?? null,
      VMs: ({ overview }) => overview?.vms ?? null,
      "Age (s)": ({ overview }) => rounded(overview?.ageSeconds),
      "Control (s ago)": ({ overview }) => rounded(overview?.lastControl?.secondsAgo),
      Outcome: ({ overview }) => overview?.lastControl?.outcome ?? null,
      State: ({ overview, problem }) => overview?.state ?? `cannot be asked: ${problem}`,
    },
    pools,
  );
}

function rounded(seconds: number | null | undefined): number | null {
  return seconds === null || seconds === undefined ? null : Math.round(seconds);
}

function ageText({ ageSeconds }: PoolOverview): string | null {
  return ageSeconds === null ? null : `${span(ageSeconds, "rough")} old`;
}

function controlText({ lastControl }: PoolOverview): string {
  if (lastControl === null) return "has not run";
  return `${lastControl.outcome ?? "at work, or killed"} ${span(lastControl.secondsAgo, "rough")} ago`;
}

/** The list in `format`, each line ready to be printed. */
export function linesOfPools(pools: readonly ListedPool[], format: OutputFormat): readonly string[] {
  return outputLines(
    { text: () => poolLines(pools), json: () => pools, table: () => poolTable(pools), hints: () => [] },
    format,
  );
}

/** Exit codes from the worst to the best. */
const worstFirst = [exitCode.couldNotRun, exitCode.usage, exitCode.refused, exitCode.partly];

/** The worst of several exit codes; one that is not known is a failure. */
export function worstCode(codes: readonly number[]): number {
  const unknown = codes.find((code) => code !== exitCode.done && !worstFirst.some((each) => each === code));
  return unknown ?? worstFirst.find((code) => codes.includes(code)) ?? exitCode.done;
}

/**
 * Runs `work` on one pool after the other, and returns the worst exit code. The failure of one is told by `report`, with
 * the pool's name, and does not stop the others.
 */
export async function onEveryPool(
  pools: readonly PoolFolder[],
  { signal, report }: { readonly signal: AbortSignal; readonly report: (error: unknown) => number },
  work: (pool: PoolFolder) => Promise<number>,
): Promise<number> {
  const codes: number[] = [];
  for (const pool of pools) {
    signal.throwIfAborted();
    try {
      codes.push(await work(pool));
    } catch (error) {
      signal.throwIfAborted();
      codes.push(report(error instanceof AppError ? error.at(pool.name) : error));
    }
  }
  return worstCode(codes);
}

/** Says of output whose pool it is. */
export interface PoolMark {
  /** The line before all that a pool prints; null where each line says so itself. */
  readonly heading: (pool: string) => string | null;
  /** The lines of one result, as the pool's. */
  readonly lines: (pool: string, lines: readonly string[]) => readonly string[];
}

/** How results of several pools are told apart in `format`: a heading, a field `pool`, or a first column. */
export function poolMark(format: OutputFormat): PoolMark {
  const plain: PoolMark["lines"] = (_, lines) => lines;
  if (isJson(format))
    return {
      heading: () => null,
      lines: (pool, lines) => lines.map((line) => `{"pool":${printableJson(pool)},"result":${line}}`),
    };
  if (format !== "csv" && format !== "tsv")
    return { heading: (pool) => `== ${printable(pool)} ==`, lines: plain };
  const [separated, comma] = format === "csv" ? [csvLines, ","] : [tsvLines, "\t"];
  let titles: string | null = null;
  return {
    heading: () => null,
    lines: (pool, [head = "", ...rows]) => {
      const [, cell = ""] = separated({ columns: ["Pool"], rows: [[pool]] });
      const shown = titles === head ? [] : [`Pool${comma}${head}`];
      titles = head;
      return [...shown, ...rows.map((row) => `${cell}${comma}${row}`)];
    },
  };
}
