/**
 * What this project keeps of XAPI's objects: branded refs and records with XAPI's own field names.
 * Types only. Null refs are null, ints are safe integers, maps are Maps, sizes are bytes.
 */

declare const refClass: unique symbol;

/** XAPI's handle of an object; not to be stored: only uuids last. */
export type Ref<Class extends string> = string & { readonly [refClass]: Class };

export type PoolRef = Ref<"pool">;
export type HostRef = Ref<"host">;
export type HostMetricsRef = Ref<"host_metrics">;
export type HostCpuRef = Ref<"host_cpu">;
export type VmRef = Ref<"VM">;
export type VmMetricsRef = Ref<"VM_metrics">;
export type VmGuestMetricsRef = Ref<"VM_guest_metrics">;
export type VmGroupRef = Ref<"VM_group">;
export type VbdRef = Ref<"VBD">;
export type VdiRef = Ref<"VDI">;
export type SrRef = Ref<"SR">;
export type PbdRef = Ref<"PBD">;
export type VifRef = Ref<"VIF">;
export type PifRef = Ref<"PIF">;
export type NetworkRef = Ref<"network">;
export type BondRef = Ref<"Bond">;
export type VlanRef = Ref<"VLAN">;
export type TunnelRef = Ref<"tunnel">;
export type VgpuRef = Ref<"VGPU">;
export type VusbRef = Ref<"VUSB">;
export type PciRef = Ref<"PCI">;
export type TaskRef = Ref<"task">;

/** A string-to-string map of XAPI, such as other_config. Keys may be any text, `__proto__` included. */
export type StringMap = ReadonlyMap<string, string>;

/** XAPI's words; one that is not known yet is kept as it came. */
export type XapiPowerState = "Halted" | "Paused" | "Running" | "Suspended" | (string & {});
export type DomainType = "hvm" | "pv" | "pv_in_pvh" | "pvh" | "unspecified" | (string & {});
export type TaskStatus = "pending" | "success" | "failure" | "cancelling" | "cancelled" | (string & {});

export interface PoolRecord {
  readonly uuid: string;
  readonly name_label: string;
  readonly master: HostRef | null;
  readonly ha_enabled: boolean;
  readonly ha_host_failures_to_tolerate: number;
  /** For how many failures there is a plan now. */
  readonly ha_plan_exists_for: number;
  readonly wlb_enabled: boolean;
  readonly wlb_url: string;
  /** Holds `rolling_upgrade_in_progress` while host versions differ. */
  readonly other_config: StringMap;
}

export interface HostRecord {
  readonly uuid: string;
  readonly name_label: string;
  readonly hostname: string;
  /** The management address: IPv4, IPv6 or a name. */
  readonly address: string;
  /** Accepts VMs: false while in maintenance. */
  readonly enabled: boolean;
  readonly host_CPUs: readonly HostCpuRef[];
  readonly metrics: HostMetricsRef | null;
  /** Bytes. */
  readonly memory_overhead: number;
  readonly software_version: StringMap;
  /** "" where the host cannot be switched on, and on pools that do not know the field. */
  readonly power_on_mode: string;
  readonly cpu_info: StringMap;
  /** Task ref to operation. */
  readonly current_operations: StringMap;
  readonly allowed_operations: readonly string[];
  readonly tags: readonly string[];
  readonly other_config: StringMap;
  readonly virtual_hardware_platform_versions: readonly number[];
  readonly PIFs: readonly PifRef[];
  readonly PBDs: readonly PbdRef[];
}

export interface HostMetricsRecord {
  readonly uuid: string;
  /** Bytes. */
  readonly memory_total: number;
  /** The pool's only word on whether the host is alive. */
  readonly live: boolean;
}

export interface VmRecord {
  readonly uuid: string;
  readonly name_label: string;
  readonly power_state: XapiPowerState;
  readonly is_a_template: boolean;
  readonly is_a_snapshot: boolean;
  readonly is_control_domain: boolean;
  readonly resident_on: HostRef | null;
  readonly scheduled_to_be_resident_on: HostRef | null;
  /** The home server. */
  readonly affinity: HostRef | null;
  /** Bytes, as the other memory fields. */
  readonly memory_dynamic_min: number;
  readonly memory_dynamic_max: number;
  readonly memory_static_max: number;
  readonly memory_overhead: number;
  readonly VCPUs_max: number;
  readonly metrics: VmMetricsRef | null;
  readonly guest_metrics: VmGuestMetricsRef | null;
  readonly VBDs: readonly VbdRef[];
  readonly VIFs: readonly VifRef[];
  readonly VGPUs: readonly VgpuRef[];
  readonly VUSBs: readonly VusbRef[];
  readonly attached_PCIs: readonly PciRef[];
  /** Operation to the reason that whoever blocked it gave. */
  readonly blocked_operations: StringMap;
  readonly allowed_operations: readonly string[];
  /** Task ref to operation. */
  readonly current_operations: StringMap;
  readonly tags: readonly string[];
  readonly platform: StringMap;
  readonly other_config: StringMap;
  readonly ha_restart_priority: string;
  /** "" for a paravirtual guest of pools that do not say domain_type yet. */
  readonly HVM_boot_policy: string;
  /** "unspecified" where the pool is too old to say. */
  readonly domain_type: DomainType;
  readonly PV_bootloader: string;
  readonly PV_kernel: string;
  readonly last_boot_CPU_flags: StringMap;
  readonly groups: readonly VmGroupRef[];
  readonly hardware_platform_version: number;
}

export interface VmMetricsRecord {
  readonly uuid: string;
  /** Bytes that the guest occupies; old while it does not run. */
  readonly memory_actual: number;
  readonly VCPUs_number: number;
  readonly hvm: boolean;
  readonly nested_virt: boolean;
  readonly nomigrate: boolean;
  readonly current_domain_type: DomainType;
}

export interface VmGuestMetricsRecord {
  readonly uuid: string;
  readonly PV_drivers_version: StringMap;
  readonly PV_drivers_detected: boolean;
  readonly PV_drivers_up_to_date: boolean;
  /** Holds `feature-suspend`, `data-cant-suspend-reason` and the like. */
  readonly other: StringMap;
  readonly live: boolean;
}

export interface VmGroupRecord {
  readonly uuid: string;
  readonly name_label: string;
  readonly placement: "anti_affinity" | "normal" | (string & {});
  readonly VMs: readonly VmRef[];
}

export interface VbdRecord {
  readonly uuid: string;
  readonly VM: VmRef | null;
  readonly VDI: VdiRef | null;
  readonly device: string;
  readonly userdevice: string;
  readonly type: "CD" | "Disk" | "Floppy" | (string & {});
  readonly mode: "RO" | "RW" | (string & {});
  readonly empty: boolean;
  readonly currently_attached: boolean;
}

export interface VdiRecord {
  readonly uuid: string;
  readonly name_label: string;
  readonly SR: SrRef | null;
  readonly type: string;
  readonly sharable: boolean;
  readonly read_only: boolean;
  readonly missing: boolean;
  /** "reset" forbids live migration. */
  readonly on_boot: "persist" | "reset" | (string & {});
}

export interface SrRecord {
  readonly uuid: string;
  readonly name_label: string;
  readonly type: string;
  readonly content_type: string;
  readonly shared: boolean;
  readonly PBDs: readonly PbdRef[];
}

export interface PbdRecord {
  readonly uuid: string;
  readonly host: HostRef | null;
  readonly SR: SrRef | null;
  readonly currently_attached: boolean;
}

export interface VifRecord {
  readonly uuid: string;
  /** The device number as text: "0" is eth0 of the guest. */
  readonly device: string;
  readonly network: NetworkRef | null;
  readonly VM: VmRef | null;
  readonly currently_attached: boolean;
}

export interface PifRecord {
  readonly uuid: string;
  /** "eth0", "bond0". */
  readonly device: string;
  readonly network: NetworkRef | null;
  readonly host: HostRef | null;
  /** -1 where the interface carries no VLAN. */
  readonly VLAN: number;
  readonly IP: string;
  readonly physical: boolean;
  readonly currently_attached: boolean;
  readonly management: boolean;
  readonly managed: boolean;
  readonly disallow_unplug: boolean;
  /** The bond that it is a member of. */
  readonly bond_slave_of: BondRef | null;
  /** The bond that it stands for. */
  readonly bond_master_of: readonly BondRef[];
  /** The VLAN that it stands for; its device is that of the interface that the VLAN is tagged on. */
  readonly VLAN_master_of: VlanRef | null;
  /** The VLANs that are tagged on it. */
  readonly VLAN_slave_of: readonly VlanRef[];
  /** The tunnel that it leads into, and those that it transports. */
  readonly tunnel_access_PIF_of: readonly TunnelRef[];
  readonly tunnel_transport_PIF_of: readonly TunnelRef[];
}

export interface NetworkRecord {
  readonly uuid: string;
  readonly name_label: string;
  readonly bridge: string;
  /** `assume_network_is_shared` lifts the check that the destination has the network. */
  readonly other_config: StringMap;
  readonly PIFs: readonly PifRef[];
  readonly VIFs: readonly VifRef[];
}

export interface TaskRecord {
  readonly uuid: string;
  readonly name_label: string;
  readonly created: Date;
  /** 1970 while the task is pending. */
  readonly finished: Date;
  /** Written last: only this says that a task has ended. */
  readonly status: TaskStatus;
  readonly resident_on: HostRef | null;
  /** 0 to 1; reaches 1 while pending, and falls. */
  readonly progress: number;
  /** [code, parameters...] after a failure. */
  readonly error_info: readonly string[];
  readonly allowed_operations: readonly string[];
}

/** An object that was left out because its record could not be understood. */
export interface SkippedRecord<T = unknown> {
  readonly class: string;
  readonly ref: string;
  /** "" where not even that could be read. */
  readonly uuid: string;
  readonly name: string;
  /** What was wrong, with the field's name. */
  readonly reason: string;
  /** The fields that could be read. */
  readonly readable: Partial<T>;
}

/** All objects of one class, and those that had to be left out. */
export interface Records<R extends string, T> extends ReadonlyMap<R, T> {
  readonly skipped: readonly SkippedRecord<T>[];
  /** The fields that any record has, of those that are read: a pool knows them, and sends them with every record. */
  readonly fields: ReadonlySet<string>;
}
