/** Makes every check in its order and says of each what it found. Opens what it needs, changes nothing, closes it again. */

import { AppError, describeError } from "../domain/errors.ts";
import type { Check, DoctorOptions, Opened } from "./check.ts";
import { databaseChecks } from "./checks/database.ts";
import { networkChecks } from "./checks/network.ts";
import { poolChecks } from "./checks/pool.ts";
import { scheduleChecks } from "./checks/schedule.ts";
import { settingsChecks } from "./checks/settings.ts";
import { wlbChecks } from "./checks/wlb.ts";
import { type CheckResult, type DoctorReport, type Finding, failure, reportOf, worstOf } from "./report.ts";

/** In the order that they are made and told: what others need comes first. */
export const checks: readonly Check[] = [
  ...settingsChecks,
  ...databaseChecks,
  ...networkChecks,
  ...poolChecks,
  ...scheduleChecks,
  ...wlbChecks,
];

/** The report on one pool. Rejects with nothing but the reason of `options.signal`. */
export async function diagnose(options: DoctorOptions): Promise<DoctorReport> {
  return examine(options, async (report) => report);
}

/** The report, and what `work` makes of it while the databases and sessions that were opened are still there. */
export async function examine<T>(
  options: DoctorOptions,
  work: (report: DoctorReport, found: Opened) => Promise<T>,
): Promise<T> {
  const found: Opened = {
    readable: new Set(),
    toldProblems: new Set(),
    settings: new Map(),
    databases: new Map(),
    sessions: new Map(),
    schemaIsWell: false,
    server: null,
    inventory: null,
    measures: null,
    closing: [],
  };
  try {
    const results: CheckResult[] = [];
    for (const check of checks) {
      const isOfOther = check.of !== undefined && !Object.hasOwn(options.places, check.of);
      if (!isOfOther && (options.areas?.includes(check.area) ?? true))
        results.push(await made(check, options, found));
    }
    return await work(reportOf(results), found);
  } finally {
    for (const close of found.closing.reverse()) await close().catch(() => {});
  }
}

async function made(check: Check, options: DoctorOptions, found: Opened): Promise<CheckResult> {
  const { name, area, asks } = check;
  options.signal.throwIfAborted();
  const missing = check.needs?.find(({ isThere }) => !isThere(found));
  if (missing !== undefined)
    return { name, area, asks, state: "not checked", findings: [], needs: missing.from };
  const findings = await findingsOf(check, options, found);
  return { name, area, asks, state: worstOf(findings), findings, needs: null };
}

async function findingsOf(check: Check, options: DoctorOptions, found: Opened): Promise<readonly Finding[]> {
  try {
    return await check.run(options, found);
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof AppError) return [failure(describeError(error), error.next)];
    return [
      failure(
        describeError(error),
        "see that the pool and the database are well, and ask again; else report it",
      ),
    ];
  }
}
