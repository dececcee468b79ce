/**
 * The nouns of the system. Imports nothing; knows neither XAPI's wire format nor SQL.
 *
 * Terminology:
 * - pool: hosts that share storage and answer through one master;
 * - host: a physical machine of the pool; VM: a guest on it;
 * - control domain: dom0 or a driver domain; it never moves, its load counts;
 * - placement: which host a VM is resident on (table Map);
 * - snapshot: all facts about a pool at one instant;
 * - infeasible pair: a host that cannot take a VM, with the reason;
 * - pool mean: the mean of a subject over the hosts; deviation: host value minus pool mean.
 */

declare const brand: unique symbol;

/** The lasting identity of a host, VM or pool: 36 characters. A name is never unique. */
export type Uuid = string & { readonly [brand]: "Uuid" };

/** Mints a Uuid from text that XAPI or the store delivered as one. */
export function asUuid(text: string): Uuid {
  return text as Uuid;
}

/** Measures of a host; null where the value was missing, NaN or impossible - never 0 for unknown. */
export interface HostMeasures {
  readonly memoryTotalMb: number | null;
  readonly memoryFreeMb: number | null;
  readonly xapiMemoryUsageMb: number | null;
  readonly xapiFreeMemoryMb: number | null;
  /** KiB/s, as the next three (the thesis labels them Kb/s). */
  readonly pifLoRxKb: number | null;
  readonly pifLoTxKb: number | null;
  readonly pifEth0RxKb: number | null;
  readonly pifEth0TxKb: number | null;
  /** Load average of the control domain, a plain load (1 = one runnable task). */
  readonly dom0LoadAvg: number | null;
  /** Percent, 0 to 100: mean over the host's CPUs. */
  readonly cpuAverage: number | null;
}

/** What planning needs to know of a host beside its measures. */
export interface HostFacts {
  /** Accepts VMs: false while in maintenance. */
  readonly enabled: boolean;
  /** The pool's own word on whether the host is alive (host_metrics.live). */
  readonly live: boolean;
  readonly isMaster: boolean;
  /** The product's version text, e.g. "8.3.0"; "" where unknown. */
  readonly version: string;
  /** Bytes that xapi would still give to arriving VMs (host.compute_free_memory); null where unknown. */
  readonly placementFreeBytes: number | null;
  /** How the pool can switch it on: "wake-on-lan", "IPMI", a script's name; "" for not at all, and where unknown. */
  readonly powerOnMode: string;
  /** False when the host's measures could not be read in this collection. */
  readonly read: boolean;
  /** Clock rate of its CPUs in MHz (cpu_info.speed); null where unknown. */
  readonly cpuMhz: number | null;
}

/** What only rules of the added tables, or pools of unequal hosts, compare. */
export interface HostAdditions {
  /** How much one of its CPUs does, as a part of what the pool's fastest does; only in pools of unequal ones. */
  readonly cpuSpeed?: number;
  /** Values of data sources that rules name, by XAPI's names and in XAPI's units; what is not there is unknown. */
  readonly sources?: Readonly<Record<string, number>>;
  /** What follows from the guests placed on it, by subject, as `withDerived` computes it; null where unknown. */
  readonly derived?: Readonly<Record<string, number | null>>;
}

/** What of a host's network is known; absent in what collections of before this was read have stored. */
export interface HostInterfaces {
  /** The names of its interfaces, a bond for its members; sorted. */
  readonly interfaces?: readonly string[];
  /** The one that `pifEth0RxKb` and `pifEth0TxKb` show: "eth0", "bond0 (eth0 + eth1)"; absent where there is none. */
  readonly eth0?: string;
}

/** What is only there when something is wrong. */
export interface HostDoubt {
  /** Why measures that were read are not believed. */
  readonly doubt?: string;
}

export interface Host extends HostMeasures, HostFacts, HostAdditions, HostInterfaces, HostDoubt {
  readonly uuid: Uuid;
  readonly name: string;
  readonly ip: string | null;
  readonly cpuNum: number | null;
}

/** XAPI's own words; an unknown one is kept as it came. */
export type PowerState = "Halted" | "Paused" | "Running" | "Suspended" | (string & {});

/** Whether a VM in this state occupies a host. */
export function occupiesHost(powerState: PowerState): boolean {
  return powerState === "Running" || powerState === "Paused";
}

/** Measures of a VM; null where not running, missing, NaN or impossible. */
export interface VmMeasures {
  readonly memoryMb: number | null;
  readonly memoryInternalFreeMb: number | null;
  readonly vif0TxKb: number | null;
  readonly vif0RxKb: number | null;
  /** Percent, 0 to 100: mean over the VM's vCPUs. */
  readonly vcpuAverage: number | null;
}

/** What planning needs to know of a VM beside its measures. */
export interface VmFacts {
  /** Bytes a destination must have free, as xapi counts them: ceil_MiB(dynamic_min) + overhead; null where unknown. */
  readonly placementBytes: number | null;
  /** Bytes to copy in a migration: what the guest occupies (memory_actual, else dynamic_max); null where unknown. */
  readonly copyBytes: number | null;
  readonly tags: readonly string[];
  readonly hasTools: boolean;
  /** Why this VM can be moved to no host at all, in words and with XAPI's code; null when nothing forbids it. */
  readonly immovable: string | null;
  /** "", "best-effort", "restart" or an older pool's number. */
  readonly haPriority: string;
  /** Names of the anti-affinity groups that the VM belongs to. */
  readonly antiAffinityGroups: readonly string[];
  /** The host that it is just being migrated to, whoever began that; null where it is not. */
  readonly migratingTo: Uuid | null;
  /** Bytes that a live migration shrinks the guest to before it copies (memory_dynamic_min); null: it does not shrink. */
  readonly shrinksToBytes: number | null;
}

/**
 * What a VM sends and receives through the interface that stands for eth0 on its host, over all its virtual interfaces
 * whose network reaches that one. Absent of VMs that are on no host, and in what collections of before this was read
 * have stored: there `vif0RxKb` and `vif0TxKb` stand for it.
 */
export interface VmEth0 {
  /** How many of its interfaces reach it. */
  readonly eth0Vifs?: number;
  /** KiB/s, as the next; 0 where no interface reaches it, absent where one that does is not measured. */
  readonly eth0RxKb?: number;
  readonly eth0TxKb?: number;
}

/** The host that a VM is meant to run on (XAPI's affinity); absent where it has none, or where that was not read. */
export interface VmHome {
  readonly homeServer?: Uuid;
}

/**
 * What tells of a VM's demand: the states of its vCPUs; how many vCPUs of its host run or want to; what it used while its
 * host was not full; or nothing but what it used.
 */
export const demandSources = ["run-states", "hostload", "last-use", "measured"] as const;
export type DemandSource = (typeof demandSources)[number];

/**
 * What the VM wants of its host's CPUs; absent where nothing tells of more than what it used, and in what collections
 * of before this was read have stored.
 */
export interface VmCpuDemand {
  /** Percent, 0 to 100: used and waited for, mean over the vCPUs; never less than `vcpuAverage`. */
  readonly cpuDemand?: number | null;
  readonly demandFrom?: DemandSource;
}

export interface Vm extends VmMeasures, VmFacts, VmEth0, VmHome, VmCpuDemand {
  /** Percent, 0 to 100: the time in which a vCPU wanted to run and could not, mean over the vCPUs; null if unknown. */
  readonly cpuWait?: number | null;
  readonly uuid: Uuid;
  readonly name: string;
  readonly vcpuNum: number | null;
  readonly powerState: PowerState;
  readonly isControlDomain: boolean;
}

/** A VM on the host it is resident on. A VM that does not run has no placement. */
export interface Placement {
  readonly hostUuid: Uuid;
  readonly vmUuid: Uuid;
}

/** A host that cannot take a VM, and why (XAPI's code and what it names). */
export interface InfeasiblePair {
  readonly vmUuid: Uuid;
  readonly hostUuid: Uuid;
  readonly reason: string;
}

/** Facts about the whole pool. */
export interface PoolFacts {
  readonly uuid: Uuid;
  readonly name: string;
  readonly haEnabled: boolean;
  /** How many hosts may fail by the settings of HA; null where unknown. */
  readonly haTolerance: number | null;
  /** For how many failures HA has a plan now, below the tolerance in a pool that is overcommitted; null where unknown. */
  readonly haPlannedFor: number | null;
  readonly wlbEnabled: boolean;
  /** Where it looks for its Workload Balancing server, "host:port"; absent where it has none, or that is not known. */
  readonly wlbUrl?: string;
  readonly rollingUpgrade: boolean;
}

/** One state of the pool, as collect read it. Lists are sorted by uuid. */
export interface Snapshot {
  readonly pool: PoolFacts;
  readonly hosts: readonly Host[];
  readonly vms: readonly Vm[];
  readonly placements: readonly Placement[];
  readonly infeasiblePairs: readonly InfeasiblePair[];
}

/** Of a pool that nothing is known of. */
export const unknownPool: PoolFacts = {
  uuid: asUuid(""),
  name: "",
  haEnabled: false,
  haTolerance: null,
  haPlannedFor: null,
  wlbEnabled: false,
  rollingUpgrade: false,
};

/** A pool without hosts, for where there is no snapshot. */
export const emptySnapshot: Snapshot = {
  pool: unknownPool,
  hosts: [],
  vms: [],
  placements: [],
  infeasiblePairs: [],
};

/** One run of collect as the database remembers it. Times are the database's clock. */
export interface Collection {
  readonly id: number;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly poolUuid: Uuid;
  readonly hostsRead: number;
  readonly hostsUnread: number;
  readonly vms: number;
  /** False when more hosts were unread than the settings allow. */
  readonly complete: boolean;
  readonly durationMs: number;
  /** Seconds that the pool's clock was ahead of the database's; null where the pool told no time. */
  readonly clockSkewSeconds: number | null;
}

/** The snapshot with the collection that stored it, and its age by the database's clock. */
export interface StoredSnapshot {
  readonly snapshot: Snapshot;
  readonly collection: Collection;
  readonly ageSeconds: number;
}

/** The virtual machines that have a place on a host; control domains are none of them. */
export function placedGuests({ vms, placements }: Pick<Snapshot, "vms" | "placements">): number {
  const domains = new Set(vms.filter(({ isControlDomain }) => isControlDomain).map(({ uuid }) => uuid));
  return placements.filter(({ vmUuid }) => !domains.has(vmUuid)).length;
}
