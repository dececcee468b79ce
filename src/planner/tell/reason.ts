/**
 * Why each step is in the plan, in words: its source breaks a rule that it lowers, or a later arrival there would find
 * no room without it. Pure.
 */
import { bytes } from "../../text/format.ts";
import type { Purpose } from "../plan.ts";
import { type Problem, weightOn } from "../problem.ts";
import { aimOf, limitOf, type State, tolerance } from "../state.ts";
import type { Step } from "../steps/order.ts";
import { amount, measured, rounded, subjectName } from "./figures.ts";

export interface Reason {
  readonly purpose: Purpose;
  /** The rule whose figures tell most of the step. */
  readonly rule: number;
  /** The VM that would find no room at the source, or -1. */
  readonly guest: number;
  readonly text: string;
}

/** The reasons of `steps`, which are possible in this order; `state` ends after the last. */
export function reasonsOf(state: State, steps: readonly Step[]): Reason[] {
  const cured = curedBy(state, steps);
  state.reset();
  const reasons = new Map<number, Reason>();
  const open = new Set<number>();
  const waited = new Set<number>();
  steps.forEach((step, index) => {
    for (const earlier of open) {
      const found = reasonFor(state, steps[earlier], step);
      if (found === null) continue;
      reasons.set(earlier, found);
      open.delete(earlier);
    }
    const found = step.parked
      ? null
      : waited.has(step.vm)
        ? goingOn(state, step)
        : relief(state, step, cured);
    if (found === null) open.add(index);
    else reasons.set(index, found);
    if (step.parked) waited.add(step.vm);
    state.move(step.vm, step.to);
  });
  return steps.map((step, index) => reasons.get(index) ?? necessity(state, steps, step));
}

/** 1 at the pairs that are not over when all steps are done: of a chain the terms that cure it. */
function curedBy(state: State, steps: readonly Step[]): Uint8Array {
  const { H, R } = state.problem;
  state.reset();
  for (const { vm, to } of steps) state.move(vm, to);
  return Uint8Array.from({ length: H * R }, (_, pair) =>
    state.over(pair) <= tolerance(state.load[pair] ?? 0) ? 1 : 0,
  );
}

/** The term of a chain that the steps cure it by, else the easiest; a rule of one term is that term. */
function decisive(state: State, pair: number, cured: Uint8Array): number {
  const { R, first, end } = state.problem;
  const base = pair - (pair % R);
  for (let r = first[pair % R] ?? 0; r < (end[pair % R] ?? 0); r++)
    if (cured[base + r] === 1) return base + r;
  return state.easiest(pair);
}

/** That the step lowers a rule which its source breaks; of several the worst, a broken one before one above its aim. */
function relief(state: State, { vm, from }: Step, cured: Uint8Array): Reason | null {
  const { R, broken, weight, scale } = state.problem;
  let [worst, most] = [-1, 0];
  for (let r = 0; r < R; r++) {
    const pair = from * R + r;
    if (broken[pair] === 0 || !state.isOver(pair) || !((weight[vm * R + r] ?? 0) > 0)) continue;
    if (decisive(state, pair, cured) !== pair) continue;
    const over = state.over(pair) / (scale[r] ?? 1) + (isBroken(state, pair) ? 1e6 : 0);
    if (over > most) [worst, most] = [r, over];
  }
  if (worst < 0) return null;
  const pair = from * R + worst;
  const figures = controlState(state, pair, state.load[pair] ?? 0, isBroken(state, pair));
  return { purpose: "relieves", rule: worst, guest: -1, text: `${hostName(state, from)} ${figures}` };
}

function isBroken(state: State, pair: number): boolean {
  const { problem, load, floor } = state;
  return (load[pair] ?? 0) > limitOf(problem, pair, floor[pair % problem.R] ?? 0);
}

function goingOn(state: State, { from }: Step): Reason {
  const text = `it waited on ${hostName(state, from)} and goes to its own place`;
  return { purpose: "goes on", rule: nearest(state, from), guest: -1, text };
}

/** Why `guest`, which comes next, could not come if the VM of `step` were still where it came from; null if it could. */
function reasonFor(state: State, step: Step | undefined, guest: Step): Reason | null {
  if (step === undefined || step.from !== guest.to || step.vm === guest.vm) return null;
  const now = state.at[step.vm] ?? 0;
  state.move(step.vm, step.from);
  const reason = state.stepFits(guest.vm, guest.to) ? null : lack(state, step, guest.vm);
  state.move(step.vm, now);
  return reason;
}

/** What `guest` lacks at the source of `step`, where the VM of the step stands again. */
function lack(state: State, step: Step, guest: number): Reason {
  const { problem } = state;
  const { R, weight, inverse, need } = problem;
  const source = hostName(state, step.from);
  const name = vmName(problem, guest);
  const purpose: Purpose = step.parked ? "waits elsewhere" : "makes room";
  const because = (rule: number, text: string): Reason => ({ purpose, rule, guest, text });
  if ((state.free[step.from] ?? 0) < (need[guest] ?? 0)) {
    const has = bytes(Math.max(0, state.free[step.from] ?? 0), "MB");
    return because(
      nearest(state, step.from),
      `${name} needs ${bytes(need[guest] ?? 0, "MB")} on ${source}, which has ${has} as long as this VM is there`,
    );
  }
  const group = state.fullGroup(guest, step.from);
  if (group >= 0) {
    const text = `${name} comes to ${source}, which may not hold more of anti-affinity group ${problem.groups.names[group]}`;
    return because(nearest(state, step.from), text);
  }
  let [worst, most] = [-1, Number.NEGATIVE_INFINITY];
  for (let r = 0; r < R; r++) {
    const pair = step.from * R + r;
    const more = weightOn(problem, guest, step.from, r) * (inverse[pair] ?? 0);
    const over = (state.over(pair) + more) / (problem.scale[r] ?? 1);
    if (more > 0 && (weight[step.vm * R + r] ?? 0) > 0 && over > most) [worst, most] = [r, over];
  }
  if (worst < 0) return because(nearest(state, step.from), `without it ${name} could not come to ${source}`);
  const pair = step.from * R + worst;
  const value = (state.load[pair] ?? 0) + weightOn(problem, guest, step.from, worst) * (inverse[pair] ?? 0);
  return because(worst, `with ${name} but without this ${source} ${controlState(state, pair, value, true)}`);
}

/** What would be wrong at the end of the plan if this step alone had not been made. `state` stands at the end. */
function necessity(state: State, steps: readonly Step[], step: Step): Reason {
  const { problem } = state;
  const { R, weight } = problem;
  const [now, purpose] = [state.at[step.vm] ?? 0, step.parked ? "waits elsewhere" : "makes room"] as const;
  const source = hostName(state, step.from);
  const comes = steps.findLastIndex(({ vm, to }) => to === step.from && vm !== step.vm);
  const last = steps[comes]?.vm ?? -1;
  // Room is made for who comes later; who has come before is only part of what would be wrong.
  const guest = comes > steps.indexOf(step) ? last : -1;
  const guests = last < 0 ? "" : `with ${vmName(problem, last)} but `;
  state.move(step.vm, step.from);
  const because = (rule: number, text: string): Reason => ({ purpose, rule, guest, text });
  let reason: Reason | null = null;
  if (!state.holds(step.from)) {
    const short = bytes(Math.max(0, -(state.free[step.from] ?? 0)), "MB");
    reason = because(nearest(state, step.from), `${guests}without this ${source} lacks ${short}`);
  }
  for (let r = 0; r < R && reason === null; r++) {
    const pair = step.from * R + r;
    if (!state.isOver(pair) || !((weight[step.vm * R + r] ?? 0) > 0)) continue;
    reason = because(
      r,
      `${guests}without this ${source} ${controlState(state, pair, state.load[pair] ?? 0, isBroken(state, pair))} in the end`,
    );
  }
  reason ??= meanKept(state, step, purpose);
  state.move(step.vm, now);
  return reason;
}

/** That without the step the pool's mean, and with it what a rule allows, would be lower. */
function meanKept(state: State, step: Step, purpose: Purpose): Reason {
  const { H, R, varying } = state.problem;
  for (let pair = 0; pair < H * R; pair++) {
    if (varying[pair % R] === 0 || !state.isOver(pair)) continue;
    const host = hostName(state, Math.floor(pair / R));
    const text = `without this the mean would fall so far that ${host} ${controlState(state, pair, state.load[pair] ?? 0, true)}`;
    return { purpose, rule: pair % R, guest: -1, text };
  }
  const rule = nearest(state, step.from);
  return {
    purpose,
    rule,
    guest: -1,
    text: `it opens the way for other moves from ${hostName(state, step.from)}`,
  };
}

/** "is 22.3 % above the mean of CpuAverage, 15 are allowed" */
function controlState(state: State, pair: number, value: number, byThreshold: boolean): string {
  const { problem } = state;
  const r = pair % problem.R;
  const floor = state.floor[r] ?? 0;
  const most = byThreshold ? limitOf(problem, pair, floor) : aimOf(problem, pair, floor);
  const allowed = byThreshold ? "allowed" : "aimed at";
  const subject = subjectName(problem, r);
  if (most === problem.ceiling[pair] || problem.terms[r]?.condition !== "more than mean") {
    const [has, limit] = [measured(problem, r, value), measured(problem, r, most)];
    const least = problem.sign[r] === -1 ? " at least" : "";
    return `has ${amount(problem, r, has)} of ${subject}, ${rounded(limit)}${least} are ${allowed}`;
  }
  return `is ${amount(problem, r, value - floor)} above the mean of ${subject}, ${rounded(most - floor)} are ${allowed}`;
}

/** The rule that the host is nearest to breaking. */
function nearest(state: State, h: number): number {
  const { R, scale } = state.problem;
  let [rule, most] = [0, Number.NEGATIVE_INFINITY];
  for (let r = 0; r < R; r++) {
    const over = state.over(h * R + r) / (scale[r] ?? 1);
    if (over > most) [rule, most] = [r, over];
  }
  return rule;
}

function hostName({ problem }: State, h: number): string {
  return problem.hosts[h]?.name || (problem.hosts[h]?.uuid ?? "");
}

function vmName({ vms }: Problem, v: number): string {
  return vms[v]?.name || (vms[v]?.uuid ?? "");
}
