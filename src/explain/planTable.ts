/** Plans for a terminal: one line a move. Pure. */

import type { Move } from "../planner/plan.ts";
import { calledRule, unitOfTerm } from "../rules/words.ts";
import { bytes, figure, span } from "../text/format.ts";
import type { Names } from "../text/names.ts";
import { onScreen, type Screen, screenTable } from "../text/screen.ts";
import { type ShownTable, tableOf } from "../text/table.ts";
import { type PlanTold, ruleHeads } from "./report.ts";

/** The moves as a table: what goes where, why, what the rule's values become, how much is copied, when. */
export function movesTable(moves: readonly Move[], names: Names): ShownTable {
  return tableOf<Move>(
    {
      VM: ({ vm }) => names.of(vm),
      From: ({ source }) => names.of(source),
      To: ({ destination }) => names.of(destination),
      Why: (move) => shortReason(move, names),
      "From's": ({ rule, sourceBefore, sourceAfter }) => (rule === null ? null : change(sourceBefore, sourceAfter)),
      "To's": ({ rule, destinationBefore, destinationAfter }) =>
        rule === null ? null : change(destinationBefore, destinationAfter),
      Unit: ({ rule, term }) => (rule === null ? null : unitOfTerm(rule, term)),
      Size: ({ copyBytes }) => (copyBytes === null ? null : bytes(copyBytes)),
      Start: ({ startSeconds }) => (startSeconds < 0.5 ? "0 s" : span(startSeconds)),
      Takes: ({ seconds }) => span(seconds),
    },
    moves,
  );
}

/** "100 -> 50.5" */
function change(before: number, after: number): string {
  return `${figure(before, 1)} -> ${figure(after, 1)}`;
}

function shortReason({ purpose, rule, makesRoomFor, source }: Move, names: Names): string {
  switch (purpose) {
    case "relieves":
      return rule === null ? purpose : calledRule(rule);
    case "makes room":
      return makesRoomFor === null ? purpose : `room for ${names.of(makesRoomFor)}`;
    case "evacuates":
      return `empties ${names.of(source)}`;
    case "waits elsewhere":
    case "goes on":
      return purpose;
    default:
      return purpose satisfies never;
  }
}

/**
 * A plan on a terminal: a line for each rule, the moves as a table within its width. Without colours: what is told beside it
 * is still to be escaped.
 */
export function asTable(screen: Screen): PlanTold {
  return {
    rules: (plan, context, names) => ruleHeads(plan, context, names).map((line) => onScreen(line, screen)),
    moves: ({ moves }, names) =>
      moves.length === 0 ? [] : ["", ...screenTable(movesTable(moves, names), { ...screen, color: false }), ""],
  };
}
