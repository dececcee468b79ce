/** PAUSE CONTROL and RESUME CONTROL: whether xcp-control starts anything. */

import type { Pause } from "../../domain/controlState.ts";
import { AppError } from "../../domain/errors.ts";
import { isProblem } from "../../rules/problem.ts";
import { openMigrations } from "../../store/migrations.ts";
import { pauseControl, pauseStatus, resumeControl } from "../../store/pause.ts";
import { plural } from "../../text/format.ts";
import { type Command, command } from "../command.ts";
import { bare } from "../forms.ts";
import { timestamp } from "../layout.ts";
import { offer } from "../offer.ts";
import { after, problem, quote, readSpan, splitReason, type TextProblem } from "../words.ts";

/** For so many seconds; null: until somebody resumes. */
export interface WantedPause {
  readonly seconds: number | null;
  readonly reason: string;
  /** Migrations that run are to be cancelled too. */
  readonly now: boolean;
}

/** The pause in force, and how many migrations go on all the same. */
export interface Paused {
  readonly pause: Pause;
  readonly open: number;
}

const usage = "PAUSE CONTROL [NOW] [FOR 2h] [REASON text]";

/** A pause in force is replaced. */
export const pauseCommand: Command<WantedPause, Paused> = command({
  words: "PAUSE CONTROL",
  usage,
  help: [
    [
      "PAUSE CONTROL [FOR time] [REASON text]",
      "xcp-control starts nothing: until RESUME CONTROL, or for 90s, 30m, 2h, 1d",
    ],
    ["PAUSE CONTROL NOW [FOR ...]", "and has the migrations cancelled that it has begun"],
    "PAUSE CONTROL FOR 2h REASON storage maintenance",
  ],
  complete: { names: false, offer: (typed) => offer(["NOW", "FOR ", "REASON "], typed) },
  read: readPause,
  run: async ({ db, operator }, { seconds, reason, now }) => {
    await pauseControl(db, { by: operator, reason, seconds, now });
    const inForce = await pauseStatus(db);
    if (inForce === null) {
      throw new AppError("conflict", "The pause is over already: somebody resumed, or its time is up.");
    }
    return { pause: inForce, open: (await openMigrations(db)).length };
  },
  text: ({ pause: { until } }) => [
    until === null ? "Control is paused until RESUME CONTROL" : `Control is paused until ${timestamp(until)}`,
  ],
  json: ({ pause, open }) => ({ paused: pause, openMigrations: open }),
  /** A pause alone keeps control from starting anything; only control itself reaches into the pool. */
  hints: ({ pause, open }) => {
    if (open === 0) return [];
    if (!pause.cancelRunning)
      return [`${plural(open, "migration that was begun goes", "migrations that were begun go")} on.`];
    const what = plural(open, "migration that was begun is", "migrations that were begun are");
    return [
      `${what} cancelled by the xcp-control at work, or by the next one; SHOW MIGRATIONS says what became of it.`,
    ];
  },
});

/** That there was no pause is no error. */
export const resumeCommand: Command<null, boolean> = command({
  ...bare("RESUME CONTROL"),
  help: [["RESUME CONTROL", "ends the pause"]],
  run: ({ db }) => resumeControl(db),
  text: (wasPaused) => (wasPaused ? ["Control resumed"] : []),
  json: (wasPaused) => ({ resumed: wasPaused }),
  hints: (wasPaused) => (wasPaused ? [] : ["Control was not paused."]),
});

function readPause(rest: string): WantedPause | TextProblem {
  const parts = splitReason(rest);
  if (isProblem(parts)) return parts;
  const { head, reason } = parts;
  const behindNow = after("NOW", head);
  const now = behindNow !== null;
  const length = behindNow ?? head;
  if (length === "") return { seconds: null, reason, now };
  const span = after("FOR", length);
  if (span === null) return problem(`Write ${usage}, not ${quote(head)}.`);
  const seconds = readSpan(span);
  return isProblem(seconds) ? seconds : { seconds, reason, now };
}
