/** How the moves of a run ended, in words. Pure. */

import { limitReached, unresolvedLines } from "../explain/report.ts";
import { plural } from "../text/format.ts";
import type { Names } from "../text/names.ts";
import { longest, shorten } from "../text/text.ts";
import type { MoveResult, RunResult } from "./planExecutor.ts";

/** How one move ended, for a person. */
export function resultLine({ move, outcome }: MoveResult, names: Names): string {
  const reason = resultReason(outcome);
  const what = `${names.of(move.vm)} (${move.vm})`;
  switch (outcome.kind) {
    case "moved":
      return `${what} is on ${names.of(move.destination)}`;
    case "refused":
      return `${what} not moved to ${names.of(move.destination)}: ${reason}`;
    case "failed":
      return `${what} could not be moved to ${names.of(move.destination)}: ${reason}; it stays on ${names.of(move.source)}`;
    case "lost":
      return `${what} does not run any more: ${reason}`;
    case "overtaken":
    case "stopped":
    case "held":
      return `${what} not moved: ${reason}`;
    case "unknown":
      return `${what}: ${reason}`;
    default:
      return outcome satisfies never;
  }
}

/** Why a move was not made; "" of one that was. */
export function resultReason(outcome: MoveResult["outcome"]): string {
  return outcome.kind === "moved" ? "" : shorten(outcome.reason, longest.error);
}

/** What a whole run comes to: "1 VM moved", with why it ended early and what stays broken. */
export function runLines(result: RunResult, names: Names): string[] {
  const moved = result.results.filter(({ outcome }) => outcome.kind === "moved").length;
  const lines = [`${plural(moved, "VM")} moved`];
  if (result.stoppedBy !== null) lines.push(`ended early: ${result.stoppedBy}`);
  else lines.push(...unresolvedLines(result.lastPlan.unresolved, names));
  if (result.stoppedBy === null && result.lastPlan.limited) {
    lines.push(`more moves would follow; ${limitReached(result.lastPlan, names)}`);
  }
  return lines;
}
