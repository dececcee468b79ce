/** How a run ends that a gate keeps from acting. */

import { exitCode } from "../domain/errors.ts";
import { adviceFor, type Gate } from "../domain/gate.ts";
import { gateJson } from "../explain/planJson.ts";
import { gateLine } from "../explain/report.ts";
import { type Reporter, say } from "./say.ts";
import type { RunEnd } from "./strategy.ts";

/** Tells of the gate, and ends the run with code 4. */
export function refuse(closed: Gate | null, options: Reporter): RunEnd {
  const gate = closed === null ? null : asCalled(closed, options);
  if (gate?.passing === true) options.onPassing?.();
  if (gate !== null) say(options, "refused", gateLine(gate), gateJson(gate));
  return {
    code: exitCode.refused,
    outcome: "refused",
    detail: gate === null ? "" : gateLine(gate),
    ...(gate === null ? {} : { gate: gate.code }),
  };
}

/** Tells of the gate in a dry run's place. */
export function tellGate(closed: Gate, options: Reporter): void {
  const gate = asCalled(closed, options);
  const { json, print, printJson } = options;
  if (json) printJson(gateJson(gate));
  else print(gateLine(gate));
}

function asCalled(gate: Gate, { program }: Reporter): Gate {
  return program === undefined ? gate : adviceFor(gate, program);
}
