/** The rules as plans ask for them. Only the manager writes rules: see ruleChanges.ts. */
import type { Rule, ServeRule, SingleRule, UnknownRule } from "../domain/rule.ts";
import { type AddedRules, addedRulesIn, comparedByRules, namedByRules } from "./addedRules.ts";
import type { Database } from "./connection.ts";
import { lastChange, singlesIn } from "./ruleRows.ts";

/**
 * Every rule about hosts that balance: those of HostRule in the order of `subjects`, then the others by number,
 * disabled ones among them; those that serve VMs; the rows that are none; and the number of the newest change that they have seen, all of one
 * instant.
 */
export async function readRules(db: Database): Promise<{
  readonly rules: readonly Rule[];
  readonly serving: readonly ServeRule[];
  readonly unknown: readonly UnknownRule[];
  readonly ruleRevision: number;
}> {
  return db.read(async (reader) => {
    const singles = await singlesIn(reader);
    const added = await addedRulesIn(reader);
    return {
      rules: [...singles.rules, ...added.chains.map(({ rule }) => rule)],
      serving: added.serving.map(({ rule }) => rule),
      unknown: [...singles.unknown, ...added.unknown],
      ruleRevision: await lastChange(reader),
    };
  });
}

/** The rules of HostRule, in the order of `subjects`. Rows that are none are left out. */
export async function listRules(db: Database): Promise<readonly SingleRule[]> {
  return (await db.read(singlesIn)).rules;
}

/** The subjects of the rules of HostRule: all that xcp-collect may see of that table. */
export async function subjectsOfHostRule(db: Database): Promise<readonly string[]> {
  const rows = await db.read((reader) => reader.rows("SELECT Subject FROM HostRule ORDER BY Subject"));
  return rows.map((row) => String(row["Subject"]));
}

/** The rules of the added tables with their numbers. */
export async function listAddedRules(db: Database): Promise<AddedRules> {
  return db.read(addedRulesIn);
}

/** What enabled rules of the added tables compare hosts by. */
export async function subjectsComparedByRules(db: Database): Promise<readonly string[]> {
  return db.read(comparedByRules);
}

/** That, and what enabled rules need beside it. */
export async function subjectsNamedByRules(db: Database): Promise<readonly string[]> {
  return db.read(namedByRules);
}
