/** Takes back every move that nothing needs: dearest first, as long as no pair un-clears and none gets worse. Pure. */
import type { State } from "./state.ts";

/** Sends VMs home where that harms nothing; returns how many pairs are left. */
export function tidy(state: State): number {
  const { cost } = state.problem;
  let left = state.left();
  const vms = [...state.away.subarray(0, state.awayCount)].sort(
    (a, b) => (cost[b] ?? 0) - (cost[a] ?? 0) || a - b,
  );
  for (const v of vms) {
    const after = tryHome(state, v, left);
    if (after !== null) left = after;
  }
  return left;
}

/** Sends `v` home and returns the pairs left, or leaves it where it is and returns null. */
function tryHome(state: State, v: number, left: number): number | null {
  const { home, R, broken, anyVarying } = state.problem;
  const [from, back] = [state.at[v] ?? 0, home[v] ?? 0];
  if (from === back) return null;
  const before = anyVarying ? left : overAt(state, back);
  state.move(v, back);
  if (state.holds(back)) {
    if (anyVarying) {
      const after = state.left();
      if (after <= left) return after;
    } else {
      const after = overAt(state, back);
      if (after === before && notRaised(state, back)) return left;
    }
  }
  state.move(v, from);
  return null;

  function notRaised(of: State, h: number): boolean {
    for (let r = 0; r < R; r++) {
      const pair = h * R + r;
      if (
        broken[pair] === 1 &&
        of.isOver(pair) &&
        (of.load[pair] ?? 0) > (of.problem.load[pair] ?? 0) * (1 + 1e-12)
      ) {
        return false;
      }
    }
    return true;
  }
}

/** The rules that `h` misses, as bits. */
function overAt(state: State, h: number): number {
  const { R } = state.problem;
  let bits = 0;
  for (let r = 0; r < R; r++) if (state.isOver(h * R + r)) bits |= 1 << r;
  return bits;
}
