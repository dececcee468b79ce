/** What the commands show that say the same as xcp-control: the lines and the object that it prints. Pure. */

import type { Gate } from "../domain/gate.ts";
import { gateJson } from "../explain/planJson.ts";
import { gateLine } from "../explain/report.ts";
import { onScreen, type TerminalView } from "../text/screen.ts";
import { printable } from "../text/text.ts";
import type { CommandRecord } from "./command.ts";
import type { ShownTable } from "./table.ts";

export interface Report {
  readonly lines: readonly string[];
  readonly object: object;
}

export const reportShown: Pick<CommandRecord<never, Report>, "text" | "json"> = {
  text: ({ lines }) => lines.map(printable),
  json: ({ object }) => object,
};

/** A report of a plan, whose moves a terminal shows as a table. */
export interface PlanReport extends Report {
  readonly screen: (screen: TerminalView) => readonly string[];
  readonly table: () => ShownTable;
}

export const planReportShown: Pick<CommandRecord<never, PlanReport>, "text" | "json" | "screen" | "table"> = {
  ...reportShown,
  screen: (report, screen) => report.screen(screen).map((line) => printable(onScreen(line, screen))),
  table: (report) => report.table(),
};

/** Where a gate is shut there is nothing else to say. */
export function gateReport(gate: Gate | null): PlanReport {
  const lines = gate === null ? [] : [gateLine(gate)];
  return {
    lines,
    object: gate === null ? {} : gateJson(gate),
    screen: () => lines,
    table: () => ({ columns: ["Refused"], rows: lines.map((line) => [line]) }),
  };
}
