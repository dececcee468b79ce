/** What planning needs of a VM beside the thesis' columns. */
import type { Uuid, VmEth0, VmFacts, VmHome } from "../../domain/pool.ts";
import { named, type Table, table } from "../columns.ts";
import {
  bigInt,
  flag,
  ifPresent,
  int,
  optionalText,
  optionalUuid,
  shortText,
  textList,
  uuid,
} from "../columnTypes.ts";

export interface VmDetail extends VmFacts, VmEth0, VmHome {
  readonly uuid: Uuid;
}

export const vmDetailTable: Table<VmDetail> = table("VmDetail", ["uuid"], {
  uuid: named("VmUuid", uuid),
  placementBytes: bigInt,
  copyBytes: bigInt,
  tags: textList,
  hasTools: flag,
  immovable: optionalText,
  haPriority: shortText,
  antiAffinityGroups: textList,
  migratingTo: optionalUuid,
  shrinksToBytes: bigInt,
  eth0Vifs: ifPresent(int),
  eth0RxKb: ifPresent(int),
  eth0TxKb: ifPresent(int),
  homeServer: ifPresent(optionalUuid),
});

/** Why a VM without a row is not moved. */
export const withoutDetails = "xcp-collect has not read this VM yet";
