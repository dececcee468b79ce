/** Has a run of xcp-control watched from outside: its metrics, at its end, whatever that is. */
import { describeError } from "../domain/errors.ts";
import { writeMetrics } from "../metrics/run.ts";
import type { ProgramContext } from "../program/context.ts";
import { packageVersion } from "../program/program.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { Database } from "../store/connection.ts";
import { type ControlStatistics, loadControlStatistics } from "../store/load/controlStatistics.ts";
import { controlSamples } from "./metrics.ts";
import { type RunOptions, runControl } from "./run.ts";
import type { RunFacts } from "./strategy.ts";

export class WatchedRun {
  readonly #context: ProgramContext;
  /** Null of a dry run: nobody is told of it. */
  readonly #control: Pick<ControlSettings, "mode" | "metricsFile"> | null;
  readonly #startedMs: number;
  #facts: RunFacts | null = null;
  #statistics: ControlStatistics | null = null;

  constructor(context: ProgramContext, control: Pick<ControlSettings, "mode" | "metricsFile"> | null) {
    this.#context = context;
    this.#control = control;
    this.#startedMs = context.monotonicMs();
  }

  /** Runs, and reads what is summed up of all runs afterwards. */
  async during(db: Database, options: RunOptions): Promise<number> {
    const onFacts = (facts: RunFacts) => {
      this.#facts = facts;
    };
    try {
      return await runControl(db, { ...options, onFacts });
    } finally {
      if (this.#control !== null && this.#control.metricsFile !== null)
        this.#statistics = await loadControlStatistics(db).catch(() => null);
    }
  }

  /** Writes the metrics. Where that fails, the run is as good: it is a warning. */
  async end(exitCode: number): Promise<void> {
    const file = this.#control?.metricsFile ?? null;
    if (file === null || this.#control === null) return;
    const { monotonicMs, warn, pid } = this.#context;
    const run = {
      program: "xcp-control",
      version: packageVersion(),
      pool: this.#statistics?.poolUuid ?? null,
      exitCode,
      seconds: (monotonicMs() - this.#startedMs) / 1000,
      at: new Date(),
    };
    const metrics = {
      run,
      statistics: this.#statistics?.runs ?? null,
      more: controlSamples(this.#control.mode, this.#statistics, this.#facts),
    };
    await writeMetrics(file, metrics, String(pid)).catch((error: unknown) =>
      warn(`ControlMetricsFile: ${describeError(error)}`),
    );
  }
}
