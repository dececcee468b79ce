/** Rules as data: what an administrator may ask of the pool. Pure. */
import { type AnySubject, isSource, isThesisSubject, type Subject, subjectFacts, unitOf } from "./subject.ts";

export * from "./subject.ts";

/** "When a host's `subject` is more than `threshold` above the pool's mean": the thesis' rule, a row of HostRule. */
export interface SingleRule {
  readonly subject: Subject;
  /** In the subject's unit; a finite number, 0 or more. */
  readonly threshold: number;
}

/**
 * A part of a chain: the sum of the subjects is more than `amount` above the pool's mean, or it is ABOVE or BELOW
 * `amount` on the host itself, whatever the others have.
 */
export interface Term {
  /** One or more of one unit, none of them twice. */
  readonly subjects: readonly AnySubject[];
  readonly condition: "more than mean" | "above" | "below";
  /** In the subjects' unit; a finite number, 0 or more. */
  readonly amount: number;
}

/** Times of day, in minutes since midnight, in which a rule acts; from the first until before the second. */
export interface Hours {
  readonly from: number;
  /** Before `from` where the hours pass midnight. */
  readonly to: number;
}

/** What any rule of the added tables may have. */
export interface RuleOptions {
  /** Null: at all times. */
  readonly between: Hours | null;
  readonly name: string | null;
  readonly comment: string | null;
  /** A rule that is not does nothing, and is kept. */
  readonly enabled: boolean;
}

/** A rule that a host breaks when it is past every one of its terms, in k of the last n samples. */
export interface ChainRule extends RuleOptions {
  readonly terms: readonly Term[];
  /** Null: as often as the settings say. */
  readonly repeat: { readonly broken: number; readonly of: number } | null;
}

/** A rule about hosts that balance. */
export type Rule = SingleRule | ChainRule;

/** What every host that stays on keeps to, of a rule that gathers VMs. */
export type GreenLimit =
  /** The host's `subject` is at most `value`, in the subject's unit. */
  | { readonly kind: "below"; readonly subject: Subject; readonly value: number }
  /** At least `percent` of the host's memory is free. */
  | { readonly kind: "memory free"; readonly percent: number };

/** A rule that gathers the VMs on few hosts, so that the others can be switched off. */
export interface GreenRule extends RuleOptions {
  readonly limits: readonly GreenLimit[];
  /** Hosts whose failure the others absorb within the limits, whichever they are. */
  readonly spareHosts: number;
}

/** A rule that serves VMs: those that wait for what their host lacks are moved to where they get it. */
export interface ServeRule extends RuleOptions {
  readonly serve: "CPU";
  /** CPU-minutes that each gigabyte which is copied must save at least; 0 or more. */
  readonly worth: number;
  /** Minutes ahead that are looked at. */
  readonly overMinutes: number;
}

/** What a rule that serves VMs says where it does not say it; and the minutes that it may look ahead. */
export const serveDefaults = { worth: 1, overMinutes: 60 };
/**
 * Gigabytes that a migration counts for beside what it copies: its VM stands still for a moment and rests afterwards, and
 * both hosts are kept from other moves, however small it is.
 */
export const migrationGigabytes = 5;
export const serveMinutes = { least: 10, most: 1440 };

/** A rule of any kind. */
export type AnyRule = Rule | GreenRule | ServeRule;

export function isServe(rule: AnyRule): rule is ServeRule {
  return "serve" in rule;
}

export function isGreen(rule: AnyRule): rule is GreenRule {
  return "limits" in rule;
}

export function isSingle(rule: Rule): rule is SingleRule {
  return "subject" in rule;
}

/** The terms of any rule; a host breaks it when it is past all of them. */
export function termsOf(rule: Rule): readonly Term[] {
  if (!isSingle(rule)) return rule.terms;
  let terms = ofSingle.get(rule);
  if (terms === undefined) {
    terms = [{ subjects: [rule.subject], condition: "more than mean", amount: rule.threshold }];
    ofSingle.set(rule, terms);
  }
  return terms;
}

const ofSingle = new WeakMap<SingleRule, readonly Term[]>();

/** The rule as the thesis' HostRule can hold it, or null where it says more than that. */
export function asSingle(rule: Rule): SingleRule | null {
  if (isSingle(rule)) return rule;
  const [term, second] = rule.terms;
  const plain = rule.enabled && rule.between === null && rule.repeat === null && rule.name === null;
  if (term === undefined || second !== undefined || !plain || rule.comment !== null) return null;
  const [subject, other] = term.subjects;
  if (term.condition !== "more than mean" || subject === undefined || other !== undefined) return null;
  return isThesisSubject(subject) ? { subject, threshold: term.amount } : null;
}

/** A rule without options, as a chain. */
export function chainOf(terms: readonly Term[]): ChainRule {
  return { terms, repeat: null, ...noOptions };
}

/** A rule of the added tables that nothing was said about. */
export const noOptions: RuleOptions = { between: null, name: null, comment: null, enabled: true };

/** All subjects that the rules name, each once. */
export function subjectsOf(rules: readonly Rule[]): readonly AnySubject[] {
  return [...new Set(rules.flatMap(termsOf).flatMap((term) => term.subjects))];
}

/** The unit of a term's sum. */
export function termUnit(term: Term): string {
  const [first] = term.subjects;
  return first === undefined ? "" : unitOf(first);
}

/** Whether values of the term change from one collection to the next though nothing has moved. */
export function isNoisy({ subjects }: Term): boolean {
  return subjects.every((subject) => !isSource(subject) && subjectFacts[subject].averaged);
}

/** "PifEth0RxKb + PifEth0TxKb" */
export function sumText(term: Term): string {
  return term.subjects.join(" + ");
}

/** The threshold that `text` writes, or null where it is no finite number of 0 or more. */
export function parseThreshold(text: string): number | null {
  if (!/^\s*\+?(\d+(\.\d*)?|\.\d+)\s*$/.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** The number as it is typed, never with an exponent. */
export function amountText(amount: number): string {
  const text = String(amount);
  return /e/.test(text)
    ? amount.toLocaleString("en", { useGrouping: false, maximumFractionDigits: 20 })
    : text;
}

/** A row of a rule that this program cannot follow: somebody's slip of the pen, or a later version's rule. */
export interface UnknownRule {
  readonly subject: string;
  readonly threshold: number;
  readonly reason: string;
}
