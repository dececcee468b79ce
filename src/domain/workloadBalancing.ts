/**
 * A pool that has xcp-wlb as its Workload Balancing server: what it was configured to, and how it is told from a pool
 * that another server balances. Pure.
 */
import type { PoolFacts, Snapshot, Uuid } from "./pool.ts";

/** What the server keeps of a pool that was connected to it. */
export interface WlbBinding {
  readonly pool: Uuid;
  /** The host part of the address that the pool was given for the server; null where it did not say. */
  readonly endpoint: string | null;
  /** What was sent by XenCenter or xe, by key. */
  readonly configuration: ReadonlyMap<string, string>;
}

/** What of a pool's record tells of its server. */
export type WlbFacts = Pick<PoolFacts, "uuid" | "wlbEnabled" | "wlbUrl">;

/** Whether Workload Balancing is on in the pool and xcp-wlb is its server: the pool's record names the same host. */
export function isOwnWlb({ uuid, wlbEnabled, wlbUrl }: WlbFacts, binding: WlbBinding | null): boolean {
  if (!wlbEnabled || wlbUrl === undefined || binding === null || binding.endpoint === null) return false;
  return (
    uuid.toLowerCase() === binding.pool.toLowerCase() && hostPart(wlbUrl) === binding.endpoint.toLowerCase()
  );
}

/** The host of "host:port", an IPv6 address without its brackets, in lower case. */
export function hostPart(url: string): string {
  const [, host = url] = /^(.*?)(?::\d+)?$/.exec(url.trim()) ?? [];
  return host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
}

/** The snapshot as programs of ours see it: Workload Balancing that asks us is no second balancer. */
export function withoutOwnWlb(snapshot: Snapshot, binding: WlbBinding | null): Snapshot {
  return isOwnWlb(snapshot.pool, binding)
    ? { ...snapshot, pool: { ...snapshot.pool, wlbEnabled: false } }
    : snapshot;
}

/** Whether the pool is connected to xcp-wlb, paused or not. */
export function isConnectedWlb(pool: WlbFacts, binding: WlbBinding | null): boolean {
  return isOwnWlb({ ...pool, wlbEnabled: true }, binding);
}

/** The keys of a configuration that do something here; all others are kept and given back. */
export const actingKeys = [
  "AutoBalanceEnabled",
  "AutoBalancePollIntervals",
  "RecentMoveMinutes",
  "HostCpuThresholdCritical",
  "HostMemoryThresholdCritical",
  "HostPifReadThresholdCritical",
  "HostPifWriteThresholdCritical",
  "OptimizationMode",
  "PowerManagementEnabled",
] as const;

/** What may be configured for one host, behind "host_<uuid>_". */
export const actingHostKeys = [
  "ExcludeFromPlacementRecommendations",
  "ExcludeFromEvacuationRecommendations",
  "ExcludeFromPoolOptimizations",
  "ExcludeFromPoolOptimizationAcceptVMs",
  "ParticipatesInPowerManagement",
] as const;

export type ActingKey = (typeof actingKeys)[number];
export type ActingHostKey = (typeof actingHostKeys)[number];

export function actsHere(key: string): boolean {
  const [, , name] = hostKey(key) ?? [];
  return name === undefined
    ? actingKeys.some((each) => each === key)
    : actingHostKeys.some((each) => each === name);
}

/** The acting keys that hold a number; the others hold true or false. */
export type NumberKey = Exclude<ActingKey, "AutoBalanceEnabled" | "PowerManagementEnabled">;

/** What they may be, both ends included. */
const numberRanges: Readonly<Record<NumberKey, readonly [least: number, most: number]>> = {
  AutoBalancePollIntervals: [1, 60],
  RecentMoveMinutes: [0, 1440],
  HostCpuThresholdCritical: [Number.MIN_VALUE, 1],
  HostMemoryThresholdCritical: [Number.MIN_VALUE, Number.MAX_VALUE],
  HostPifReadThresholdCritical: [Number.MIN_VALUE, Number.MAX_VALUE],
  HostPifWriteThresholdCritical: [Number.MIN_VALUE, Number.MAX_VALUE],
  OptimizationMode: [0, 1],
};

/** Whether `value` of `key` does something here; what does not is kept and given back all the same. */
export function hasEffect(key: string, value: string): boolean {
  if (!actsHere(key)) return false;
  return isNumberKey(key) ? numberWithin(key, value) !== null : flagOf(value) !== null;
}

function isNumberKey(key: string): key is NumberKey {
  return Object.hasOwn(numberRanges, key);
}

function numberWithin(key: NumberKey, text: string | undefined): number | null {
  const plain = text?.trim() ?? "";
  const value = /^\d+(\.\d+)?(e\+?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
  const [least, most] = numberRanges[key];
  return value >= least && value <= most ? value : null;
}

/** "host_<uuid>_<name>" in its parts; null for any other key. */
export function hostKey(key: string): readonly [string, string, string] | null {
  const [, uuid = "", name = ""] = /^host_([0-9a-f-]{36})_(\w+)$/i.exec(key) ?? [];
  return uuid === "" ? null : [key, uuid.toLowerCase(), name];
}

/** A number of a configuration; null where it is not there, is none, or is out of its range. */
export function configuredNumber({ configuration }: WlbBinding, key: NumberKey): number | null {
  return numberWithin(key, configuration.get(key));
}

/** Whether a key was set to true, or to false; null where it was not set. */
export function configuredFlag({ configuration }: WlbBinding, key: ActingKey): boolean | null {
  return flagOf(configuration.get(key));
}

/** Hosts for which `name` was set to true. */
export function hostsWith({ configuration }: WlbBinding, name: ActingHostKey): ReadonlySet<string> {
  const found = [...configuration].flatMap(([key, value]) => {
    const [, uuid = "", which] = hostKey(key) ?? [];
    return which === name && flagOf(value) === true ? [uuid] : [];
  });
  return new Set(found);
}

function flagOf(text: string | undefined): boolean | null {
  const word = text?.trim().toLowerCase();
  return word === "true" ? true : word === "false" ? false : null;
}
