/**
 * When each step would run if transfers start as soon as they may: at most k at a host, coming and going together.
 * Pure.
 */
import { followers, leastMakespan, type PlannedTransfer, surroundings } from "./makespan.ts";

export interface Schedule {
  /** Start of each transfer, in the order given. */
  readonly starts: readonly number[];
  readonly seconds: number;
  /** No schedule is shorter: see `leastMakespan`. */
  readonly bound: number;
}

/** Transfers, coming and going, that one host and the whole pool carry at once. */
interface Slots {
  readonly perHost: number;
  readonly inPool: number;
}

/** Looks at transfers that the tries after the first may take together: long plans are near the bound at once. */
const effort = 6000;
const mostTries = 60;

/** Schedules `transfers`, which stand in an order that is possible one after the other: the shortest of some tries. */
export function schedule(
  transfers: readonly PlannedTransfer[],
  perHost: number,
  inPool: number = Number.POSITIVE_INFINITY,
): Schedule {
  const bound = leastMakespan(transfers, perHost, inPool);
  const best = new Tries(transfers, { perHost, inPool }, bound).run();
  return { ...best, bound };
}

interface FoundStarts {
  readonly starts: readonly number[];
  readonly seconds: number;
}

class Tries {
  readonly #transfers: readonly PlannedTransfer[];
  readonly #slots: Slots;
  readonly #bound: number;
  readonly #before: readonly (readonly number[])[];
  readonly #behind: readonly (readonly number[])[];
  #best: FoundStarts = { starts: [], seconds: Number.POSITIVE_INFINITY };

  constructor(transfers: readonly PlannedTransfer[], slots: Slots, bound: number) {
    this.#transfers = transfers;
    this.#slots = slots;
    this.#bound = bound;
    this.#before = transfers.map(({ after }) => after);
    this.#behind = followers(transfers);
  }

  run(): FoundStarts {
    const orders = this.#firstOrders();
    for (const order of orders) {
      if (this.#done()) return this.#best;
      this.#forward(order);
    }
    const each = Math.floor(
      Math.min(mostTries, effort / Math.max(1, this.#transfers.length)) / orders.length,
    );
    for (const order of orders) this.#turnAround(order, each);
    return this.#best;
  }

  #done(): boolean {
    return this.#best.seconds <= this.#bound + 1e-9;
  }

  /** As given, longest first, longest way first, busiest host first. */
  #firstOrders(): number[][] {
    const given = [...this.#transfers.keys()];
    const busy = secondsOfHosts(this.#transfers);
    const { tails } = surroundings(this.#transfers, this.#slots.perHost);
    const seconds = (step: number) => this.#transfers[step]?.seconds ?? 0;
    const way = (step: number) => seconds(step) + (tails[step] ?? 0);
    const load = (step: number) => {
      const { from, to } = this.#transfers[step] ?? { from: -1, to: -1 };
      return Math.max(busy.get(from) ?? 0, busy.get(to) ?? 0);
    };
    return [
      given,
      given.toSorted((a, b) => seconds(b) - seconds(a)),
      given.toSorted((a, b) => way(b) - way(a)),
      given.toSorted((a, b) => load(b) - load(a) || way(b) - way(a)),
    ];
  }

  #forward(order: readonly number[]): FoundStarts {
    const found = listSchedule(this.#transfers, this.#before, order, this.#slots);
    if (found.seconds < this.#best.seconds - 1e-9) this.#best = found;
    return found;
  }

  /** Schedules from the end backwards, then forwards in the order found, and so on: gaps move to the end and close. */
  #turnAround(order: readonly number[], times: number): void {
    let current = this.#forward(order);
    for (let i = 0; i < times && !this.#done(); i++) {
      const ends = current.starts.map((start, step) => start + (this.#transfers[step]?.seconds ?? 0));
      const latest = order.toSorted((a, b) => (ends[b] ?? 0) - (ends[a] ?? 0));
      const mirrored = listSchedule(this.#transfers, this.#behind, latest, this.#slots);
      const from = mirrored.starts.map((start, step) => -start - (this.#transfers[step]?.seconds ?? 0));
      const before = current.seconds;
      current = this.#forward(order.toSorted((a, b) => (from[a] ?? 0) - (from[b] ?? 0)));
      if (current.seconds >= before - 1e-9) return;
    }
  }
}

/** Starts whatever may start, in the order preferred; `before`: what each waits for. */
function listSchedule(
  transfers: readonly PlannedTransfer[],
  before: readonly (readonly number[])[],
  preferred: readonly number[],
  { perHost, inPool }: Slots,
): FoundStarts {
  const starts = new Array<number>(transfers.length).fill(-1);
  const ends = new Array<number>(transfers.length).fill(Number.POSITIVE_INFINITY);
  const busy = new Map<number, number>();
  const running = new Set<number>();
  const remaining = new Set(preferred);
  let now = 0;
  while (remaining.size > 0) {
    for (const step of remaining) if (mayStart(step)) start(step);
    now = Math.min(...[...running].map((step) => ends[step] ?? 0));
    for (const step of running) if ((ends[step] ?? 0) <= now) end(step);
  }
  const seconds = ends.reduce((latest, each) => Math.max(latest, each), 0);
  return { starts, seconds };

  function mayStart(step: number): boolean {
    const transfer = transfers[step];
    if (transfer === undefined || running.size >= inPool) return false;
    if ((busy.get(transfer.from) ?? 0) >= perHost || (busy.get(transfer.to) ?? 0) >= perHost) return false;
    return (before[step] ?? []).every((other) => (ends[other] ?? 0) <= now);
  }

  function start(step: number): void {
    starts[step] = now;
    ends[step] = now + (transfers[step]?.seconds ?? 0);
    remaining.delete(step);
    running.add(step);
    count(step, 1);
  }

  function end(step: number): void {
    running.delete(step);
    count(step, -1);
  }

  function count(step: number, change: number): void {
    const transfer = transfers[step];
    if (transfer === undefined) return;
    for (const h of [transfer.from, transfer.to]) busy.set(h, (busy.get(h) ?? 0) + change);
  }
}

function secondsOfHosts(transfers: readonly PlannedTransfer[]): ReadonlyMap<number, number> {
  const seconds = new Map<number, number>();
  for (const transfer of transfers) {
    for (const h of [transfer.from, transfer.to]) seconds.set(h, (seconds.get(h) ?? 0) + transfer.seconds);
  }
  return seconds;
}
