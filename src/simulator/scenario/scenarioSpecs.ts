/** What a scenario says, as data. */
import type { WakeKind } from "../behaviour/machine.ts";
import type { VmLoad } from "../metrics/load.ts";
import type { HostLoad } from "../metrics/model.ts";
import type { ServerProfile } from "../objects/profile.ts";
import type { Release } from "../objects/release.ts";
import type { Role } from "../objects/roles.ts";

export interface PoolSpec {
  readonly name: string;
  readonly uuid: string | null;
  readonly release: Release;
  /** Null for a pool that only measures and refuses as its release does. */
  readonly profile: ServerProfile | null;
  readonly haTolerates: number;
}

export interface HostSpec {
  readonly name: string;
  readonly uuid: string | null;
  readonly address: string | null;
  readonly cpus: number;
  /** Clock rate of its CPUs; what VMs ask for is counted in CPUs of the usual rate. */
  readonly mhz: number;
  readonly memoryMib: number;
  /** Memory that Xen keeps for itself. */
  readonly overheadMib: number;
  readonly controlDomainMib: number;
  readonly controlDomainUuid: string | null;
  readonly master: boolean;
  readonly enabled: boolean;
  readonly vendor: string;
  readonly features: string;
  readonly powerOn: string;
  readonly bootMs: number;
  readonly wake: WakeKind;
  /** Switched off when the pool begins. */
  readonly off: boolean;
  /** An update's guidance is pending: it stays disabled when it has booted. */
  readonly pendingGuidance: boolean;
  readonly tags: readonly string[];
  readonly load: HostLoad;
}

export type VmKind = "vm" | "template" | "snapshot";

export interface VmSpec {
  readonly kind: VmKind;
  readonly name: string;
  readonly uuid: string | null;
  readonly snapshotOf: string | null;
  /** Name of the host it runs on; null where it does not run. */
  readonly on: string | null;
  readonly power: "Running" | "Paused" | "Halted" | "Suspended";
  readonly vcpus: number;
  readonly memoryMib: number;
  /** What it can be ballooned down to. */
  readonly minMib: number;
  readonly mode: "hvm" | "pvh" | "pv";
  readonly tools: boolean;
  /** Names of SRs; "local" is the own SR of the host it runs on. */
  readonly disks: readonly string[];
  readonly networks: readonly string[];
  readonly tags: readonly string[];
  /** Names of anti-affinity groups. */
  readonly groups?: readonly string[];
  /** Name of its home server. */
  readonly home?: string | null;
  /** Why migrating it is blocked, in words; null where it is not. */
  readonly blocked: string | null;
  readonly haPriority: string;
  readonly platform: Readonly<Record<string, string>>;
  readonly passesPci: boolean;
  readonly address: string | null;
  /** Fills what real VMs carry along: their records are as big as those of a real pool. */
  readonly fullSize: boolean;
  readonly load: VmLoad;
}

export interface StorageSpec {
  readonly name: string;
  readonly uuid: string | null;
  readonly type: string;
  readonly shared: boolean;
  /** Hosts that can reach it; null for all. */
  readonly hosts: readonly string[] | null;
}

export interface NetworkSpec {
  readonly name: string;
  readonly uuid: string | null;
  /** Interface on the hosts, where `deviceOf` says nothing else; null for none. */
  readonly device: string | null;
  /** Interfaces of hosts that call it otherwise, by the host's name. */
  readonly deviceOf?: ReadonlyMap<string, string>;
  readonly hosts: readonly string[] | null;
  /** Members of the bond that `device` is; absent where it is none. */
  readonly bond?: BondSpec;
  /** Tag on top of `device`; absent where it is the interface itself. */
  readonly vlan?: number;
  /** The hosts' management interface is on this network; where none says so, on the first that a host has. */
  readonly management?: boolean;
}

export const bondModes = ["balance-slb", "active-backup", "lacp"] as const;

export interface BondSpec {
  readonly members: readonly string[];
  readonly mode: (typeof bondModes)[number];
}

/** A user of the external directory. */
export interface UserSpec {
  readonly name: string;
  readonly password: string;
  readonly role: Role;
}

export interface Scenario {
  readonly pool: PoolSpec;
  readonly hosts: readonly HostSpec[];
  readonly vms: readonly VmSpec[];
  readonly storage: readonly StorageSpec[];
  readonly networks: readonly NetworkSpec[];
  readonly users: readonly UserSpec[];
}
