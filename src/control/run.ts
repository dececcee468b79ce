/** One run of xcp-control, wired: database in, plan, pool only when something is to be moved, words out. */
import { AppError, exitCode } from "../errors.ts";
import type { StoredSnapshot } from "../pool.ts";
import type { Rule } from "../rule.ts";
import type { ControlSettings, XenSettings } from "../settings.ts";
import type { Database } from "../store/connection.ts";
import { readRules, type UnknownRule } from "../store/rules.ts";
import { loadSnapshot } from "../store/snapshot.ts";
import { connectXapi } from "../xapi/client.ts";
import { xapiOptions } from "../xapi/options.ts";
import { carryOut, closedGate, firstPlan, type MoveResult, type RunResult } from "./control.ts";
import {
  gateJson,
  gateLine,
  moveJson,
  moveLine,
  Names,
  planJson,
  planLines,
  resultLine,
  runLines,
  unknownRuleLines,
} from "./report.ts";

export interface RunOptions {
  readonly xen: XenSettings | null;
  readonly control: ControlSettings;
  readonly dryRun: boolean;
  readonly json: boolean;
  /** With dryRun: a plan that is not empty ends with code 10. */
  readonly exitCode: boolean;
  readonly signal: AbortSignal;
  /** How long a running migration is still watched after a signal. */
  readonly graceMs: number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
  /** One line of text, not escaped yet. */
  readonly print: (line: string) => void;
  readonly printJson: (value: unknown) => void;
}

/** Plans, and unless it is a dry run carries the plan out. Returns the exit code. */
export async function runControl(db: Database, options: RunOptions): Promise<number> {
  const startedMs = options.monotonicMs();
  const { stored, rules, unknown } = await readAll(db);
  const gate = closedGate(stored, options.control.snapshotMaxAgeSeconds, options.xen?.poolUuid ?? null);
  if (gate !== null || stored === null) {
    if (gate !== null && options.json) options.printJson(gateJson(gate));
    else if (gate !== null) options.print(gateLine(gate));
    return exitCode.refused;
  }
  const plan = firstPlan(stored.snapshot, rules, options.control);
  if (options.dryRun || options.xen === null || plan.moves.length === 0) {
    if (options.json) options.printJson(planJson(stored, plan, unknown));
    else for (const line of [...unknownRuleLines(unknown), ...planLines(stored, plan)]) options.print(line);
    return options.dryRun && options.exitCode && plan.moves.length > 0
      ? exitCode.planNotEmpty
      : exitCode.done;
  }
  for (const line of unknownRuleLines(unknown)) say(options, "warning", line);
  const ageSeconds = () => stored.ageSeconds + (options.monotonicMs() - startedMs) / 1000;
  return act({ stored, rules, ageSeconds }, options.xen, options);
}

async function readAll(db: Database): Promise<{
  readonly stored: StoredSnapshot | null;
  readonly rules: readonly Rule[];
  readonly unknown: readonly UnknownRule[];
}> {
  return { stored: await loadSnapshot(db), ...(await readRules(db)) };
}

interface Basis {
  readonly stored: StoredSnapshot;
  readonly rules: readonly Rule[];
  readonly ageSeconds: () => number;
}

async function act(
  { stored, rules, ageSeconds }: Basis,
  xen: XenSettings,
  options: RunOptions,
): Promise<number> {
  const { snapshot } = stored;
  const names = new Names(snapshot);
  const calls = new CallLimit(options.signal, options.graceMs);
  try {
    const poolUuid = snapshot.pool.uuid;
    const client = await connectXapi(xapiOptions({ ...xen, poolUuid }, "xcp-control", calls.signal));
    try {
      const result = await carryOut(snapshot, rules, options.control, {
        client,
        ageSeconds,
        execute: {
          pollMs: options.control.pollMs,
          timeoutMs: options.control.migrationTimeoutMs,
          stop: options.signal,
          graceMs: options.graceMs,
          sleep: options.sleep,
          monotonicMs: options.monotonicMs,
          onStart: () => {
            calls.migrating = true;
            say(options, "start", "Starting Migration ...");
          },
          onProgress: (progress) =>
            say(options, "progress", `Progress: ${roundProgress(progress)}`, { progress }),
        },
        onMove: (move) => say(options, "move", moveLine(move, names), moveJson(move, names)),
        onResult: (each) => {
          calls.migrating = false;
          announce(each, names, options);
        },
      });
      for (const line of runLines(result, names)) say(options, "summary", line);
      return runCode(result);
    } finally {
      await client.close();
    }
  } finally {
    calls.close();
  }
}

/** Ends the calls to the pool at a signal: at once, or while a migration runs after its grace. */
class CallLimit {
  migrating = false;
  readonly #calls = new AbortController();
  readonly #stop: AbortSignal;
  readonly #graceMs: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #onStop = () => {
    const end = () => this.#calls.abort(new AppError("pool", "stopped by a signal"));
    if (this.migrating) this.#timer = setTimeout(end, this.#graceMs);
    else end();
  };

  constructor(stop: AbortSignal, graceMs: number) {
    this.#stop = stop;
    this.#graceMs = graceMs;
    if (stop.aborted) this.#onStop();
    else stop.addEventListener("abort", this.#onStop, { once: true });
  }

  get signal(): AbortSignal {
    return this.#calls.signal;
  }

  close(): void {
    this.#stop.removeEventListener("abort", this.#onStop);
    clearTimeout(this.#timer);
  }
}

function announce(result: MoveResult, names: Names, options: RunOptions): void {
  const { move, outcome } = result;
  if (outcome.kind === "moved") say(options, "end", "End Migration", { vm: move.vm });
  say(options, "result", resultLine(result, names), {
    vm: move.vm,
    from: move.source,
    to: move.destination,
    outcome,
  });
}

/** One event: the thesis' line, or a JSON object on a line of its own. */
function say(options: RunOptions, event: string, text: string, detail: object = {}): void {
  if (options.json) options.printJson({ event, text, ...detail });
  else options.print(text);
}

/** As the thesis prints it: a fraction, two decimals at most. */
function roundProgress(progress: number): number {
  return Math.round(progress * 100) / 100;
}

function runCode({ results }: RunResult): number {
  const moved = results.some(({ outcome }) => outcome.kind === "moved");
  const troubled = results.some(({ outcome }) => !["moved", "refused"].includes(outcome.kind));
  const halted = results.some(({ outcome }) => outcome.kind === "refused" && outcome.failure === "stop");
  if (halted && !moved) return exitCode.couldNotRun;
  return troubled || halted ? exitCode.partly : exitCode.done;
}
