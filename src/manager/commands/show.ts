/** The SHOW commands: what the last collection found. Read only. */

import { AppError } from "../../domain/errors.ts";
import type { Host, Snapshot, StoredSnapshot, Uuid, Vm } from "../../domain/pool.ts";
import type { Database } from "../../store/connection.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { findNamed } from "../../text/find.ts";
import type { HostWithVms, Result, VmOnHost } from "../result.ts";

/** All VMs by uuid, control domains among them; none before the first collection. */
export async function showVms(db: Database): Promise<Result> {
  const snapshot = (await loadSnapshot(db))?.snapshot;
  if (snapshot === undefined) return { kind: "vms", vms: [] };
  const hostOf = hostsByVm(snapshot);
  const vms = snapshot.vms.map((vm) => ({ vm, host: hostOf.get(vm.uuid) ?? null, infeasiblePairs: [] }));
  return { kind: "vms", vms };
}

/** The VM that `wanted` names. Throws AppError not-found or ambiguous. */
export async function showVm(db: Database, wanted: string, details: boolean): Promise<Result> {
  const { snapshot } = await lastCollected(db);
  const vm = findNamed("VM", wanted, snapshot.vms);
  return { kind: "vm", found: withHost(snapshot, vm), details };
}

/** All hosts by uuid; none before the first collection. */
export async function showHosts(db: Database): Promise<Result> {
  const snapshot = (await loadSnapshot(db))?.snapshot;
  if (snapshot === undefined) return { kind: "hosts", hosts: [] };
  return { kind: "hosts", hosts: snapshot.hosts.map((host) => withVms(snapshot, host)) };
}

/** The host that `wanted` names. Throws AppError not-found or ambiguous. */
export async function showHost(db: Database, wanted: string, details: boolean): Promise<Result> {
  const { snapshot } = await lastCollected(db);
  const host = findNamed("host", wanted, snapshot.hosts);
  return { kind: "host", found: withVms(snapshot, host), details };
}

/** The pool's own facts, and how much was found in it. */
export async function showPool(db: Database): Promise<Result> {
  const { pool, hosts, vms } = (await lastCollected(db)).snapshot;
  return { kind: "pool", pool, hosts, vms };
}

/** When xcp-collect ran last, by the database's clock, and what it could read. */
export async function showCollection(db: Database): Promise<Result> {
  const { collection, ageSeconds } = await lastCollected(db);
  if (collection.id === 0) throw notCollected();
  return { kind: "collection", collection, ageSeconds };
}

async function lastCollected(db: Database): Promise<StoredSnapshot> {
  const stored = await loadSnapshot(db);
  if (stored !== null) return stored;
  throw notCollected();
}

/** What cannot be answered before the first collection. */
export function notCollected(): AppError {
  return new AppError("not-found", "Nothing has been collected yet. Run xcp-collect first.");
}

function hostsByVm(snapshot: Snapshot): ReadonlyMap<Uuid, Host> {
  const hosts = new Map(snapshot.hosts.map((host) => [host.uuid, host]));
  const pairs = snapshot.placements.flatMap((placement): [Uuid, Host][] => {
    const host = hosts.get(placement.hostUuid);
    return host === undefined ? [] : [[placement.vmUuid, host]];
  });
  return new Map(pairs);
}

function withHost(snapshot: Snapshot, vm: Vm): VmOnHost {
  const names = new Map(snapshot.hosts.map((host) => [host.uuid, host.name]));
  const infeasiblePairs = snapshot.infeasiblePairs
    .filter((infeasiblePair) => infeasiblePair.vmUuid === vm.uuid)
    .map((infeasiblePair) => ({ ...infeasiblePair, hostName: names.get(infeasiblePair.hostUuid) ?? "" }));
  return { vm, host: hostsByVm(snapshot).get(vm.uuid) ?? null, infeasiblePairs };
}

function withVms(snapshot: Snapshot, host: Host): HostWithVms {
  const placed = snapshot.placements.filter((placement) => placement.hostUuid === host.uuid);
  const resident = new Set(placed.map((placement) => placement.vmUuid));
  return { host, vms: snapshot.vms.filter((vm) => resident.has(vm.uuid)) };
}
