/** EVACUATE HOST: what xcp-control --evacuate would do, to look at. Read only. */

import { assessEvacuation, forecastEvacuation } from "../../decide/evacuation.ts";
import type { Gate } from "../../domain/gate.ts";
import { evacuationJson, evacuationLines } from "../../explain/evacuation.ts";
import { gateJson } from "../../explain/planJson.ts";
import { gateLine } from "../../explain/report.ts";
import { loadDecisionInput } from "../../store/load/decisionInput.ts";
import type { ManagerContext } from "../context.ts";
import type { Result } from "../result.ts";

/** The plan that empties the host. Throws AppError not-found, ambiguous, or conflict where it is the only host. */
export async function showEvacuation(
  { db, control }: Pick<ManagerContext, "db" | "control">,
  wanted: string,
): Promise<Result> {
  const assessment = assessEvacuation(await loadDecisionInput(db, control), control, null, wanted);
  if (!("host" in assessment)) return closed(assessment.gate);
  const { stored } = assessment;
  const { plan, gate } = forecastEvacuation(assessment, control);
  if (gate !== null || plan === null || stored === null) return closed(gate);
  return {
    kind: "plan",
    lines: evacuationLines(assessment, stored, plan),
    object: evacuationJson(assessment, stored, plan),
  };
}

function closed(gate: Gate | null): Result {
  return {
    kind: "plan",
    lines: gate === null ? [] : [gateLine(gate)],
    object: gate === null ? {} : gateJson(gate),
  };
}
