/**
 * Whether the hosts that stay on absorb the failure of spare hosts: their VMs would find places on the rest, within the
 * limits. Tried by placing them, largest first; a balance rule and an anti-affinity group do not bind in an emergency.
 * Pure.
 */
import type { Work } from "../planner/search/work.ts";
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
  const { K, hard, H, weight, open, home } = packing;
  const rest = Int32Array.from(staying.filter((h) => !failing.includes(h)));
  const left = leftOver(packing, load);
  const scale = scalesOf(packing, rest, left);
  for (const i of largestFirst(
    packing,
    failing.flatMap((h) => on[h] ?? []),
    scale,
  )) {
    let [best, most] = [-1, Number.NEGATIVE_INFINITY];
    for (const d of rest) {
      if (open[i * H + d] === 0 && home[i] !== d) continue;
      let least = Number.POSITIVE_INFINITY;
      for (let k = 0; k < hard; k++) {
        const w = weight[i * K + k] ?? 0;
        if (w > 0) least = Math.min(least, ((left[d * K + k] ?? 0) - w) / (scale[k] ?? 1));
      }
      if (least > most) [best, most] = [d, least];
    }
    work.charge("fit", rest.length * hard);
    if (best < 0 || most < -1e-7) return false;
    for (let k = 0; k < hard; k++) left[best * K + k] = (left[best * K + k] ?? 0) - (weight[i * K + k] ?? 0);
  }
  return true;
}

/** What is left of each room. */
function leftOver({ room }: Packing, load: Float64Array): Float64Array {
  return room.map((most, pair) => most - (load[pair] ?? 0));
}

/** A usual room that is left on `rest`, in each dimension. */
function scalesOf({ K, hard }: Packing, rest: Int32Array, left: Float64Array): Float64Array {
  return Float64Array.from({ length: hard }, (_, k) => {
    let sum = 0;
    for (const h of rest) sum += Math.max(0, left[h * K + k] ?? 0);
    return Math.max(1e-9, sum / Math.max(1, rest.length));
  });
}

/** The items by the largest part that they take of a usual room. */
function largestFirst(
  { K, hard, weight }: Packing,
  items: readonly number[],
  scale: Float64Array,
): readonly number[] {
  const sized = items.map((i) => {
    let size = 0;
    for (let k = 0; k < hard; k++) size = Math.max(size, (weight[i * K + k] ?? 0) / (scale[k] ?? 1));
    return { i, size };
  });
  return sized.sort((a, b) => b.size - a.size || a.i - b.i).map(({ i }) => i);
}
