/**
 * When each step would run if transfers start as soon as they may: at most k at a host, coming and going together.
 * Pure.
 */

export interface Transfer {
  readonly vm: number;
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
  /** Earlier transfers, by their index, that must have ended before. */
  readonly after: readonly number[];
}

export interface Schedule {
  /** Start of each transfer, in the order given. */
  readonly starts: readonly number[];
  readonly seconds: number;
  /** No schedule is shorter: what the k slots of the busiest host need, and the longest way of one VM. */
  readonly bound: number;
}

/** Schedules `transfers`, which stand in an order that is possible one after the other: the shortest of some tries. */
export function schedule(transfers: readonly Transfer[], perHost: number): Schedule {
  const bound = leastSeconds(transfers, perHost);
  const given = [...transfers.keys()];
  const busy = secondsOfHosts(transfers);
  const longest = (a: number, b: number) => (transfers[b]?.seconds ?? 0) - (transfers[a]?.seconds ?? 0);
  const busiest = (step: number) =>
    Math.max(busy.get(transfers[step]?.from ?? -1) ?? 0, busy.get(transfers[step]?.to ?? -1) ?? 0);
  const tries = [
    given,
    given.toSorted(longest),
    given.toSorted((a, b) => busiest(b) - busiest(a) || longest(a, b)),
  ];
  let best: Schedule | null = null;
  for (const preferred of tries) {
    const found = { ...listSchedule(transfers, preferred, perHost), bound };
    if (best === null || found.seconds < best.seconds - 1e-9) best = found;
    if (best.seconds <= bound + 1e-9) break;
  }
  return best ?? { starts: [], seconds: 0, bound };
}

/** Starts whatever may start, in the order preferred. */
function listSchedule(
  transfers: readonly Transfer[],
  preferred: readonly number[],
  perHost: number,
): { readonly starts: readonly number[]; readonly seconds: number } {
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
    if (transfer === undefined) return false;
    if ((busy.get(transfer.from) ?? 0) >= perHost || (busy.get(transfer.to) ?? 0) >= perHost) return false;
    return transfer.after.every((before) => (ends[before] ?? 0) <= now);
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

function secondsOfHosts(transfers: readonly Transfer[]): ReadonlyMap<number, number> {
  const seconds = new Map<number, number>();
  for (const transfer of transfers) {
    for (const h of [transfer.from, transfer.to]) seconds.set(h, (seconds.get(h) ?? 0) + transfer.seconds);
  }
  return seconds;
}

function leastSeconds(transfers: readonly Transfer[], perHost: number): number {
  const ofHost = new Map<number, number[]>();
  const ofVm = new Map<number, number>();
  for (const { vm, from, to, seconds } of transfers) {
    for (const h of [from, to]) {
      const list = ofHost.get(h);
      if (list === undefined) ofHost.set(h, [seconds]);
      else list.push(seconds);
    }
    ofVm.set(vm, (ofVm.get(vm) ?? 0) + seconds);
  }
  let bound = Math.max(0, ...ofVm.values());
  for (const list of ofHost.values()) bound = Math.max(bound, leastOfHost(list, perHost));
  return bound;
}

/**
 * What k slots need for these transfers: all of them over k; and of the j * k + 1 longest, j + 1 share a slot, which
 * takes at least as long as the j + 1 shortest among those.
 */
function leastOfHost(seconds: number[], perHost: number): number {
  seconds.sort((a, b) => b - a);
  let bound = seconds.reduce((sum, each) => sum + each, 0) / perHost;
  for (let j = 1; j * perHost < seconds.length; j++) {
    const last = j * perHost;
    bound = Math.max(
      bound,
      seconds.slice(last - j, last + 1).reduce((sum, each) => sum + each, 0),
    );
  }
  return bound;
}
