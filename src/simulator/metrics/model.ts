/** The state of the simulated pool beside its objects: loads, history, faults, what migrates. */

import { uuidOf } from "../behaviour/chance.ts";
import type { VirtualClock } from "../behaviour/clock.ts";
import { Faults } from "../behaviour/faults.ts";
import type { Machine } from "../behaviour/machine.ts";
import { mib } from "../behaviour/memory.ts";
import { PowerRecord } from "../behaviour/powerRecord.ts";
import { Transfers } from "../behaviour/transfers.ts";
import { ObjectDatabase } from "../objects/database.ts";
import { nullRef } from "../objects/datamodel.ts";
import type { ServerProfile } from "../objects/profile.ts";
import { visibilityOf } from "../objects/profileFields.ts";
import type { Release } from "../objects/release.ts";
import type { SimFailure } from "../server/failure.ts";
import { WlbState } from "../wlb/state.ts";
import { VmHistory } from "./history.ts";
import { constant, type Profile, type VmLoad } from "./load.ts";

/**
 * The second threads of a host's CPUs. "on": counted like any CPU. "off": `smt=0` on Xen's command line; XAPI does not
 * count them, but their data sources are there and stand at 1. "woken": switched on behind XAPI's back, which does not
 * count them either; they work.
 */
export const threadStates = ["on", "off", "woken"] as const;
export type Threads = (typeof threadStates)[number];

/** What a host does beside running its VMs. */
export interface HostLoad {
  /** CPUs that the control domain uses (1 = one CPU fully busy). */
  readonly controlDomainCpus: Profile;
  readonly loadAverage: Profile;
  /** KiB/s of the host's own on its management interface, and on lo. */
  readonly rxKib: Profile;
  readonly txKib: Profile;
  readonly loRxKib: Profile;
  readonly loTxKib: Profile;
  /** KiB/s of its guests that its management interface has not counted, as figures of one moment may be of two. */
  readonly uncountedKib?: { readonly rx: number; readonly tx: number };
  readonly xapiUsedMib: number;
  readonly xapiFreeMib: number;
  /** Mbit/s for the memory of migrating VMs. */
  readonly bandwidthMbit: number;
  readonly threads: Threads;
}

export const idleVm: VmLoad = {
  cpu: constant(0),
  rxKib: constant(0),
  txKib: constant(0),
  freeMib: constant(0),
};

export const idleHost: HostLoad = {
  controlDomainCpus: constant(0.05),
  loadAverage: constant(0),
  rxKib: constant(0),
  txKib: constant(0),
  loRxKib: constant(0),
  loTxKib: constant(0),
  xapiUsedMib: 16,
  xapiFreeMib: 4,
  bandwidthMbit: 1000,
  threads: "on",
};

/** A migration that has its reservation. */
export interface ActiveMigration {
  readonly sourceRef: string;
  readonly targetRef: string;
  /** Bytes per second of its stream at this moment. */
  rate: number;
  /** Between the hosts: neither has its measures. */
  handover: boolean;
  frozen: boolean;
  /** Ends it with this failure at the next occasion. */
  abort(failure: SimFailure): void;
}

/** Share of a link's bandwidth that arrives as memory: the thesis saw 96.3 of 100 Mbit/s. */
const linkEfficiency = 0.963;

export interface PoolModel {
  readonly db: ObjectDatabase;
  readonly clock: VirtualClock;
  readonly seed: number;
  /** When the pool began: load profiles count from here. */
  readonly startMs: number;
  release: Release;
  /** Whose manners the pool has; null: its release in what it measures and refuses, today's in all else. */
  readonly profile: ServerProfile | null;
  readonly vmLoads: Map<string, VmLoad>;
  readonly hostLoads: Map<string, HostLoad>;
  readonly history: VmHistory;
  readonly faults: Faults;
  readonly transfers: Transfers;
  /** By VM. */
  readonly migrations: Map<string, ActiveMigration>;
  /** Hosts that have crashed and not come back. */
  readonly crashed: Set<string>;
  /** Hosts whose toolstack is down because they are off, or on the way there or back. */
  readonly dark: Set<string>;
  /** By host. */
  readonly machines: Map<string, Machine>;
  readonly power: PowerRecord;
  /** Until when the toolstack of a host is away, and until when it is still starting. */
  readonly outages: Map<string, { readonly goneUntilMs: number; readonly startingUntilMs: number }>;
  /** Data sources that a VM's host was asked to record, by VM and name: since when. */
  readonly recorded: Map<string, Map<string, number>>;
  /** When the domain of a VM was built, by VM; absent for those that ran when the pool began. */
  readonly domainSince: Map<string, number>;
  /** Those who wait for an operation to end, by VM or host. */
  readonly waiters: Map<string, Set<() => void>>;
  readonly wlb: WlbState;
}

/** `profile`, where given, decides the release. */
export function createModel(options: {
  clock: VirtualClock;
  seed: number;
  release: Release;
  profile?: ServerProfile | null;
}): PoolModel {
  const profile = options.profile ?? null;
  let objects = 0;
  const hostLoads = new Map<string, HostLoad>();
  const bandwidthOf = (hostRef: string): number => {
    const mbit = (hostLoads.get(hostRef) ?? idleHost).bandwidthMbit;
    return ((mbit * 1_000_000) / 8) * linkEfficiency;
  };
  return {
    db: new ObjectDatabase(() => uuidOf(options.seed, "object", objects++), visibilityOf(profile)),
    clock: options.clock,
    seed: options.seed,
    startMs: options.clock.now(),
    release: profile?.release ?? options.release,
    profile,
    vmLoads: new Map(),
    hostLoads,
    history: new VmHistory(),
    faults: new Faults(),
    transfers: new Transfers(options.clock, bandwidthOf),
    migrations: new Map(),
    crashed: new Set(),
    dark: new Set(),
    machines: new Map(),
    power: new PowerRecord(options.clock.now()),
    outages: new Map(),
    recorded: new Map(),
    domainSince: new Map(),
    waiters: new Map(),
    wlb: new WlbState(),
  };
}

/** The one pool object. */
export function poolRefOf(model: PoolModel): string {
  const ref = model.db.all("pool")[0];
  if (ref === undefined) throw new Error("the pool has no pool object");
  return ref;
}

/** The pool's master now. */
export function masterOf(model: PoolModel): string {
  return model.db.text("pool", poolRefOf(model), "master");
}

/** A ref field, null where it points nowhere. */
export function refOrNull(model: PoolModel, cls: string, ref: string, field: string): string | null {
  const value = model.db.text(cls, ref, field);
  return value === nullRef || value === "" ? null : value;
}

/** Whether the VM has a domain: it runs or is paused. */
export function isActive(power: string): boolean {
  return power === "Running" || power === "Paused";
}

/** What the VM occupies by its metrics object; 0 where it has none. */
export function memoryOf(model: PoolModel, vmRef: string): number {
  const metrics = refOrNull(model, "VM", vmRef, "metrics");
  return metrics === null || !model.db.has("VM_metrics", metrics)
    ? 0
    : model.db.number("VM_metrics", metrics, "memory_actual");
}

/** vCPUs of the VM as it runs; those configured where it does not. */
export function vcpusOf(model: PoolModel, vmRef: string): number {
  const metrics = refOrNull(model, "VM", vmRef, "metrics");
  const running =
    metrics === null || !model.db.has("VM_metrics", metrics)
      ? 0
      : model.db.number("VM_metrics", metrics, "VCPUs_number");
  return running > 0 ? running : model.db.number("VM", vmRef, "VCPUs_max");
}

/** CPUs of the host. */
export function cpusOf(model: PoolModel, hostRef: string): number {
  return model.db.list("host", hostRef, "host_CPUs").length;
}

/** Clock rate of CPUs where nothing else is said: what a VM asks for is counted in CPUs of this rate. */
export const usualMhz = 2400;

/** How much a CPU of the host does in comparison with one of the usual rate. */
export function cpuSpeedOf(model: PoolModel, hostRef: string): number {
  const mhz = Number(model.db.map("host", hostRef, "cpu_info")["speed"] ?? usualMhz);
  return mhz > 0 ? mhz / usualMhz : 1;
}

/** Memory that Xen has not given to anybody: total less what the host's domains, and those arriving, occupy. */
export function unusedBytes(model: PoolModel, hostRef: string): number {
  const { db } = model;
  const arriving = [...model.migrations]
    .filter(([, migration]) => migration.targetRef === hostRef && migration.sourceRef !== hostRef)
    .map(([vmRef]) => vmRef);
  const here = db.list("host", hostRef, "resident_VMs").filter((vm) => db.has("VM", vm));
  const used = [...here, ...arriving].reduce(
    (sum, vm) => sum + memoryOf(model, vm) + db.number("VM", vm, "memory_overhead"),
    db.number("host", hostRef, "memory_overhead"),
  );
  return Math.max(0, totalBytes(model, hostRef) - used);
}

/** Memory of the host, in whole KiB as Xen tells it. */
export function totalBytes(model: PoolModel, hostRef: string): number {
  return model.db.number("host_metrics", model.db.text("host", hostRef, "metrics"), "memory_total");
}

/** MiB as bytes. */
export function fromMib(value: number): number {
  return Math.round(value * mib);
}
