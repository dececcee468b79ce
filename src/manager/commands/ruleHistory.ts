/** SHOW RULE HISTORY: the newest changes of rules. Read only. */

import { listRuleChanges, type RuleChange } from "../../store/ruleChanges.ts";
import { printable } from "../../text/text.ts";
import { type Command, command } from "../command.ts";
import { timestamp } from "../layout.ts";
import { tableOf } from "../table.ts";
import { problem, quote, type TextProblem } from "../words.ts";

const changesShown = 20;
const mostChanges = 10_000;

/** Newest first. */
export const showRuleHistory: Command<number, readonly RuleChange[]> = command({
  words: "SHOW RULE HISTORY",
  usage: "SHOW RULE HISTORY [N]",
  help: [["SHOW RULE HISTORY [N]", "the newest changes of rules: who, when, before and after (20, or N)"]],
  read: readCount,
  run: ({ db }, count) => listRuleChanges(db, count),
  text: (changes) => changes.map((change) => printable(changeLine(change))),
  json: (changes) => changes,
  table: (changes) =>
    tableOf(
      {
        Change: ({ change }) => change,
        At: ({ at }) => at,
        By: ({ by }) => by,
        Action: ({ action }) => action,
        Kind: ({ kind }) => kind,
        Number: ({ id }) => id,
        Before: ({ before }) => before,
        After: ({ after }) => after,
      },
      changes,
    ),
  hints: (changes) => (changes.length === 0 ? ["No rule was changed yet."] : []),
});

function readCount(rest: string): number | TextProblem {
  const count = rest === "" ? changesShown : Number(rest);
  if (/^\d*$/.test(rest) && count >= 1 && count <= mostChanges) return count;
  return problem(
    `${quote(rest)} is no number of changes: write SHOW RULE HISTORY, or N from 1 to ${mostChanges}.`,
  );
}

const verbs: Readonly<Record<RuleChange["action"], string>> = {
  create: "created",
  alter: "altered",
  enable: "enabled",
  disable: "disabled",
  delete: "deleted",
};

/** Its number, when, who, what, and the rule before and after. */
function changeLine({ change, at, by, action, kind, id, before, after }: RuleChange): string {
  const which = id === null ? "a rule" : `rule ${id}`;
  const what = [before, after].filter((text) => text !== null).join(" -> ");
  return `- ${change} - ${timestamp(at)} - ${by === "" ? "-" : by} - ${verbs[action]} ${which} ${kind}: ${what}`;
}
