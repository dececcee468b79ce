/** Carries a decision out in simulated time, by the rules of control's own conduct. Pure. */
import type { ControlSettings } from "../settings/types.ts";
import type { PlannedMove } from "./decide.ts";
import type { Ledger, RehearsedMove } from "./ledger.ts";
import type { Flight, Shadow } from "./shadow.ts";

/** Seconds that a migration takes beside `sharing` others on its hosts' links. */
export type Duration = (intent: RehearsedMove, sharing: number) => number;

interface InFlight extends Flight {
  readonly index: number;
  readonly id: string;
  readonly end: number;
}

/** The collection that was decided on. */
export interface Origin {
  readonly runId: string;
  readonly collectionId: number;
  readonly collectedAt: number;
}

/** One run from its decision to the end of its last migration. */
export class RehearsedTransfers {
  readonly #moves: readonly PlannedMove[];
  readonly #origin: Origin;
  readonly #settings: ControlSettings;
  readonly #shadow: Shadow;
  readonly #ledger: Ledger;
  readonly #duration: Duration;
  readonly #flights = new Set<InFlight>();
  readonly #tried = new Set<number>();
  readonly #made = new Set<number>();
  #ended = false;

  constructor(
    moves: readonly PlannedMove[],
    origin: Origin,
    settings: ControlSettings,
    parts: { readonly shadow: Shadow; readonly ledger: Ledger; readonly duration: Duration },
  ) {
    this.#moves = moves;
    this.#origin = origin;
    this.#settings = settings;
    this.#shadow = parts.shadow;
    this.#ledger = parts.ledger;
    this.#duration = parts.duration;
  }

  get active(): boolean {
    return this.#flights.size > 0;
  }

  /** Begins what may begin at `now`. */
  start(now: number): void {
    for (let index = this.#next(now); index !== null; index = this.#next(now)) this.#depart(index, now);
  }

  /** Lets time go on to `until`; `collections` is the number of the newest collection meanwhile. */
  goOn(until: number, collections: number): void {
    for (;;) {
      const first = [...this.#flights].sort((a, b) => a.end - b.end)[0];
      if (first === undefined || first.end > until) return;
      this.#land(first, collections);
      this.start(first.end);
    }
  }

  #next(now: number): number | null {
    if (this.#ended || this.#tried.size >= this.#settings.maxMovesPerRun) return null;
    const index = this.#moves.findIndex((move, each) => !this.#tried.has(each) && this.#fits(move));
    const move = this.#moves[index];
    if (move === undefined) return null;
    const tooOld = now - this.#origin.collectedAt > this.#settings.snapshotMaxAgeSeconds;
    const tooMany = this.#ledger.startedLastHour(now) >= this.#settings.maxMovesPerHour;
    this.#ended = tooOld || tooMany || this.#shadow.objection(move) !== null;
    return this.#ended ? null : index;
  }

  #fits({ source, destination, after }: PlannedMove): boolean {
    const { maxMigrationsInPool, transfersPerHost } = this.#settings;
    return (
      this.#flights.size < maxMigrationsInPool &&
      this.#busy(source) < transfersPerHost &&
      this.#busy(destination) < transfersPerHost &&
      after.every((before) => this.#made.has(before))
    );
  }

  #busy(host: string): number {
    return [...this.#flights].filter(({ source, destination }) => source === host || destination === host)
      .length;
  }

  #depart(index: number, now: number): void {
    const move = this.#moves[index];
    if (move === undefined) return;
    const { vm, source, destination, rule } = move;
    this.#tried.add(index);
    const sharing = Math.max(this.#busy(source), this.#busy(destination));
    const intent = {
      vm,
      source,
      destination,
      rule,
      memoryBytes: this.#shadow.vm(vm)?.copyBytes ?? null,
    };
    const id = this.#ledger.begin(intent, this.#origin.runId, this.#origin.collectionId, now);
    const flight = { vm, source, destination, index, id, end: now + this.#duration(intent, sharing) };
    this.#flights.add(flight);
    this.#shadow.depart(flight);
  }

  #land(flight: InFlight, collections: number): void {
    this.#flights.delete(flight);
    const arrived = this.#shadow.land(flight);
    this.#ledger.close(flight.id, arrived ? "succeeded" : "overtaken", flight.end, collections);
    if (arrived) this.#made.add(flight.index);
    else this.#ended = true;
  }
}
