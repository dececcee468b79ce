/**
 * A migration as the database remembers it: its states, and which may follow which. Pure.
 *
 * A row is written before the pool is asked ("planned"), and closed by where the VM is found, never by a task's word.
 */
import type { Uuid } from "./pool.ts";
import type { Rule } from "./rule.ts";

/** The states of an open migration. */
export type OpenState = "planned" | "running";

/**
 * How a migration ended:
 * - succeeded: the VM runs on its destination;
 * - failed: it was asked for, and the VM runs where it was;
 * - cancelled: it took too long, was cancelled, and the VM runs where it was;
 * - lost: the VM runs nowhere since;
 * - overtaken: somebody halted, removed or moved the VM;
 * - refused: it never started.
 */
export type EndState = "succeeded" | "failed" | "cancelled" | "lost" | "overtaken" | "refused";

export type MigrationState = OpenState | EndState;

const following: Readonly<Record<MigrationState, readonly MigrationState[]>> = {
  // Whoever was killed before the pool's answer left it planned, however it ended.
  planned: ["running", "succeeded", "failed", "cancelled", "lost", "overtaken", "refused"],
  running: ["succeeded", "failed", "cancelled", "lost", "overtaken"],
  succeeded: [],
  failed: [],
  cancelled: [],
  lost: [],
  overtaken: [],
  refused: [],
};

/** The state after `from`; throws where `to` cannot follow it, which is a mistake of the program. */
export function transition(from: MigrationState, to: MigrationState): MigrationState {
  if (following[from].includes(to)) return to;
  throw new Error(`a migration that is ${from} cannot become ${to}`);
}

/** The states that `to` may follow. */
export function statesBefore(to: MigrationState): readonly MigrationState[] {
  return (Object.keys(following) as MigrationState[]).filter((from) => following[from].includes(to));
}

export function isOpen(state: MigrationState): state is OpenState {
  return state === "planned" || state === "running";
}

/** Whether the end says that something is wrong with pool, hosts or VM. */
export function isFailure(state: MigrationState): boolean {
  return state === "failed" || state === "cancelled" || state === "lost";
}

/** Whether it failed by itself: what PAUSE CONTROL NOW cancelled says nothing of pool, hosts or VM. */
export function failedByItself({ state, failure }: Pick<Migration, "state" | "failure">): boolean {
  return isFailure(state) && failure !== "stopped";
}

/** Every state, in words. */
export const stateWords: string = Object.keys(following).join(", ");

/** Parses a stored state; null for one that a later version wrote. */
export function parseState(text: string): MigrationState | null {
  return Object.hasOwn(following, text) ? (text as MigrationState) : null;
}

/**
 * What a failed or refused migration says of:
 * - vm: this VM, wherever it should go;
 * - pair: this VM on this destination;
 * - host: the destination, whoever comes;
 * - pool: every migration;
 * - path: something broke on the way: this pair, until a second VM fails towards the same host;
 * - later: this moment: the VM is busy, or somebody stepped in;
 * - stopped: nothing is wrong: an administrator had it cancelled (PAUSE CONTROL NOW).
 */
export type FailureClass = "vm" | "pair" | "host" | "pool" | "path" | "later" | "stopped";

const failureClasses: Readonly<Record<FailureClass, true>> = {
  vm: true,
  pair: true,
  host: true,
  pool: true,
  path: true,
  later: true,
  stopped: true,
};

/** Parses a stored class; null where none is stored, or one that a later version wrote. */
export function parseFailureClass(text: string | null): FailureClass | null {
  return text !== null && Object.hasOwn(failureClasses, text) ? (text as FailureClass) : null;
}

/**
 * Why a VM is moved: rules are broken, it serves VMs, an administrator empties a host, a green rule does, another VM is to start ("room");
 * "applied": an administrator has made the move himself, as the Workload Balancing server recommended it.
 */
export type MigrationCause = "rules" | "serve" | "evacuation" | "green" | "room" | "applied";

/** One row of the log. Times are the database's clock. */
export interface Migration {
  readonly id: string;
  readonly runId: string;
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
  /** The rule it serves; null where an administrator asked for it. */
  readonly rule: Rule | null;
  readonly cause: MigrationCause;
  readonly reason: string;
  readonly collectionId: number;
  readonly state: MigrationState;
  readonly plannedAt: Date;
  /** When the pool took the request; null where it did not, or where nobody was left to see it. */
  readonly submittedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly taskRef: string | null;
  readonly memoryBytes: number | null;
  /** Null where nobody saw it end. */
  readonly seconds: number | null;
  readonly error: string | null;
  /** What its failure says of; null where it did not fail, and of rows of earlier versions. */
  readonly failure: FailureClass | null;
  /** Collections with a number up to this one began before it ended; null while open. */
  readonly collectionsAtEnd: number | null;
  /** Seconds since it was planned, and since it was closed (null while open). */
  readonly plannedSecondsAgo: number;
  readonly finishedSecondsAgo: number | null;
}
