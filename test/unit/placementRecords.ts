/** XAPI records and inventories for tests of placement: ordinary ones, and whatever a test changes. */
import type { Inventory } from "../../src/xapi/inventory.ts";
import type * as xapi from "../../src/xapi/records.ts";

export const mib: number = 1024 * 1024;
export const gib: number = 1024 * mib;
export function ref<C extends string>(name: string): xapi.Ref<C> {
  return name as xapi.Ref<C>;
}
export const host1: xapi.HostRef = ref("host1");
export const host2: xapi.HostRef = ref("host2");
export const vm1: xapi.VmRef = ref("vm1");

export function aVm(fields: Partial<xapi.VmRecord> = {}): xapi.VmRecord {
  return {
    uuid: "vm",
    name_label: "vm",
    power_state: "Running",
    is_a_template: false,
    is_a_snapshot: false,
    is_control_domain: false,
    resident_on: host1,
    scheduled_to_be_resident_on: null,
    affinity: null,
    memory_dynamic_min: gib,
    memory_dynamic_max: gib,
    memory_static_max: gib,
    memory_overhead: 11 * mib,
    VCPUs_max: 1,
    metrics: null,
    guest_metrics: null,
    VBDs: [],
    VIFs: [],
    VGPUs: [],
    VUSBs: [],
    attached_PCIs: [],
    blocked_operations: new Map(),
    allowed_operations: ["pool_migrate"],
    current_operations: new Map(),
    tags: [],
    platform: new Map(),
    other_config: new Map(),
    ha_restart_priority: "",
    HVM_boot_policy: "",
    domain_type: "pv",
    PV_bootloader: "",
    PV_kernel: "",
    last_boot_CPU_flags: new Map(),
    groups: [],
    hardware_platform_version: 0,
    ...fields,
  };
}

export function aPif(fields: Partial<xapi.PifRecord> = {}): xapi.PifRecord {
  return {
    uuid: "pif",
    device: "eth0",
    network: null,
    host: host1,
    VLAN: -1,
    IP: "",
    physical: true,
    currently_attached: true,
    management: false,
    managed: true,
    disallow_unplug: false,
    bond_slave_of: null,
    bond_master_of: [],
    VLAN_master_of: null,
    VLAN_slave_of: [],
    tunnel_access_PIF_of: [],
    tunnel_transport_PIF_of: [],
    ...fields,
  };
}

export function aHost(fields: Partial<xapi.HostRecord> = {}): xapi.HostRecord {
  return {
    uuid: "host",
    name_label: "host",
    hostname: "host",
    address: "192.0.2.1",
    enabled: true,
    host_CPUs: [ref("cpu0"), ref("cpu1"), ref("cpu2"), ref("cpu3")],
    metrics: ref("metrics"),
    memory_overhead: 200 * mib,
    software_version: new Map([["product_version", "8.3.0"]]),
    power_on_mode: "",
    cpu_info: new Map(),
    current_operations: new Map(),
    allowed_operations: [],
    tags: [],
    other_config: new Map(),
    virtual_hardware_platform_versions: [],
    PIFs: [],
    PBDs: [],
    ...fields,
  };
}

/** Two hosts of 16 GiB, and whatever the test says. */
export function inventory(parts: Partial<Inventory> = {}): Inventory {
  const metrics: xapi.HostMetricsRecord = { uuid: "metrics", memory_total: 16 * gib, live: true };
  return {
    pool: {
      uuid: "pool",
      name_label: "pool",
      master: host1,
      ha_enabled: false,
      ha_host_failures_to_tolerate: 0,
      ha_plan_exists_for: 0,
      wlb_enabled: false,
      wlb_url: "",
      other_config: new Map(),
    },
    hosts: new Map([
      [host1, aHost()],
      [host2, aHost()],
    ]),
    hostMetrics: new Map([[ref<"host_metrics">("metrics"), metrics]]),
    vms: new Map(),
    vmMetrics: new Map(),
    guestMetrics: new Map(),
    groups: new Map(),
    vbds: new Map(),
    vdis: new Map(),
    pbds: new Map(),
    vifs: new Map(),
    pifs: new Map(),
    networks: new Map(),
    storageNames: new Map(),
    skipped: [],
    ...parts,
  };
}

export const guestRef: xapi.VmGuestMetricsRef = ref("guest");
export const metricsRef: xapi.VmMetricsRef = ref("vm-metrics");
export const vbdRef: xapi.VbdRef = ref("vbd");
export const vdiRef: xapi.VdiRef = ref("vdi");

export function withGuest(fields: Partial<xapi.VmGuestMetricsRecord>): Inventory {
  const guest: xapi.VmGuestMetricsRecord = {
    uuid: "guest",
    PV_drivers_version: new Map(),
    PV_drivers_detected: false,
    PV_drivers_up_to_date: false,
    other: new Map(),
    live: true,
    ...fields,
  };
  return inventory({ guestMetrics: new Map([[guestRef, guest]]) });
}

export function withMetrics(fields: Partial<xapi.VmMetricsRecord>): Inventory {
  const metrics: xapi.VmMetricsRecord = {
    uuid: "metrics",
    memory_actual: gib,
    VCPUs_number: 1,
    hvm: false,
    nested_virt: false,
    nomigrate: false,
    current_domain_type: "pv",
    ...fields,
  };
  return inventory({ vmMetrics: new Map([[metricsRef, metrics]]) });
}

export function withDisk(
  vdi: Partial<xapi.VdiRecord>,
  parts: Partial<Inventory> = {},
  empty = false,
): Inventory {
  const disk: xapi.VdiRecord = {
    uuid: "vdi",
    name_label: "root",
    SR: ref("sr"),
    type: "user",
    sharable: false,
    read_only: false,
    missing: false,
    on_boot: "persist",
    ...vdi,
  };
  const vbd: xapi.VbdRecord = {
    uuid: "vbd",
    VM: vm1,
    VDI: vdiRef,
    device: "xvda",
    userdevice: "0",
    type: "Disk",
    mode: "RW",
    empty,
    currently_attached: true,
  };
  return inventory({ vbds: new Map([[vbdRef, vbd]]), vdis: new Map([[vdiRef, disk]]), ...parts });
}
