/** What makes no rule though it is well written: contradictions, and what no migration could cure. Pure. */

import {
  type AnySubject,
  type ChainRule,
  highestOf,
  isSource,
  type Term,
  unitOf,
  whenVmLeaves,
} from "../domain/rule.ts";
import { plural } from "../text/format.ts";
import { printTerm, withUnit } from "./print.ts";

/** Why `rule` cannot be meant so, with what to write instead; null where it can. */
export function nonsenseOf(rule: ChainRule): string | null {
  for (const term of rule.terms) {
    const wrong = sumNonsense(term) ?? amountNonsense(term);
    if (wrong !== null) return wrong;
  }
  return pairNonsense(rule.terms) ?? cureNonsense(rule.terms) ?? repeatNonsense(rule.repeat);
}

function sumNonsense({ subjects }: Term): string | null {
  const [first, ...rest] = subjects;
  if (first === undefined) return "A term names no subject: write Subject > N.";
  const twice = rest.find((subject, index) => subjects.indexOf(subject) <= index);
  if (twice !== undefined) return `${twice} is added to itself: name it once.`;
  for (const other of rest) {
    if (unitOf(other) === unitOf(first) && !(isSource(first) && unitOf(first) === "")) continue;
    if (unitOf(first) === "" || unitOf(other) === "") {
      return `Nothing is known of the unit of ${unitOf(first) === "" ? first : other}, so that it cannot be added to another subject: write two terms with AND.`;
    }
    return `${first} (${unitOf(first)}) and ${other} (${unitOf(other)}) have different units and cannot be added: write two terms with AND.`;
  }
  const effects = new Set(subjects.map(whenVmLeaves).filter((effect) => effect !== "stays"));
  return effects.size > 1
    ? `${subjects.join(" and ")} change in opposite ways when a VM leaves, so that their sum says nothing: write two terms with AND.`
    : null;
}

function amountNonsense(term: Term): string | null {
  const { subjects, condition, amount } = term;
  if (!Number.isFinite(amount) || amount < 0) return `${amount} is no threshold: write a number, 0 or more.`;
  const most = subjects.reduce((sum, subject) => sum + highestOf(subject), 0);
  if (condition !== "below" && amount >= most) {
    return `${subjects.join(" + ")} is never above ${withUnit(most, term)}, so that no host could break "${printTerm(term)}": write less.`;
  }
  if (condition === "below" && amount === 0) {
    return `${subjects.join(" + ")} is never below 0, so that no host could break "${printTerm(term)}": write more.`;
  }
  if (condition === "more than mean" && subjects.some((subject) => whenVmLeaves(subject) === "rises")) {
    return `${subjects.join(" + ")} rises when VMs leave, so that "${printTerm(term)}" asks for more VMs there: write OccupiedMemoryMb > N, or MemoryFreeMb BELOW N.`;
  }
  return null;
}

function pairNonsense(terms: readonly Term[]): string | null {
  for (const [index, a] of terms.entries()) {
    for (const b of terms.slice(index + 1)) {
      if (!sameSum(a.subjects, b.subjects)) continue;
      if (a.condition === b.condition) {
        return `"${printTerm(a)}" and "${printTerm(b)}" are about the same: one of them decides alone, leave the other out.`;
      }
      const [above, below] = a.condition === "above" ? [a, b] : [b, a];
      if (above.condition === "above" && below.condition === "below" && below.amount <= above.amount) {
        return `"${printTerm(a)}" and "${printTerm(b)}" contradict each other: nothing is above ${withUnit(above.amount, above)} and below ${withUnit(below.amount, below)}. Leave one out, or exchange the two numbers.`;
      }
    }
  }
  return null;
}

function sameSum(a: readonly AnySubject[], b: readonly AnySubject[]): boolean {
  return a.length === b.length && a.every((subject) => b.includes(subject));
}

/** Whether the leaving of VMs can bring a host back under the term. */
export function isCurable({ subjects, condition }: Term): boolean {
  const wanted = condition === "below" ? "rises" : "falls";
  return subjects.some((subject) => whenVmLeaves(subject) === wanted);
}

function cureNonsense(terms: readonly Term[]): string | null {
  if (terms.some(isCurable)) return null;
  const words = terms.map((term) => `"${printTerm(term)}"`).join(" and ");
  return `No migration away from a host is known to bring it back under ${words}: add a term that falls when VMs leave, as in AND CpuAverage > 10.`;
}

/** More samples than control keeps at hand. */
export const mostSamples = 60;

function repeatNonsense(repeat: ChainRule["repeat"]): string | null {
  if (repeat === null) return null;
  const { broken, of } = repeat;
  if (broken < 1 || of < 1 || of > mostSamples) {
    return `FOR ${broken} OF ${of}: write numbers from 1 to ${mostSamples}, as in FOR 5 OF 6.`;
  }
  return broken > of
    ? `FOR ${broken} OF ${of}: nothing happens ${plural(broken, "time")} in ${plural(of, "sample")}; did you mean FOR ${of} OF ${broken}?`
    : null;
}
