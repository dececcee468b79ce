/** How a run ends that a gate keeps from acting. */

import { exitCode } from "../domain/errors.ts";
import type { Gate } from "../domain/gate.ts";
import { gateJson } from "../explain/planJson.ts";
import { gateLine } from "../explain/report.ts";
import { type Reporter, say } from "./say.ts";
import type { RunEnd } from "./strategy.ts";

/** Tells of the gate, and ends the run with code 4. */
export function refuse(gate: Gate | null, options: Reporter): RunEnd {
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
export function tellGate(gate: Gate, { json, print, printJson }: Reporter): void {
  if (json) printJson(gateJson(gate));
  else print(gateLine(gate));
}
