/**
 * An administrator's word that what runs shall stop too (PAUSE CONTROL NOW): looked for while migrations are in flight,
 * beside the watching, so that a database that does not answer holds up no look at the pool.
 */
import type { Pause } from "../domain/controlState.ts";
import { AppError } from "../domain/errors.ts";
import type { Database } from "../store/connection.ts";
import { pauseStatus } from "../store/pause.ts";

/** The database is asked this often at most; more often where the pool is. */
const longestMs = 1_000;

export class StopOrder {
  readonly #db: Database;
  readonly #everyMs: number;
  readonly #given = new AbortController();
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(db: Database, pollMs: number) {
    this.#db = db;
    this.#everyMs = Math.min(longestMs, pollMs);
  }

  /** Aborted once the order was seen; what is in flight then is to be cancelled. Its reason is the order in words. */
  get given(): AbortSignal {
    return this.#given.signal;
  }

  /** The order in words, for what a run says; null while there is none. */
  get words(): string | null {
    return this.#given.signal.aborted ? String(this.#given.signal.reason) : null;
  }

  /** A migration is in flight. Each has one `landed`. */
  flying(): void {
    this.#inFlight++;
    if (this.#inFlight === 1) this.#lookLater();
  }

  /** It ended, or is not watched any more. */
  landed(): void {
    this.#inFlight--;
    if (this.#inFlight > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #lookLater(): void {
    if (this.#given.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), this.#everyMs);
  }

  async #look(): Promise<void> {
    try {
      const pause = await pauseStatus(this.#db);
      if (pause?.cancelRunning) this.#given.abort(orderWords(pause));
    } catch (error) {
      // Whether the database can be reached is what the lease tells; an order is seen when it can.
      if (!(error instanceof AppError)) throw error;
    }
    if (this.#inFlight > 0) this.#lookLater();
  }
}

function orderWords({ by, reason }: Pause): string {
  const why = reason === "" ? "" : ` (${reason})`;
  return `PAUSE CONTROL NOW by ${by === "" ? "somebody" : by}${why}`;
}
