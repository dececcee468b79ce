/** What xcp-control would have done while it only observes. */
import type { Uuid } from "./pool.ts";

/** A move, or a step that green rules would make with a host. */
export type ObservedKind = "move" | "drain" | "take back" | "shut down" | "wake" | "enable";

/** One thing that a run would have done. */
export interface WouldDo {
  readonly kind: ObservedKind;
  /** The VM of a move, the host of a step. */
  readonly object: Uuid;
  /** Both null of a step. */
  readonly source: Uuid | null;
  readonly destination: Uuid | null;
  readonly cause: "rules" | "green";
  /** The rule that a move serves, as it is written; null where it serves none. */
  readonly rule: string | null;
  /** In words, with the names of that time. */
  readonly reason: string;
  /** The figures of the decision; of no fixed shape. */
  readonly figures: object;
  /** What a move would copy; null where unknown, and of a step. */
  readonly memoryBytes: number | null;
}

/** The same thing over several runs in a row: nothing was moved, so each run would have done it again. */
export interface ObservedAction extends WouldDo {
  readonly id: string;
  /** Collections that the first and the last of these runs went by. */
  readonly firstCollectionId: number;
  readonly collectionId: number;
  /** By the database's clock. */
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly firstSecondsAgo: number;
  readonly lastSecondsAgo: number;
  readonly runs: number;
  readonly lastRunId: string;
}
