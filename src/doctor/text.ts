/** A report as lines for people. Pure; what comes out is escaped. */

import { plural } from "../text/format.ts";
import { printable } from "../text/text.ts";
import { areas, type CheckResult, type DoctorReport, type Finding } from "./report.ts";

const marks: Readonly<Record<CheckResult["state"], string>> = {
  ok: "ok",
  warning: "WARNING",
  failure: "FAILURE",
  "not checked": "-",
};

/** Area by area; each check with what it found, and under what is not well the commands that mend it. */
export function reportLines(report: DoctorReport): string[] {
  const byArea = areas.flatMap((area) => {
    const checks = report.checks.filter((check) => check.area === area);
    return checks.length === 0
      ? []
      : ["", `${area[0]?.toUpperCase()}${area.slice(1)}`, ...checks.flatMap(checkLines)];
  });
  return [...byArea.slice(1), "", summary(report)].map(printable);
}

function checkLines({ name, asks, state, findings, needs }: CheckResult): string[] {
  if (state === "not checked") return [`  ${mark("not checked")} ${name}: not checked: needs ${needs}`];
  if (findings.length === 0) return [`  ${mark(state)} ${name}: ${asks}`];
  return findings.flatMap((finding) => [
    `  ${mark(finding.state)} ${name}: ${oneLine(finding)}`,
    ...finding.fix.map((fix) => `            fix: ${fix}`),
  ]);
}

function mark(state: CheckResult["state"]): string {
  return marks[state].padEnd(8);
}

function oneLine({ says }: Finding): string {
  return says.replace(/\s*\n\s*/g, " ");
}

function summary({ checks, counts }: DoctorReport): string {
  const parts = [
    `${counts.ok} ok`,
    plural(counts.warnings, "warning"),
    plural(counts.failures, "failure"),
    `${counts.notChecked} not checked`,
  ];
  return `${plural(checks.length, "check")}: ${parts.join(", ")}`;
}
