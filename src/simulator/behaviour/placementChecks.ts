/** Whether a VM could run on a host: xapi's checks, in xapi's order, with its codes and parameters. */

import { cpusOf, isActive, type PoolModel } from "../metrics/model.ts";
import { nullRef } from "../objects/datamodel.ts";
import { isAtLeast } from "../objects/release.ts";
import { SimFailure } from "../server/failure.ts";
import { freeMemoryOf, requiredMemoryOf, virtualisationOf } from "./placementMemory.ts";
import { isLive } from "./reach.ts";

/** Throws VM_INCOMPATIBLE_WITH_THIS_HOST when the VM saw CPU features at its start that the host lacks. */
export function assertCpuCompatible(model: PoolModel, vmRef: string, hostRef: string): void {
  const vm = model.db.map("VM", vmRef, "last_boot_CPU_flags");
  const host = model.db.map("host", hostRef, "cpu_info");
  const fail = (reason: string): never => {
    throw new SimFailure("VM_INCOMPATIBLE_WITH_THIS_HOST", [vmRef, hostRef, reason]);
  };
  const vendors = [vm["vendor"], host["vendor"]];
  if (vendors.every((vendor) => typeof vendor === "string") && vendors[0] !== vendors[1]) {
    fail("VM last booted on a host which had a CPU from a different vendor.");
  }
  const key = virtualisationOf(model, vmRef) === "pv" ? "features_pv" : "features_hvm";
  const seen = featureWords(vm["features"]);
  const offered = featureWords(host[key] ?? host["features"]);
  // Data of different eras count their words differently and say nothing about each other.
  if (seen.length === 0 || seen.length !== offered.length) return;
  if (seen.some((word, index) => (word & ~(offered[index] ?? 0)) !== 0)) {
    fail("VM last booted on a CPU with features this host's CPU does not have.");
  }
}

function featureWords(text: unknown): number[] {
  return typeof text === "string" && /^[0-9a-f]+(-[0-9a-f]+)*$/i.test(text)
    ? text.split("-").map((word) => Number.parseInt(word, 16) | 0)
    : [];
}

/** What a check of placement looks at besides the rest; memory unless said otherwise. */
export interface PlacementScope {
  readonly memory?: boolean;
  readonly cpu?: boolean;
}

/** Throws the first reason why the VM could not run on the host; its CPUs' features only count where asked for. */
export function assertCanBootHere(
  model: PoolModel,
  vmRef: string,
  hostRef: string,
  scope: PlacementScope = {},
): void {
  assertMemoryLimits(model, vmRef);
  assertHostAccepts(model, vmRef, hostRef);
  assertHardwarePlatform(model, vmRef, hostRef);
  if (scope.cpu === true) assertCpuCompatible(model, vmRef, hostRef);
  assertStorage(model, vmRef, hostRef);
  assertNetworks(model, vmRef, hostRef);
  assertHvm(model, vmRef, hostRef);
  if (scope.memory !== false) assertMemory(model, vmRef, hostRef);
  assertEnoughCpus(model, vmRef, hostRef);
}

/** VM.get_possible_hosts: the hosts that could take the VM, or the one it is promised to. */
export function possibleHosts(model: PoolModel, vmRef: string): string[] {
  const promised = model.db.text("VM", vmRef, "scheduled_to_be_resident_on");
  if (promised !== nullRef) return [promised];
  return model.db.all("host").filter((host) => passes(() => assertCanBootHere(model, vmRef, host)));
}

function passes(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof SimFailure) return false;
    throw error;
  }
}

function assertMemoryLimits(model: PoolModel, vmRef: string): void {
  const limits = ["memory_static_min", "memory_dynamic_min", "memory_dynamic_max", "memory_static_max"].map(
    (field) => model.db.number("VM", vmRef, field),
  );
  if (limits.every((limit, index) => index === 0 || (limits[index - 1] ?? 0) <= limit)) return;
  const rule = "Memory limits must satisfy: static_min <= dynamic_min <= dynamic_max <= static_max";
  throw new SimFailure("MEMORY_CONSTRAINT_VIOLATION", [rule]);
}

function assertHostAccepts(model: PoolModel, vmRef: string, hostRef: string): void {
  if (!isLive(model, hostRef)) throw new SimFailure("HOST_NOT_LIVE");
  const own = model.db.text("VM", vmRef, "resident_on") === hostRef && isAtLeast(model.release, 2, 6);
  if (model.db.get("host", hostRef, "enabled") !== true && !own)
    throw new SimFailure("HOST_DISABLED", [hostRef]);
}

function assertHardwarePlatform(model: PoolModel, vmRef: string, hostRef: string): void {
  if (!isAtLeast(model.release, 2, 4)) return;
  const offered = model.db.list("host", hostRef, "virtual_hardware_platform_versions").map(Number);
  const wanted = model.db.number("VM", vmRef, "hardware_platform_version");
  if (offered.length === 0 || offered.includes(wanted)) return;
  throw new SimFailure("VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION", [
    hostRef,
    `[${offered.join("; ")}]`,
    vmRef,
    String(wanted),
  ]);
}

function assertStorage(model: PoolModel, vmRef: string, hostRef: string): void {
  const { db } = model;
  for (const vbd of db.list("VM", vmRef, "VBDs")) {
    if (!db.has("VBD", vbd) || db.get("VBD", vbd, "empty") === true) continue;
    const vdi = db.text("VBD", vbd, "VDI");
    if (!db.has("VDI", vdi)) continue;
    const sr = db.text("VDI", vdi, "SR");
    const attached = db
      .all("PBD")
      .some(
        (pbd) =>
          db.get("PBD", pbd, "SR") === sr &&
          db.get("PBD", pbd, "host") === hostRef &&
          db.get("PBD", pbd, "currently_attached") === true,
      );
    if (!attached) throw new SimFailure("VM_REQUIRES_SR", [vmRef, sr]);
  }
}

function assertNetworks(model: PoolModel, vmRef: string, hostRef: string): void {
  const { db } = model;
  for (const vif of db.list("VM", vmRef, "VIFs").filter((ref) => db.has("VIF", ref))) {
    const network = db.text("VIF", vif, "network");
    if (!db.has("network", network)) continue;
    if (db.map("network", network, "other_config")["assume_network_is_shared"] === "true") continue;
    const pifs = db.list("network", network, "PIFs").filter((pif) => db.has("PIF", pif));
    const here = pifs.filter((pif) => db.get("PIF", pif, "host") === hostRef);
    const missing = pifs.length > 0 ? here.length === 0 : isUsedElsewhere(model, network, vmRef, hostRef);
    if (missing) throw new SimFailure("VM_REQUIRES_NETWORK", [vmRef, network]);
    if (here.length > 0 && here.every((pif) => db.get("PIF", pif, "bond_slave_of") !== nullRef)) {
      throw new SimFailure("HOST_CANNOT_ATTACH_NETWORK", [hostRef, network]);
    }
  }
}

/** Whether running VMs use the internal network on another host: it exists on one host at a time. */
function isUsedElsewhere(model: PoolModel, network: string, vmRef: string, hostRef: string): boolean {
  const { db } = model;
  return db
    .list("network", network, "VIFs")
    .filter((vif) => db.has("VIF", vif))
    .map((vif) => db.text("VIF", vif, "VM"))
    .filter((vm) => vm !== vmRef && db.has("VM", vm) && isActive(db.text("VM", vm, "power_state")))
    .some((vm) => db.get("VM", vm, "resident_on") !== hostRef);
}

function assertHvm(model: PoolModel, vmRef: string, hostRef: string): void {
  const capabilities = model.db.list("host", hostRef, "capabilities");
  if (virtualisationOf(model, vmRef) !== "hvm" || capabilities.length === 0) return;
  if (!capabilities.some((capability) => capability.startsWith("hvm"))) {
    throw new SimFailure("VM_HVM_REQUIRED", [vmRef]);
  }
}

function assertMemory(model: PoolModel, vmRef: string, hostRef: string): void {
  const needed = requiredMemoryOf(model, vmRef);
  const available = freeMemoryOf(model, hostRef, vmRef);
  if (available < needed) {
    throw new SimFailure("HOST_NOT_ENOUGH_FREE_MEMORY", [String(needed), String(available)]);
  }
}

function assertEnoughCpus(model: PoolModel, vmRef: string, hostRef: string): void {
  if (!isAtLeast(model.release, 2, 11)) return;
  const wanted = model.db.number("VM", vmRef, "VCPUs_max");
  const cpus = cpusOf(model, hostRef);
  if (wanted <= cpus || model.db.map("VM", vmRef, "platform")["vcpu-unrestricted"] === "true") return;
  throw new SimFailure("HOST_NOT_ENOUGH_PCPUS", [String(wanted), String(cpus)]);
}
