/**
 * Measures as the pool delivers them, by data source name and in the source's own unit, whichever way they were read.
 * A source that is missing, unknown or not a number is not in its map.
 */
import type { HostRef, VmRef } from "./records.ts";

export type SourceValues = ReadonlyMap<string, number>;

export interface Measures {
  readonly hosts: ReadonlyMap<HostRef, SourceValues>;
  readonly vms: ReadonlyMap<VmRef, SourceValues>;
  /** Hosts whose measures could not be read, with the reason. Their VMs have none either. */
  readonly unread: ReadonlyMap<HostRef, string>;
  /** Hosts that were read value by value because they do not serve /rrd_updates to us, with the reason. */
  readonly slow: ReadonlyMap<HostRef, string>;
}
