/** The measures of the simulated pool as its hosts' round-robin databases hold them. */
import type { MeasureStore, SourceSample } from "../objects/contract.ts";
import { hostSlotOf, slotAt } from "../objects/slots.ts";
import { hasMeasures, hostSamples, vmSamples } from "./metrics.ts";
import { isActive, type PoolModel, refOrNull } from "./model.ts";

/** Reads the model's history; what the messages that query data sources answer comes from there too. */
export function measureStore(model: PoolModel): MeasureStore {
  const { db } = model;
  const vmSources = (vmRef: string, slotEndMs: number): readonly SourceSample[] => {
    const hostRef = model.history.before(vmRef, slotEndMs)?.hostRef ?? null;
    if (hostRef === null || model.power.isDark(hostRef, slotEndMs)) return [];
    const slot = hostSlotOf(model, hostRef, slotEndMs)?.vms.find((vm) => vm.vmRef === vmRef);
    return slot === undefined ? [] : vmSamples(model, slot, slotEndMs);
  };
  const newestMs = (): number => slotAt(model.clock.now());
  return {
    newestMs,
    // A host that is off measures nothing: its archives have a gap there.
    hostSources: (hostRef, slotEndMs) =>
      model.power.isDark(hostRef, slotEndMs) ? [] : hostSamples(model, hostRef, slotEndMs),
    vmSources,
    vmsOf: (hostRef) =>
      db
        .list("host", hostRef, "resident_VMs")
        .filter((vm) => db.has("VM", vm) && hasMeasures(model, vm))
        .filter((vm) => (model.history.before(vm, newestMs())?.hostRef ?? null) !== null),
    homeOf: (vmRef) =>
      isActive(db.text("VM", vmRef, "power_state")) ? refOrNull(model, "VM", vmRef, "resident_on") : null,
    lastMeasuredMs: (vmRef) => {
      const leftMs = model.history.lastSeenMs(vmRef);
      return leftMs === null ? null : slotAt(Math.min(leftMs, model.clock.now()));
    },
  };
}
