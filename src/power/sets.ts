/** Which hosts are emptied: the cheapest to copy whose going leaves room enough in every dimension. Pure. */
import type { Random } from "../planner/search/random.ts";
import { shortage, subsets, sumsHold } from "./bound.ts";
import type { Packing } from "./packing.ts";

export interface Leaning {
  /** How much a large host is spared, in usual prices. */
  readonly size: number;
  /** How much a host is preferred whose own VMs use one dimension up and leave another, in usual prices. */
  readonly lopsided: number;
  /** How much prices are shuffled, 0 to 1. */
  readonly noise: number;
}

/** `count` hosts to empty as 1 at h, or null where no set was found that the others have room for. */
export function chooseSet(
  packing: Packing,
  prices: readonly (readonly [number, number])[],
  count: number,
  { size, lopsided, noise }: Leaning,
  random: Random,
): Uint8Array | null {
  if (count > prices.length) return null;
  const usual = prices.reduce((sum, [, bytes]) => sum + bytes, 0) / Math.max(1, prices.length);
  const large = relativeSizes(packing);
  const uneven = (h: number) => (lopsided > 0 ? unevenness(packing, h) : 0);
  const ranked = prices
    .map(([h, bytes]) => {
      const shuffled = noise > 0 ? bytes * (1 + noise * (2 * random.next() - 1)) : bytes;
      return { h, rank: shuffled + usual * (size * (large[h] ?? 1) - lopsided * uneven(h)) };
    })
    .sort((a, b) => a.rank - b.rank || a.h - b.h);
  const off = new Uint8Array(packing.H);
  for (const { h } of ranked.slice(0, count)) off[h] = 1;
  return withRoom(packing, off, new Map(prices)) ? off : null;
}

/** Every set of `count` hosts that the others have room for, cheapest first; null where there are more than `most`. */
export function allSets(
  packing: Packing,
  prices: readonly (readonly [number, number])[],
  count: number,
  most: number,
): readonly Uint8Array[] | null {
  if (subsets(prices.length, count) > most) return null;
  const found: { readonly off: Uint8Array; readonly bytes: number }[] = [];
  const off = new Uint8Array(packing.H);
  const choose = (from: number, left: number, bytes: number): void => {
    if (left === 0 && sumsHold(packing, off)) found.push({ off: off.slice(), bytes });
    for (let at = from; left > 0 && at <= prices.length - left; at++) {
      const [h, price] = prices[at] ?? [0, 0];
      off[h] = 1;
      choose(at + 1, left - 1, bytes + price);
      off[h] = 0;
    }
  };
  choose(0, count, 0);
  return found.toSorted((a, b) => a.bytes - b.bytes).map((set) => set.off);
}

function relativeSizes({ H, K, hard, room }: Packing): number[] {
  const sizes = new Array<number>(H).fill(0);
  for (let k = 0; k < hard; k++) {
    let sum = 0;
    for (let h = 0; h < H; h++) sum += room[h * K + k] ?? 0;
    for (let h = 0; h < H; h++)
      sizes[h] = Math.max(sizes[h] ?? 0, ((room[h * K + k] ?? 0) * H) / Math.max(1e-9, sum));
  }
  return sizes;
}

/** From 0 to 1: room in one dimension that cannot be used because another is used up. */
function unevenness({ K, hard, room, start }: Packing, h: number): number {
  let [least, most] = [1, 0];
  for (let k = 0; k < hard; k++) {
    const part = (start[h * K + k] ?? 0) / Math.max(1e-9, room[h * K + k] ?? 0);
    least = Math.min(least, part);
    most = Math.max(most, part);
  }
  return Math.min(1, most) - least;
}

/** Exchanges hosts of the set for smaller ones, the least dear for what it gains first, until sums hold. */
function withRoom(packing: Packing, off: Uint8Array, prices: ReadonlyMap<number, number>): boolean {
  for (let swaps = 0; swaps <= 2 * packing.H; swaps++) {
    const scarce = scarcest(packing, off);
    if (scarce === null) return true;
    const swap = bestSwap(packing, off, prices, scarce);
    if (swap === null) return false;
    off[swap.back] = 0;
    off[swap.away] = 1;
  }
  return false;
}

function scarcest(packing: Packing, off: Uint8Array): number | null {
  let [worst, most] = [-1, 0];
  for (let k = 0; k < packing.hard; k++) {
    const missing = shortage(packing, off, k) / usualRoom(packing, k);
    if (missing > most) [worst, most] = [k, missing];
  }
  return worst < 0 ? null : worst;
}

function usualRoom({ H, K, room }: Packing, k: number): number {
  let sum = 0;
  for (let h = 0; h < H; h++) sum += room[h * K + k] ?? 0;
  return Math.max(1e-9, sum / H);
}

function bestSwap(
  { K, room }: Packing,
  off: Uint8Array,
  prices: ReadonlyMap<number, number>,
  k: number,
): { readonly back: number; readonly away: number } | null {
  let best: { back: number; away: number } | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const [back, price] of prices) {
    if (off[back] === 0) continue;
    for (const [away, other] of prices) {
      const gain = (room[back * K + k] ?? 0) - (room[away * K + k] ?? 0);
      if (off[away] === 1 || gain <= 0) continue;
      const dear = (other - price) / gain;
      if (dear < least) [best, least] = [{ back, away }, dear];
    }
  }
  return best;
}
