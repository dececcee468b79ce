/** What green rules are about to do, in words and as an object. Pure. */

import type { Assessment } from "../decide/assess.ts";
import type { GreenForecast } from "../decide/power.ts";
import type { Move } from "../planner/plan.ts";
import type { PowerStep } from "../power/states.ts";
import { printGreenRule } from "../rules/print.ts";
import type { Names } from "../text/names.ts";
import { moveJson } from "./planJson.ts";
import { moveLine } from "./report.ts";

const verbs: Readonly<Record<PowerStep["kind"], string>> = {
  drain: "is emptied, to sleep",
  "take back": "is taken into service again",
  "shut down": "is put to sleep",
  wake: "is woken",
  enable: "is enabled",
  "note on": "is on again",
  "mark failed": "is given up",
};

/** "Green: ...", the steps with hosts, and the moves. */
export function greenLines({ decision }: GreenForecast, names: Names): string[] {
  const moves = greenMoves(decision);
  return [
    `Green: ${decision.reason}`,
    ...decision.steps.map(({ kind, host, reason }) => `- ${names.of(host)} ${verbs[kind]}: ${reason}`),
    ...moves.map((move) => `- ${moveLine(move, names)}`),
    ...(moves.length === 0 ? [] : ["These moves go first; those of rules that balance wait for them."]),
  ];
}

/** A dry run's lines with those of green rules; that rules which balance could be made is no news where there are others. */
export function withGreen(
  lines: readonly string[],
  { rules }: Assessment,
  green: GreenForecast | null,
  names: Names,
): readonly string[] {
  if (green === null) return lines;
  return [...(rules.length === 0 ? lines.slice(0, -1) : lines), ...greenLines(green, names)];
}

/** The same as an object; null where no rule consolidates VMs and no host sleeps. */
export function greenObject(forecast: GreenForecast | null, names: Names): object | null {
  if (forecast === null) return null;
  const { rule, decision } = forecast;
  return {
    rule: rule === null ? null : printGreenRule(rule),
    reason: decision.reason,
    steps: decision.steps.map(({ kind, host, reason }) => ({
      step: kind,
      host,
      hostName: names.exact(host),
      reason,
    })),
    moves: greenMoves(decision).map((move) => moveJson(move, names)),
  };
}

/** The moves that empty hosts or bring one under a limit. */
export function greenMoves({ steps, reliefs }: GreenForecast["decision"]): readonly Move[] {
  const drains = steps.flatMap((step) => (step.kind === "drain" ? [step.drain] : []));
  return [...reliefs, ...drains].flatMap(({ moves }) => moves);
}
