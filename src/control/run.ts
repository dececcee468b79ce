/** One run of xcp-control, wired: database in, plan, pool only when something is to be moved, words out. */
import { exitCode } from "../errors.ts";
import type { StoredSnapshot } from "../pool.ts";
import type { Rule } from "../rule.ts";
import type { ControlSettings, XenSettings } from "../settings.ts";
import type { Database } from "../store/connection.ts";
import { listRules } from "../store/rules.ts";
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
} from "./report.ts";

export interface RunOptions {
  readonly xen: XenSettings | null;
  readonly control: ControlSettings;
  readonly dryRun: boolean;
  readonly json: boolean;
  /** With dryRun: a plan that is not empty ends with code 10. */
  readonly exitCode: boolean;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
  /** One line of text, not escaped yet. */
  readonly print: (line: string) => void;
  readonly printJson: (value: unknown) => void;
}

/** How long a running migration is still watched after a signal. */
const graceMs = 30_000;

/** Plans, and unless it is a dry run carries the plan out. Returns the exit code. */
export async function runControl(db: Database, options: RunOptions): Promise<number> {
  const [stored, rules] = await readAll(db);
  const gate = closedGate(stored, options.control.snapshotMaxAgeSeconds);
  if (gate !== null || stored === null) {
    if (gate !== null && options.json) options.printJson(gateJson(gate));
    else if (gate !== null) options.print(gateLine(gate));
    return exitCode.refused;
  }
  const plan = firstPlan(stored.snapshot, rules, options.control);
  if (options.dryRun || options.xen === null || plan.moves.length === 0) {
    if (options.json) options.printJson(planJson(stored, plan));
    else for (const line of planLines(stored, plan)) options.print(line);
    return options.dryRun && options.exitCode && plan.moves.length > 0
      ? exitCode.planNotEmpty
      : exitCode.done;
  }
  return act(stored, rules, options.xen, options);
}

async function readAll(db: Database): Promise<readonly [StoredSnapshot | null, readonly Rule[]]> {
  return [await loadSnapshot(db), await listRules(db)];
}

async function act(
  stored: StoredSnapshot,
  rules: readonly Rule[],
  xen: XenSettings,
  options: RunOptions,
): Promise<number> {
  const names = new Names(stored.snapshot);
  // A signal must not cut the watching of a running migration: calls end by their own deadlines.
  const patient = new AbortController().signal;
  const poolUuid = stored.snapshot.pool.uuid;
  const client = await connectXapi({ ...xapiOptions({ ...xen, poolUuid }, "xcp-control", patient) });
  try {
    const result = await carryOut(stored.snapshot, rules, options.control, {
      client,
      execute: {
        pollMs: options.control.pollMs,
        timeoutMs: options.control.migrationTimeoutMs,
        stop: options.signal,
        graceMs,
        sleep: options.sleep,
        monotonicMs: options.monotonicMs,
        onStart: () => say(options, "start", "Starting Migration ..."),
        onProgress: (progress) =>
          say(options, "progress", `Progress: ${roundProgress(progress)}`, { progress }),
      },
      onMove: (move) => say(options, "move", moveLine(move, names), moveJson(move, names)),
      onResult: (each) => announce(each, names, options),
    });
    for (const line of runLines(result, names)) say(options, "summary", line);
    return runCode(result);
  } finally {
    await client.close();
  }
}

function announce(result: MoveResult, names: Names, options: RunOptions): void {
  const { move, outcome } = result;
  if (outcome.kind === "moved") say(options, "end", "End Migration", { vm: move.vm });
  say(options, "result", resultLine(result, names), { vm: move.vm, outcome });
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
