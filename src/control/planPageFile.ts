/** The page of a dry run's plan, for whoever approves changes: what the strategies say of it, and its file. */
import { randomUUID } from "node:crypto";
import { packageVersion } from "../program/program.ts";
import { writeWhole } from "../program/wholeFile.ts";
import type { PlanFacts } from "../report/plan/planFacts.ts";
import type { ControlSettings } from "../settings/types.ts";
import { figure, megabytes } from "../text/format.ts";

/** Keeps the plan of a dry run as a page. */
export interface PageOptions {
  readonly file: string;
  /** Who has it made, "ann@desk7". */
  readonly by: string;
  readonly at: () => Date;
  /** The file that --save keeps the same plan in; null where it keeps none. */
  readonly saved: string | null;
}

/** What a page is told of the run beside the plan. */
export interface PageCall extends Pick<PageOptions, "saved"> {
  /** xcp-control as it was called, with its settings file: what commands on the page begin with. */
  readonly program: string;
}

/** Writes the page. @throws AppError "file" where it cannot be written; what was there stays as it was. */
export async function writePlanPage(facts: PlanFacts, { file, by, at }: PageOptions): Promise<void> {
  // Loaded where a page is drawn: no other run waits for it.
  const { planPage } = await import("../report/plan/planPage.ts");
  const version = `xcp-balance ${packageVersion()}`;
  await writeWhole(file, planPage(facts, { version, by, at: at().getTime() / 1000 }), randomUUID());
}

/** The settings that shape plans, as they are written in the settings file. */
export function planSettings(control: ControlSettings): PlanFacts["settings"] {
  const { floors } = control;
  const list = (values: readonly string[]) => (values.length === 0 ? "none" : values.join(", "));
  return [
    ["ControlSampleCount", `${control.sampleCount}`],
    ["ControlBreaches", `${control.breaches}`],
    ["ControlSampleSeconds", `${control.sampleSeconds} s`],
    ["ControlTargetPercent", `${figure(control.targetFraction * 100)} % of the threshold`],
    ["ControlFloorCpuPercent", `${floors.ControlFloorCpuPercent} %`],
    ["ControlFloorMemoryMb", `${floors.ControlFloorMemoryMb} MB`],
    ["ControlFloorNetworkKb", `${floors.ControlFloorNetworkKb} Kb/s`],
    ["ControlHeadroomMb", `${megabytes(control.headroomBytes)} MB`],
    ["ControlSqueeze", control.squeeze],
    ["ControlCpuSpeed", control.cpuSpeed],
    ["ControlMaxMovesPerRun", moves(control.maxMovesPerRun)],
    ["ControlMaxMovesPerHour", moves(control.maxMovesPerHour)],
    ["ControlMaxMovesPerHost", moves(control.maxMovesPerHost)],
    ["ControlMaxMigrationsInPool", `${control.maxMigrationsInPool} at once`],
    ["ControlTransfersPerHost", `${control.transfersPerHost} at once`],
    ["ControlVmCooldownMinutes", `${control.vmCooldownMinutes} min`],
    ["ControlAffinityTags", list(control.affinityTags)],
    ["ControlAntiAffinityTags", list(control.antiAffinityTags)],
    ["ControlExcludeTags", list(control.excludeTags)],
    ["ControlTimeZone", control.timeZone],
  ];
}

function moves(most: number): string {
  return Number.isFinite(most) ? `${most}` : "any number: an administrator asks for it";
}
