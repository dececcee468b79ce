/** Carries out one command and prints what came of it. */

import { AppError } from "../errors.ts";
import { createRuleAtOnce, createRuleByDialogue } from "./commands/createRule.ts";
import { deleteRuleAtOnce, deleteRuleByDialogue } from "./commands/deleteRule.ts";
import {
  showCollection,
  showHost,
  showHosts,
  showPool,
  showRules,
  showVm,
  showVms,
} from "./commands/show.ts";
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
  const hint = hintFor(result);
  if (hint !== null) context.talk.note(hint);
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
    case "show-pool":
      return showPool(db);
    case "show-collection":
      return showCollection(db);
    case "create-rule":
      if (command.rule !== null) return createRuleAtOnce(db, command.rule);
      refuseDialogue(context, "CREATE RULE HOST Subject > N");
      await createRuleByDialogue(context);
      return null;
    case "delete-rule":
      if (command.subject !== null) return deleteRuleAtOnce(db, command.subject);
      refuseDialogue(context, "DELETE RULE HOST Subject|ALL");
      return deleteRuleByDialogue(context);
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

/** What an empty answer means, for a person who wonders. It goes to standard error: scripts see an empty list. */
function hintFor(result: Result): string | null {
  if (result.kind === "vms" && result.vms.length === 0)
    return "The database holds no VM; xcp-collect fills it.";
  if (result.kind === "hosts" && result.hosts.length === 0)
    return "The database holds no host; xcp-collect fills it.";
  if (result.kind === "rules" && result.rules.length === 0)
    return "There is no rule; CREATE RULE HOST makes one.";
  if (result.kind === "deleted" && result.rules.length === 0) return "No rule was deleted.";
  return null;
}
