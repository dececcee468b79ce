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
  StringMap,
  TaskRecord,
  VbdRecord,
  VdiRecord,
  VifRecord,
  VmGroupRecord,
  VmGuestMetricsRecord,
  VmMetricsRecord,
  VmRecord,
} from "./records.ts";
import { SharedTexts } from "./sharedTexts.ts";
import { type XapiStruct, type XapiValue, XmlError } from "./xml.ts";

/** The classes that are read, by XAPI's names, and their records. */
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

export type XapiClass = keyof RecordTypes;
export type RecordOf<C extends XapiClass> = RecordTypes[C];

/** 256 TiB, beyond what any host has: a larger or a negative size is no size, and would make room where none is. */
const mostBytes = 2 ** 48;

/** Reads the field `name` of a struct as the type it must have. */
type FieldReader<T> = (fields: Fields, name: string) => T;

const text =
  (fallback?: string): FieldReader<string> =>
  (fields, name) =>
    fields.text(name, fallback);
const flag =
  (fallback?: boolean): FieldReader<boolean> =>
  (fields, name) =>
    fields.flag(name, fallback);
const int =
  (fallback?: number): FieldReader<number> =>
  (fields, name) =>
    fields.int(name, fallback);
const float =
  (fallback?: number): FieldReader<number> =>
  (fields, name) =>
    fields.float(name, fallback);
const bytes =
  (fallback?: number): FieldReader<number> =>
  (fields, name) =>
    fields.whole(name, { fallback, most: mostBytes, wanted: "a size in bytes" });
const count =
  (fallback?: number): FieldReader<number> =>
  (fields, name) =>
    fields.whole(name, { fallback, most: 65_535, wanted: "a number of CPUs" });
const uuid = (): FieldReader<string> => (fields, name) => fields.uuid(name);
const date = (): FieldReader<Date> => (fields, name) => fields.date(name);
const map = (): FieldReader<StringMap> => (fields, name) => fields.map(name);
const texts = (): FieldReader<readonly string[]> => (fields, name) => fields.texts(name);
const ints = (): FieldReader<readonly number[]> => (fields, name) => fields.ints(name);
const ref =
  <R extends string>(): FieldReader<R | null> =>
  (fields, name) =>
    fields.ref<R>(name);
const refs =
  <R extends string>(): FieldReader<readonly R[]> =>
  (fields, name) =>
    fields.refs<R>(name);

type Readers<T> = { readonly [Name in keyof T]: FieldReader<T[Name]> };

/** Each class, the fields of its record, and how they are read. Those with a fallback are missing on some pools. */
const readers: { readonly [C in XapiClass]: Readers<RecordTypes[C]> } = {
  pool: {
    uuid: text(),
    name_label: text(""),
    master: ref(),
    ha_enabled: flag(false),
    ha_host_failures_to_tolerate: int(0),
    ha_plan_exists_for: int(0),
    wlb_enabled: flag(false),
    wlb_url: text(""),
    other_config: map(),
  },

  host: {
    uuid: uuid(),
    name_label: text(""),
    hostname: text(""),
    address: text(""),
    enabled: flag(),
    host_CPUs: refs(),
    metrics: ref(),
    memory_overhead: bytes(0),
    software_version: map(),
    power_on_mode: text(""),
    cpu_info: map(),
    current_operations: map(),
    allowed_operations: texts(),
    tags: texts(),
    other_config: map(),
    virtual_hardware_platform_versions: ints(),
    PIFs: refs(),
    PBDs: refs(),
  },

  host_metrics: {
    uuid: text(),
    memory_total: bytes(),
    live: flag(),
  },

  VM: {
    uuid: uuid(),
    name_label: text(""),
    power_state: text(),
    is_a_template: flag(),
    is_a_snapshot: flag(false),
    is_control_domain: flag(),
    resident_on: ref(),
    scheduled_to_be_resident_on: ref(),
    affinity: ref(),
    memory_dynamic_min: bytes(),
    memory_dynamic_max: bytes(),
    memory_static_max: bytes(),
    memory_overhead: bytes(0),
    VCPUs_max: count(),
    metrics: ref(),
    guest_metrics: ref(),
    VBDs: refs(),
    VIFs: refs(),
    VGPUs: refs(),
    VUSBs: refs(),
    attached_PCIs: refs(),
    blocked_operations: map(),
    allowed_operations: texts(),
    current_operations: map(),
    tags: texts(),
    platform: map(),
    other_config: map(),
    ha_restart_priority: text(""),
    HVM_boot_policy: text(""),
    domain_type: text("unspecified"),
    PV_bootloader: text(""),
    PV_kernel: text(""),
    last_boot_CPU_flags: map(),
    groups: refs(),
    hardware_platform_version: int(0),
  },

  VM_metrics: {
    uuid: text(),
    memory_actual: bytes(),
    VCPUs_number: count(),
    hvm: flag(false),
    nested_virt: flag(false),
    nomigrate: flag(false),
    current_domain_type: text("unspecified"),
  },

  VM_guest_metrics: {
    uuid: text(),
    PV_drivers_version: map(),
    PV_drivers_detected: flag(false),
    PV_drivers_up_to_date: flag(false),
    other: map(),
    live: flag(false),
  },

  VM_group: {
    uuid: text(),
    name_label: text(""),
    placement: text("normal"),
    VMs: refs(),
  },

  VBD: {
    uuid: text(),
    VM: ref(),
    VDI: ref(),
    device: text(""),
    userdevice: text(""),
    type: text(),
    mode: text("RW"),
    empty: flag(),
    currently_attached: flag(false),
  },

  VDI: {
    uuid: text(),
    name_label: text(""),
    SR: ref(),
    type: text("user"),
    sharable: flag(false),
    read_only: flag(false),
    missing: flag(false),
    on_boot: text("persist"),
  },

  SR: {
    uuid: text(),
    name_label: text(""),
    type: text(""),
    content_type: text(""),
    shared: flag(),
    PBDs: refs(),
  },

  PBD: {
    uuid: text(),
    host: ref(),
    SR: ref(),
    currently_attached: flag(),
  },

  VIF: {
    uuid: text(),
    device: text(""),
    network: ref(),
    VM: ref(),
    currently_attached: flag(false),
  },

  PIF: {
    uuid: text(),
    device: text(),
    network: ref(),
    host: ref(),
    VLAN: int(-1),
    IP: text(""),
    physical: flag(false),
    currently_attached: flag(true),
    management: flag(false),
    managed: flag(true),
    disallow_unplug: flag(false),
    bond_slave_of: ref(),
    bond_master_of: refs(),
    VLAN_master_of: ref(),
    VLAN_slave_of: refs(),
    tunnel_access_PIF_of: refs(),
    tunnel_transport_PIF_of: refs(),
  },

  network: {
    uuid: text(),
    name_label: text(""),
    bridge: text(""),
    other_config: map(),
    PIFs: refs(),
    VIFs: refs(),
  },

  task: {
    uuid: text(),
    name_label: text(""),
    created: date(),
    finished: date(),
    status: text(),
    resident_on: ref(),
    progress: float(0),
    error_info: texts(),
    allowed_operations: texts(),
  },
};

/** One record, which shares `texts` with others. Throws XmlError with the field that makes no sense. */
export function readRecord<C extends XapiClass>(
  name: C,
  value: XapiValue,
  texts: SharedTexts = new SharedTexts(),
): RecordOf<C> {
  if (!(value instanceof Map)) throw new XmlError(`${name}: the record is no struct`);
  const fields = new Fields(value, texts);
  const { read, blank } = layoutOf(name);
  const record: Record<string, unknown> = { ...blank };
  for (const [field, readField] of read) record[field] = readField(fields, field);
  return record as unknown as RecordOf<C>;
}

/** How the records of a class are built. */
interface Layout {
  readonly read: readonly (readonly [string, FieldReader<unknown>])[];
  readonly names: readonly string[];
  /**
   * A record without values, to be copied: an object that gets many fields one by one becomes a table of them, three
   * times as large.
   */
  readonly blank: Readonly<Record<string, null>>;
}

const layouts = new Map<XapiClass, Layout>();

function layoutOf(name: XapiClass): Layout {
  const known = layouts.get(name);
  if (known !== undefined) return known;
  const names = Object.keys(readers[name]);
  const blank = JSON.parse(JSON.stringify(Object.fromEntries(names.map((field) => [field, null]))));
  const layout = { read: Object.entries(readers[name]), names, blank };
  layouts.set(name, layout);
  return layout;
}

/** The members of a struct that `readRecord` looks at, or that name a record which makes no sense. */
export function fieldNames(name: XapiClass): ReadonlySet<string> {
  return new Set(["uuid", "name_label", ...Object.keys(readers[name])]);
}

/** The answer of get_all_records. Throws XmlError where it is no map of records at all. */
export function readRecords<C extends XapiClass>(name: C, value: XapiValue): Records<Ref<C>, RecordOf<C>> {
  if (!(value instanceof Map)) throw new XmlError(`${name}.get_all_records: the answer is no struct`);
  const struct: XapiStruct = value;
  const collected = new RecordCollector(name, new SharedTexts());
  for (const [ref, record] of struct) collected.add(ref, record);
  return collected.records();
}

/** Turns structs into records one by one; those that make no sense are named, with what of them can be read. */
export class RecordCollector<C extends XapiClass> {
  readonly #name: C;
  readonly #records = new Map<Ref<C>, RecordOf<C>>();
  readonly #skipped = new Map<string, SkippedRecord<RecordOf<C>>>();
  /** The fields that some record has, and the records that lack some field, by its list of what they lack. */
  readonly #known = new Set<string>();
  readonly #lacking = new Map<string, { readonly fields: readonly string[]; readonly refs: string[] }>();
  #twice: string | null = null;
  readonly #texts: SharedTexts;

  constructor(name: C, texts: SharedTexts) {
    this.#name = name;
    this.#texts = texts;
  }

  /** Takes one record. */
  add(named: string, record: XapiValue): void {
    const ref = this.#texts.text(named);
    // Which of the two is meant cannot be told; said at the end, when the whole answer is known to be one.
    if (this.#records.has(ref as Ref<C>) || this.#skipped.has(ref)) this.#twice ??= ref;
    try {
      const read = readRecord(this.#name, record, this.#texts);
      if (record instanceof Map) this.#note(ref, record);
      this.#records.set(ref as Ref<C>, read);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      this.#skipped.set(ref, skippedRecord(this.#name, ref, record, error));
    }
  }

  /** Throws XmlError where a ref came twice. */
  records(): Records<Ref<C>, RecordOf<C>> {
    if (this.#twice !== null) throw new XmlError(`${this.#name}: the ref ${this.#twice} comes twice`);
    this.#leaveOutLacking();
    return Object.assign(this.#records, { skipped: [...this.#skipped.values()], fields: this.#known });
  }

  #note(ref: string, struct: XapiStruct): void {
    const lacks: string[] = [];
    for (const field of layoutOf(this.#name).names) {
      if (struct.has(field)) this.#known.add(field);
      else lacks.push(field);
    }
    if (lacks.length === 0) return;
    const key = lacks.join(" ");
    const same = this.#lacking.get(key);
    if (same === undefined) this.#lacking.set(key, { fields: lacks, refs: [ref] });
    else same.refs.push(ref);
  }

  /** A field that a pool does not know is in no record: where others have it, a record without it is no whole one. */
  #leaveOutLacking(): void {
    for (const { fields, refs } of this.#lacking.values()) {
      const lost = fields.filter((field) => this.#known.has(field));
      if (lost.length === 0) continue;
      for (const ref of refs) {
        const record = this.#records.get(ref as Ref<C>);
        if (record === undefined) continue;
        this.#records.delete(ref as Ref<C>);
        this.#skipped.set(ref, lackingRecord(this.#name, ref, record, lost));
      }
    }
  }
}

/**
 * One record as `readRecords` would have it among others that have `fields`: read, or left out. Null where it has a field
 * that none of them has: then they are what lacks something.
 */
export function readRecordAmong<C extends XapiClass>(
  name: C,
  ref: string,
  value: XapiValue,
  fields: ReadonlySet<string>,
): { readonly record: RecordOf<C> } | { readonly skipped: SkippedRecord<RecordOf<C>> } | null {
  try {
    const record = readRecord(name, value);
    const struct = value as XapiStruct;
    const own = layoutOf(name).names;
    if (own.some((field) => struct.has(field) && !fields.has(field))) return null;
    const lost = own.filter((field) => fields.has(field) && !struct.has(field));
    return lost.length === 0 ? { record } : { skipped: lackingRecord(name, ref, record, lost) };
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return { skipped: skippedRecord(name, ref, value, error) };
  }
}

function lackingRecord<C extends XapiClass>(
  name: C,
  ref: string,
  record: RecordOf<C>,
  lost: readonly string[],
): SkippedRecord<RecordOf<C>> {
  const readable = Object.entries(record).filter(([field]) => !lost.includes(field));
  const { uuid, name_label } = record as { readonly uuid: string; readonly name_label?: string };
  return {
    class: name,
    ref,
    uuid,
    name: name_label ?? "",
    reason: `${lost.join(", ")} ${lost.length === 1 ? "is" : "are"} missing`,
    readable: Object.fromEntries(readable) as Partial<RecordOf<C>>,
  };
}

function skippedRecord<C extends XapiClass>(
  name: C,
  ref: string,
  record: XapiValue,
  error: Error,
): SkippedRecord<RecordOf<C>> {
  const struct: XapiStruct = record instanceof Map ? record : new Map();
  const textOf = (field: string): string => {
    const value = struct.get(field);
    return typeof value === "string" ? value : "";
  };
  return {
    class: name,
    ref,
    uuid: textOf("uuid"),
    name: textOf("name_label"),
    reason: error.message,
    readable: readablePart(name, struct),
  };
}

/** The fields that are there and make sense; what is missing is not taken for what it would be on an old pool. */
function readablePart<C extends XapiClass>(name: C, struct: XapiStruct): Partial<RecordOf<C>> {
  const fields = new Fields(struct, new SharedTexts());
  const record: Record<string, unknown> = {};
  for (const [field, read] of layoutOf(name).read) {
    if (!struct.has(field)) continue;
    try {
      record[field] = read(fields, field);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
    }
  }
  return record as Partial<RecordOf<C>>;
}
