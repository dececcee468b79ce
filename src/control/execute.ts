/** Starts one move: looks at the VM and the destination once more, asks for the migration, and has it watched. */
import { describeError } from "../domain/errors.ts";
import { XapiError, XapiUnreachable } from "../xapi/errors.ts";
import type { TaskRef } from "../xapi/records.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import { checkBefore, type Refs } from "./check.ts";
import { type MoveTask, type Outcome, refusal } from "./outcome.ts";
import { Watch, type WatchOptions } from "./watch.ts";

export interface ExecuteOptions extends WatchOptions {
  /** Migrations in the pool at the same time, this one counted. */
  readonly maxInPool: number;
  /** Commits the intent once the pool has nothing against the move; why it may not be made, or null. */
  readonly begin: () => Promise<Outcome | null>;
  /** Asked with nothing between the answer and the call to the pool. */
  readonly mayStart: () => boolean;
  /** Called once, right before the migration is asked for. */
  readonly onStart: () => void;
  /** Called once the pool has taken the request. */
  readonly onSubmitted: (task: TaskRef) => Promise<void>;
  /** Called once after `onStart`: it ended, or is not watched any more. */
  readonly onEnd: () => void;
}

/** A migration that the pool was asked for. */
export interface Transfer {
  /** Its task; null where the pool's answer was not heard. */
  readonly task: TaskRef | null;
  /** How it ended. */
  readonly end: Promise<Outcome>;
}

/**
 * Starts `task` beside `own`, the tasks of this run's migrations in flight; the outcome where it was not started. Every failure of
 * the pool becomes an outcome. One at a time: the look at the pool and the request belong together.
 */
export async function startMove(
  client: XapiClient,
  task: MoveTask,
  own: ReadonlySet<TaskRef>,
  options: ExecuteOptions,
): Promise<Outcome | Transfer> {
  let checked: Refs | Outcome;
  try {
    checked = await checkBefore(client, task, own, options.maxInPool);
  } catch (error) {
    if (!options.stop.aborted) return refusal(error);
    checked = stopped;
  }
  if (options.stop.aborted) return stopped;
  if ("kind" in checked) return checked;
  const held = await options.begin();
  if (held !== null) return held;
  if (options.stop.aborted) return stopped;
  return migrate(client, checked, options);
}

const stopped: Outcome = { kind: "stopped", reason: "stopped before it was started" };

async function migrate(client: XapiClient, refs: Refs, options: ExecuteOptions): Promise<Outcome | Transfer> {
  // A run that was stopped for a while finds out here; the call leaves in the same turn.
  if (!options.mayStart()) return { kind: "held", reason: "the lease is about to run out, or was lost" };
  options.onStart();
  const watch = new Watch(client, refs, options);
  let task: TaskRef;
  try {
    task = await client.poolMigrateAsync(refs.vm, refs.destination);
  } catch (error) {
    if (error instanceof XapiUnreachable && error.sent) {
      const why = `no answer to the request: ${describeError(error)}`;
      return { task: null, end: ended(watch.byVm({ why }).then(withoutTask), options) };
    }
    options.onEnd();
    // Kept from being sent by the signal: no fault of the pool.
    return options.stop.aborted && !(error instanceof XapiError) ? stopped : refusal(error);
  }
  await options.onSubmitted(task);
  return { task, end: ended(watch.toTheEnd(task), options) };
}

async function ended(watched: Promise<Outcome>, { onEnd }: ExecuteOptions): Promise<Outcome> {
  try {
    return await watched;
  } finally {
    onEnd();
  }
}

/** The request may still arrive: a VM that has not moved yet proves nothing. */
function withoutTask(outcome: Outcome): Outcome {
  if (outcome.kind !== "failed") return outcome;
  return { kind: "unknown", reason: `${outcome.reason}; whether it began is not known` };
}
