/**
 * What the pool's objects say about where a VM may run: memory as xapi counts it, VMs that cannot move, hosts that
 * cannot take them. Pure. The same checks as xapi's own before a migration, from bulk records; xapi has the last word.
 */
import type { Inventory } from "./inventory.ts";
import type { HostRecord, HostRef, NetworkRef, SrRef, VdiRecord, VmRecord, VmRef } from "./records.ts";
import { unreadableOf } from "./unreadable.ts";

const mebibyte = 1024 * 1024;

/** Whether xapi counts static_max instead of dynamic_min: ballooning needed a licence up to XenServer 6. */
export function countsStaticMax(host: HostRecord): boolean {
  const major = Number.parseInt(host.software_version.get("product_version") ?? "", 10);
  return Number.isFinite(major) && major <= 6;
}

/**
 * Bytes a destination must have free for `vm`: ceil_MiB(dynamic_min) + overhead; static_max for a paravirtual guest
 * in a PVH container, which cannot balloon (xen-api memory_check.ml, vm_compute_required_memory).
 */
export function requiredBytes(vm: VmRecord, staticMax: boolean): number {
  const memory = staticMax || vm.domain_type === "pv_in_pvh" ? vm.memory_static_max : vm.memory_dynamic_min;
  return Math.ceil(memory / mebibyte) * mebibyte + vm.memory_overhead;
}

/**
 * Bytes that a live migration shrinks the guest to before it copies: memory_dynamic_min (CA-78365). Null where the
 * guest's memory has no range to shrink in, or the pool's licence allows no ballooning.
 */
export function shrinksToBytes(vm: VmRecord, staticMax: boolean): number | null {
  if (staticMax || vm.domain_type === "pv_in_pvh" || vm.is_control_domain) return null;
  return vm.memory_dynamic_min < vm.memory_dynamic_max ? vm.memory_dynamic_min : null;
}

/**
 * Bytes that xapi would still give to arriving VMs on each host: total - overhead - what resident and announced VMs
 * may shrink to (xen-api memory_check.ml, host_compute_free_memory_with_policy). Null where the total is unknown.
 */
export function freeBytes(inventory: Inventory): ReadonlyMap<HostRef, number | null> {
  const used = new Map<HostRef, number>();
  const add = (host: HostRef | null, bytes: number) => {
    if (host !== null) used.set(host, (used.get(host) ?? 0) + bytes);
  };
  const staticMax = [...inventory.hosts.values()].some(countsStaticMax);
  for (const vm of inventory.vms.values()) {
    const bytes = (staticMax ? vm.memory_static_max : vm.memory_dynamic_min) + vm.memory_overhead;
    add(vm.resident_on, bytes);
    add(vm.scheduled_to_be_resident_on, bytes);
  }
  const free = new Map<HostRef, number | null>();
  for (const [ref, host] of inventory.hosts) {
    const total = host.metrics === null ? 0 : (inventory.hostMetrics.get(host.metrics)?.memory_total ?? 0);
    free.set(ref, total > 0 ? Math.max(0, total - host.memory_overhead - (used.get(ref) ?? 0)) : null);
  }
  return free;
}

/** Whether the guest runs the tools that a live migration of an HVM guest needs. */
export function hasTools(vm: VmRecord, inventory: Inventory): boolean {
  const guest = vm.guest_metrics === null ? undefined : inventory.guestMetrics.get(vm.guest_metrics);
  if (guest === undefined) return false;
  return guest.PV_drivers_detected || guest.PV_drivers_version.size > 0;
}

/** Why `vm` can be moved to no host: XAPI's code with its detail, in the order xapi checks; null when nothing forbids it. */
export function immovableReason(vm: VmRecord, inventory: Inventory): string | null {
  const blocked = vm.blocked_operations.get("pool_migrate");
  if (blocked !== undefined) return `OPERATION_BLOCKED (${blocked})`;
  const operation = [...vm.current_operations.values()][0];
  if (operation !== undefined) return `OTHER_OPERATION_IN_PROGRESS (${operation})`;
  if (isImmobile(vm, inventory)) return "VM_IS_IMMOBILE (nomigrate or nested virtualisation)";
  if (vm.is_control_domain) return "OPERATION_NOT_ALLOWED (control domain)";
  const guest = vm.guest_metrics === null ? undefined : inventory.guestMetrics.get(vm.guest_metrics);
  const cannotSuspend = guest?.other.get("data-cant-suspend-reason");
  if (cannotSuspend !== undefined) return `VM_NON_SUSPENDABLE (${cannotSuspend})`;
  if (isHvm(vm, inventory) && !hasTools(vm, inventory) && !guest?.other.has("feature-suspend")) {
    return "VM_LACKS_FEATURE (no guest tools)";
  }
  if (disks(vm, inventory).some((vdi) => vdi.on_boot === "reset")) {
    return "VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION (a disk is reset at boot)";
  }
  if (vm.attached_PCIs.length > 0) return "VM_HAS_PCI_ATTACHED (PCI passthrough)";
  if (vm.VGPUs.length > 0) return "VM_HAS_VGPU (virtual GPU)";
  if (vm.VUSBs.length > 0) return "VM_HAS_VUSBS (USB passthrough)";
  if (vm.allowed_operations.length > 0 && !vm.allowed_operations.includes("pool_migrate")) {
    return "OPERATION_NOT_ALLOWED (the pool does not offer pool_migrate for it now)";
  }
  return null;
}

function isImmobile(vm: VmRecord, inventory: Inventory): boolean {
  const metrics = vm.metrics === null ? undefined : inventory.vmMetrics.get(vm.metrics);
  const set = (key: string) => ["true", "1"].includes(vm.platform.get(key) ?? "");
  return (
    metrics?.nomigrate === true || metrics?.nested_virt === true || set("nomigrate") || set("nested-virt")
  );
}

function isHvm(vm: VmRecord, inventory: Inventory): boolean {
  if (vm.domain_type !== "unspecified") return vm.domain_type === "hvm";
  const metrics = vm.metrics === null ? undefined : inventory.vmMetrics.get(vm.metrics);
  return metrics?.hvm === true || vm.HVM_boot_policy !== "";
}

/** Without hardware help: PVH guests and paravirtual ones inside PVH see the CPU as HVM guests do. */
function isParavirtual(vm: VmRecord, inventory: Inventory): boolean {
  return vm.domain_type === "pv" || (vm.domain_type === "unspecified" && !isHvm(vm, inventory));
}

function disks(vm: VmRecord, inventory: Inventory): VdiRecord[] {
  const found: VdiRecord[] = [];
  for (const ref of vm.VBDs) {
    const vbd = inventory.vbds.get(ref);
    const vdi = vbd === undefined || vbd.empty || vbd.VDI === null ? undefined : inventory.vdis.get(vbd.VDI);
    if (vdi !== undefined) found.push(vdi);
  }
  return found;
}

/** Answers, for any VM and host, why the host cannot take the VM. Looks storage and networks up once for the pool. */
export class InfeasiblePairFinder {
  readonly #inventory: Inventory;
  readonly #hostsOfStorage = new Map<SrRef, Set<HostRef>>();
  readonly #hostsOfNetwork = new Map<NetworkRef, Map<HostRef, { usable: boolean }>>();
  readonly #infeasible = new Map<string, readonly HostRef[]>();
  readonly #subsets = new Map<string, Map<string, boolean>>();
  /** Internal networks of which it cannot be told who uses them. */
  readonly #doubtful = new Set<NetworkRef>();
  readonly #runningOnNetwork = new Map<NetworkRef, { vm: VmRef; host: HostRef }[]>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
    for (const { SR, host, currently_attached } of inventory.pbds.values()) {
      if (SR === null || host === null || !currently_attached) continue;
      mapEntry(this.#hostsOfStorage, SR, () => new Set()).add(host);
    }
    for (const { network, host, bond_slave_of } of inventory.pifs.values()) {
      if (network === null || host === null) continue;
      const usable = bond_slave_of === null;
      mapEntry(this.#hostsOfNetwork, network, () => new Map()).set(host, { usable });
    }
    const [vms, vifs] = [unreadableOf(inventory, "VM"), unreadableOf(inventory, "VIF")];
    for (const [ref, { VIFs }] of vifs.size === 0 ? [] : inventory.networks)
      if (VIFs.some((vif) => vifs.has(vif))) this.#doubtful.add(ref);
    const users = [...inventory.vifs.values()].map(({ network, VM }) => ({ network, VM }));
    // Both ends say whose an interface is: one that was changed on the way must not hide the VM that has it.
    for (const [VM, { VIFs }] of inventory.vms) {
      for (const ref of VIFs) {
        const vif = inventory.vifs.get(ref);
        if (vif !== undefined && vif.VM !== VM) users.push({ network: vif.network, VM });
      }
    }
    for (const { network, VM } of users) {
      if (network !== null && VM !== null && vms.has(VM)) this.#doubtful.add(network);
      const host = VM === null ? undefined : inventory.vms.get(VM)?.resident_on;
      if (network === null || VM === null || !host) continue;
      mapEntry(this.#runningOnNetwork, network, () => []).push({ vm: VM, host });
    }
  }

  /** The hosts that cannot take the VM, among them perhaps its own. VMs that need the same share the answer. */
  infeasibleHosts(vmRef: VmRef, vm: VmRecord): readonly HostRef[] {
    return mapEntry(this.#infeasible, this.#needs(vmRef, vm), () =>
      [...this.#inventory.hosts]
        .filter(([hostRef, host]) => this.reason(vmRef, vm, hostRef, host) !== null)
        .map(([hostRef]) => hostRef),
    );
  }

  /** All of the VM that `reason` looks at, but for names. */
  #needs(vmRef: VmRef, vm: VmRecord): string {
    const networks = vm.VIFs.map((vif) => this.#inventory.vifs.get(vif)?.network ?? null);
    const isInternal = networks.some((ref) => ref !== null && !this.#hostsOfNetwork.has(ref));
    return JSON.stringify([
      vm.power_state === "Halted",
      vm.last_boot_CPU_flags.get("vendor"),
      vm.last_boot_CPU_flags.get("features"),
      isParavirtual(vm, this.#inventory),
      vm.hardware_platform_version,
      vm.VCPUs_max,
      vm.platform.get("vcpu-unrestricted"),
      [...new Set(disks(vm, this.#inventory).map((vdi) => vdi.SR))].sort(),
      [...new Set(networks)].sort(),
      // Where an internal network is in use depends on who asks.
      isInternal ? vmRef : null,
    ]);
  }

  /** XAPI's code and what it names, or null when the host could take the VM (memory aside). */
  reason(vmRef: VmRef, vm: VmRecord, hostRef: HostRef, host: HostRecord): string | null {
    return (
      this.#cpu(vm, host) ??
      this.#platform(vm, host) ??
      this.#storage(vm, hostRef) ??
      this.#network(vmRef, vm, hostRef) ??
      this.#processors(vm, host)
    );
  }

  /** A start levels the guest anew: what CPUs it saw before keeps it from no host. */
  #cpu(vm: VmRecord, host: HostRecord): string | null {
    if (vm.power_state === "Halted") return null;
    const vmVendor = vm.last_boot_CPU_flags.get("vendor");
    const hostVendor = host.cpu_info.get("vendor");
    if (vmVendor !== undefined && hostVendor !== undefined && vmVendor !== hostVendor) {
      return `VM_INCOMPATIBLE_WITH_THIS_HOST (booted on ${vmVendor}, the host is ${hostVendor})`;
    }
    const needed = vm.last_boot_CPU_flags.get("features");
    const offered =
      host.cpu_info.get(isParavirtual(vm, this.#inventory) ? "features_pv" : "features_hvm") ??
      host.cpu_info.get("features");
    if (needed === undefined || offered === undefined) return null;
    const answers = mapEntry(this.#subsets, needed, () => new Map());
    if (mapEntry(answers, offered, () => isFeatureSubset(needed, offered))) return null;
    return "VM_INCOMPATIBLE_WITH_THIS_HOST (it uses CPU features that the host lacks)";
  }

  #platform(vm: VmRecord, host: HostRecord): string | null {
    const versions = host.virtual_hardware_platform_versions;
    if (versions.length === 0 || versions.includes(vm.hardware_platform_version)) return null;
    return `VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION (${vm.hardware_platform_version})`;
  }

  #storage(vm: VmRecord, host: HostRef): string | null {
    for (const vdi of disks(vm, this.#inventory)) {
      if (vdi.SR === null || this.#hostsOfStorage.get(vdi.SR)?.has(host)) continue;
      const name = this.#inventory.storageNames.get(vdi.SR) ?? vdi.SR;
      return `VM_REQUIRES_SR (disk "${vdi.name_label}" is on storage "${name}", which the host does not have)`;
    }
    return null;
  }

  #network(vmRef: VmRef, vm: VmRecord, host: HostRef): string | null {
    for (const vifRef of vm.VIFs) {
      const networkRef = this.#inventory.vifs.get(vifRef)?.network ?? null;
      if (networkRef === null) continue;
      const network = this.#inventory.networks.get(networkRef);
      const name = network?.name_label ?? networkRef;
      const hosts = this.#hostsOfNetwork.get(networkRef);
      if (hosts?.get(host)?.usable === false) {
        return `HOST_CANNOT_ATTACH_NETWORK (network "${name}" is on a bonded interface there)`;
      }
      if (hosts?.has(host) || network?.other_config.get("assume_network_is_shared") === "true") continue;
      if (hosts !== undefined) return `VM_REQUIRES_NETWORK (network "${name}" is not on the host)`;
      // A network without interfaces is internal; one whose interfaces could not be read only looks like it.
      if (network === undefined || network.PIFs.length > 0)
        return `VM_REQUIRES_NETWORK (where network "${name}" is cannot be read)`;
      if (this.#doubtful.has(networkRef))
        return `VM_REQUIRES_NETWORK (who uses internal network "${name}" cannot be read)`;
      const elsewhere = this.#runningOnNetwork
        .get(networkRef)
        ?.some((other) => other.vm !== vmRef && other.host !== host);
      if (elsewhere) return `VM_REQUIRES_NETWORK (internal network "${name}" is in use on another host)`;
    }
    return null;
  }

  #processors(vm: VmRecord, host: HostRecord): string | null {
    const available = host.host_CPUs.length;
    if (available === 0 || vm.VCPUs_max <= available) return null;
    if (vm.platform.get("vcpu-unrestricted") === "true") return null;
    return `HOST_NOT_ENOUGH_PCPUS (${vm.VCPUs_max} vCPUs, the host has ${available} CPUs)`;
  }
}

/** Whether every bit of `needed` stands in `offered`: groups of hexadecimal digits by dashes, missing ones zero. */
export function isFeatureSubset(needed: string, offered: string): boolean {
  const words = (text: string) => text.split("-").map((word) => Number.parseInt(word, 16) >>> 0);
  const have = words(offered);
  return words(needed).every((word, index) => (word & ~(have[index] ?? 0)) === 0);
}

function mapEntry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const made = make();
  map.set(key, made);
  return made;
}
