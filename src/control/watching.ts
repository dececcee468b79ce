/** Has a run of xcp-control watched from outside: its metrics, at its end, whatever that is. */
import { describeError } from "../domain/errors.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { openHooks } from "../hooks/open.ts";
import { writeMetrics } from "../metrics/run.ts";
import type { ProgramContext } from "../program/context.ts";
import { packageVersion } from "../program/program.ts";
import type { ControlSettings, HookSettings } from "../settings/types.ts";
import { breakerStatus } from "../store/breaker.ts";
import type { Database } from "../store/connection.ts";
import { type ControlStatistics, loadControlStatistics } from "../store/load/controlStatistics.ts";
import { loadPoolName } from "../store/poolName.ts";
import { controlSamples } from "./metrics.ts";
import { type RunOptions, runControl } from "./run.ts";
import { RunHooks } from "./runHooks.ts";
import type { RunFacts } from "./strategy.ts";
import { tellEnd, tellFailure } from "./tellEnd.ts";

export class WatchedRun {
  readonly #context: ProgramContext;
  /** Null of a dry run: nobody is told of it. */
  readonly #control: Pick<ControlSettings, "mode" | "metricsFile"> | null;
  readonly #hooks: Hooks | null;
  readonly #startedMs: number;
  #facts: RunFacts | null = null;
  #statistics: ControlStatistics | null = null;
  /** Whether hooks were told of the failure already. */
  #told = false;

  /** `control` and `hooks` are null of a dry run. @throws AppError "settings" where the hooks' folder cannot be used. */
  constructor(
    context: ProgramContext,
    control: Pick<ControlSettings, "mode" | "metricsFile"> | null,
    hooks: HookSettings | null,
  ) {
    this.#context = context;
    this.#control = control;
    const mode = control?.mode ?? "act";
    this.#hooks = hooks === null || hooks.folder === null ? null : openHooks(context, hooks, mode);
    this.#startedMs = context.monotonicMs();
  }

  /** Runs, and reads what is summed up of all runs afterwards. */
  async during(db: Database, options: RunOptions): Promise<number> {
    const onFacts = (facts: RunFacts) => {
      this.#facts = facts;
    };
    try {
      return await this.#withHooks(db, { ...options, onFacts });
    } finally {
      if (this.#control !== null && this.#control.metricsFile !== null)
        this.#statistics = await loadControlStatistics(db).catch(() => null);
    }
  }

  async #withHooks(db: Database, options: RunOptions): Promise<number> {
    const hooks = this.#hooks;
    if (hooks === null || !hooks.any) return runControl(db, options);
    const pool = await loadPoolName(db);
    if (pool !== null) hooks.knowPool(pool);
    const wasOpen = (await breakerStatus(db)).open;
    const run = new RunHooks(hooks, options.signal);
    try {
      return await runControl(db, { ...options, hooks: run, heard: run.heard });
    } catch (error) {
      this.#told = await tellFailure(db, hooks, error);
      throw error;
    } finally {
      // Nobody is told less because the database fails by now: the failure itself is told.
      await tellEnd(db, hooks, { warnings: run.warnings, wasOpen }).catch(() => {});
    }
  }

  /** Waits for hooks that are told something; where the database was not reached, of that too. */
  async #finishHooks(error: unknown): Promise<void> {
    if (this.#hooks === null) return;
    if (error !== null && !this.#told)
      this.#hooks.tell("on-alarm", { text: describeError(error), facts: {}, detail: {} });
    await this.#hooks.finish(this.#context.signal);
  }

  /** Has hooks told to their end, and writes the metrics. `error` is what the run failed with, null where it did not. */
  async end(exitCode: number, error: unknown = null): Promise<void> {
    await this.#finishHooks(error);
    await this.#writeMetrics(exitCode);
  }

  /** Writes the metrics. Where that fails, the run is as good: it is a warning. */
  async #writeMetrics(exitCode: number): Promise<void> {
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
