/** What the planner is told of the settings and of what control has done lately. */

import { describe, expect, it } from "vitest";
import { assess, type DecisionInput, plannerOptions, planOf } from "../../src/decide/assess.ts";
import { applyMove } from "../../src/decide/moves.ts";
import { isOpen, type Migration, type MigrationState } from "../../src/domain/migration.ts";
import { recheck } from "../../src/planner/steps/recheck.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import type { ControlSettings } from "../../src/settings/types.ts";
import { aControlState, aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";

const [a, b, c] = [uuid(1), uuid(2), uuid(3)];
const vms = [20, 21, 22, 23].map((n) => aVm({ uuid: uuid(n), vcpuNum: 4, vcpuAverage: 24 }));
const snapshot = aSnapshot([
  [aHost({ uuid: a, name: "a", cpuAverage: 96 }), vms],
  [aHost({ uuid: b, name: "b" }), []],
  [aHost({ uuid: c, name: "c" }), []],
]);
// Whole thresholds are aimed at: two VMs must leave host a.
const rules = [{ subject: "CpuAverage", threshold: 17 }] as const;

function settings(values: Readonly<Record<string, string>>): ControlSettings {
  const sources = {
    fileName: null,
    text: "",
    environment: {},
    readFile: () => "",
    readCredential: () => null,
  };
  const fixed = { ControlTargetPercent: "100", ControlHeadroomMb: "0" };
  const result = parseSettings({ ...sources, values: { ...fixed, ...values } }, ["control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return (result.settings as { control: ControlSettings }).control;
}

function row(state: MigrationState, source: string, destination: string, minutesAgo: number): Migration {
  return {
    id: "",
    runId: "",
    vm: uuid(99),
    source: source as Migration["source"],
    destination: destination as Migration["destination"],
    rule: null,
    cause: "rules",
    reason: "",
    collectionId: 1,
    state,
    plannedAt: new Date(0),
    submittedAt: null,
    finishedAt: isOpen(state) ? null : new Date(0),
    taskRef: null,
    memoryBytes: null,
    seconds: null,
    error: null,
    failure: null,
    collectionsAtEnd: 1,
    plannedSecondsAgo: minutesAgo * 60,
    finishedSecondsAgo: isOpen(state) ? null : minutesAgo * 60,
  };
}

function input(recent: readonly Migration[]): DecisionInput {
  const at = new Date(0);
  const collection = {
    id: 7,
    startedAt: at,
    finishedAt: at,
    poolUuid: snapshot.pool.uuid,
    durationMs: 400,
    clockSkewSeconds: null,
    hostsRead: 3,
    hostsUnread: 0,
    vms: 4,
    complete: true,
  };
  return {
    stored: { snapshot, collection, ageSeconds: 5 },
    samples: [],
    rules,
    unknown: [],
    controlState: aControlState({ recent }),
  };
}

const noBans = { vms: new Map(), pairs: new Map() };

describe("a host's limit of moves within an hour", () => {
  it("is what is left of ControlMaxMovesPerHost after those of the last hour, however they ended", () => {
    const recent = [
      row("succeeded", a, b, 59),
      row("failed", b, c, 1),
      row("running", b, c, 1),
      row("refused", b, c, 1),
      row("succeeded", b, c, 60),
    ];
    const control = settings({ ControlMaxMovesPerHost: "2" });
    const options = plannerOptions(assess(input(recent), control, null), control, noBans, 10);
    expect([a, b, c].map((host) => options.movesLeftOf?.(host))).toEqual([1, 0, 0]);
  });

  it("holds within one plan, is named where it cuts it, and counts what the run itself has moved", () => {
    const control = settings({ ControlMaxMovesPerHost: "1" });
    const assessment = assess(input([]), control, null);
    const plan = planOf(assessment, control, snapshot, noBans, 10);
    expect(plan).toMatchObject({ limited: true, spent: [a] });
    expect(plan.moves).toHaveLength(1);
    const [first] = plan.moves;
    if (first === undefined) throw new Error("nothing is moved");
    const later = applyMove(snapshot, first.vm, first.source, first.destination);
    const next = planOf(assessment, control, later, noBans, 10);
    expect({ moves: next.moves, spent: next.spent }).toEqual({ moves: [], spent: [a] });
    const roomy = settings({ ControlMaxMovesPerHost: "2" });
    expect(planOf(assessment, roomy, later, noBans, 10).moves).toHaveLength(1);
  });

  it("holds for a saved plan as well", () => {
    const moves = [vms[0], vms[1]].map((vm) => ({
      vm: vm?.uuid ?? a,
      source: a,
      destination: b,
      parked: false,
    }));
    const assessed = (most: string) => {
      const control = settings({ ControlMaxMovesPerHost: most });
      return recheck(
        snapshot,
        rules,
        moves,
        plannerOptions(assess(input([]), control, null), control, noBans, 2),
      );
    };
    expect(assessed("2")).toMatchObject({ moves: [{ destination: b }, { destination: b }] });
    expect(assessed("1")).toEqual({ index: 1, reason: "a may take part in no more moves for now, limit 1" });
  });
});
