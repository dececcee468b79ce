/**
 * Turns XAPI's structs into the records of records.ts, field by field.
 * Tolerates what older or newer pools lack or add; a record whose own fields make no sense is left out and named.
 */

import { Fields } from "./fields.ts";
import type {
  HostMetricsRecord,
  HostRecord,
  NetworkRecord,
  PbdRecord,
  PifRecord,
  PoolRecord,
  Records,
  Ref,
  SkippedRecord,
  SrRecord,
  TaskRecord,
  VbdRecord,
  VdiRecord,
  VifRecord,
  VmGroupRecord,
  VmGuestMetricsRecord,
  VmMetricsRecord,
  VmRecord,
} from "./records.ts";
import { type XapiStruct, type XapiValue, XmlError } from "./xml.ts";

interface RecordTypes {
  readonly pool: PoolRecord;
  readonly host: HostRecord;
  readonly host_metrics: HostMetricsRecord;
  readonly VM: VmRecord;
  readonly VM_metrics: VmMetricsRecord;
  readonly VM_guest_metrics: VmGuestMetricsRecord;
  readonly VM_group: VmGroupRecord;
  readonly VBD: VbdRecord;
  readonly VDI: VdiRecord;
  readonly SR: SrRecord;
  readonly PBD: PbdRecord;
  readonly VIF: VifRecord;
  readonly PIF: PifRecord;
  readonly network: NetworkRecord;
  readonly task: TaskRecord;
}

/** The classes that are read, by XAPI's names. */
export type XapiClass = keyof RecordTypes;
export type RecordOf<C extends XapiClass> = RecordTypes[C];

/** Each class, and how its record is read. Fields with a fallback are those that some pool does not have. */
const readers: { readonly [C in XapiClass]: (fields: Fields) => RecordTypes[C] } = {
  pool: (f: Fields): PoolRecord => ({
    uuid: f.text("uuid"),
    name_label: f.text("name_label", ""),
    master: f.ref("master"),
    ha_enabled: f.flag("ha_enabled", false),
    wlb_enabled: f.flag("wlb_enabled", false),
    other_config: f.map("other_config"),
  }),

  host: (f: Fields): HostRecord => ({
    uuid: f.text("uuid"),
    name_label: f.text("name_label", ""),
    hostname: f.text("hostname", ""),
    address: f.text("address", ""),
    enabled: f.flag("enabled"),
    host_CPUs: f.refs("host_CPUs"),
    metrics: f.ref("metrics"),
    memory_overhead: f.int("memory_overhead", 0),
    software_version: f.map("software_version"),
    power_on_mode: f.text("power_on_mode", ""),
    cpu_info: f.map("cpu_info"),
    current_operations: f.map("current_operations"),
    allowed_operations: f.texts("allowed_operations"),
    tags: f.texts("tags"),
    other_config: f.map("other_config"),
    virtual_hardware_platform_versions: f.ints("virtual_hardware_platform_versions"),
    PIFs: f.refs("PIFs"),
    PBDs: f.refs("PBDs"),
  }),

  host_metrics: (f: Fields): HostMetricsRecord => ({
    uuid: f.text("uuid"),
    memory_total: f.int("memory_total"),
    live: f.flag("live"),
  }),

  VM: (f: Fields): VmRecord => ({
    uuid: f.text("uuid"),
    name_label: f.text("name_label", ""),
    power_state: f.text("power_state"),
    is_a_template: f.flag("is_a_template"),
    is_a_snapshot: f.flag("is_a_snapshot", false),
    is_control_domain: f.flag("is_control_domain"),
    resident_on: f.ref("resident_on"),
    scheduled_to_be_resident_on: f.ref("scheduled_to_be_resident_on"),
    memory_dynamic_min: f.int("memory_dynamic_min"),
    memory_dynamic_max: f.int("memory_dynamic_max"),
    memory_static_max: f.int("memory_static_max"),
    memory_overhead: f.int("memory_overhead", 0),
    VCPUs_max: f.int("VCPUs_max"),
    metrics: f.ref("metrics"),
    guest_metrics: f.ref("guest_metrics"),
    VBDs: f.refs("VBDs"),
    VIFs: f.refs("VIFs"),
    VGPUs: f.refs("VGPUs"),
    VUSBs: f.refs("VUSBs"),
    attached_PCIs: f.refs("attached_PCIs"),
    blocked_operations: f.map("blocked_operations"),
    allowed_operations: f.texts("allowed_operations"),
    current_operations: f.map("current_operations"),
    tags: f.texts("tags"),
    platform: f.map("platform"),
    other_config: f.map("other_config"),
    ha_restart_priority: f.text("ha_restart_priority", ""),
    HVM_boot_policy: f.text("HVM_boot_policy", ""),
    domain_type: f.text("domain_type", "unspecified"),
    PV_bootloader: f.text("PV_bootloader", ""),
    PV_kernel: f.text("PV_kernel", ""),
    last_boot_CPU_flags: f.map("last_boot_CPU_flags"),
    groups: f.refs("groups"),
    hardware_platform_version: f.int("hardware_platform_version", 0),
  }),

  VM_metrics: (f: Fields): VmMetricsRecord => ({
    uuid: f.text("uuid"),
    memory_actual: f.int("memory_actual"),
    VCPUs_number: f.int("VCPUs_number"),
    hvm: f.flag("hvm", false),
    nested_virt: f.flag("nested_virt", false),
    nomigrate: f.flag("nomigrate", false),
    current_domain_type: f.text("current_domain_type", "unspecified"),
  }),

  VM_guest_metrics: (f: Fields): VmGuestMetricsRecord => ({
    uuid: f.text("uuid"),
    PV_drivers_version: f.map("PV_drivers_version"),
    PV_drivers_detected: f.flag("PV_drivers_detected", false),
    PV_drivers_up_to_date: f.flag("PV_drivers_up_to_date", false),
    other: f.map("other"),
    live: f.flag("live", false),
  }),

  VM_group: (f: Fields): VmGroupRecord => ({
    uuid: f.text("uuid"),
    name_label: f.text("name_label", ""),
    placement: f.text("placement", "normal"),
    VMs: f.refs("VMs"),
  }),

  VBD: (f: Fields): VbdRecord => ({
    uuid: f.text("uuid"),
    VM: f.ref("VM"),
    VDI: f.ref("VDI"),
    device: f.text("device", ""),
    userdevice: f.text("userdevice", ""),
    type: f.text("type"),
    mode: f.text("mode", "RW"),
    empty: f.flag("empty"),
    currently_attached: f.flag("currently_attached", false),
  }),

  VDI: (f: Fields): VdiRecord => ({
    uuid: f.text("uuid"),
    name_label: f.text("name_label", ""),
    SR: f.ref("SR"),
    type: f.text("type", "user"),
    sharable: f.flag("sharable", false),
    read_only: f.flag("read_only", false),
    missing: f.flag("missing", false),
    on_boot: f.text("on_boot", "persist"),
  }),

  SR: (f: Fields): SrRecord => ({
    uuid: f.text("uuid"),
    name_label: f.text("name_label", ""),
    type: f.text("type", ""),
    content_type: f.text("content_type", ""),
    shared: f.flag("shared"),
    PBDs: f.refs("PBDs"),
  }),

  PBD: (f: Fields): PbdRecord => ({
    uuid: f.text("uuid"),
    host: f.ref("host"),
    SR: f.ref("SR"),
    currently_attached: f.flag("currently_attached"),
  }),

  VIF: (f: Fields): VifRecord => ({
    uuid: f.text("uuid"),
    device: f.text("device", ""),
    network: f.ref("network"),
    VM: f.ref("VM"),
    currently_attached: f.flag("currently_attached", false),
  }),

  PIF: (f: Fields): PifRecord => ({
    uuid: f.text("uuid"),
    device: f.text("device"),
    network: f.ref("network"),
    host: f.ref("host"),
    VLAN: f.int("VLAN", -1),
    IP: f.text("IP", ""),
    physical: f.flag("physical", false),
    currently_attached: f.flag("currently_attached", true),
    management: f.flag("management", false),
    managed: f.flag("managed", true),
    disallow_unplug: f.flag("disallow_unplug", false),
    bond_slave_of: f.ref("bond_slave_of"),
  }),

  network: (f: Fields): NetworkRecord => ({
    uuid: f.text("uuid"),
    name_label: f.text("name_label", ""),
    bridge: f.text("bridge", ""),
    other_config: f.map("other_config"),
    PIFs: f.refs("PIFs"),
    VIFs: f.refs("VIFs"),
  }),

  task: (f: Fields): TaskRecord => ({
    uuid: f.text("uuid"),
    name_label: f.text("name_label", ""),
    created: f.date("created"),
    finished: f.date("finished"),
    status: f.text("status"),
    resident_on: f.ref("resident_on"),
    progress: f.float("progress", 0),
    error_info: f.texts("error_info"),
    allowed_operations: f.texts("allowed_operations"),
  }),
};

/** One record. Throws XmlError with the field that makes no sense. */
export function readRecord<C extends XapiClass>(name: C, value: XapiValue): RecordOf<C> {
  if (!(value instanceof Map)) throw new XmlError(`${name}: the record is no struct`);
  return readers[name](new Fields(value));
}

/** The answer of get_all_records. Throws XmlError where it is no map of records at all. */
export function readRecords<C extends XapiClass>(name: C, value: XapiValue): Records<Ref<C>, RecordOf<C>> {
  if (!(value instanceof Map)) throw new XmlError(`${name}.get_all_records: the answer is no struct`);
  const struct: XapiStruct = value;
  const records = new Map<Ref<C>, RecordOf<C>>();
  const skipped: SkippedRecord[] = [];
  for (const [ref, record] of struct) {
    try {
      records.set(ref as Ref<C>, readRecord(name, record));
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      skipped.push(skippedRecord(name, ref, record, error));
    }
  }
  return Object.assign(records, { skipped });
}

function skippedRecord(name: XapiClass, ref: string, record: XapiValue, error: Error): SkippedRecord {
  const struct: XapiStruct = record instanceof Map ? record : new Map();
  const textOf = (field: string): string => {
    const value = struct.get(field);
    return typeof value === "string" ? value : "";
  };
  return { class: name, ref, uuid: textOf("uuid"), name: textOf("name_label"), reason: error.message };
}
