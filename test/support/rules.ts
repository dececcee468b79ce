/** Rules as tests write them. */
import {
  type ChainRule,
  isSingle,
  noOptions,
  type Rule,
  type ServeRule,
  type SingleRule,
  serveDefaults,
} from "../../src/domain/rule.ts";
import { parseRule } from "../../src/rules/parse.ts";

/** The thesis' rule that `rule` is. */
export function single(rule: Rule): SingleRule {
  if (!isSingle(rule)) throw new Error("it is a chain");
  return rule;
}

/** The rule that `text` writes. */
export function rule(text: string): Rule {
  const read = parseRule(text);
  if ("kind" in read) throw new Error(read.message);
  return read;
}

/** The chain that `text` writes. */
export function chain(text: string): ChainRule {
  const read = rule(text);
  if (isSingle(read)) throw new Error("it is a thesis' rule");
  return read;
}

/** SERVE CPU, as it is written without more. */
export const servesCpu: ServeRule = { serve: "CPU", ...serveDefaults, ...noOptions };
