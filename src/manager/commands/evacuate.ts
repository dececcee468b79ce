/** EVACUATE HOST: what xcp-control --evacuate would do, to look at. Read only. */

import { assessEvacuation, forecastEvacuation } from "../../decide/evacuation.ts";
import { evacuationJson, evacuationLines } from "../../explain/evacuation.ts";
import { asTable, movesTable } from "../../explain/planTable.ts";
import { loadDecisionInput } from "../../store/load/decisionInput.ts";
import { Names } from "../../text/names.ts";
import { type Command, command } from "../command.ts";
import { nameOnly, type WantedObject } from "../forms.ts";
import { gateReport, type PlanReport, planReportShown } from "../report.ts";

/** The plan that empties the host. Throws AppError not-found, ambiguous, or conflict where it is the only host. */
export const evacuateHost: Command<WantedObject, PlanReport> = command({
  ...nameOnly("EVACUATE HOST", "HOST"),
  ...planReportShown,
  help: [
    [
      "EVACUATE HOST uuid|name",
      "what would empty this host, and what would stay; xcp-control --evacuate does it",
    ],
    "EVACUATE HOST Host1",
  ],
  run: async ({ db, control }, { wanted }) => {
    const assessment = assessEvacuation(await loadDecisionInput(db, control), control, null, wanted);
    if (!("host" in assessment)) return gateReport(assessment.gate);
    const { stored } = assessment;
    const { plan, gate } = forecastEvacuation(assessment, control);
    if (gate !== null || plan === null || stored === null) return gateReport(gate);
    return {
      screen: (screen) => evacuationLines(assessment, stored, plan, asTable(screen)),
      table: () => movesTable(plan.moves, new Names(stored.snapshot)),
      lines: evacuationLines(assessment, stored, plan),
      object: evacuationJson(assessment, stored, plan),
    };
  },
});
