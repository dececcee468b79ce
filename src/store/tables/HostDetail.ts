/**
 * What planning needs of a host beside the thesis' columns. A host without a row was put there by somebody else than
 * xcp-collect; nothing is known of it, so it reads as not enabled, not live and not read.
 */
import type { HostDoubt, HostFacts, HostInterfaces, Uuid } from "../../domain/pool.ts";
import { named, type Table, table } from "../columns.ts";
import {
  bigInt,
  flag,
  ifPresent,
  int,
  optionalShortText,
  optionalTextList,
  shortText,
  uuid,
} from "../columnTypes.ts";

export interface HostDetail extends HostFacts, HostInterfaces, HostDoubt {
  readonly uuid: Uuid;
}

export const hostDetailTable: Table<HostDetail> = table("HostDetail", ["uuid"], {
  uuid: named("HostUuid", uuid),
  enabled: flag,
  live: flag,
  isMaster: flag,
  version: shortText,
  placementFreeBytes: bigInt,
  powerOnMode: shortText,
  read: named("ReadOk", flag),
  cpuMhz: int,
  doubt: ifPresent(optionalShortText),
  interfaces: ifPresent(optionalTextList),
  eth0: ifPresent(optionalShortText),
});
