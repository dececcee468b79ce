/** What green rules did to a host: the states, and what is remembered of them. */
import type { Host, Uuid } from "./pool.ts";

/** Times are seconds of one clock. */
export type HostState =
  | { readonly kind: "on"; readonly since: number }
  /** `left` VMs were there when the last one had gone, at `progressAt`. */
  | { readonly kind: "draining"; readonly since: number; readonly left: number; readonly progressAt: number }
  /** `empty` is the host as it was when it was empty: what it has when it comes back. */
  | { readonly kind: "asleep"; readonly since: number; readonly empty: Host }
  | { readonly kind: "waking"; readonly since: number; readonly empty: Host }
  | { readonly kind: "failed"; readonly since: number; readonly empty: Host };

/** Hosts that are not in it are on, and have been so for long. */
export type HostStates = ReadonlyMap<Uuid, HostState>;

/** What is remembered of the hosts of a pool; times are seconds since 1970 by the database's clock. */
export interface HostPower {
  readonly now: number;
  readonly states: HostStates;
  readonly reasons: ReadonlyMap<Uuid, string>;
  /** Tasks of shutdowns and wakings that have not been looked at to their end. */
  readonly tasks: ReadonlyMap<Uuid, string>;
  /** Hosts that did not wake or go down within the last week, and have not been woken by us since, with the seconds then. */
  readonly unreliable: ReadonlyMap<Uuid, number>;
  /** Hosts that we switched or took in or out of service, with the seconds of the last time. */
  readonly touched: ReadonlyMap<Uuid, number>;
}

export type HostPowerEventKind =
  | "drain"
  | "take back"
  | "shut down"
  | "wake"
  | "enable"
  | "on"
  | "failed"
  | "refused";

/** One step with a host, as it is kept. */
export interface HostPowerEvent {
  readonly host: Uuid;
  readonly kind: HostPowerEventKind;
  readonly at: number;
  readonly reason: string;
}

/** What becomes of a host; `task` is the pool's task that does it, null where none goes on. */
export interface HostPowerChange {
  readonly host: Uuid;
  readonly state: HostState;
  readonly reason: string;
  readonly task?: string | null;
  /** Null where nothing has happened that is worth an event. */
  readonly event: HostPowerEventKind | null;
}

/** A time in which a host slept; times in seconds. Draining, booting and waking are not in it: the host is on then. */
export interface SleepSpan {
  readonly host: Uuid;
  readonly from: number;
  /** Null while it sleeps. */
  readonly to: number | null;
}
