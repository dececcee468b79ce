/** Every change of a rule of any table; never deleted by the programs. */
import { named, type Table, table } from "../columns.ts";
import { count, date, openWord, optionalNumber, optionalText, text, word } from "../columnTypes.ts";

export type RuleAction = "create" | "alter" | "enable" | "disable" | "delete";

export interface RuleHistoryRow {
  readonly id: number;
  readonly at: Date;
  readonly by: string;
  readonly action: RuleAction;
  readonly kind: "HOST" | "GREEN" | "SERVE";
  /** Null of a rule of HostRule. */
  readonly ruleId: number | null;
  /** The rule as CREATE RULE reads it; null where there was none, or is none any more. */
  readonly before: string | null;
  readonly after: string | null;
}

export const ruleHistoryTable: Table<RuleHistoryRow> = table("RuleHistory", ["id"], {
  id: count,
  at: named("ChangedAt", date),
  by: named("ChangedBy", text),
  action: openWord<RuleAction>(),
  kind: word(["HOST", "GREEN", "SERVE"], "HOST"),
  ruleId: optionalNumber,
  before: named("RuleBefore", optionalText),
  after: named("RuleAfter", optionalText),
});
