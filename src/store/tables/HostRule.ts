/** The thesis' table of rules: a subject, and by how much a host may be above the pool's mean. */
import { type Table, table } from "../columns.ts";
import { count, text } from "../columnTypes.ts";

export interface HostRuleRow {
  /** As it stands there; what is no subject is told. */
  readonly subject: string;
  readonly threshold: number;
}

export const hostRuleTable: Table<HostRuleRow> = table("HostRule", ["subject"], {
  subject: text,
  threshold: count,
});
