/** host.power_on: wake-on-LAN, management boards and scripts, how each fails, and how long each is waited for. */

import type { PoolModel } from "../metrics/model.ts";
import type { TaskHandle } from "../objects/contract.ts";
import { SimFailure } from "../server/failure.ts";
import { machineOf, notePower } from "./machines.ts";
import { boot } from "./powerCycle.ts";
import { isLive } from "./reach.ts";

const lookMs = 5000;
/** Packets are sent for five minutes, boards waited for ten: a host that boots slower has "failed" and comes yet. */
const packetLooks = 60;
const boardLooks = 120;
/** A board needs a moment to say no. */
const refusalMs = 2000;

/** Wakes the host and waits until it is live. Throws SimFailure as the plugin of the master does. */
export async function powerOn(
  model: PoolModel,
  hostRef: string,
  by: string,
  task: TaskHandle,
): Promise<void> {
  task.setCancellable(false);
  notePower(model, hostRef, "asked-on", by);
  try {
    await wake(model, hostRef, by);
  } catch (error) {
    notePower(model, hostRef, "not-woken", by, error instanceof SimFailure ? error.message : "");
    throw error;
  }
}

async function wake(model: PoolModel, hostRef: string, by: string): Promise<void> {
  const mode = model.db.text("host", hostRef, "power_on_mode");
  const hears = machineOf(model, hostRef).wake !== "never";
  if (mode === "wake-on-lan") {
    // Every packet may be the one that finds the machine off.
    await untilLive(model, hostRef, packetLooks, () => {
      if (hears) boot(model, hostRef, by);
    });
    return;
  }
  await assertBoardObeys(model, hostRef, mode);
  // One command: a machine that is still on its way down takes it for nothing, and goes off afterwards.
  if (hears) boot(model, hostRef, by);
  await untilLive(model, hostRef, boardLooks, () => {});
}

async function untilLive(model: PoolModel, hostRef: string, looks: number, send: () => void): Promise<void> {
  for (let look = 0; look < looks; look += 1) {
    send();
    await model.clock.sleep(lookMs);
    if (isLive(model, hostRef)) return;
  }
  throw new SimFailure("INTERNAL_ERROR", ['Failure("The host failed to power on.")']);
}

async function assertBoardObeys(model: PoolModel, hostRef: string, mode: string): Promise<void> {
  const kind = machineOf(model, hostRef).wake;
  // Administrators may have put a script where a release brings none, so only the scenario says that one is missing.
  if (kind === "no-script") {
    const [error, name] =
      model.release.era === "F" ? ["ModuleNotFoundError", `'${mode}'`] : ["ImportError", mode];
    throw pluginFailure(error, `No module named ${name}`);
  }
  if (kind !== "wrong-password") return;
  await model.clock.sleep(refusalMs);
  throw pluginFailure(
    `${mode.toUpperCase()}_POWERON_FAILED`,
    "Error: Unable to establish IPMI v2 / RMCP+ session\n",
  );
}

function pluginFailure(error: string, text: string): SimFailure {
  return new SimFailure("XENAPI_PLUGIN_FAILURE", ["main", error, text]);
}
