/**
 * The lease in the hands of a run: renewed while the run lasts, and given up by the run's own clock before anybody
 * else can take it. A run that was stopped and wakes finds its time over before it does anything.
 */
import { describeError } from "../domain/errors.ts";
import type { Database } from "../store/connection.ts";
import {
  isLeaseToken,
  type LeaseStatus,
  type LeaseToken,
  releaseLease,
  renewLease,
  takeLease,
} from "../store/lease.ts";

/** What is said wherever a run ends because it may not act any more. */
export const leaseLost = "the lease was lost: another run may act now";

export interface HeldLeaseOptions {
  readonly runId: string;
  /** Shown to those who find the lease taken. */
  readonly holder: string;
  readonly ttlMs: number;
  readonly monotonicMs: () => number;
}

/** A lease is renewed six times in its life. */
const renewals = 6;

export class HeldLease {
  readonly leaseToken: LeaseToken;
  readonly #db: Database;
  readonly #options: HeldLeaseOptions;
  readonly #lost = new AbortController();
  #deadline: number;
  #renewTimer: NodeJS.Timeout | undefined;
  #endTimer: NodeJS.Timeout | undefined;
  #why = "";

  private constructor(db: Database, leaseToken: LeaseToken, options: HeldLeaseOptions, sentAt: number) {
    this.leaseToken = leaseToken;
    this.#db = db;
    this.#options = options;
    this.#deadline = sentAt + options.ttlMs;
    this.#watchDeadline();
    this.#renewLater();
  }

  /** Takes the lease; who holds it where it is taken. */
  static async take(db: Database, options: HeldLeaseOptions): Promise<HeldLease | LeaseStatus> {
    const sentAt = options.monotonicMs();
    const taken = await takeLease(db, options.runId, options.holder, options.ttlMs);
    return isLeaseToken(taken) ? new HeldLease(db, taken, options, sentAt) : taken;
  }

  /** Aborted once the lease is not ours any more, or may not be. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Why it was lost. */
  get why(): string {
    return this.#why;
  }

  /** Whether a migration may be started right now: a third of the lease's time is left at least. */
  mayStart(): boolean {
    const left = this.#deadline - this.#options.monotonicMs();
    return !this.#lost.signal.aborted && left >= this.#options.ttlMs / 3;
  }

  /** Whoever finds that it is not ours, or that it may run out before what is begun is written down, says so. */
  giveUp(why = "another run has taken it"): void {
    this.#lose(why);
  }

  /** Stops renewing and gives the lease back. */
  async end(): Promise<void> {
    this.#stopTimers();
    if (!this.#lost.signal.aborted) await releaseLease(this.#db, this.leaseToken);
  }

  /** Stops renewing and leaves the lease to run out. */
  abandon(): void {
    this.#stopTimers();
  }

  #lose(why: string): void {
    if (this.#lost.signal.aborted) return;
    this.#why = why;
    this.#stopTimers();
    this.#lost.abort();
  }

  #stopTimers(): void {
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#endTimer);
    this.#renewTimer = undefined;
    this.#endTimer = undefined;
  }

  #watchDeadline(): void {
    clearTimeout(this.#endTimer);
    const left = Math.max(0, this.#deadline - this.#options.monotonicMs());
    this.#endTimer = setTimeout(() => {
      this.#lose("it could not be renewed in time");
    }, left);
  }

  #renewLater(): void {
    this.#renewTimer = setTimeout(() => void this.#renew(), this.#options.ttlMs / renewals);
  }

  async #renew(): Promise<void> {
    const sentAt = this.#options.monotonicMs();
    try {
      const renewed = await renewLease(this.#db, this.leaseToken, this.#options.ttlMs);
      if (!renewed) return this.#lose("another run has taken it");
      this.#deadline = sentAt + this.#options.ttlMs;
    } catch (error) {
      this.#why = describeError(error);
    }
    if (this.#lost.signal.aborted || this.#renewTimer === undefined) return;
    this.#watchDeadline();
    this.#renewLater();
  }
}
