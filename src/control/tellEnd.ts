/** What hooks are told when a run of xcp-control is over: what is news. */
import { AppError, describeError } from "../domain/errors.ts";
import type { Hooks } from "../hooks/hooks.ts";
import { breakerStatus } from "../store/breaker.ts";
import type { Database } from "../store/connection.ts";
import { listRuns } from "../store/runs.ts";
import { isNews, topicOf } from "../store/told.ts";

const program = "xcp-control";

/** Tells of a failure, once; false where the database cannot say whether that was done. */
export async function tellFailure(db: Database, hooks: Hooks, error: unknown): Promise<boolean> {
  if (error instanceof AppError && error.code === "mysql") return false;
  const text = describeError(error);
  const news = await isNews(db, program, topicOf("failed", text)).catch(() => null);
  if (news) hooks.tell("on-alarm", { text, facts: {}, detail: {} });
  return news !== null;
}

/** Tells how the run ended, as far as somebody should know, and what it warned of. */
export async function tellEnd(
  db: Database,
  hooks: Hooks,
  { warnings, wasOpen }: { readonly warnings: readonly string[]; readonly wasOpen: boolean },
): Promise<void> {
  const [run] = await listRuns(db, program, 1);
  const text = run?.detail ?? "";
  if (run?.outcome === "refused" && (await isNews(db, program, `refused: ${run.gate ?? ""}`)))
    hooks.tell("on-refusal", { text, facts: { gate: run.gate }, detail: { gate: run.gate } });
  if (run?.outcome === "partly" && (await isNews(db, program, topicOf("partly", text))))
    hooks.tell("on-alarm", { text, facts: {}, detail: {} });
  for (const warning of warnings)
    if (await isNews(db, program, topicOf("warning", warning)))
      hooks.tell("on-alarm", { text: warning, facts: {}, detail: {} });
  const breaker = await breakerStatus(db);
  if (breaker.open && !wasOpen) {
    const why = `the breaker is open: ${breaker.reason ?? ""}`;
    hooks.tell("on-breaker", { text: why, facts: { reason: breaker.reason }, detail: { breaker } });
  }
}
