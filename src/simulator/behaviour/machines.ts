/** The hosts as machines: whether they have power, how they boot, and what waking them comes to. */
import type { PoolModel } from "../metrics/model.ts";
import type { PowerEventKind } from "./powerRecord.ts";

/**
 *   on -> leaving (host.shutdown) -> off -> booting (host.power_on, the power button) -> on
 *   any -> off (crash)
 */
export type MachineState = "on" | "leaving" | "off" | "booting";

/**
 * What waking the host comes to. "never": whatever wakes it is heard by nobody; "wrong-password": its management
 * board refuses; "no-script": the master has no script for its mode.
 */
export const wakeKinds = ["works", "never", "wrong-password", "no-script"] as const;
export type WakeKind = (typeof wakeKinds)[number];

export interface Machine {
  state: MachineState;
  /** From power to the first word to the pool. */
  bootMs: number;
  wake: WakeKind;
  /** False once host.disable asked for maintenance that outlasts a reboot. */
  autoEnable: boolean;
  /** Guidance of an update is pending: the host comes back and stays disabled. */
  pendingGuidance: boolean;
  /** One higher with every turn of events: timers of an earlier one are void. */
  turn: number;
}

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
