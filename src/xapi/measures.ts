/**
 * Measures as the pool delivers them, by data source name and in the source's own unit, whichever way they were read.
 * A source that is missing, unknown or not a number is not in its map.
 */
import type { HostRef, VmRef } from "./records.ts";

export type SourceValues = ReadonlyMap<string, number>;

/** What is to be measured beside the thesis' columns, because a rule names it. */
export interface NamedMeasures {
  /** Data sources of hosts. */
  readonly hostSources: readonly string[];
  /** How long VMs waited for a CPU. */
  readonly cpuWait: boolean;
}

export const nothingNamed: NamedMeasures = { hostSources: [], cpuWait: false };

/** VM sources that tell of waiting: newer pools the first, others the states of the VM; all off by default. */
export const waitSources = [
  "runnable_vcpus",
  "runstate_full_contention",
  "runstate_partial_contention",
  "runstate_concurrency_hazard",
] as const;

export interface Measures {
  readonly hosts: ReadonlyMap<HostRef, SourceValues>;
  readonly vms: ReadonlyMap<VmRef, SourceValues>;
  /** Hosts whose measures could not be read, with the reason. Their VMs have none either. */
  readonly unread: ReadonlyMap<HostRef, string>;
  /** Hosts that were read value by value because they do not serve /rrd_updates to us, with the reason. */
  readonly slow: ReadonlyMap<HostRef, string>;
  /** Those of them whose certificate is not trusted, with the SHA-256 that they show. */
  readonly untrusted: ReadonlyMap<HostRef, string>;
}
