/** What the commands show that say the same as xcp-control: the lines and the object that it prints. Pure. */

import type { Gate } from "../domain/gate.ts";
import { gateJson } from "../explain/planJson.ts";
import { gateLine } from "../explain/report.ts";
import { printable } from "../text/text.ts";
import type { CommandRecord } from "./command.ts";

export interface Report {
  readonly lines: readonly string[];
  readonly object: object;
}

export const reportShown: Pick<CommandRecord<never, Report>, "text" | "json"> = {
  text: ({ lines }) => lines.map(printable),
  json: ({ object }) => object,
};

/** Where a gate is shut there is nothing else to say. */
export function gateReport(gate: Gate | null): Report {
  if (gate === null) return { lines: [], object: {} };
  return { lines: [gateLine(gate)], object: gateJson(gate) };
}
