/** Rules that say more than a row of HostRule can. */
import { type Table, table } from "../columns.ts";
import { count, flag, optionalNumber, optionalText, text } from "../columnTypes.ts";

export interface AddedRuleRow {
  readonly id: number;
  /** HOST or GREEN; what is neither is told. */
  readonly kind: string;
  readonly name: string | null;
  readonly remark: string | null;
  readonly enabled: boolean;
  readonly brokenSamples: number | null;
  readonly ofSamples: number | null;
  readonly fromMinute: number | null;
  readonly toMinute: number | null;
  readonly spareHosts: number | null;
}

export const addedRuleTable: Table<AddedRuleRow> = table("AddedRule", ["id"], {
  id: count,
  kind: text,
  name: optionalText,
  remark: optionalText,
  enabled: flag,
  brokenSamples: optionalNumber,
  ofSamples: optionalNumber,
  fromMinute: optionalNumber,
  toMinute: optionalNumber,
  spareHosts: optionalNumber,
});
