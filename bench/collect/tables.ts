/** What was measured, as lines of Markdown. Pure. */
import type { WriteTimes } from "./database.ts";
import type { FloorResult } from "./floor.ts";
import type { Measured } from "./measured.ts";
import type { OursResult } from "./ours.ts";
import type { CpuShares } from "./profile.ts";
import type { SteadyResult } from "./steady.ts";
import type { ThesisResult } from "./thesis.ts";

/** The whole of the thesis' method, from its sample. */
export interface Scaled {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly sqlMs: number;
  readonly calls: number;
  readonly bytes: number;
  readonly peakMb: number;
}

export function scaleThesis(run: Measured<ThesisResult>): Scaled {
  const { output } = run;
  const { hosts, vms } = output;
  const calls = hosts * output.callsPerHost + vms * output.callsPerVm;
  return {
    wallMs: output.fixedMs + hosts * output.perHostMs + vms * output.perVmMs,
    cpuMs: hosts * output.perHostCpuMs + vms * output.perVmCpuMs,
    sqlMs: vms * output.perVmSqlMs,
    calls,
    bytes: (run.bytes / run.calls) * calls,
    peakMb: run.peakMb,
  };
}

export interface Runs {
  readonly thesis: Scaled;
  readonly ours: Measured<OursResult>;
  readonly floor: Measured<FloorResult>;
  readonly fetch: Measured<FloorResult>;
  readonly whole: Measured<{ readonly durationMs: number }>;
  readonly steady: Measured<SteadyResult>;
}

/** One line a way, the ratios in the last column. */
export function poolTable({ thesis, ours, floor, fetch, whole, steady }: Runs): string[] {
  const { collectMs, databaseMs } = ours.output;
  const { floorMs, parseMs } = floor.output;
  const line = (name: string, wallMs: number, use: Omit<Scaled, "wallMs" | "sqlMs">, ...rest: string[]) =>
    `| ${[name, seconds(wallMs), seconds(use.cpuMs), use.peakMb.toFixed(0), megabytes(use.bytes), use.calls.toFixed(0), ...rest].join(" | ")} |`;
  return [
    "| way | wall s | CPU s | peak MB | MB from the pool | calls | of the wall | against (b) |",
    "|---|---|---|---|---|---|---|---|",
    line(
      "(a) the thesis', scaled",
      thesis.wallMs,
      thesis,
      `SQL ${seconds(thesis.sqlMs)}`,
      ratio(thesis.wallMs, collectMs),
    ),
    line(
      "(b) collect()",
      collectMs,
      ours,
      `pool ${seconds(collectMs - databaseMs)}, database ${seconds(databaseMs)}`,
      "1",
    ),
    line("(b) xcp-collect, the whole program", whole.wallMs, whole, "", ratio(whole.wallMs, collectMs)),
    line("(c) fetch and parse", floorMs, floor, `parsing ${seconds(parseMs)}`, ratio(floorMs, collectMs)),
    line("(c) fetch only", fetch.output.floorMs, fetch, "", ratio(fetch.output.floorMs, collectMs)),
    line(
      "(d) collect() in --interval, steady",
      steady.output.collectMs,
      { ...steady.output, peakMb: steady.peakMb },
      `slowest ${seconds(steady.output.slowestMs)}`,
      ratio(steady.output.collectMs, collectMs),
    ),
    "",
    `(a) / (b) = ${(thesis.wallMs / collectMs).toFixed(0)}; (b) / (c) = ${(collectMs / floorMs).toFixed(2)}`,
  ];
}

/** (d) alone. */
export function steadyTable(run: Measured<SteadyResult>): string[] {
  const { collectMs, cpuMs, bytes, calls, slowestMs } = run.output;
  const cells = [collectMs, slowestMs, cpuMs].map(seconds).concat(megabytes(bytes), calls.toFixed(0));
  return [
    "| wall s | slowest | CPU s | MB from the pool | calls |",
    "|---|---|---|---|---|",
    `| ${cells.join(" | ")} |`,
    "",
    steadyLine(run),
  ];
}

export function steadyLine({ output: run, peakMb }: Measured<SteadyResult>): string {
  return (
    `(d): ${megabytes(run.masterBytes)} MB of it from the master; the first run took ${seconds(run.firstMs)} s; peak ${peakMb.toFixed(0)} MB, ` +
    `of the first run ${run.firstMb.toFixed(0)} MB, of the later ones ${run.laterMb.toFixed(0)} MB, ${run.restingMb.toFixed(0)} MB at the end; ${run.whole} of the later runs read everything`
  );
}

export function sharesLine(shares: CpuShares): string {
  const parts = Object.entries(shares).map(([name, ms]) => `${name} ${ms.toFixed(0)}`);
  return `CPU of collect() in ms by the profiler: ${parts.join(", ")}`;
}

export function writesLine({ rowByRowMs, changedMs, steadyMs }: WriteTimes): string {
  return (
    `Database alone: row by row ${rowByRowMs.toFixed(0)} ms; ours ${changedMs.toFixed(0)} ms with every row changed ` +
    `(${(rowByRowMs / changedMs).toFixed(0)} x), ${steadyMs.toFixed(0)} ms with none (${(rowByRowMs / steadyMs).toFixed(0)} x)`
  );
}

/** What each call brings, largest first. */
export function bytesTable(bytes: Readonly<Record<string, number>>): string[] {
  const calls = Object.entries(bytes).toSorted(([, a], [, b]) => b - a);
  return [
    "",
    "| call | MB |",
    "|---|---|",
    ...calls.map(([name, size]) => `| ${name} | ${megabytes(size)} |`),
  ];
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(ms < 10_000 ? 2 : 1);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 10_000_000 ? 2 : 1);
}

function ratio(a: number, b: number): string {
  return (a / b).toFixed(a / b < 10 ? 2 : 0);
}
