/** The terms of a chain, or the limits of a rule that gathers VMs. */
import { type Table, table } from "../columns.ts";
import { count, text } from "../columnTypes.ts";

export interface RuleTermRow {
  readonly ruleId: number;
  readonly position: number;
  /** One subject, or a sum. */
  readonly subjects: string;
  /** A condition of a term; what is none is told. */
  readonly relation: string;
  readonly amount: number;
}

export const ruleTermTable: Table<RuleTermRow> = table("RuleTerm", ["ruleId", "position"], {
  ruleId: count,
  position: count,
  subjects: text,
  relation: text,
  amount: count,
});
