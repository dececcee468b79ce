/** One pool among several, in a line. */

export type ObservedState = "ok" | "paused" | "breaker open" | "data too old" | "nothing collected";

export interface PoolOverview {
  /** Null before the first collection. */
  readonly uuid: string | null;
  readonly name: string | null;
  readonly hosts: number;
  /** Without control domains. */
  readonly vms: number;
  /** Of the newest collection; null before the first. */
  readonly ageSeconds: number | null;
  /** The newest run of xcp-control, its outcome null where it did not say how it ended; null before the first. */
  readonly lastControl: { readonly secondsAgo: number; readonly outcome: string | null } | null;
  readonly state: ObservedState;
}

/** A pool of this machine, and what its database says of it. */
export interface ListedPool {
  /** The name of its folder. */
  readonly pool: string;
  readonly settings: string;
  /** Null where it could not be asked. */
  readonly overview: PoolOverview | null;
  /** Why it could not be asked; null where it was. */
  readonly problem: string | null;
}
