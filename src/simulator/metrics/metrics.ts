/** Data sources of hosts and VMs: names, units and values by release. */
import type { SourceSample } from "../objects/contract.ts";
import { nullRef } from "../objects/datamodel.ts";
import { isAtLeast } from "../objects/release.ts";
import {
  firstPointIsNan,
  type HostSlot,
  hostSlotOf,
  slotAt,
  type VmSlot,
  vmSlotOf,
} from "../objects/slots.ts";
import { spreadOverCpus } from "./load.ts";
import { idleHost, isActive, type PoolModel } from "./model.ts";
import { runStates, wantingVcpus } from "./runStates.ts";
import { deviceRates, vifsOf } from "./wires.ts";

type SampleDraft = readonly [name: string, units: string, value: number, description: string];

/**
 * All sources of a host in the newest slot that is complete at `atMs`. Pure over the pool's history: the
 * same slot gives the same numbers, whenever and however often it is asked for.
 */
export function sampleHost(model: PoolModel, hostRef: string, atMs: number): SourceSample[] {
  return hostSamples(model, hostRef, slotAt(atMs));
}

/** All sources of a host in the slot that ends at `slotEndMs`. */
export function hostSamples(model: PoolModel, hostRef: string, slotEndMs: number): SourceSample[] {
  const slot = hostSlotOf(model, hostRef, slotEndMs);
  if (slot === undefined) return [];
  const uuid = model.db.text("host", hostRef, "uuid");
  const shares = hostCpuShares(model, hostRef, slot, `${model.seed}/${uuid}/${slotEndMs}`);
  const drafts = [
    ...cpuDrafts(shares, "physical"),
    ...hostDrafts(model, hostRef, slot, `${model.seed}/${uuid}/${slotEndMs}/hostload`),
    ...networkDrafts(model, hostRef, slot),
  ];
  return drafts.map((draft) => finish(model, hostRef, slotEndMs, draft));
}

/** As sampleHost, for a VM; empty where it was on no host. */
export function sampleVm(model: PoolModel, vmRef: string, atMs: number): SourceSample[] {
  const slotEndMs = slotAt(atMs);
  const slot = vmSlotOf(model, vmRef, slotEndMs);
  return slot === null ? [] : vmSamples(model, slot, slotEndMs);
}

/** All sources of a VM in its slot that its host records. */
export function vmSamples(model: PoolModel, slot: VmSlot, slotEndMs: number): SourceSample[] {
  const recorded = model.recorded.get(slot.vmRef);
  const drafts = vmDrafts(model, slot, slotEndMs);
  if (recorded !== undefined)
    drafts.push(
      ...unrecordedDrafts(model, slot).filter(
        ([name]) => (recorded.get(name) ?? Number.POSITIVE_INFINITY) < slotEndMs,
      ),
    );
  return drafts.map((draft) => finish(model, slot.vmRef, slotEndMs, draft));
}

/** The sources that the VM has at `atMs` and its host records only when it is asked to. */
export function optionalSources(model: PoolModel, vmRef: string, atMs: number): SourceSample[] {
  const slotEndMs = slotAt(atMs);
  const slot = vmSlotOf(model, vmRef, slotEndMs);
  return slot === null
    ? []
    : unrecordedDrafts(model, slot).map((draft) => finish(model, vmRef, slotEndMs, draft));
}

function finish(model: PoolModel, ref: string, slotEndMs: number, draft: SampleDraft): SourceSample {
  const [name, units, value, description] = draft;
  // The newest point stays visible until the next slot ends, so a fault shows as soon as it begins.
  const nan = model.faults.isNan(ref, name, slotEndMs, slotEndMs + 5000);
  const max = units === "(fraction)" && /^(?:cpu|run)/.test(name) ? 1 : Number.POSITIVE_INFINITY;
  return { name, description, units, min: 0, max, value: nan ? Number.NaN : Math.fround(value) };
}

/** What each of the host's threads did; those that sleep count as busy in Xen's accounts. */
function hostCpuShares(model: PoolModel, hostRef: string, slot: HostSlot, seed: string): number[] {
  const { threads } = model.hostLoads.get(hostRef) ?? idleHost;
  if (threads === "woken")
    return spreadOverCpus(slot.busyCpus / Math.max(1, 2 * slot.cpus), 2 * slot.cpus, seed);
  const counted = spreadOverCpus(slot.busyCpus / Math.max(1, slot.cpus), slot.cpus, seed);
  return threads === "off" ? counted.flatMap((share) => [share, 1]) : counted;
}

function cpuDrafts(shares: readonly number[], kind: string): SampleDraft[] {
  return shares.map((share, index): SampleDraft => {
    const words = kind === "physical" ? `Physical cpu usage for cpu ${index}` : `CPU${index} usage`;
    return [`cpu${index}`, "(fraction)", share, words];
  });
}

function hostDrafts(model: PoolModel, hostRef: string, slot: HostSlot, seed: string): SampleDraft[] {
  const load = model.hostLoads.get(hostRef) ?? idleHost;
  const usedKib = load.xapiUsedMib * 1024;
  const freeKib = load.xapiFreeMib * 1024;
  const drafts: SampleDraft[] = [
    ["memory_total_kib", "KiB", Math.floor(slot.totalBytes / 1024), "Total amount of memory in use"],
    ["memory_free_kib", "KiB", Math.floor(slot.unusedBytes / 1024), "Total amount of free memory"],
    ["xapi_memory_usage_kib", "KiB", usedKib, "Total memory allocated used by xapi daemon"],
    ["xapi_free_memory_kib", "KiB", freeKib, "Free memory available to the xapi daemon"],
    ["xapi_live_memory_kib", "KiB", Math.max(0, usedKib - freeKib), "Live memory used by xapi daemon"],
    ["xapi_allocation_kib", "KiB", 0, "Memory allocation done by the xapi daemon"],
    ["loadavg", "(fraction)", slot.loadAverage, "Domain0 loadavg"],
  ];
  const { era } = model.release;
  if (era !== "A") {
    const counted = slot.busyCpus / Math.max(1, slot.cpus);
    // The mean of all threads, like their single values.
    const mean = { on: counted, off: (counted + 1) / 2, woken: counted / 2 }[load.threads];
    drafts.push(["cpu_avg", "(fraction)", mean, "Average physical cpu usage"]);
  }
  if (era === "F") {
    const running = slot.vms.filter((vm) => vm.moment.power === "Running" && !vm.moment.frozen);
    const wanting = wantingVcpus(running, seed);
    drafts.push(
      ["hostload", "(fraction)", wanting / Math.max(1, slot.cpus), "Host load per physical cpu"],
      ["running_vcpus", "count", wanting, "The total number of running vcpus per host"],
      ["running_domains", "count", running.length, "The total number of running domains per host"],
    );
  }
  return drafts;
}

function networkDrafts(model: PoolModel, hostRef: string, slot: HostSlot): SampleDraft[] {
  const rates = deviceRates(model, hostRef, slot);
  const { era } = model.release;
  if (era === "A" || era === "B" || era === "C") rates.set("lo", { rx: slot.loRx, tx: slot.loTx });
  const drafts = [...rates].flatMap(([device, { rx, tx }]): SampleDraft[] => [
    [`pif_${device}_rx`, "B/s", rx, `Bytes per second received on physical interface ${device}`],
    [`pif_${device}_tx`, "B/s", tx, `Bytes per second sent on physical interface ${device}`],
  ]);
  if (era === "A") return drafts;
  const total = (side: "rx" | "tx"): number => [...rates.values()].reduce((sum, rate) => sum + rate[side], 0);
  return [
    ...drafts,
    ["pif_aggr_rx", "B/s", total("rx"), "Bytes per second received on all physical interfaces"],
    ["pif_aggr_tx", "B/s", total("tx"), "Bytes per second sent on all physical interfaces"],
  ];
}

function vmDrafts(model: PoolModel, slot: VmSlot, slotEndMs: number): SampleDraft[] {
  const { db } = model;
  const { vmRef } = slot;
  const control = db.get("VM", vmRef, "is_control_domain") === true;
  const counted = counterFactor(model, slot);
  const seed = `${model.seed}/${db.text("VM", vmRef, "uuid")}/${slotEndMs}`;
  const cpus = cpuDrafts(spreadOverCpus(slot.cpu, slot.vcpus, seed), "virtual").map(
    ([name, units, value, words]): SampleDraft => [name, units, value * counted, words],
  );
  const withheld = slot.moment.power === "Paused" || slot.moment.frozen;
  const memory = withheld ? Number.NaN : slot.moment.memoryBytes;
  const drafts: SampleDraft[] = [...cpus, ["memory", "B", memory, "Memory currently allocated to VM"]];
  if (model.release.era === "F")
    drafts.push(["cpu_usage", "(fraction)", slot.cpu * counted, "Domain CPU usage"]);
  if (control) return drafts;
  drafts.push([
    "memory_target",
    "B",
    withheld ? Number.NaN : db.number("VM", vmRef, "memory_target"),
    "Target of VM balloon driver",
  ]);
  if (hasTools(model, vmRef)) {
    const units = model.release.era === "B" ? "B" : "KiB";
    const freeKib = withheld ? Number.NaN : Math.floor(slot.freeBytes / 1024);
    drafts.push(["memory_internal_free", units, freeKib, "Memory used as reported by the guest agent"]);
  }
  for (const vif of vifsOf(model, vmRef)) {
    const device = db.text("VIF", vif, "device");
    const { rx, tx } = slot.traffic[Number(device)] ?? { rx: 0, tx: 0 };
    drafts.push(
      [
        `vif_${device}_tx`,
        "B/s",
        tx * counted,
        `Bytes per second transmitted on virtual interface ${device}`,
      ],
      [`vif_${device}_rx`, "B/s", rx * counted, `Bytes per second received on virtual interface ${device}`],
    );
  }
  return drafts;
}

/** The states of the VM's vCPUs; newer releases sum them up as well. */
function unrecordedDrafts(model: PoolModel, slot: VmSlot): SampleDraft[] {
  const counted = counterFactor(model, slot);
  const states = runStates(slot.vcpus, slot.cpu, slot.waiting);
  return Object.entries(states)
    .filter(([name]) => model.release.era === "F" || name.startsWith("runstate_"))
    .map(([name, share]): SampleDraft => [name, "(fraction)", share * counted, runStateWords[name] ?? name]);
}

const runStateWords: Readonly<Record<string, string>> = {
  runnable_vcpus: "Fraction of time that vCPUs of the domain are runnable",
  runnable_any: "Fraction of time that at least one vCPU is runnable in the domain",
  runstate_fullrun: "Fraction of time that all vCPUs are running",
  runstate_full_contention: "Fraction of time that all vCPUs are runnable (i.e., waiting for CPU)",
  runstate_concurrency_hazard: "Fraction of time that some vCPUs are running and some are runnable",
  runstate_blocked: "Fraction of time that all vCPUs are blocked or offline",
  runstate_partial_run: "Fraction of time that some vCPUs are running and some are blocked",
  runstate_partial_contention: "Fraction of time that some vCPUs are runnable and some are blocked",
};

/** What a counter's rate is multiplied with: a domain younger than the slot reads low, or not at all. */
function counterFactor(model: PoolModel, slot: VmSlot): number {
  if (slot.domainShare >= 1) return 1;
  return firstPointIsNan(model, slot) ? Number.NaN : slot.domainShare;
}

/** Whether the guest runs tools: it has guest metrics. */
export function hasTools(model: PoolModel, vmRef: string): boolean {
  const ref = model.db.text("VM", vmRef, "guest_metrics");
  return ref !== nullRef && model.db.has("VM_guest_metrics", ref);
}

/** Whether its release refuses a VM that has no domain by naming the power state (XenServer 7.1 and later). */
export function namesPowerState(model: PoolModel): boolean {
  return isAtLeast(model.release, 2, 6);
}

/** Whether the VM's measures exist anywhere: it has a domain and is not between two hosts. */
export function hasMeasures(model: PoolModel, vmRef: string): boolean {
  return (
    isActive(model.db.text("VM", vmRef, "power_state")) && model.migrations.get(vmRef)?.handover !== true
  );
}
