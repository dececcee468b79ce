/** VMs that stay where they are, hosts that neither give nor take. */
import type { Exclusion } from "../../domain/controlState.ts";
import { named, type Table, table } from "../columns.ts";
import { date, text, uuid, word } from "../columnTypes.ts";

export const exclusionTable: Table<Exclusion> = table("Exclusion", ["uuid"], {
  uuid: named("ObjectUuid", uuid),
  kind: word(["VM", "HOST"], "VM"),
  by: named("ExcludedBy", text),
  at: named("ExcludedAt", date),
  reason: text,
});
