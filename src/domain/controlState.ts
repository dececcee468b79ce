/** All that decides, beside a collection, whether control may act and what it leaves alone. */
import type { Migration } from "./migration.ts";
import type { CostBook } from "./migrationCost.ts";
import type { Uuid } from "./pool.ts";
import type { WlbBinding } from "./workloadBalancing.ts";

/** A pause that is in force. */
export interface Pause {
  readonly by: string;
  readonly since: Date;
  readonly sinceSecondsAgo: number;
  /** Null: until somebody resumes. */
  readonly until: Date | null;
  readonly reason: string;
  /** Migrations that run are to be cancelled as well: PAUSE CONTROL NOW. */
  readonly cancelRunning: boolean;
}

export interface BreakerStatus {
  readonly open: boolean;
  /** Times it opened within a day, since somebody acknowledged. */
  readonly trips: number;
  readonly openedAt: Date | null;
  readonly openUntil: Date | null;
  /** Seconds until it closes by itself; null while closed. */
  readonly closesInSeconds: number | null;
  /** Why it opened last. */
  readonly reason: string | null;
}

export type ExclusionKind = "VM" | "HOST";

export interface Exclusion {
  readonly kind: ExclusionKind;
  readonly uuid: Uuid;
  readonly by: string;
  readonly at: Date;
  readonly reason: string;
}

/** The migrations that make collections up to the number `collectionsAtEnd` too old to plan from. */
export interface LastEnd {
  readonly collectionsAtEnd: number;
  readonly secondsAgo: number;
}

/** What was seen of one host. */
export interface HostObservation {
  readonly host: Uuid;
  readonly poolUuid: Uuid;
  readonly collectionId: number;
  /** Running VMs, the control domain not counted. */
  readonly guests: number;
  /** Of the collection before; null where there is none. */
  readonly before: { readonly collectionId: number; readonly guests: number } | null;
  readonly enabled: boolean;
  readonly live: boolean;
  /** Seconds since `enabled` or `live` was seen to change; null where it never was. */
  readonly changedSecondsAgo: number | null;
}

/** A pool under rules, as far as a search for moves hangs on it. */
export interface Searched {
  /** Of all that must be equal where the search is to be the same: 32 digits. */
  readonly digest: string;
  /** Of each term of the rules: the hosts' values, then what each VM has of its host's; by uuid. */
  readonly loads: readonly (readonly (number | null)[])[];
}

/** The last whole search that found no move for what stays broken. */
export interface FruitlessSearch extends Searched {
  readonly secondsAgo: number;
}

export interface ControlState {
  readonly pause: Pause | null;
  readonly breaker: BreakerStatus;
  readonly startedLastHour: number;
  readonly exclusions: readonly Exclusion[];
  readonly open: readonly Migration[];
  /** Migrations of the last day, oldest first. */
  readonly recent: readonly Migration[];
  readonly lastEnd: LastEnd | null;
  /** VMs whose move the stored collection does not show in its measures yet. */
  readonly unsettled: readonly Uuid[];
  readonly observations: readonly HostObservation[];
  /** Hosts that control itself takes out of service and brings back, with the seconds since the last time (0: still). */
  readonly handled: ReadonlyMap<Uuid, number>;
  readonly costs: CostBook;
  /** The pool that is connected to xcp-wlb; null or absent where none is. */
  readonly wlb?: WlbBinding | null;
  /** Null or absent where no search was in vain, or a later one was not. */
  readonly fruitless?: FruitlessSearch | null;
}
