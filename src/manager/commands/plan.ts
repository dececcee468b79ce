/** SHOW PLAN: what `xcp-control --dry-run` prints at this moment, by the code that it plans with. Read only. */

import { forecastOf } from "../../decide/assess.ts";
import { forecastJson } from "../../explain/planJson.ts";
import { asTable, movesTable } from "../../explain/planTable.ts";
import { greenMoves, greenObject, withGreen } from "../../explain/power.ts";
import { forecastLines } from "../../explain/report.ts";
import { loadAssessment } from "../../store/load/decisionInput.ts";
import { loadGreenForecast } from "../../store/load/powerInput.ts";
import { Names } from "../../text/names.ts";
import { type Command, command } from "../command.ts";
import { bare } from "../forms.ts";
import { gateReport, type PlanReport, planReportShown } from "../report.ts";

export const showPlan: Command<null, PlanReport> = command({
  ...bare("SHOW PLAN"),
  ...planReportShown,
  help: [["SHOW PLAN", "what xcp-control would do now, and why: its --dry-run"]],
  run: async ({ db, control }) => {
    const assessment = await loadAssessment(db, control, null);
    const { stored } = assessment;
    const { plan, gate } = forecastOf(assessment, control);
    if (gate !== null || plan === null || stored === null) return gateReport(gate);
    const green = await loadGreenForecast(db, control, assessment);
    const names = new Names(stored.snapshot);
    const first = green === null ? [] : greenMoves(green.decision);
    return {
      screen: (screen) =>
        withGreen(forecastLines(assessment, stored, plan, asTable(screen)), assessment, green, names),
      table: () => movesTable([...first, ...plan.moves], names),
      lines: withGreen(forecastLines(assessment, stored, plan), assessment, green, names),
      object: { ...forecastJson(assessment, stored, plan), green: greenObject(green, names) },
    };
  },
});
