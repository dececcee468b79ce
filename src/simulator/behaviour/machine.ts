/** A host as a machine: its power, and what waking it comes to. */

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
