/** What xapi fetches from its workload balancing server for whoever asks over HTTP: reports and the server's log. */
import type { PoolModel } from "../metrics/model.ts";
import { askWlb } from "./client.ts";
import { reportParameters } from "./request.ts";

/** Parameters of the call itself; all others go to the server, in their order. */
const ofCall: ReadonlySet<string> = new Set(["session_id", "task_id", "report"]);

/** GET /wlb_report. @throws SimFailure */
export async function report(
  model: PoolModel,
  query: readonly (readonly [string, string])[],
): Promise<string> {
  const name = query.find(([key]) => key === "report")?.[1] ?? "";
  const parameters = query.filter(([key]) => !ofCall.has(key));
  const answer = await askWlb(model, "ExecuteReport", reportParameters(name, parameters));
  return answer.streamed("XmlDataSet");
}

/** GET /wlb_diagnostics. @throws SimFailure */
export async function diagnostics(model: PoolModel): Promise<string> {
  return (await askWlb(model, "GetDiagnostics", "")).streamed("DiagnosticData");
}
