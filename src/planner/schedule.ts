/**
 * When each step would run if transfers start as soon as they may: at most k at a host, coming and going together.
 * Pure.
 *
 * A step waits for the earlier steps that leave its destination (their memory is free only at their end) and for an
 * earlier step of its VM. It may overtake any other: what arrives at a host is then never more, and what has left
 * never less, than at some point of the proven order, so no host is ever overfilled.
 */

export interface Transfer {
  readonly vm: number;
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
}

export interface Schedule {
  /** Start of each transfer, in the order given. */
  readonly starts: readonly number[];
  readonly seconds: number;
  /** No schedule is shorter: the busiest host's transfers over k, and the longest way of one VM. */
  readonly bound: number;
}

/** Schedules `transfers`, which stand in an order that is possible one after the other. */
export function schedule(transfers: readonly Transfer[], perHost: number): Schedule {
  const starts = new Array<number>(transfers.length).fill(-1);
  const ends = new Array<number>(transfers.length).fill(Number.POSITIVE_INFINITY);
  const waitsFor = dependencies(transfers);
  const busy = new Map<number, number>();
  const running = new Set<number>();
  const remaining = new Set(transfers.keys());
  let now = 0;
  while (remaining.size > 0) {
    for (const step of remaining) if (mayStart(step)) start(step);
    now = Math.min(...[...running].map((step) => ends[step] ?? 0));
    for (const step of running) if ((ends[step] ?? 0) <= now) end(step);
  }
  const seconds = ends.reduce((latest, each) => Math.max(latest, each), 0);
  return { starts, seconds, bound: leastSeconds(transfers, perHost) };

  function mayStart(step: number): boolean {
    const transfer = transfers[step];
    if (transfer === undefined) return false;
    if ((busy.get(transfer.from) ?? 0) >= perHost || (busy.get(transfer.to) ?? 0) >= perHost) return false;
    return (waitsFor[step] ?? []).every((before) => (ends[before] ?? 0) <= now);
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

function dependencies(transfers: readonly Transfer[]): number[][] {
  const leaving = new Map<number, number[]>();
  const ofVm = new Map<number, number>();
  return transfers.map(({ vm, from, to }, step) => {
    const before = [...(leaving.get(to) ?? [])];
    const own = ofVm.get(vm);
    if (own !== undefined) before.push(own);
    leaving.set(from, [...(leaving.get(from) ?? []), step]);
    ofVm.set(vm, step);
    return before;
  });
}

function leastSeconds(transfers: readonly Transfer[], perHost: number): number {
  const ofHost = new Map<number, number>();
  const ofVm = new Map<number, number>();
  for (const { vm, from, to, seconds } of transfers) {
    for (const h of [from, to]) ofHost.set(h, (ofHost.get(h) ?? 0) + seconds / perHost);
    ofVm.set(vm, (ofVm.get(vm) ?? 0) + seconds);
  }
  return Math.max(0, ...ofHost.values(), ...ofVm.values());
}
