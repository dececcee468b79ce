/** A pool from the database of a real one: its objects as they were, its loads made up by the seed. */
import { AppError } from "../../domain/errors.ts";
import { unitOf } from "../behaviour/chance.ts";
import type { VirtualClock } from "../behaviour/clock.ts";
import { mib } from "../behaviour/memory.ts";
import { constant } from "../metrics/load.ts";
import { createModel, idleHost, isActive, type PoolModel, refOrNull } from "../metrics/model.ts";
import { classes, fieldSpec, relations, type SimValue, simMap, type WireType } from "../objects/datamodel.ts";
import type { ServerProfile } from "../objects/profile.ts";
import { releaseOfApi } from "../objects/release.ts";
import { type DumpTables, readDumpTables, readSexpr, type Sexpr } from "./dumpXml.ts";

/** What a restarted master does not find in its database. */
const volatileClasses = new Set(["session", "task", "message", "data_source"]);
/** Fields that say what was going on when the dump was written. */
const volatileFields = new Set(["current_operations", "scheduled_to_be_resident_on"]);
/** Sets that follow from the other end of a relation. */
const derivedFields = new Set(relations.map((relation) => `${relation.target}.${relation.inverse}`));

/** Loads the database that `xe pool-dump-database` wrote; throws AppError where it is none. */
export function loadDump(
  xml: string,
  options: { clock: VirtualClock; seed: number; profile?: ServerProfile | null },
): PoolModel {
  const tables = readDumpTables(xml);
  const model = createModel({ ...options, release: releaseOfDump(tables) });
  for (const cls of classes.keys()) {
    if (volatileClasses.has(cls)) continue;
    for (const row of tables.get(cls) ?? []) createRow(model, cls, row);
  }
  if (model.db.all("host").length === 0 || model.db.all("pool").length !== 1) {
    throw new AppError("usage", "this pool database has no pool with hosts");
  }
  for (const host of model.db.all("host")) reviveHost(model, host);
  for (const vm of model.db.all("VM")) reviveVm(model, vm);
  return model;
}

function releaseOfDump(tables: DumpTables): PoolModel["release"] {
  const host = tables.get("host")?.[0];
  const software = new Map(pairs(readSexpr(host?.get("software_version") ?? "()")));
  return releaseOfApi(
    software.get("product_brand") ?? "XenServer",
    software.get("product_version") ?? "",
    Number(host?.get("API_version_major") ?? 1),
    Number(host?.get("API_version_minor") ?? 8),
  );
}

function createRow(model: PoolModel, cls: string, row: ReadonlyMap<string, string>): void {
  const fields: Record<string, SimValue> = {};
  for (const name of classes.get(cls)?.fields.keys() ?? []) {
    const text = row.get(name);
    if (text === undefined || volatileFields.has(name) || derivedFields.has(`${cls}.${name}`)) continue;
    fields[name] = readValue(fieldSpec(cls, name).type, text);
  }
  const ref = row.get("ref") ?? row.get("_ref");
  if (ref === undefined) throw new AppError("usage", `the pool database has a ${cls} without a ref`);
  model.db.create(cls, fields, ref);
}

function readValue(type: WireType, text: string): SimValue {
  switch (type.kind) {
    case "int":
    case "int32":
    case "float":
      return Number(text);
    case "bool":
      return text === "true";
    case "datetime":
      return readDate(text);
    case "set": {
      const items = readSexpr(text);
      return typeof items === "string" ? [] : items.map((item) => readValue(type.of, String(item)));
    }
    case "map":
      return simMap(
        pairs(readSexpr(text)).map(([key, value]) => [key, readValue(type.value, value)] as const),
      );
    default:
      return text;
  }
}

function readDate(text: string): Date {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2}):(\d{2}):(\d{2})Z$/.exec(text);
  if (match === null) return new Date(0);
  const [year = 0, month = 1, ...rest] = match.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, ...(rest as [number, number, number, number])));
}

function pairs(value: Sexpr): [string, string][] {
  if (typeof value === "string") return [];
  return value.flatMap((item): [string, string][] =>
    typeof item !== "string" && item.length === 2 ? [[String(item[0]), String(item[1])]] : [],
  );
}

/** All hosts are up when the simulated pool begins. */
function reviveHost(model: PoolModel, hostRef: string): void {
  const { db, seed } = model;
  const metrics = refOrNull(model, "host", hostRef, "metrics");
  if (metrics !== null && db.has("host_metrics", metrics)) db.set("host_metrics", metrics, "live", true);
  const unit = (what: string): number => unitOf(seed, db.text("host", hostRef, "uuid"), what);
  model.hostLoads.set(hostRef, {
    ...idleHost,
    controlDomainCpus: constant(0.1 + 0.3 * unit("dom0")),
    loadAverage: constant(0.1 * unit("loadavg")),
    rxKib: constant(20 * unit("rx")),
    txKib: constant(20 * unit("tx")),
    loRxKib: constant(4 * unit("lo")),
    loTxKib: constant(4 * unit("lo")),
  });
}

/** Gives a VM that was running a load, and the metrics that a running VM has. */
function reviveVm(model: PoolModel, vmRef: string): void {
  const { db, seed } = model;
  if (!isActive(db.text("VM", vmRef, "power_state"))) return;
  const metrics = refOrNull(model, "VM", vmRef, "metrics");
  if (metrics !== null && db.has("VM_metrics", metrics)) {
    const vcpus = db.number("VM_metrics", metrics, "VCPUs_number");
    const memory = db.number("VM_metrics", metrics, "memory_actual");
    db.update("VM_metrics", metrics, {
      VCPUs_number: vcpus > 0 ? vcpus : db.number("VM", vmRef, "VCPUs_at_startup"),
      memory_actual: memory > 0 ? memory : db.number("VM", vmRef, "memory_dynamic_max"),
    });
  }
  const unit = (what: string): number => unitOf(seed, db.text("VM", vmRef, "uuid"), what);
  model.vmLoads.set(vmRef, {
    cpu: constant(0.05 + 0.9 * unit("cpu")),
    rxKib: constant(500 * unit("rx") ** 3),
    txKib: constant(500 * unit("tx") ** 3),
    freeMib: constant((db.number("VM", vmRef, "memory_dynamic_max") / mib) * (0.2 + 0.5 * unit("free"))),
  });
}
