/** The planner's numbers as the domain has them, and in words. Pure. */

import { isSingle, sumText, termUnit } from "../../domain/rule.ts";
import { ruleTitle } from "../../rules/print.ts";
import { figure } from "../../text/format.ts";
import type { Problem } from "../problem.ts";

/** The value of a term as it is measured: what is BELOW a limit is kept with its sign turned. */
export function measured({ sign }: Problem, r: number, value: number): number {
  return (sign[r] ?? 1) * value + 0;
}

/** Which term of its rule it is; nothing of a rule that has no other. */
export function placeOf({ places, first, end }: Problem, r: number): { readonly term?: number } {
  return (end[r] ?? 0) - (first[r] ?? 0) > 1 ? { term: places[r] ?? 0 } : {};
}

/** "the rule of CpuAverage", "the rule night" */
export function ruleName({ rules }: Problem, r: number): string {
  const rule = rules[r];
  if (rule === undefined) return "the rule";
  return !isSingle(rule) && rule.name !== null ? `the rule ${rule.name}` : `the rule of ${ruleTitle(rule)}`;
}

/** "CpuAverage", "PifEth0RxKb + PifEth0TxKb" */
export function subjectName({ terms }: Problem, r: number): string {
  const term = terms[r];
  return term === undefined ? "" : sumText(term);
}

/** "22.3 %" */
export function amount({ terms }: Problem, r: number, value: number): string {
  const term = terms[r];
  const unit = term === undefined ? "" : termUnit(term);
  return unit === "" ? rounded(value) : `${rounded(value)} ${unit}`;
}

/** Sentences are read by people: one decimal is enough. */
export function rounded(value: number): string {
  return figure(value, 1);
}
