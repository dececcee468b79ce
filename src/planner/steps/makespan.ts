/** The least time that any schedule of some transfers needs. Pure. */
export interface PlannedTransfer {
  readonly vm: number;
  readonly from: number;
  readonly to: number;
  readonly seconds: number;
  /** Earlier transfers, by their index, that must have ended before. */
  readonly after: readonly number[];
}

/** What each transfer needs before it may start, and after it has ended, whatever the schedule. */
export interface Surroundings {
  readonly heads: readonly number[];
  readonly tails: readonly number[];
}

/** By the transfers that each waits for and that wait for it: their own way, and their hosts' slots. */
export function surroundings(transfers: readonly PlannedTransfer[], perHost: number): Surroundings {
  const heads = new Array<number>(transfers.length).fill(0);
  const tails = new Array<number>(transfers.length).fill(0);
  const later = followers(transfers);
  // Transfers wait for earlier ones only.
  transfers.forEach(({ after }, index) => {
    heads[index] = needed(transfers, after, heads, perHost);
  });
  for (let index = transfers.length - 1; index >= 0; index--) {
    tails[index] = needed(transfers, later[index] ?? [], tails, perHost);
  }
  return { heads, tails };
}

/** Of each transfer, those that wait for it. */
export function followers(transfers: readonly PlannedTransfer[]): readonly (readonly number[])[] {
  const later: number[][] = transfers.map(() => []);
  transfers.forEach(({ after }, index) => {
    for (const before of after) later[before]?.push(index);
  });
  return later;
}

/** The time until all of `indices` have ended: the longest of their ways, and what each host's slots need for its own. */
function needed(
  transfers: readonly PlannedTransfer[],
  indices: readonly number[],
  heads: readonly number[],
  perHost: number,
): number {
  const seconds = (index: number) => transfers[index]?.seconds ?? 0;
  let most = 0;
  for (const index of indices) most = Math.max(most, (heads[index] ?? 0) + seconds(index));
  if (indices.length <= perHost) return most;
  for (const own of byHost(transfers, indices).values()) {
    const first = Math.min(...own.map((index) => heads[index] ?? 0));
    most = Math.max(most, first + leastOfSlots(own.map(seconds), perHost));
  }
  return most;
}

function byHost(
  transfers: readonly PlannedTransfer[],
  indices: Iterable<number>,
): ReadonlyMap<number, readonly number[]> {
  const groups = new Map<number, number[]>();
  for (const index of indices) {
    const transfer = transfers[index];
    if (transfer === undefined) continue;
    for (const h of [transfer.from, transfer.to]) {
      const group = groups.get(h);
      if (group === undefined) groups.set(h, [index]);
      else group.push(index);
    }
  }
  return groups;
}

/**
 * No schedule is shorter: the longest way of transfers that wait for each other; of each host, what its slots need for
 * its transfers, between the least that must pass before the first and after the last of them; and what the slots of
 * the pool need.
 */
export function leastMakespan(
  transfers: readonly PlannedTransfer[],
  perHost: number,
  inPool: number,
): number {
  const around = surroundings(transfers, perHost);
  let bound = 0;
  transfers.forEach(({ seconds }, index) => {
    bound = Math.max(bound, (around.heads[index] ?? 0) + seconds + (around.tails[index] ?? 0));
  });
  const windows = [...byHost(transfers, transfers.keys()).values()];
  for (const own of windows) bound = Math.max(bound, leastOfWindow(transfers, own, around, perHost));
  if (!Number.isFinite(inPool)) return bound;
  return Math.max(bound, leastOfWindow(transfers, [...transfers.keys()], around, inPool));
}

/** Values of heads and of tails that are looked at, each. */
const borders = 12;

/** For some borders before and after: what the slots need for the transfers that begin and end within. */
function leastOfWindow(
  transfers: readonly PlannedTransfer[],
  own: readonly number[],
  { heads, tails }: Surroundings,
  slots: number,
): number {
  let bound = 0;
  for (const head of bordersOf(own, heads)) {
    const begun = own.filter((index) => (heads[index] ?? 0) >= head);
    for (const tail of bordersOf(begun, tails)) {
      const within = begun.filter((index) => (tails[index] ?? 0) >= tail);
      const seconds = within.map((index) => transfers[index]?.seconds ?? 0);
      const least = head + leastOfSlots(seconds, slots) + tail;
      bound = Math.max(bound, least);
      // What follows says more by less than the longest.
      if (least + (seconds[0] ?? 0) > bound) bound = Math.max(bound, head + leastSum(seconds, slots) + tail);
    }
  }
  return bound;
}

/** Sums that are looked at. */
const sumsAtMost = 512;

/**
 * The fullest slot carries some of the transfers, and no less than its share of all: the least sum of some of them that
 * is as much. In whole microseconds, cut off: equal sums are then equal, and no sum is too high.
 */
function leastSum(seconds: readonly number[], slots: number): number {
  const whole = seconds.map((each) => Math.floor(each * 1e6));
  const share = Math.ceil(whole.reduce((sum, each) => sum + each, 0) / slots);
  const below = new Set([0]);
  let least = Number.POSITIVE_INFINITY;
  for (const each of whole) {
    for (const sum of [...below]) {
      if (sum + each >= share) least = Math.min(least, sum + each);
      else below.add(sum + each);
    }
    if (below.size > sumsAtMost) return share / 1e6;
  }
  return Number.isFinite(least) ? least / 1e6 : 0;
}

function bordersOf(own: readonly number[], values: readonly number[]): number[] {
  const sorted = [...new Set(own.map((index) => values[index] ?? 0))].sort((a, b) => a - b);
  const step = Math.max(1, sorted.length / borders);
  return sorted.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}

/**
 * What `slots` need for these transfers: all of them over the slots; and of the j * slots + 1 longest, j + 1 share a
 * slot, which takes at least as long as the j + 1 shortest among those.
 */
function leastOfSlots(seconds: number[], slots: number): number {
  seconds.sort((a, b) => b - a);
  const sums = [0];
  for (const each of seconds) sums.push((sums.at(-1) ?? 0) + each);
  const between = (from: number, to: number) => (sums[to] ?? 0) - (sums[from] ?? 0);
  let bound = between(0, seconds.length) / slots;
  for (let j = 0; j * slots < seconds.length; j++) {
    bound = Math.max(bound, between(j * slots - j, j * slots + 1));
  }
  return bound;
}
