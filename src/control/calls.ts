/** Ends the calls to the pool: at a signal, at once or while a migration runs after its grace; when the lease is lost, at once. */

import { AppError } from "../domain/errors.ts";
import { leaseLost } from "./heldLease.ts";

export class CallLimit {
  /** Migrations in flight: while there are any, a signal leaves the calls their grace. */
  migrating = 0;
  readonly #calls = new AbortController();
  readonly #stop: AbortSignal;
  readonly #lost: AbortSignal;
  readonly #graceMs: number;
  #timer: NodeJS.Timeout | undefined;
  readonly #onStop = () => {
    const end = () => this.#calls.abort(new AppError("pool", "stopped by a signal"));
    if (this.migrating > 0) this.#timer = setTimeout(end, this.#graceMs);
    else end();
  };
  readonly #onLost = () => this.#calls.abort(new AppError("pool", leaseLost));

  constructor(stop: AbortSignal, lost: AbortSignal, graceMs: number) {
    this.#stop = stop;
    this.#lost = lost;
    this.#graceMs = graceMs;
    if (stop.aborted) this.#onStop();
    else stop.addEventListener("abort", this.#onStop, { once: true });
    lost.addEventListener("abort", this.#onLost, { once: true });
  }

  get signal(): AbortSignal {
    return this.#calls.signal;
  }

  close(): void {
    this.#stop.removeEventListener("abort", this.#onStop);
    this.#lost.removeEventListener("abort", this.#onLost);
    clearTimeout(this.#timer);
  }
}
