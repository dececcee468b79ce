/** Shutting a host down and booting it: what the pool's records say meanwhile follows xapi's own steps. */

import { masterOf, type PoolModel, refOrNull } from "../metrics/model.ts";
import { simMap } from "../objects/datamodel.ts";
import { evacuateWhatMoves } from "./evacuation.ts";
import { machineOf, nextTurn, notePower } from "./machines.ts";
import { buryVms, forgetVolatile, guestsOn, setLive } from "./outages.ts";
import { haltVm } from "./vmLifecycle.ts";

/** The call that asks for it gets its answer first. */
const delayMs = 10_000;
/** From the toolstack's end to the power's. */
const haltMs = 20_000;
/** The toolstack is up and not ready: it answers HOST_STILL_BOOTING. */
const startingMs = 10_000;

/** Begins to shut the host down, or to reboot it: it goes on for ten seconds as if nothing had been asked. */
export function goDown(model: PoolModel, hostRef: string, by: string, reboot = false): void {
  const turn = nextTurn(model, hostRef, "leaving");
  notePower(model, hostRef, "asked-off", by);
  model.clock.after(delayMs, () => {
    if (machineOf(model, hostRef).turn !== turn) return;
    emptied(model, hostRef).then(
      () => leave(model, hostRef, turn, reboot),
      () => leave(model, hostRef, turn, reboot),
    );
  });
}

/** What still runs is moved away by newer hosts where it can be, and stopped where it cannot. Nobody is asked. */
async function emptied(model: PoolModel, hostRef: string): Promise<void> {
  const moves = model.release.era === "E" || model.release.era === "F";
  if (moves) await evacuateWhatMoves(model, hostRef, (vm) => stopVm(model, hostRef, vm));
  for (const vm of guestsOn(model, hostRef)) stopVm(model, hostRef, vm);
}

function stopVm(model: PoolModel, hostRef: string, vmRef: string): void {
  haltVm(model, vmRef);
  notePower(model, hostRef, "vm-stopped", "the host", model.db.text("VM", vmRef, "uuid"));
}

function leave(model: PoolModel, hostRef: string, turn: number, reboot: boolean): void {
  const machine = machineOf(model, hostRef);
  if (machine.turn !== turn) return;
  model.dark.add(hostRef);
  setLive(model, hostRef, false);
  notePower(model, hostRef, "dark", "the host");
  if (hostRef === masterOf(model)) forgetVolatile(model);
  model.clock.after(haltMs, () => {
    if (machine.turn !== turn) return;
    machine.state = "off";
    notePower(model, hostRef, "off", "the host");
    if (reboot) boot(model, hostRef, "the host");
  });
}

/** The host gets power: it comes back after its boot time. Without effect on a machine that is not off. */
export function boot(model: PoolModel, hostRef: string, by: string): void {
  const machine = machineOf(model, hostRef);
  if (machine.state !== "off") return;
  const turn = nextTurn(model, hostRef, "booting");
  model.crashed.delete(hostRef);
  model.dark.add(hostRef);
  notePower(model, hostRef, "booting", by);
  model.clock.after(machine.bootMs, () => {
    if (machine.turn === turn) comeUp(model, hostRef, turn);
  });
}

/** The host says hello: it is live at once, and accepts VMs only when its toolstack has started. */
function comeUp(model: PoolModel, hostRef: string, turn: number): void {
  const machine = machineOf(model, hostRef);
  const nowMs = model.clock.now();
  machine.state = "on";
  model.dark.delete(hostRef);
  buryVms(model, hostRef);
  model.outages.set(hostRef, { goneUntilMs: nowMs, startingUntilMs: nowMs + startingMs });
  const control = refOrNull(model, "host", hostRef, "control_domain");
  if (control !== null) model.domainSince.set(control, nowMs);
  model.db.update("host", hostRef, { enabled: false, current_operations: simMap([]) });
  notePower(model, hostRef, "live", "the host");
  setLive(model, hostRef, true);
  model.clock.after(startingMs, () => {
    if (machine.turn !== turn || !machine.autoEnable || machine.pendingGuidance) return;
    model.db.set("host", hostRef, "enabled", true);
    notePower(model, hostRef, "enabled", "the host");
  });
}
