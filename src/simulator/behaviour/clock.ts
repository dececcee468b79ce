/** The simulated pool's time: real, faster than real, or moved by hand. The only file that reads the machine's clock. */

import type { SimClock } from "../objects/contract.ts";

/** A timer that has not run yet. */
export interface Timer {
  /** Forgets the timer; harmless when it has run. */
  cancel(): void;
}

export type ClockOptions =
  /** Runs by itself, `speed` virtual seconds in a real one. */
  | { readonly speed: number; readonly startMs?: number }
  /** Stands still until `advance` moves it. */
  | { readonly manual: true; readonly startMs?: number };

/** Where a clock moved by hand starts, so that two runs of a test see the same dates. */
const manualStartMs = Date.UTC(2026, 0, 1);
const longestTimeoutMs = 2 ** 31 - 1;

interface Pending {
  readonly dueMs: number;
  readonly run: () => void;
}

/** Timers run in the order of their due times; those due together, in the order they were set. */
export class VirtualClock implements SimClock {
  /** Virtual seconds in a real second; 0 for a clock moved by hand. */
  readonly speed: number;
  readonly #startMs: number;
  readonly #realStartMs: number = performance.now();
  #lastMs: number;
  #queue: Pending[] = [];
  #timeout: NodeJS.Timeout | null = null;

  constructor(options: ClockOptions) {
    this.speed = "manual" in options ? 0 : options.speed;
    if (!Number.isFinite(this.speed) || this.speed < 0 || (this.speed === 0 && !("manual" in options))) {
      throw new RangeError(`the clock's speed must be a positive number, not ${this.speed}`);
    }
    this.#startMs = options.startMs ?? (this.speed === 0 ? manualStartMs : Date.now());
    this.#lastMs = this.#startMs;
  }

  /** Milliseconds since 1970 in the pool's time; never goes back. */
  now(): number {
    this.#lastMs = Math.max(this.#lastMs, this.#measured());
    return this.#lastMs;
  }

  /** Runs `run` once after that many virtual milliseconds. */
  after(delayMs: number, run: () => void): Timer {
    const entry: Pending = { dueMs: this.now() + Math.max(0, delayMs), run };
    const place = this.#queue.findLastIndex((other) => other.dueMs <= entry.dueMs) + 1;
    this.#queue.splice(place, 0, entry);
    if (place === 0) this.#arm();
    return {
      cancel: () => {
        this.#queue = this.#queue.filter((other) => other !== entry);
      },
    };
  }

  /** Waits that many virtual milliseconds; rejects with the signal's reason when it fires first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Moves a manual clock: every timer that falls due runs at its own time, and what awaited it goes on first. */
  async advance(byMs: number): Promise<void> {
    if (this.speed !== 0) throw new Error("only a clock moved by hand can be advanced");
    const targetMs = this.now() + byMs;
    await settled();
    for (let next = this.#queue[0]; next !== undefined && next.dueMs <= targetMs; next = this.#queue[0]) {
      this.#queue.shift();
      this.#lastMs = Math.max(this.#lastMs, next.dueMs);
      next.run();
      await settled();
    }
    this.#lastMs = targetMs;
  }

  /** Forgets all timers. */
  close(): void {
    this.#queue = [];
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    this.#timeout = null;
  }

  #measured(): number {
    return this.#startMs + (performance.now() - this.#realStartMs) * this.speed;
  }

  #arm(): void {
    if (this.speed === 0) return;
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    this.#timeout = null;
    const next = this.#queue[0];
    if (next === undefined) return;
    const delayMs = Math.max(0, (next.dueMs - this.#measured()) / this.speed);
    this.#timeout = setTimeout(() => this.#runDue(), Math.min(delayMs, longestTimeoutMs));
    // A pool that nobody serves any more must not keep the process alive.
    this.#timeout.unref();
  }

  #runDue(): void {
    const untilMs = this.now();
    for (let next = this.#queue[0]; next !== undefined && next.dueMs <= untilMs; next = this.#queue[0]) {
      this.#queue.shift();
      next.run();
    }
    this.#arm();
  }
}

/** Lets everything that waits on finished promises go on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
