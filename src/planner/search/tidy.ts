/** Takes back every move that nothing needs: dearest first, as long as no pair un-clears and none gets worse. Pure. */
import { type State, tolerance } from "../state.ts";
import type { Work } from "./work.ts";

/**
 * Sends VMs home where that harms nothing; returns how many pairs are left. Hosts that were not touched since the state
 * was tidy last take nobody back: nothing there has changed.
 */
export function tidy(state: State, work: Work): number {
  let left = state.left();
  // One that went home may have made room at another's home, or moved the mean.
  for (let before = -1; before !== state.awayCount; ) {
    before = state.awayCount;
    left = sendHome(state, left, work);
  }
  return left;
}

function sendHome(state: State, before: number, work: Work): number {
  const { R, cost, home, anyVarying } = state.problem;
  let left = before;
  const vms: number[] = [];
  for (let i = 0; i < state.awayCount; i++) {
    const v = state.away[i] ?? 0;
    // Where the mean moves, whatever happens elsewhere matters.
    if (anyVarying || state.touched[home[v] ?? 0] === 1) vms.push(v);
  }
  vms.sort((a, b) => (cost[b] ?? 0) - (cost[a] ?? 0) || a - b);
  work.charge("look", state.awayCount + vms.length * (2 + 3 * R));
  for (const v of vms) {
    const after = tryHome(state, v, left);
    if (after !== null) left = after;
  }
  return left;
}

/** Sends `v` home and returns the pairs left, or leaves it where it is and returns null. */
function tryHome(state: State, v: number, left: number): number | null {
  const { R, home, anyVarying, anyRising } = state.problem;
  const [from, back] = [state.at[v] ?? 0, home[v] ?? 0];
  if (from === back) return null;
  const before = overAt(state, back);
  state.move(v, back);
  const unharmed = state.holds(back) && (overAt(state, back) & ~before) === 0 && !raised(state, back);
  if (unharmed && !anyVarying && !anyRising && R <= 31) return left;
  if (unharmed) {
    // Its going home may have lowered the mean for all, or brought the host that it left past a term.
    const after = state.left();
    if (after <= left) return after;
  }
  state.move(v, from);
  return null;
}

/** Whether a pair of `h` that stays broken stands higher than at the start. */
function raised(state: State, h: number): boolean {
  const { R, load, rising } = state.problem;
  for (let r = 0; r < R; r++) {
    if (rising[r] === 1) continue;
    const pair = h * R + r;
    const [now, start] = [state.load[pair] ?? 0, load[pair] ?? 0];
    if (state.isOver(pair) && now > start + tolerance(now)) return true;
  }
  return false;
}

/** The rules that `h` misses, as bits. */
function overAt(state: State, h: number): number {
  const { R } = state.problem;
  let bits = 0;
  for (let r = 0; r < R; r++) if (state.isOver(h * R + r)) bits |= 1 << r;
  return bits;
}
