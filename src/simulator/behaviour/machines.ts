/** The hosts as machines: whether they have power, how they boot, and what waking them comes to. */
import type { PoolModel } from "../metrics/model.ts";
import type { Machine, MachineState } from "./machine.ts";
import type { PowerEventKind } from "./powerRecord.ts";

export const usualBootMs = 180_000;

export function createMachine(): Machine {
  return {
    state: "on",
    bootMs: usualBootMs,
    wake: "works",
    autoEnable: true,
    pendingGuidance: false,
    turn: 0,
  };
}

/** The host's machine; every host of the pool has one. */
export function machineOf(model: PoolModel, hostRef: string): Machine {
  const known = model.machines.get(hostRef);
  if (known !== undefined) return known;
  const machine = createMachine();
  model.machines.set(hostRef, machine);
  return machine;
}

export function notePower(
  model: PoolModel,
  hostRef: string,
  kind: PowerEventKind,
  by: string,
  about = "",
): void {
  model.power.add({ atMs: model.clock.now(), hostRef, kind, by, about });
}

/** Enters a state and makes void what was to come of the one before. */
export function nextTurn(model: PoolModel, hostRef: string, state: MachineState): number {
  const machine = machineOf(model, hostRef);
  machine.state = state;
  machine.turn += 1;
  return machine.turn;
}
