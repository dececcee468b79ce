/** EVACUATE HOST: what xcp-control --evacuate would do, to look at. Read only. */

import { forecastEvacuation, judgeEvacuation } from "../../decide/evacuation.ts";
import type { Gate } from "../../decide/gates.ts";
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
  const basis = judgeEvacuation(await loadDecisionInput(db, control), control, null, wanted);
  if (!("host" in basis)) return closed(basis.gate);
  const { stored } = basis;
  const { plan, gate } = forecastEvacuation(basis, control);
  if (gate !== null || plan === null || stored === null) return closed(gate);
  return {
    kind: "plan",
    lines: evacuationLines(basis, stored, plan),
    object: evacuationJson(basis, stored, plan),
  };
}

function closed(gate: Gate | null): Result {
  return {
    kind: "plan",
    lines: gate === null ? [] : [gateLine(gate)],
    object: gate === null ? {} : gateJson(gate),
  };
}
