/** How a run speaks: lines for people, events for programs. */

import type { LeaseStatus } from "../store/lease.ts";
import type { Names } from "../text/names.ts";
import type { MoveResult } from "./control.ts";
import { resultLine } from "./report.ts";

export interface Voice {
  readonly json: boolean;
  /** One line of text, not escaped yet. */
  readonly print: (line: string) => void;
  readonly printJson: (value: unknown) => void;
  /** On a terminal: the escaped lines that are drawn again and again below what is printed. */
  readonly show?: (lines: readonly string[]) => void;
}

/** One event: the thesis' line, or a JSON object on a line of its own. */
export function say(voice: Voice, event: string, text: string, detail: object = {}): void {
  if (voice.json) voice.printJson({ event, text, ...detail });
  else voice.print(text);
}

/** A line of the thesis that a terminal shows in another way. */
export function sayOffTerminal(voice: Voice, event: string, text: string, detail: object = {}): void {
  if (voice.json || voice.show === undefined) say(voice, event, text, detail);
}

/** How a move ended. */
export function announce(result: MoveResult, names: Names, voice: Voice): void {
  const { move, outcome } = result;
  if (outcome.kind === "moved") sayOffTerminal(voice, "end", "End Migration", { vm: move.vm });
  say(voice, "result", resultLine(result, names), {
    vm: move.vm,
    from: move.source,
    to: move.destination,
    outcome,
  });
}

/** "another xcp-control is at work: node1 pid 4711, for 12 s, last heard of 3 s ago" */
export function passedLine({ holder, takenSecondsAgo, renewedSecondsAgo }: LeaseStatus): string {
  const seconds = (age: number | null) => `${Math.max(0, Math.round(age ?? 0))} s`;
  return `another xcp-control is at work: ${holder ?? "it has just ended"}, for ${seconds(takenSecondsAgo)}, last heard of ${seconds(renewedSecondsAgo)} ago`;
}
