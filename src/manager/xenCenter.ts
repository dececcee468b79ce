/** What acts of a pool's Workload Balancing settings, where xcp-wlb is its server: for SHOW STATUS and SHOW RULES. */
import { configuredGreenRule, configuredRules, recommendsOnly } from "../decide/workloadBalancing.ts";
import { type AnyRule, isGreen } from "../domain/rule.ts";
import { actsHere } from "../domain/workloadBalancing.ts";
import { ruleWords } from "../rules/print.ts";
import type { Database } from "../store/connection.ts";
import { connectedPool } from "../store/wlb.ts";
import { line } from "./layout.ts";

export interface ConfiguredPool {
  /** As the pool has it: "wlb.example.org:8012". */
  readonly server: string;
  /** Why xcp-control only recommends; null where it acts. */
  readonly recommendsOnly: string | null;
  /** What was set and acts, by key. */
  readonly settings: Readonly<Record<string, string>>;
  /** The rules that come of it, beside those that are written here. */
  readonly rules: readonly AnyRule[];
}

/** Null where the pool has no such server. */
export async function configuredPool(db: Database): Promise<ConfiguredPool | null> {
  const found = await connectedPool(db);
  if (found === null) return null;
  const { pool, wlb } = found;
  const green = configuredGreenRule(wlb);
  return {
    server: pool.wlbUrl ?? "",
    recommendsOnly: recommendsOnly(pool, { wlb }),
    settings: Object.fromEntries([...wlb.configuration].filter(([key]) => actsHere(key))),
    rules: [...configuredRules(wlb), ...(green === null ? [] : [green])],
  };
}

/** Lines of SHOW STATUS. */
export function configuredLines(configured: ConfiguredPool | null): string[] {
  if (configured === null) return [];
  const { server, recommendsOnly: why, settings } = configured;
  const set = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  return [
    line(
      "Workload Balancing",
      `xcp-wlb at ${server}, ${why === null ? "xcp-control acts" : `xcp-control only recommends: ${why}`}`,
    ),
    ...(set.length === 0 ? [] : [line("Set in XenCenter", set.join(", "))]),
  ];
}

/** A sentence for each rule that balances and was not written here. */
export function configuredHints(configured: ConfiguredPool | null): string[] {
  return (configured?.rules ?? [])
    .filter((rule) => !isGreen(rule))
    .map((rule) => `Set in XenCenter, beside these: ${ruleAndKey(rule)}.`);
}

/** The same of the rule that gathers VMs; `written` where an enabled one was written here, which then counts alone. */
export function configuredGreenHints(configured: ConfiguredPool | null, written: boolean): string[] {
  const when = written ? "Set in XenCenter, and not followed beside these" : "Set in XenCenter";
  return (configured?.rules ?? [])
    .filter(isGreen)
    .map((rule) => `${when}: ${ruleAndKey(rule)}, for hosts that take part in power management there.`);
}

function ruleAndKey(rule: AnyRule): string {
  const key = "name" in rule ? (rule.name ?? "").replace(/^XenCenter /, "") : "";
  return `${ruleWords("name" in rule ? { ...rule, name: null } : rule)} (${key})`;
}
