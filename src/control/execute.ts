/** Carries out one move: looks at the VM and the destination once more, starts the migration, and watches it. */
import { describeError } from "../errors.ts";
import type { XapiClient } from "../xapi/client.ts";
import { XapiUnreachable } from "../xapi/errors.ts";
import type { TaskRef } from "../xapi/records.ts";
import { checkBefore, type Refs } from "./check.ts";
import { type Errand, type Outcome, refusal } from "./outcome.ts";
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
}

/** Carries `errand` out; every failure of the pool becomes an outcome. */
export async function executeMove(
  client: XapiClient,
  errand: Errand,
  options: ExecuteOptions,
): Promise<Outcome> {
  let checked: Refs | Outcome;
  try {
    checked = await checkBefore(client, errand, options.maxInPool);
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

async function migrate(client: XapiClient, refs: Refs, options: ExecuteOptions): Promise<Outcome> {
  // A run that was stopped for a while finds out here; the call leaves in the same turn.
  if (!options.mayStart()) return { kind: "held", reason: "the lease is about to run out, or was lost" };
  options.onStart();
  const watch = new Watch(client, refs, options);
  let task: TaskRef;
  try {
    task = await client.poolMigrateAsync(refs.vm, refs.destination);
  } catch (error) {
    if (!(error instanceof XapiUnreachable && error.sent)) return refusal(error);
    return withoutTask(await watch.byVm({ why: `no answer to the request: ${describeError(error)}` }));
  }
  await options.onSubmitted(task);
  return watch.toTheEnd(task);
}

/** The request may still arrive: a VM that has not moved yet proves nothing. */
function withoutTask(outcome: Outcome): Outcome {
  if (outcome.kind !== "failed") return outcome;
  return { kind: "unknown", reason: `${outcome.reason}; whether it began is not known` };
}
