/** How a run speaks: lines for people, events for programs. */

import type { Suspicion } from "../decide/suspicion.ts";
import type { LeaseStatus } from "../store/lease.ts";
import type { Names } from "../text/names.ts";
import type { MoveResult } from "./planExecutor.ts";
import { resultLine } from "./report.ts";

export interface Reporter {
  readonly json: boolean;
  /** One line of text, not escaped yet. */
  readonly print: (line: string) => void;
  readonly printJson: (value: unknown) => void;
  /** On a terminal: the escaped lines that are drawn again and again below what is printed. */
  readonly show?: (lines: readonly string[]) => void;
  /** How xcp-control was called, with its settings file: what is to be typed next begins so. */
  readonly program?: string;
  /** Hears that the run was refused by a gate that opens again by itself. */
  readonly onPassing?: () => void;
  /** Hears each event too. */
  readonly heard?: (event: string, text: string, detail: object) => void;
}

/** One event: the thesis' line, or a JSON object on a line of its own. */
export function say(reporter: Reporter, event: string, text: string, detail: object = {}): void {
  reporter.heard?.(event, text, detail);
  if (reporter.json) reporter.printJson({ event, text, ...detail });
  else reporter.print(text);
}

/** A line of the thesis that a terminal shows in another way. */
export function sayOffTerminal(reporter: Reporter, event: string, text: string, detail: object = {}): void {
  if (reporter.json || reporter.show === undefined) say(reporter, event, text, detail);
}

/** Hosts whose data is not believed. */
export function warnOfSuspects({ hosts }: Suspicion, names: Names, reporter: Reporter): void {
  for (const [host, reason] of hosts)
    say(reporter, "warning", `${names.of(host)} is left out of mean and moves: ${reason}`, { host });
}

/** How a move ended; `end` is the thesis' line of one that was made. */
export function announce(result: MoveResult, names: Names, reporter: Reporter, end: string): void {
  const { move, outcome } = result;
  if (outcome.kind === "moved") sayOffTerminal(reporter, "end", end, { vm: move.vm });
  say(reporter, "result", resultLine(result, names), {
    vm: move.vm,
    from: move.source,
    to: move.destination,
    outcome,
  });
}

/** "another xcp-control is at work: node1 pid 4711, for 12 s, last heard of 3 s ago; if it was killed, its turn ends in 57 s" */
export function passedLine(lease: LeaseStatus): string {
  const { holder, takenSecondsAgo, renewedSecondsAgo, expiresInSeconds } = lease;
  const seconds = (age: number | null) => `${Math.max(0, Math.round(age ?? 0))} s`;
  return `another xcp-control is at work: ${holder ?? "it has just ended"}, for ${seconds(takenSecondsAgo)}, last heard of ${seconds(renewedSecondsAgo)} ago; if it was killed, its turn ends in ${seconds(expiresInSeconds)}`;
}
