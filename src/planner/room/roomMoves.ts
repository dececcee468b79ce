/** The steps that make room as moves, with what each does to its two hosts. Pure. */
import { bytes } from "../../text/format.ts";
import type { Move, MoveFigures } from "../plan.ts";
import { State } from "../state.ts";
import type { PlannedTransfer } from "../steps/makespan.ts";
import type { Step } from "../steps/order.ts";
import { figuresOf } from "../tell/outcome.ts";
import { type Reason, reasonsOf } from "../tell/reason.ts";
import type { GuestProblem } from "./guest.ts";

const none: MoveFigures = {
  rule: null,
  mean: 0,
  sourceBefore: 0,
  sourceAfter: 0,
  destinationBefore: 0,
  destinationAfter: 0,
};

/** The moves in their order. That a step also relieves a rule is no reason here: it is made for the guest. */
export function toRoomMoves(
  guest: GuestProblem,
  steps: readonly Step[],
  transfers: readonly PlannedTransfer[],
  starts: readonly number[],
): Move[] {
  const { problem } = guest;
  const end = new State(problem);
  for (const { vm, to } of steps) end.move(vm, to);
  const target = problem.hosts.findIndex((_, h) => h !== guest.source && end.stepFits(guest.guest, h));
  const whole = [...steps, { vm: guest.guest, from: guest.source, to: target, parked: false }];
  const reasons = reasonsOf(new State(problem), whole);
  const state = new State(problem);
  return steps.flatMap((step, index) => {
    const [vm, source, destination] = [
      problem.vms[step.vm],
      problem.hosts[step.from],
      problem.hosts[step.to],
    ];
    const reason = reasons[index];
    if (vm === undefined || source === undefined || destination === undefined || reason === undefined)
      return [];
    const figures = figuresOf(state, step, reason.rule) ?? none;
    const told = toldOf(guest, state, step, reason, target);
    state.move(step.vm, step.to);
    return [
      {
        vm: vm.uuid,
        source: source.uuid,
        destination: destination.uuid,
        ...figures,
        ...told,
        copyBytes: problem.copies[step.vm] ?? null,
        after: transfers[index]?.after ?? [],
        startSeconds: starts[index] ?? 0,
        seconds: transfers[index]?.seconds ?? 0,
      },
    ];
  });
}

function toldOf(
  guest: GuestProblem,
  state: State,
  { from, parked }: Step,
  reason: Reason,
  target: number,
): Pick<Move, "purpose" | "makesRoomFor" | "reason"> {
  const { problem } = guest;
  const isForGuest = from === target || reason.purpose === "relieves" || reason.guest === guest.guest;
  if (!isForGuest) {
    const makesRoomFor = problem.vms[reason.guest]?.uuid ?? null;
    return { purpose: reason.purpose, makesRoomFor, reason: reason.text };
  }
  const vm = problem.vms[guest.guest];
  const name = vm?.name ?? "";
  const host = problem.hosts[target]?.name || (problem.hosts[target]?.uuid ?? "");
  // Free as xapi counts it: the planner's figure has the headroom taken off.
  const headroom = (problem.hosts[target]?.placementFreeBytes ?? 0) - (problem.free[target] ?? 0);
  const has = bytes(Math.max(0, (state.free[target] ?? 0) + headroom), "MB");
  return {
    purpose: parked ? "waits elsewhere" : "makes room",
    makesRoomFor: vm?.uuid || null,
    reason: `${name} needs ${bytes(vm?.placementBytes ?? 0, "MB")} on ${host}, which has ${has} free before this`,
  };
}
