/** Plans for a terminal: one line a move. Pure. */

import type { Move } from "../planner/plan.ts";
import { calledRule, unitOfTerm } from "../rules/words.ts";
import { bytes, figure, megabytes, span } from "../text/format.ts";
import type { Names } from "../text/names.ts";
import { onScreen, screenTable, type TerminalView } from "../text/screen.ts";
import { type ShownTable, tableOf } from "../text/table.ts";
import { type PlanTold, ruleHeads } from "./report.ts";

/** The moves as a table for programs and spreadsheets: figures as they are, each with its unit in the title or beside it. */
export function movesTable(moves: readonly Move[], names: Names): ShownTable {
  const ruled = (value: (move: Move) => number) => (move: Move) => (move.rule === null ? null : value(move));
  return tableOf<Move>(
    {
      VM: ({ vm }) => names.of(vm),
      From: ({ source }) => names.of(source),
      To: ({ destination }) => names.of(destination),
      Why: (move) => shortReason(move, names),
      "From before": ruled(({ sourceBefore }) => sourceBefore),
      "From after": ruled(({ sourceAfter }) => sourceAfter),
      "To before": ruled(({ destinationBefore }) => destinationBefore),
      "To after": ruled(({ destinationAfter }) => destinationAfter),
      Unit: ({ rule, term }) => (rule === null ? null : unitOfTerm(rule, term)),
      "Copy MB": ({ copyBytes }) => (copyBytes === null ? null : megabytes(copyBytes)),
      "Start s": ({ startSeconds }) => startSeconds,
      "Takes s": ({ seconds }) => seconds,
      Reason: ({ reason }) => reason,
    },
    moves,
  );
}

/** The same in as few columns as say it: a line a move on a terminal. */
function movesOnScreen(moves: readonly Move[], names: Names): ShownTable {
  const ruled = moves.some(({ rule }) => rule !== null);
  const serves = moves.some(({ served }) => served !== undefined);
  return tableOf<Move>(
    {
      VM: ({ vm }) => names.of(vm),
      From: ({ source }) => names.of(source),
      To: ({ destination }) => names.of(destination),
      Why: (move) => shortReason(move, names),
      ...(ruled ? figuresOfRules : {}),
      ...(serves ? { Saves: savesOf } : {}),
      Size: ({ copyBytes }) => (copyBytes === null ? null : bytes(copyBytes)),
      Start: ({ startSeconds }) => (startSeconds < 0.5 ? "0 s" : span(startSeconds)),
      Takes: ({ seconds }) => span(seconds),
    },
    moves,
  );
}

/** What a rule's subject comes to on both hosts; a plan without any has no such columns. */
const figuresOfRules = {
  "From's": ({ rule, sourceBefore, sourceAfter }: Move) =>
    rule === null ? null : change(sourceBefore, sourceAfter),
  "To's": ({ rule, destinationBefore, destinationAfter }: Move) =>
    rule === null ? null : change(destinationBefore, destinationAfter),
};

/** "91 CPU-min" of waiting. */
function savesOf({ served }: Move): string | null {
  return served === undefined
    ? null
    : `${figure(served.savedMinutes, served.savedMinutes < 10 ? 1 : 0)} CPU-min`;
}

/** "100 -> 50.5"; whole from ten on, where a decimal says nothing. */
function change(before: number, after: number): string {
  const decimals = Math.max(Math.abs(before), Math.abs(after)) < 10 ? 1 : 0;
  return `${figure(before, decimals)} -> ${figure(after, decimals)}`;
}

function shortReason({ purpose, rule, makesRoomFor, source }: Move, names: Names): string {
  switch (purpose) {
    case "relieves":
    case "serves":
      return rule === null ? purpose : calledRule(rule);
    case "makes room":
      return makesRoomFor === null ? purpose : `room for ${names.of(makesRoomFor)}`;
    case "evacuates":
      return `empties ${names.of(source)}`;
    case "changes places":
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
export function asTable(screen: TerminalView): PlanTold {
  return {
    rules: (plan, context, names) => ruleHeads(plan, context, names).map((line) => onScreen(line, screen)),
    moves: ({ moves }, names) =>
      moves.length === 0
        ? []
        : ["", ...screenTable(movesOnScreen(moves, names), { ...screen, color: false }), ""],
  };
}
