/** SHOW RULES, and of one kind: SHOW RULES HOST, SHOW RULES GREEN and SHOW RULES SERVE. Read only. */

import type { ChainRule, GreenRule, ServeRule, SingleRule } from "../../domain/rule.ts";
import { ruleObject } from "../../rules/json.ts";
import type { Numbered } from "../../store/addedRules.ts";
import { listAddedRules, listRules, readRules } from "../../store/rules.ts";
import { printable } from "../../text/text.ts";
import { type Command, command, type ManagerContext } from "../command.ts";
import { bare } from "../forms.ts";
import { unmeasuredBy } from "../ruleNotes.ts";
import { ruleItem, rulesHeading, ruleTable, storedRuleObject } from "../ruleText.ts";
import { problem, quote } from "../words.ts";
import { type ConfiguredPool, configuredGreenHints, configuredHints, configuredPool } from "../xenCenter.ts";

/** The rules by subject, as the thesis lists them, then the others by number; and the rows that are none. */
export interface HostRules {
  readonly rules: readonly SingleRule[];
  readonly chains: readonly Numbered<ChainRule>[];
  /** Rows of rules that xcp-control cannot follow. */
  readonly unknown: readonly { readonly reason: string }[];
  /** A line for each subject that no host has a value of. */
  readonly unmeasured: readonly string[];
  /** Of a pool whose Workload Balancing server is xcp-wlb. */
  readonly configured: ConfiguredPool | null;
}

export const showRules: Command<null, HostRules> = command({
  ...bare("SHOW RULES HOST"),
  help: [["SHOW RULES HOST", "the rules that xcp-control balances hosts by"]],
  run: async ({ db }) => {
    const { rules, unknown } = await readRules(db);
    const { chains } = await listAddedRules(db);
    const unmeasured = await unmeasuredBy(db, rules);
    return {
      rules: bySubject(await listRules(db)),
      chains,
      unknown,
      unmeasured,
      configured: await configuredPool(db),
    };
  },
  text: ({ rules, chains }) => {
    const singles = rules.map((rule) => ({ id: null, rule }));
    return [...rulesHeading, ...[...singles, ...chains].flatMap(ruleItem)];
  },
  json: ({ rules, chains }) => [...rules.map(ruleObject), ...chains.map(storedRuleObject)],
  table: ({ rules, chains }) => ruleTable([...rules.map((rule) => ({ id: null, rule })), ...chains]),
  hints: ({ rules, chains, unknown, unmeasured, configured }) => {
    const foreign = unknown.map(({ reason }) => `A row is no rule: ${printable(reason)}.`);
    const none = rules.length + chains.length + unknown.length === 0;
    return [
      ...foreign,
      ...unmeasured.map(printable),
      ...configuredHints(configured).map(printable),
      ...(none ? ["There is no rule; CREATE RULE HOST makes one."] : []),
    ];
  },
});

/** The rules by number, and what XenCenter set. */
export interface GreenRules {
  readonly rules: readonly Numbered<GreenRule>[];
  readonly configured: ConfiguredPool | null;
}

export const showGreenRules: Command<null, GreenRules> = command({
  ...bare("SHOW RULES GREEN"),
  help: [["SHOW RULES GREEN", "these rules"]],
  run: async ({ db }) => ({
    rules: (await listAddedRules(db)).green,
    configured: await configuredPool(db),
  }),
  text: ({ rules }) => ["Rules - Gather vms on few hosts while:", "", ...rules.flatMap(ruleItem)],
  json: ({ rules }) => rules.map(storedRuleObject),
  table: ({ rules }) => ruleTable(rules),
  hints: ({ rules, configured }) => {
    const enabled = rules.some(({ rule }) => rule.enabled);
    const set = configuredGreenHints(configured, enabled).map(printable);
    const none = rules.length === 0 && set.length === 0;
    return [...set, ...(none ? ["There is no such rule; CREATE RULE GREEN makes one."] : [])];
  },
});

export const showServeRules: Command<null, readonly Numbered<ServeRule>[]> = command({
  ...bare("SHOW RULES SERVE"),
  help: [["SHOW RULES SERVE", "these rules"]],
  /** By number. */
  run: async ({ db }) => (await listAddedRules(db)).serving,
  text: (rules) => ["Rules - Serve vms where:", "", ...rules.flatMap(ruleItem)],
  json: (rules) => rules.map(storedRuleObject),
  table: (rules) => ruleTable(rules),
  hints: (rules) => (rules.length === 0 ? ["There is no such rule; CREATE RULE SERVE makes one."] : []),
});

interface AllRules {
  readonly host: HostRules;
  readonly serve: readonly Numbered<ServeRule>[];
  readonly green: GreenRules;
}

/** What is listed of `asked` by a command that prints nothing itself. */
async function listed<Result>(from: Command<null, Result>, context: ManagerContext): Promise<Result> {
  const found = await from.run(context, null);
  if (found === null) throw new Error(`${from.words} listed nothing`);
  return found;
}

export const showAllRules: Command<null, AllRules> = command({
  words: "SHOW RULES",
  usage: "SHOW RULES",
  help: [["SHOW RULES", "the rules of all kinds"]],
  read: (rest) =>
    rest === ""
      ? null
      : problem(`There are no rules ${quote(rest)}: write SHOW RULES, or HOST, SERVE or GREEN behind it.`),
  run: async (context) => ({
    host: await listed(showRules, context),
    serve: await listed(showServeRules, context),
    green: await listed(showGreenRules, context),
  }),
  text: ({ host, serve, green }) => [
    ...showRules.text(host),
    ...(serve.length > 0 ? ["", ...showServeRules.text(serve)] : []),
    ...(green.rules.length > 0 ? ["", ...showGreenRules.text(green)] : []),
  ],
  json: ({ host, serve, green }) => ({
    host: showRules.json(host),
    serve: showServeRules.json(serve),
    green: showGreenRules.json(green),
  }),
  table: ({ host: { rules, chains }, serve, green }) =>
    ruleTable([...rules.map((rule) => ({ id: null, rule })), ...chains, ...serve, ...green.rules]),
  hints: ({ host, serve, green }) => {
    const hints = [...(showRules.hints?.(host) ?? []), ...(showGreenRules.hints?.(green) ?? [])].filter(
      (hint) => !/^There is no (such )?rule;/.test(hint),
    );
    const count = host.rules.length + host.chains.length + serve.length + green.rules.length;
    return count > 0 ? hints : [...hints, "There is no rule; CREATE RULE SERVE CPU makes one."];
  },
});

/** `rules` in the alphabetical order of their subjects. */
export function bySubject(rules: readonly SingleRule[]): SingleRule[] {
  return rules.toSorted((a, b) => (a.subject < b.subject ? -1 : 1));
}
