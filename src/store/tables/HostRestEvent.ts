/** Every step that green rules made with a host; times are seconds since 1970. */
import type { HostPowerEvent, HostPowerEventKind } from "../../domain/hostPower.ts";
import { named, type Table, table } from "../columns.ts";
import { epoch, openWord, text, uuid } from "../columnTypes.ts";

export interface HostRestEvent extends HostPowerEvent {
  readonly id: string;
  readonly poolUuid: string;
  readonly runId: string;
}

export const hostRestEventTable: Table<HostRestEvent> = table("HostRestEvent", ["id"], {
  id: text,
  host: named("HostUuid", uuid),
  poolUuid: text,
  runId: text,
  at: named("HappenedAt", epoch),
  kind: openWord<HostPowerEventKind>(),
  reason: text,
});
