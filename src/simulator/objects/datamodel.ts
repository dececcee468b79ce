/**
 * The datamodel: which fields the classes of the simulated pool have, and how each travels.
 *
 * The tables beside this file hold one line a field. A wire type is written as words joined by colons:
 * `string int float bool datetime enum:NAME ref:CLASS set:TYPE map:KEY:TYPE record:CLASS void`; a `typed` value
 * is a map {type, value} that brings its own type.
 * Access: RO; RW = xapi has the plain setters (and add/remove for maps and sets); RX = a setter of its own
 * that only writes the field; RA = the same, callable as Async too.
 */

import type { Damaged } from "./damaged.ts";
import { classesOfDevices } from "./datamodelDevices.ts";
import { enumValues } from "./datamodelEnums.ts";
import { classesOfHosts } from "./datamodelHosts.ts";
import { classesOfServices } from "./datamodelServices.ts";
import { classesOfUpkeep } from "./datamodelUpkeep.ts";
import { classesOfVms } from "./datamodelVms.ts";
import { classesOfWork } from "./datamodelWork.ts";

/** A value as the simulator holds it: ints and floats are numbers, maps have a null prototype. */
export type SimValue = string | number | boolean | Date | null | Damaged | readonly SimValue[] | SimMap;
export interface SimMap {
  readonly [key: string]: SimValue;
}

/** A value's type on the wire; records name their class. */
export type WireType =
  | { readonly kind: "string" | "int" | "int32" | "float" | "bool" | "datetime" | "void" | "typed" }
  | { readonly kind: "enum"; readonly name: string }
  | { readonly kind: "ref" | "record"; readonly cls: string }
  | { readonly kind: "set"; readonly of: WireType }
  | { readonly kind: "map"; readonly key: WireType; readonly value: WireType };

export type FieldAccess = "RO" | "RW" | "RX" | "RA";

export interface FieldSpec {
  readonly name: string;
  readonly type: WireType;
  /** The type as the tables write it. */
  readonly wire: string;
  readonly access: FieldAccess;
  /** First release that had it: a code name of releaseOrder, or a version number (later than every name). */
  readonly since: string;
  /** Its getter answers MESSAGE_REMOVED; records still carry it. */
  readonly removed: boolean;
  readonly initial: SimValue;
}

export interface ClassSpec {
  readonly name: string;
  /** In the order in which records are written. */
  readonly fields: ReadonlyMap<string, FieldSpec>;
  /** False for what only travels in answers and is no object: data sources, events. */
  readonly stored: boolean;
  /** False for what is never listed and causes no events: sessions, and what is not stored. */
  readonly enumerable: boolean;
}

/** A relation kept from both ends: `cls.field` (a ref, or a set of refs) and the set `target.inverse`. */
export interface Relation {
  readonly cls: string;
  readonly field: string;
  readonly target: string;
  readonly inverse: string;
}

export const nullRef = "OpaqueRef:NULL";
export const epoch: Date = new Date(0);

/** Named releases, oldest first; every release called by a number is later. */
export const releaseOrder: readonly string[] =
  "rio miami symc orlando orlando-update-1 george midnight-ride cowley boston tampa clearwater vgpu-tech-preview vgpu-productisation clearwater-felton clearwater-whetstone creedence cream indigo dundee ely falcon inverness jura kolkata lima naples oslo quebec stockholm stockholm_psr nile-preview nile orinoco".split(
    " ",
  );

/** The relations among the classes of the tables. */
export const relations: readonly Relation[] = [
  relation("VM.resident_on", "host.resident_VMs"),
  relation("VM.snapshot_of", "VM.snapshots"),
  relation("VM.parent", "VM.children"),
  relation("VM.groups", "VM_group.VMs"),
  relation("VIF.VM", "VM.VIFs"),
  relation("VIF.network", "network.VIFs"),
  relation("VBD.VM", "VM.VBDs"),
  relation("VBD.VDI", "VDI.VBDs"),
  relation("console.VM", "VM.consoles"),
  relation("VDI.SR", "SR.VDIs"),
  relation("VDI.snapshot_of", "VDI.snapshots"),
  relation("PBD.SR", "SR.PBDs"),
  relation("PBD.host", "host.PBDs"),
  relation("PIF.host", "host.PIFs"),
  relation("PIF.network", "network.PIFs"),
  relation("host_cpu.host", "host.host_CPUs"),
  relation("Bond.master", "PIF.bond_master_of"),
  relation("PIF.bond_slave_of", "Bond.slaves"),
  relation("VLAN.tagged_PIF", "PIF.VLAN_slave_of"),
  relation("tunnel.access_PIF", "PIF.tunnel_access_PIF_of"),
  relation("tunnel.transport_PIF", "PIF.tunnel_transport_PIF_of"),
  relation("network_sriov.physical_PIF", "PIF.sriov_physical_PIF_of"),
  relation("network_sriov.logical_PIF", "PIF.sriov_logical_PIF_of"),
  relation("PCI.host", "host.PCIs"),
  relation("PGPU.host", "host.PGPUs"),
  relation("PGPU.GPU_group", "GPU_group.PGPUs"),
  relation("VGPU.GPU_group", "GPU_group.VGPUs"),
  relation("VGPU.VM", "VM.VGPUs"),
  relation("VGPU.type", "VGPU_type.VGPUs"),
  relation("VGPU.resident_on", "PGPU.resident_VGPUs"),
  relation("PUSB.host", "host.PUSBs"),
  relation("PUSB.USB_group", "USB_group.PUSBs"),
  relation("VUSB.USB_group", "USB_group.VUSBs"),
  relation("VUSB.VM", "VM.VUSBs"),
  relation("VTPM.VM", "VM.VTPMs"),
  relation("VM.appliance", "VM_appliance.VMs"),
  relation("VM.snapshot_schedule", "VMSS.VMs"),
  relation("host.updates", "pool_update.hosts"),
  relation("host_patch.host", "host.patches"),
  relation("host_patch.pool_patch", "pool_patch.host_patches"),
  relation("crashdump.VM", "VM.crash_dumps"),
  relation("crashdump.VDI", "VDI.crash_dumps"),
  relation("Certificate.host", "host.certificates"),
  relation("Cluster_host.cluster", "Cluster.cluster_hosts"),
  relation("task.subtask_of", "task.subtasks"),
];

function relation(from: string, to: string): Relation {
  const [cls = "", field = ""] = from.split(".");
  const [target = "", inverse = ""] = to.split(".");
  return { cls, field, target, inverse };
}

const parsedTypes = new Map<string, WireType>();

/** Reads a type in the notation of the tables; throws on a spelling it does not know. */
export function wireType(text: string): WireType {
  const known = parsedTypes.get(text);
  if (known !== undefined) return known;
  const words = text.split(":");
  const type = takeType(words, text);
  if (words.length > 0) throw new Error(`wire type ${text}: words left over`);
  parsedTypes.set(text, type);
  return type;
}

function takeType(words: string[], whole: string): WireType {
  const word = words.shift();
  switch (word) {
    case "string":
    case "int":
    case "int32":
    case "float":
    case "bool":
    case "datetime":
    case "void":
    case "typed":
      return { kind: word };
    case "enum":
      return { kind: "enum", name: takeWord(words, whole) };
    case "ref":
    case "record":
      return { kind: word, cls: takeWord(words, whole) };
    case "set":
      return { kind: "set", of: takeType(words, whole) };
    case "map":
      return { kind: "map", key: takeType(words, whole), value: takeType(words, whole) };
    default:
      throw new Error(`wire type ${whole}: unknown word ${word}`);
  }
}

function takeWord(words: string[], whole: string): string {
  const word = words.shift();
  if (word === undefined) throw new Error(`wire type ${whole}: a name is missing`);
  return word;
}

/** The values an enumeration allows; none known means that any text passes. */
export function valuesOfEnum(name: string): readonly string[] {
  return enumValues[name]?.split(" ") ?? [];
}

/** What a field of this type holds when nobody said: "", 0, false, 1970, empty, the null ref, an enum's first. */
export function emptyValue(type: WireType): SimValue {
  switch (type.kind) {
    case "int":
    case "int32":
    case "float":
      return 0;
    case "bool":
      return false;
    case "datetime":
      return epoch;
    case "enum":
      return valuesOfEnum(type.name)[0] ?? "";
    case "ref":
      return nullRef;
    case "set":
      return [];
    case "map":
    case "record":
    case "typed":
      return emptyMap;
    case "string":
    case "void":
      return "";
  }
}

/** The map without entries. */
export const emptyMap: SimMap = Object.freeze(Object.create(null) as SimMap);

/** A null-prototype map of `entries`, so that a key such as "constructor" is only a key. */
export function simMap(entries: Iterable<readonly [string, SimValue]>): SimMap {
  const map: Record<string, SimValue> = Object.create(null);
  for (const [key, value] of entries) map[key] = value;
  return map;
}

const notStored = new Set(["data_source", "event", "old_event", "event_batch"]);

function readClass(name: string, table: string): ClassSpec {
  const lines = table.split("\n").filter((line) => line.trim() !== "");
  const fields = new Map(lines.map((line) => readField(line.trim())).map((field) => [field.name, field]));
  const stored = !notStored.has(name);
  return { name, fields, stored, enumerable: stored && name !== "session" };
}

function readField(line: string): FieldSpec {
  const [name = "", type = "", access = "RO", since = "", ...rest] = line.split(/\s+/);
  const parsed = wireType(type);
  const removed = rest[0] === "removed";
  const written = rest[removed ? 1 : 0];
  const initial = written === undefined ? emptyValue(parsed) : readInitial(written);
  return { name, type: parsed, wire: type, access: access as FieldAccess, since, removed, initial };
}

function readInitial(json: string): SimValue {
  const value = JSON.parse(json) as SimValue;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return simMap(Object.entries(value));
}

const tables: Readonly<Record<string, string>> = {
  ...classesOfHosts,
  ...classesOfVms,
  ...classesOfDevices,
  ...classesOfUpkeep,
  ...classesOfServices,
  ...classesOfWork,
};

/** Every class of the simulated pool by its name. */
export const classes: ReadonlyMap<string, ClassSpec> = new Map(
  Object.entries(tables).map(([name, table]) => [name, readClass(name, table)]),
);

/** The class called `name`; throws when there is none, which is a mistake of the caller's code. */
export function classSpec(name: string): ClassSpec {
  const spec = classes.get(name);
  if (spec === undefined) throw new Error(`the datamodel has no class ${name}`);
  return spec;
}

/** The field `cls.name`; throws when there is none. */
export function fieldSpec(cls: string, name: string): FieldSpec {
  const spec = classSpec(cls).fields.get(name);
  if (spec === undefined) throw new Error(`the datamodel has no field ${cls}.${name}`);
  return spec;
}
