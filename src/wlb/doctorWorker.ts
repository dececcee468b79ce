/**
 * The thread in which doctor looks at the set-up of xcp-wlb: for GetDiagnostics, beside the thread that answers pools. It
 * ends when it has answered. It never talks to the pool: what it reads are the settings, files and MySQL.
 */
import { parentPort, workerData } from "node:worker_threads";
import { diagnose } from "../doctor/diagnose.ts";
import { redactedText } from "../doctor/redact.ts";
import { reportOf } from "../doctor/report.ts";
import { reportLines } from "../doctor/text.ts";
import { describeError } from "../domain/errors.ts";

export interface DoctorWorkerData {
  /** The settings files, one a pool; null for the usual place. */
  readonly files: readonly (string | null)[];
  readonly nodeVersion: string;
  /** Texts that must not be told. */
  readonly secrets: readonly string[];
}

const { files, nodeVersion, secrets } = workerData as DoctorWorkerData;

async function lines(): Promise<readonly string[]> {
  const all: string[] = [];
  for (const file of files) {
    const { checks } = await diagnose({
      places: { wlb: file ?? undefined },
      nodeVersion,
      signal: new AbortController().signal,
      areas: ["settings", "database", "network", "schedule"],
    });
    // Commands that mend a thing are for a shell on this machine; what needs the pool is for a doctor that may ask it.
    const told = checks
      .filter(({ state }) => state !== "not checked")
      .map((check) => ({ ...check, findings: check.findings.map((finding) => ({ ...finding, fix: [] })) }));
    all.push(...(files.length > 1 ? [`-- ${file ?? "settings"}`] : []), ...reportLines(reportOf(told)));
  }
  return all.map((line) => redactedText(line, secrets));
}

lines().then(
  (told) => parentPort?.postMessage(told),
  (error: unknown) =>
    parentPort?.postMessage([redactedText(`doctor failed: ${describeError(error)}`, secrets)]),
);
