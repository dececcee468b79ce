/** The settings as programs have them: typed, with units in the names; and where they are read from. */
import type { FloorSetting } from "../domain/rule.ts";
import type { ServerAddress } from "./address.ts";
import type { Secret } from "./secret.ts";

export interface XenSettings {
  /** Members of the pool as URLs without a path, in the order to try them. */
  readonly urls: readonly string[];
  readonly user: string;
  readonly password: Secret;
  /** SHA-256 fingerprints as AA:BB:..., upper case; empty when none is pinned. */
  readonly fingerprints: readonly string[];
  /** The file that some of them stand in, as the settings name it; null for none. */
  readonly fingerprintFile: string | null;
  /** PEM text of the authorities to trust, or null. */
  readonly caPem: string | null;
  readonly tlsMinVersion: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";
  readonly poolUuid: string | null;
  /** Advertised to reachable address, for pools behind address translation. */
  readonly addressMap: ReadonlyMap<string, string>;
  /** Calls to one member at the same time. */
  readonly parallelCalls: number;
  readonly connectTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly answerMaxBytes: number;
}

export interface MysqlSettings {
  readonly servers: readonly ServerAddress[];
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
  readonly caPem: string | null;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

export interface CollectSettings {
  readonly deadlineMs: number;
  /** With --interval: after so long everything is read again, not only what has changed; 0: in every run. */
  readonly wholeEveryMs: number;
  readonly unreadHostsPercent: number;
  /** Deadline for one host's measures. */
  readonly hostTimeoutMs: number;
  /** "rrd": one request a host; "query": a call for each value; "auto": rrd where the host serves it. */
  readonly method: "auto" | "rrd" | "query";
  /** The interface that Host.PifEth0RxKb and PifEth0TxKb show; "auto": each host's management interface. */
  readonly eth0Device: string;
  /** Whether the pool is to record how long its VMs wait for a CPU. */
  readonly recordWaits: boolean;
  /** Days that the hosts' measures and the whole snapshots of collections are kept. */
  readonly hostSampleDays: number;
  readonly snapshotDays: number;
  /** Where each run writes metrics; null for nowhere. */
  readonly metricsFile: string | null;
}

export interface ControlSettings {
  /** "observe": nothing is moved and no host is switched; what would be done is recorded. */
  readonly mode: "act" | "observe";
  /** Where each run writes metrics; null for nowhere. */
  readonly metricsFile: string | null;
  readonly snapshotMaxAgeSeconds: number;
  readonly maxMovesPerRun: number;
  /** Collections that are averaged, and in how many of them a host must break a rule. */
  readonly sampleCount: number;
  readonly breaches: number;
  /** Seconds between two of them. */
  readonly sampleSeconds: number;
  /** The zone that hours of rules are in: "UTC", "Europe/Rome". */
  readonly timeZone: string;
  /** The part of the threshold that plans aim at, 0.1 to 1. */
  readonly targetFraction: number;
  /** A VM whose part in a host is less, in percent, is not moved for rules that balance. */
  readonly noisePercent: number;
  /** Two VMs may change places though a rule is worse between the two migrations. */
  readonly momentaryWorsening: boolean;
  /** A host whose value is not above this breaks no rule. */
  readonly floors: Readonly<Record<FloorSetting, number>>;
  /** Nominal milliseconds that a plan may take, and what its chance begins with. */
  readonly planMs: number;
  readonly planSeed: number;
  /** VMs with the same one of these tags stay together, are kept apart, are left alone. */
  readonly affinityTags: readonly string[];
  readonly antiAffinityTags: readonly string[];
  readonly excludeTags: readonly string[];
  readonly headroomBytes: number;
  /** Whether VMs may move that a migration would take used memory from, or that a host has too little room for. */
  readonly squeeze: "never" | "allow";
  /** Whether a VM's load is scaled by the clock rates of hosts that are unequal. */
  readonly cpuSpeed: "scale" | "ignore";
  readonly pollMs: number;
  /** The longest that any migration may take. */
  readonly migrationTimeoutMs: number;
  readonly maxMovesPerHour: number;
  /** Migrations that one host gives or takes within an hour. */
  readonly maxMovesPerHost: number;
  /** Migrations in the pool at the same time, ours and everybody else's. */
  readonly maxMigrationsInPool: number;
  /** Our migrations that one host gives and takes at the same time. */
  readonly transfersPerHost: number;
  /** How long a VM is left alone after a migration, and after the first of several that failed. */
  readonly vmCooldownMinutes: number;
  readonly failedVmMinutes: number;
  /** How long nothing is moved after a host died, came back, or was disabled or enabled. */
  readonly quietMinutes: number;
  readonly leaseMs: number;
  readonly green: GreenSettings;
}

/** How rules that gather VMs are carried out. */
export interface GreenSettings {
  /** A host is emptied when the load allowed it so long; woken when that of so long asks for it. */
  readonly downMinutes: number;
  readonly upMinutes: number;
  /** A host that came up stays on so long, one that went to sleep sleeps so long, unless a limit is reached. */
  readonly leastOnMinutes: number;
  readonly leastAsleepMinutes: number;
  readonly leastHostsOn: number;
  /** When a drain without progress is taken back, and a host that does not wake is given up. */
  readonly stallMinutes: number;
  readonly wakeMinutes: number;
  /** What a host draws, in watts. */
  readonly idleWatts: number;
  readonly asleepWatts: number;
}

/** How xcp-wlb, the pool's Workload Balancing server, listens and whom it believes. */
export interface WlbSettings {
  readonly listen: ServerAddress;
  readonly user: string;
  /** As `xcp-wlb --hash-password` prints it. */
  readonly passwordHash: Secret;
  /** Where its certificate and its keys lie. */
  readonly folder: string;
  /** Names that the certificate is made for; empty: those of the machine. */
  readonly names: readonly string[];
  /** Addresses that pools may be at and ask from, beside those of the collected hosts; in lower case. */
  readonly allowedAddresses: readonly string[];
  /** Nothing is answered by a collection that is older. */
  readonly maxAgeSeconds: number;
  readonly refreshMs: number;
  /** After so many wrong passwords in a row an address is locked out for so long. */
  readonly failures: number;
  readonly lockMs: number;
  /** Null: no metrics. */
  readonly metricsFile: string | null;
}

/** Programs of the operator's that are called on events. */
export interface HookSettings {
  /** Null for none. */
  readonly folder: string | null;
  /** What all hooks of one event have together. */
  readonly seconds: number;
}

export interface Settings {
  readonly hooks: HookSettings;
  readonly xen: XenSettings;
  readonly mysql: MysqlSettings;
  readonly collect: CollectSettings;
  readonly control: ControlSettings;
  readonly wlb: WlbSettings;
}

export interface SettingsSources {
  /** The settings file as messages name it; null when there is none and the environment must give everything. */
  readonly fileName: string | null;
  readonly text: string;
  /** What dotenv reads from `text`. */
  readonly values: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads a file named by a setting; throws an Error whose message says why it could not. */
  readonly readFile: (path: string, isSecret: boolean) => string;
  /** The text of a systemd credential, or null where there is none of that name. */
  readonly readCredential: (name: string) => string | null;
}
