/**
 * Whether the hosts that stay on absorb the failure of spare hosts: their VMs would find places on the rest, within the
 * limits. Tried by placing them, largest first; a balance rule and an anti-affinity group do not bind in an emergency.
 * Pure.
 */
import type { Work } from "../planner/work.ts";
import type { Packing } from "./packing.ts";

/** Whether the failure of each host that stays, with the largest others up to the number of spares, is absorbed. */
export function reserveHolds(
  packing: Packing,
  off: Uint8Array,
  at: Int32Array,
  load: Float64Array,
  work: Work,
): boolean {
  const { H, spares } = packing;
  if (spares === 0) return true;
  const staying = [...new Array(H).keys()].filter((h) => off[h] === 0);
  if (staying.length <= spares) return packing.I === 0;
  const bySize = staying.toSorted((a, b) => sizeOf(packing, b) - sizeOf(packing, a) || a - b);
  const on: number[][] = Array.from({ length: H }, () => []);
  at.forEach((h, i) => {
    on[h]?.push(i);
  });
  return staying.every((h) => {
    const failing = [h, ...bySize.filter((each) => each !== h).slice(0, spares - 1)];
    return absorbs(packing, staying, failing, on, load, work);
  });
}

function sizeOf({ K, hard, room }: Packing, h: number): number {
  let size = 1;
  for (let k = 0; k < hard; k++) size *= Math.max(0, room[h * K + k] ?? 0);
  return size;
}

function absorbs(
  packing: Packing,
  staying: readonly number[],
  failing: readonly number[],
  on: readonly (readonly number[])[],
  load: Float64Array,
  work: Work,
): boolean {
  const { K, hard, H, room, weight, open } = packing;
  const rest = staying.filter((h) => !failing.includes(h));
  const left = new Map(
    rest.map((h) => [
      h,
      Float64Array.from({ length: hard }, (_, k) => (room[h * K + k] ?? 0) - (load[h * K + k] ?? 0)),
    ]),
  );
  const scale = scalesOf(left, hard);
  const size = (i: number) => {
    let largest = 0;
    for (let k = 0; k < hard; k++) largest = Math.max(largest, (weight[i * K + k] ?? 0) / (scale[k] ?? 1));
    return largest;
  };
  const items = failing
    .flatMap((h) => on[h] ?? [])
    .map((i) => ({ i, size: size(i) }))
    .sort((a, b) => b.size - a.size || a.i - b.i);
  for (const { i } of items) {
    let [best, most] = [-1, Number.NEGATIVE_INFINITY];
    for (const d of rest) {
      if (open[i * H + d] === 0 && packing.home[i] !== d) continue;
      const least = leastLeft(packing, i, left.get(d), scale);
      if (least > most) [best, most] = [d, least];
    }
    work.charge("fit", rest.length * hard);
    const into = left.get(best);
    if (into === undefined || most < -1e-7) return false;
    for (let k = 0; k < hard; k++) into[k] = (into[k] ?? 0) - (weight[i * K + k] ?? 0);
  }
  return true;
}

/** A usual room that is left, in each dimension. */
function scalesOf(left: ReadonlyMap<number, Float64Array>, hard: number): Float64Array {
  return Float64Array.from({ length: hard }, (_, k) => {
    let sum = 0;
    for (const each of left.values()) sum += Math.max(0, each[k] ?? 0);
    return Math.max(1e-9, sum / Math.max(1, left.size));
  });
}

/** What would be left of the scarcest dimension that the item needs, as a part of what is usual. */
function leastLeft(
  { K, hard, weight }: Packing,
  i: number,
  left: Float64Array | undefined,
  scale: Float64Array,
): number {
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < hard; k++) {
    const w = weight[i * K + k] ?? 0;
    if (w > 0) least = Math.min(least, ((left?.[k] ?? 0) - w) / (scale[k] ?? 1));
  }
  return least;
}
