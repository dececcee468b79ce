/** What the server half of the simulator asks of the behaviour half: a pool, its clock, its messages, its faults. */

import type { ObjectDatabase } from "./database.ts";
import type { SimValue } from "./datamodel.ts";
import type { ServerProfile } from "./profile.ts";
import type { Role } from "./roles.ts";

/** One data source with its value in a slot. NaN where it had none. */
export interface SourceSample {
  readonly name: string;
  readonly description: string;
  readonly units: string;
  readonly min: number;
  readonly max: number;
  /** As the server stores it: rounded to 32 bits. */
  readonly value: number;
}

/** The pool's own time, which may run faster than ours. */
export interface SimClock {
  /** Virtual milliseconds since 1970. */
  now(): number;
  /** Waits virtual milliseconds; rejects with the signal's reason when it fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Virtual seconds a real second. */
  readonly speed: number;
}

/** The task a message runs under. Of a synchronous call it vanishes with the answer. */
export interface TaskHandle {
  /** A ref of class task; only of async-capable messages is it in the database. */
  readonly ref: string;
  /** Shows progress from 0 to 1; may fall. Without effect on a task that is gone. */
  setProgress(progress: number): void;
  /** Allows or forbids task.cancel from now on (allowed_operations); allowed at first. */
  setCancellable(cancellable: boolean): void;
  /** Fires when somebody cancels the task; answer it by throwing TASK_CANCELLED [ref]. */
  readonly cancelled: AbortSignal;
}

/** One call of a message; `args` are checked against the message's parameter types already. */
export interface MessageCall {
  /** The host that was asked: always the master, for the others redirect. */
  readonly hostRef: string;
  readonly sessionRef: string;
  readonly args: readonly SimValue[];
  readonly task: TaskHandle;
}

/** Answers the result in the message's result type, or throws a SimFailure. */
export type MessageHandler = (call: MessageCall) => SimValue | Promise<SimValue>;

/** A message beyond the generic ones (get_record, setters ...), e.g. VM.pool_migrate. */
export interface MessageDefinition {
  /** Wire types of all parameters but the session, in the notation of datamodel.ts. */
  readonly params: readonly string[];
  /** How many of them a caller must send; the others are absent from `args` when left out. */
  readonly minArgs: number;
  /** Whether Async.CLASS.NAME exists. */
  readonly async: boolean;
  /** Wire type of the answer, "void" for none. */
  readonly result: string;
  readonly handle: MessageHandler;
}

/**
 * What the host does to the next request: "answer" it as usual; "hang" for ever; send "garbage" in place of an answer; "close" the
 * connection without a word; fail with HTTP 500, or 429; or carry it out, and then hang ("mute") or close ("drop").
 */
export type AnswerFault = "answer" | "hang" | "mute" | "drop" | "garbage" | "close" | "http-500" | "http-429";

/**
 * "serving"; "starting": the toolstack is up but answers HOST_STILL_BOOTING; "gone": nobody answers, new
 * connections are cut at once.
 */
export type HostCondition = "serving" | "starting" | "gone";

/**
 * What the hosts have measured: the point of 5 seconds that ends at `slotEndMs` (virtual, a multiple of 5000).
 * The same point has the same values whenever it is asked for.
 */
export interface MeasureStore {
  /** End of the newest complete point. */
  newestMs(): number;
  hostSources(hostRef: string, slotEndMs: number): readonly SourceSample[];
  /** Wherever the VM was then; nothing where it was nowhere. */
  vmSources(vmRef: string, slotEndMs: number): readonly SourceSample[];
  /** The VMs whose measures this host holds now, control domain included. */
  vmsOf(hostRef: string): readonly string[];
  /** The host on which the VM has a domain; null for none. */
  homeOf(vmRef: string): string | null;
  /** The last point in which the VM had a domain; null if it never had one. */
  lastMeasuredMs(vmRef: string): number | null;
}

/**
 * The pool behind the servers. Sessions and tasks are objects of `db` (classes session and task): whoever
 * restarts the master's toolstack or changes the master destroys them there.
 */
export interface SimulatedPoolLike {
  readonly db: ObjectDatabase;
  readonly clock: SimClock;
  /** The master now; it may change. */
  readonly masterRef: string;
  /** By name, "VM.pool_migrate"; these come before the generic messages of the same name. */
  readonly messages: ReadonlyMap<string, MessageDefinition>;
  authenticate(user: string, password: string): boolean;
  /** The role of a user of the external directory; null, or absent, for the local superuser, who may do everything. */
  roleOf?(user: string): Role | null;
  /** Real milliseconds that a refused login takes; xapi's are about 2000. */
  readonly badPasswordDelayMs: number;
  hostCondition(hostRef: string): HostCondition;
  /** How far the host's own clock is ahead of the pool's, in milliseconds; absent: all are right. */
  clockAheadMs?(hostRef: string): number;
  /** Behind GET /rrd_updates and its like; a pool without answers them with 403. */
  readonly measures?: MeasureStore;
  /** The release whose manners the servers have; absent: today's. */
  readonly profile?: ServerProfile;
  /** Asked once for every request that arrives, before it is looked at further. May wait: a slow answer. */
  beforeAnswer(hostRef: string, method: string): Promise<AnswerFault>;
  /**
   * The text of a document that only the pool's workload balancing server has; null for a path that is none of those.
   * Rejects with a SimFailure.
   */
  document?(path: string, query: readonly (readonly [string, string])[]): Promise<string> | null;
  /** The answer of `method` with what a fault has made of its records. */
  damaged?(method: string, args: readonly SimValue[], value: SimValue): SimValue;
}
