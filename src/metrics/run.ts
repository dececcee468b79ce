/** What every program tells of its last run, and where it writes that. */
import fs from "node:fs/promises";
import { AppError } from "../domain/errors.ts";
import { writeWhole } from "../program/wholeFile.ts";
import type { RunStatistics } from "../store/runStatistics.ts";
import { exposition, rememberedIn } from "./exposition.ts";
import type { MetricSample } from "./families.ts";

/** A run that is over. */
export interface EndedRun {
  readonly program: string;
  readonly version: string;
  /** The pool's uuid; null where the run did not come to know it. */
  readonly pool: string | null;
  readonly exitCode: number;
  readonly seconds: number;
  readonly at: Date;
}

/** Everything of a run that can be told: what it knows itself, and what the database sums up; null where that was not there. */
export interface RunMetrics {
  readonly run: EndedRun;
  readonly statistics: RunStatistics | null;
  /** What the program tells of the pool. */
  readonly more: readonly MetricSample[];
}

/**
 * Writes the file in one piece, readable for everybody. What a failed run cannot know, the pool and the last success, is
 * taken from the file as it stands.
 * @throws AppError "file" where it cannot be written; what was there stays as it was.
 */
export async function writeMetrics(file: string, metrics: RunMetrics, unique: string): Promise<void> {
  const before = rememberedIn(await textOf(file));
  await writeSamples(file, samplesOf(metrics, before?.pool ?? "", before?.lastSuccess ?? null), unique);
}

/** The same of a program that has no runs. @throws AppError "file". */
export async function writeSamples(
  file: string,
  samples: readonly MetricSample[],
  unique: string,
): Promise<void> {
  await writeWhole(file, await exposition(samples), unique, "", 0o644);
}

function samplesOf(
  { run, statistics, more }: RunMetrics,
  poolBefore: string,
  successBefore: number | null,
): readonly MetricSample[] {
  const { program, version, exitCode, seconds } = run;
  const labels = { pool: run.pool ?? poolBefore, program };
  const at = run.at.getTime() / 1000;
  const lastSuccess = statistics?.lastSuccessAt ?? successBefore;
  return [
    { name: "xcp_balance_build_info", labels: { ...labels, version }, value: 1 },
    { name: "xcp_balance_last_attempt_timestamp_seconds", labels, value: at },
    ...(lastSuccess === null
      ? []
      : [{ name: "xcp_balance_last_success_timestamp_seconds", labels, value: lastSuccess } as const]),
    { name: "xcp_balance_last_run_duration_seconds", labels, value: seconds },
    { name: "xcp_balance_last_run_exit_code", labels, value: exitCode },
    ...[...(statistics?.runs ?? [])].map(
      ([outcome, count]) =>
        ({ name: "xcp_balance_runs_total", labels: { ...labels, outcome }, value: count }) as const,
    ),
    ...more,
  ];
}

async function textOf(file: string): Promise<string> {
  try {
    return await fs.readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw new AppError("file", `cannot read ${file}`, { cause: error });
  }
}
