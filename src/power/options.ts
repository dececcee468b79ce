/** How green rules are carried out: what is asked of hosts, how long things are watched, and what a host draws. Pure. */

import type { Host, Uuid } from "../domain/pool.ts";
import type { Rule } from "../domain/rule.ts";
import type { PlanOptions } from "../planner/plan.ts";

/** What a packing hangs on beside the pool and the rule. */
export interface PackingOptions
  extends Pick<
    PlanOptions,
    | "headroomBytes"
    | "bannedVms"
    | "bannedPairs"
    | "affinityTags"
    | "antiAffinityTags"
    | "costOf"
    | "secondsOf"
    | "bytesPerSecond"
    | "transfersPerHost"
    | "floors"
    | "seed"
  > {
  /** Whether the host's power-on mode is known to work: no other is ever put to sleep. */
  readonly canWake: (host: Host) => boolean;
  /** Hosts that stay on and receive nothing, with the reason (an exclusion, say). */
  readonly keepOn: ReadonlyMap<Uuid, string>;
  /** Hosts that stay on and may receive, with the reason. */
  readonly stayOn?: ReadonlyMap<Uuid, string>;
  /** Never fewer hosts on than this. */
  readonly minimumHostsOn: number;
  /** Failures that HA has promised to survive, where it is on: as many hosts are to spare at least. Default 0. */
  readonly haFailuresToTolerate?: number;
  /** Balance rules: none is newly broken among the hosts that stay on. Default: none. */
  readonly balance?: readonly Rule[];
  /** Hosts are filled to this part of the limits that fluctuate (all but memory). */
  readonly fillFraction: number;
  /** Most that the search may spend, counted as in `planner/work.ts`. Default 30. */
  readonly budgetMs?: number;
}

export interface GreenOptions extends PackingOptions {
  /** By the mean and the variance of the loads of so long a time a host is emptied. */
  readonly downWindowSeconds: number;
  /**
   * Standard deviations of a host's load that are kept free beside its mean: where a host is emptied, at least; where that
   * copies what the VMs of a host have in the mean, and in proportion to the square root of what is copied; and where hosts take
   * in what leaves one past a limit. See `expected.ts`.
   */
  readonly deviations: { readonly usual: number; readonly dear: number; readonly relief: number };
  /** After a host was woken or taken back nothing sleeps for so long. */
  readonly neededSeconds: number;
  /** What is on must hold the average of so long a time. */
  readonly upWindowSeconds: number;
  /** Part of the window that its snapshots must reach over: a window with a hole says nothing. */
  readonly windowCover: number;
  /** A host that came up stays on so long, and one that went to sleep sleeps so long, unless a limit is reached. */
  readonly minimumOnSeconds: number;
  readonly minimumAsleepSeconds: number;
  /** A host is woken when what is on would be filled to more than this part of the limits, the spare hosts not counted. */
  readonly wakeFraction: number;
  /** The load is looked ahead by so much: about what waking takes. 0: not at all. */
  readonly forecastSeconds: number;
  /** A drain from which no VM has gone for so long is taken back. */
  readonly stallSeconds: number;
  /** A host that is not back so long after it was woken is failed. */
  readonly wakeSeconds: number;
  /** Hosts that may be waking at once when load asks for them; outside the hours it is one. */
  readonly wakesAtOnce: number;
}

/** What is set where nobody sets anything. */
export const greenDefaults: Omit<
  Required<GreenOptions>,
  Exclude<
    keyof PackingOptions,
    "minimumHostsOn" | "haFailuresToTolerate" | "fillFraction" | "budgetMs" | "seed"
  >
> = {
  minimumHostsOn: 1,
  haFailuresToTolerate: 0,
  fillFraction: 0.8,
  downWindowSeconds: 40 * 60,
  deviations: { usual: 0.5, dear: 1.2, relief: 1.5 },
  neededSeconds: 5 * 60,
  upWindowSeconds: 5 * 60,
  windowCover: 0.8,
  minimumOnSeconds: 20 * 60,
  minimumAsleepSeconds: 30 * 60,
  wakeFraction: 0.95,
  forecastSeconds: 10 * 60,
  stallSeconds: 15 * 60,
  wakeSeconds: 10 * 60,
  wakesAtOnce: 4,
  budgetMs: 30,
  seed: 1,
};

/** What hosts draw, in watts. */
export interface Wattage {
  /** On, without load. */
  readonly idleWatts: number;
  /** Asleep: what its controller draws. */
  readonly asleepWatts: number;
}
