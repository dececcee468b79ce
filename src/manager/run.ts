/** Carries out one command and prints what came of it. */

import { AppError } from "../domain/errors.ts";
import { plural } from "../text/format.ts";
import { printable } from "../text/text.ts";
import { alterRuleTo, switchRuleTo } from "./commands/changeRule.ts";
import { showCosts } from "./commands/costs.ts";
import { createGreenRuleAtOnce, createRuleAtOnce, createRuleByDialogue } from "./commands/createRule.ts";
import { deleteAllRules, deleteRuleByDialogue, deleteRuleOf } from "./commands/deleteRule.ts";
import { showEvacuation } from "./commands/evacuate.ts";
import { showGreen } from "./commands/green.ts";
import { excludeObject, includeObject, pause, resume, showExclusions } from "./commands/hold.ts";
import { showFlaps, showMigration, showMigrations } from "./commands/migrations.ts";
import { explain, showPlan } from "./commands/plan.ts";
import { rehearse } from "./commands/rehearse.ts";
import { showCollection, showHost, showHosts, showPool, showVm, showVms } from "./commands/show.ts";
import { showGreenRules, showRuleHistory, showRules, showSubjects } from "./commands/showRules.ts";
import { showStatus } from "./commands/status.ts";
import type { ManagerContext } from "./context.ts";
import { helpLines } from "./help.ts";
import type { Command } from "./parse.ts";
import { renderText } from "./render.ts";
import { renderJson } from "./renderJson.ts";
import type { Result } from "./result.ts";

/** Runs `command` and prints its result. `exit` is the caller's. Throws AppError with a sentence for the operator. */
export async function runCommand(context: ManagerContext, command: Command): Promise<void> {
  const result = await resultOf(context, command);
  if (result === null) return;
  const lines = context.json ? [renderJson(result)] : renderText(result);
  for (const line of lines) context.talk.print(line);
  for (const hint of hintsFor(result)) context.talk.note(hint);
}

/** What came of `command`, or null where everything has been printed already. */
async function resultOf(context: ManagerContext, command: Command): Promise<Result | null> {
  const { db } = context;
  switch (command.kind) {
    case "show-vms":
      return showVms(db);
    case "show-vm":
      return showVm(db, command.wanted, command.details);
    case "show-hosts":
      return showHosts(db);
    case "show-host":
      return showHost(db, command.wanted, command.details);
    case "show-rules":
      return showRules(db);
    case "show-green-rules":
      return showGreenRules(db);
    case "show-rule-history":
      return showRuleHistory(db, command.count);
    case "show-subjects":
      return showSubjects(db);
    case "show-pool":
      return showPool(db);
    case "show-collection":
      return showCollection(db);
    case "show-plan":
      return showPlan(context);
    case "explain":
      return explain(context, command);
    case "evacuate":
      return showEvacuation(context, command.wanted);
    case "rehearse":
      return rehearse(context, command);
    case "show-status":
      return showStatus(db);
    case "show-migrations":
      return showMigrations(db, command.count);
    case "show-migration":
      return showMigration(db, command.id);
    case "show-green":
      return showGreen(context);
    case "show-costs":
      return showCosts(db);
    case "show-flaps":
      return showFlaps(db);
    case "show-exclusions":
      return showExclusions(db);
    case "pause":
      return pause(context, command);
    case "resume":
      return resume(db);
    case "exclude":
      return excludeObject(context, command);
    case "include":
      return includeObject(db, command);
    case "create-rule":
      if (command.rule !== null) return createRuleAtOnce(context, command.rule);
      refuseDialogue(context, "CREATE RULE HOST Subject > N");
      await createRuleByDialogue(context);
      return null;
    case "delete-rule":
      if (command.rule === "all") return deleteAllRules(context, "HOST");
      if (command.rule !== null) return deleteRuleOf(context, "HOST", command.rule);
      refuseDialogue(context, "DELETE RULE HOST Subject|ALL");
      return deleteRuleByDialogue(context);
    case "create-green-rule":
      return createGreenRuleAtOnce(context, command.rule);
    case "delete-green-rule":
      return command.rule === "all"
        ? deleteAllRules(context, "GREEN")
        : deleteRuleOf(context, "GREEN", command.rule);
    case "alter-rule":
    case "alter-green-rule":
      return alterRuleTo(context, command.rule, command.to);
    case "switch-rule":
      return switchRuleTo(context, command.rule, command.enabled);
    case "help":
      for (const line of helpLines) context.talk.print(line);
      return null;
    case "nothing":
    case "exit":
      return null;
  }
}

function refuseDialogue(context: ManagerContext, oneLine: string): void {
  if (context.json) throw new AppError("usage", `Questions do not fit into JSON; write ${oneLine}.`);
}

/** What a person may wonder about. It goes to standard error: scripts see an empty list. */
function hintsFor(result: Result): string[] {
  switch (result.kind) {
    case "vms":
      return result.vms.length === 0 ? ["The database holds no VM; xcp-collect fills it."] : [];
    case "hosts":
      return result.hosts.length === 0 ? ["The database holds no host; xcp-collect fills it."] : [];
    case "rules":
      return rulesHints(result);
    case "deleted":
      return result.rules.length === 0 ? ["No rule was deleted."] : [];
    case "created":
    case "altered":
      return result.notes.map(printable);
    case "switched":
      return result.changed ? [] : ["It was so already."];
    case "green-rules":
      return result.rules.length === 0 ? ["There is no such rule; CREATE RULE GREEN makes one."] : [];
    case "rule-history":
      return result.changes.length === 0 ? ["No rule was changed yet."] : [];
    case "migrations":
      return result.migrations.length === 0 ? ["xcp-control has migrated nothing yet."] : [];
    case "exclusions":
      return result.exclusions.length === 0 ? ["Nothing is excluded."] : [];
    case "resumed":
      return result.wasPaused ? [] : ["Control was not paused."];
    case "paused":
      return pauseHints(result.open);
    default:
      return [];
  }
}

/** A pause keeps control from starting anything; it does not reach into the pool. */
function pauseHints(open: number): string[] {
  if (open === 0) return [];
  return [`${plural(open, "migration that was begun goes", "migrations that were begun go")} on.`];
}

function rulesHints({ rules, chains, unknown }: Extract<Result, { kind: "rules" }>): string[] {
  const foreign = unknown.map(({ reason }) => `A row is no rule: ${printable(reason)}.`);
  const none =
    rules.length + chains.length + unknown.length === 0
      ? ["There is no rule; CREATE RULE HOST makes one."]
      : [];
  return [...foreign, ...none];
}
