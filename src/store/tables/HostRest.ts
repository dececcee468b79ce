/** What green rules have done with each host; times are seconds since 1970. */
import type { Host, Uuid } from "../../domain/pool.ts";
import { named, type Table, table } from "../columns.ts";
import { epoch, json, optionalEpoch, optionalNumber, optionalText, text, uuid } from "../columnTypes.ts";

export interface HostRest {
  readonly host: Uuid;
  readonly poolUuid: string;
  /** The kind of a `HostState`; whatever else stands there is passed over. */
  readonly state: string;
  readonly since: number;
  readonly reason: string;
  readonly vmsLeft: number | null;
  readonly progressAt: number | null;
  readonly emptyHost: Host | null;
  readonly taskRef: string | null;
}

export const hostRestTable: Table<HostRest> = table("HostRest", ["host"], {
  host: named("HostUuid", uuid),
  poolUuid: text,
  state: text,
  since: epoch,
  reason: text,
  vmsLeft: optionalNumber,
  progressAt: optionalEpoch,
  emptyHost: json<Host>(),
  taskRef: optionalText,
});
