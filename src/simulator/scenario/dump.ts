/** A pool from the database of a real one: its objects as they were, its loads made up by the seed. */
import { AppError } from "../../domain/errors.ts";
import { unitOf } from "../behaviour/chance.ts";
import type { VirtualClock } from "../behaviour/clock.ts";
import { mib } from "../behaviour/memory.ts";
import { constant } from "../metrics/load.ts";
import { createModel, idleHost, isActive, masterOf, type PoolModel, refOrNull } from "../metrics/model.ts";
import { classes, relations, type SimValue } from "../objects/datamodel.ts";
import type { ServerProfile } from "../objects/profile.ts";
import { releaseOfApi } from "../objects/release.ts";
import { FieldReader, type Notify, nameOfRow, pairsOf, refuseDoubles } from "./dumpFields.ts";
import { completeMetrics } from "./dumpMetrics.ts";
import { type DumpRow, type DumpTables, readDumpTables, readSexpr } from "./dumpXml.ts";

/** What a restarted master does not find in its database. */
const volatileClasses = new Set(["session", "task", "message", "data_source"]);
/** Fields that say what was going on when the dump was written. */
const volatileFields = new Set(["current_operations", "scheduled_to_be_resident_on"]);
/** Sets that follow from the other end of a relation. */
const derivedFields = new Set(relations.map((relation) => `${relation.target}.${relation.inverse}`));

export interface DumpOptions {
  readonly clock: VirtualClock;
  readonly seed: number;
  readonly profile?: ServerProfile | null;
  /** Hears of what was left out or made up. */
  readonly notify?: Notify;
}

/** Loads the database that `xe pool-dump-database` wrote; throws AppError where it is none, naming what is damaged. */
export function loadDump(xml: string, { notify = () => undefined, ...options }: DumpOptions): PoolModel {
  const tables = readDumpTables(xml);
  refuseDoubles(tables);
  const model = createModel({ ...options, release: releaseOfDump(tables) });
  const reader = new FieldReader();
  for (const cls of classes.keys()) {
    if (volatileClasses.has(cls)) continue;
    for (const row of tables.get(cls) ?? []) createRow(model, reader, cls, row);
  }
  reader.finish(notify);
  if (model.db.all("host").length === 0 || model.db.all("pool").length !== 1) {
    throw new AppError("usage", "this pool database has no pool with hosts");
  }
  if (!model.db.has("host", masterOf(model)))
    throw new AppError("usage", `the master of this pool database, ${masterOf(model)}, is none of its hosts`);
  completeMetrics(model, notify);
  for (const host of model.db.all("host")) reviveHost(model, host);
  for (const vm of model.db.all("VM")) reviveVm(model, vm);
  return model;
}

function releaseOfDump(tables: DumpTables): PoolModel["release"] {
  const fields = tables.get("host")?.[0]?.fields;
  const software = softwareOf(fields?.get("software_version"));
  return releaseOfApi(
    software.get("product_brand") ?? "XenServer",
    software.get("product_version") ?? "",
    Number(fields?.get("API_version_major") ?? 1),
    Number(fields?.get("API_version_minor") ?? 8),
  );
}

/** What is unreadable here is named when its row is read. */
function softwareOf(text: string | undefined): ReadonlyMap<string, string> {
  try {
    return new Map(pairsOf(readSexpr(text ?? "()")));
  } catch {
    return new Map();
  }
}

function createRow(model: PoolModel, reader: FieldReader, cls: string, row: DumpRow): void {
  const fields: Record<string, SimValue> = {};
  for (const name of classes.get(cls)?.fields.keys() ?? []) {
    if (volatileFields.has(name) || derivedFields.has(`${cls}.${name}`)) continue;
    const value = reader.read(cls, row, name);
    if (value !== null) fields[name] = value;
  }
  const ref = row.fields.get("ref") ?? row.fields.get("_ref");
  if (ref === undefined)
    throw new AppError("usage", `the pool database has a ${cls} without a ref: ${nameOfRow(row)}`);
  model.db.create(cls, fields, ref);
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
