/** When a rule acts: disabled ones, hours of the day in the pool's time zone, k of n samples of its own. */

import { describe, expect, it } from "vitest";
import { assess, type DecisionInput, forecastOf } from "../../src/decide/assess.ts";
import type { Snapshot } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { forecastJson } from "../../src/explain/planJson.ts";
import { forecastLines } from "../../src/explain/report.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import type { ControlSettings } from "../../src/settings/types.ts";
import { aControlState, aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { rule } from "../support/rules.ts";

const vms = [20, 21].map((n) => aVm({ uuid: uuid(n), vcpuNum: 4, vcpuAverage: 40 }));
const at = (cpu: number): Snapshot =>
  aSnapshot([
    [aHost({ uuid: uuid(1), name: "a", cpuAverage: cpu }), vms],
    [aHost({ uuid: uuid(2), name: "b" }), []],
    [aHost({ uuid: uuid(3), name: "c" }), []],
  ]);
const [hot, cool] = [at(80), at(10)];

function settings(values: Readonly<Record<string, string>> = {}): ControlSettings {
  const sources = {
    fileName: null,
    text: "",
    environment: {},
    readFile: () => "",
    readCredential: () => null,
  };
  const result = parseSettings({ ...sources, values: { ControlHeadroomMb: "0", ...values } }, ["control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return (result.settings as { control: ControlSettings }).control;
}

function input(rules: readonly Rule[], time: string, earlier: readonly Snapshot[] = []): DecisionInput {
  const startedAt = new Date(time);
  const collection = {
    id: 70,
    startedAt,
    finishedAt: startedAt,
    poolUuid: hot.pool.uuid,
    durationMs: 400,
    clockSkewSeconds: null,
    hostsRead: 3,
    hostsUnread: 0,
    vms: 2,
    complete: true,
  };
  return {
    stored: { snapshot: hot, collection, ageSeconds: 5 },
    samples: earlier.map((snapshot, i) => ({ snapshot, collectionId: 69 - i, secondsBefore: 60 * (i + 1) })),
    rules,
    unknown: [],
    controlState: aControlState(),
  };
}

function movesOf(of: DecisionInput, values: Readonly<Record<string, string>> = {}): number {
  const control = settings(values);
  return forecastOf(assess(of, control, null), control).plan?.moves.length ?? -1;
}

const noon = "2026-07-15T12:00:00Z";
const night = rule("CpuAverage > 20 BETWEEN 22:00 AND 06:00");

describe("a rule with hours", () => {
  it.each([
    ["2026-07-15T21:59:59Z", 0],
    ["2026-07-15T22:00:00Z", 1],
    ["2026-07-16T03:00:00Z", 1],
    ["2026-07-16T05:59:00Z", 1],
    ["2026-07-16T06:00:00Z", 0],
  ])("acts in them alone: at %s it gives %d moves", (time, count) => {
    expect(movesOf(input([night], time))).toBe(count);
  });

  it("has them in the pool's time zone", () => {
    // In Rome it is 22:30 in summer and 21:30 in winter.
    const zone = { ControlTimeZone: "Europe/Rome" };
    expect(movesOf(input([night], "2026-07-15T20:30:00Z"), zone)).toBe(1);
    expect(movesOf(input([night], "2026-01-15T20:30:00Z"), zone)).toBe(0);
  });

  it("is told with its reason outside of them, and the others act", () => {
    const control = settings();
    const of = input([night, rule("CpuAverage > 20")], noon);
    const assessment = assess(of, control, null);
    const { plan } = forecastOf(assessment, control);
    if (plan === null || assessment.stored === null) throw new Error("no plan");
    expect(plan.moves).toHaveLength(1);
    const reason = "it acts between 22:00 and 06:00, and at the collection it was 12:00 (UTC)";
    expect(assessment.inactive).toEqual([{ rule: night, reason }]);
    expect(forecastLines(assessment, assessment.stored, plan)).toContain(
      `Rule CpuAverage more than 20 % above the mean (between 22:00 and 06:00) does nothing now: ${reason}`,
    );
    expect(forecastJson(assessment, assessment.stored, plan)).toMatchObject({
      restingRules: [{ text: "CpuAverage > 20 BETWEEN 22:00 AND 06:00", reason }],
    });
  });

  it("alone leaves nothing to do, and says so", () => {
    const control = settings();
    const assessment = assess(input([night], noon), control, null);
    const { plan } = forecastOf(assessment, control);
    if (plan === null || assessment.stored === null) throw new Error("no plan");
    expect(forecastLines(assessment, assessment.stored, plan).at(-1)).toBe("Nothing to do: no rule acts now");
  });

  it("refuses a zone that there is not, with the key", () => {
    expect(() => settings({ ControlTimeZone: "Mars/Olympus" })).toThrow(
      "ControlTimeZone: must be the name of a time zone, such as UTC or Europe/Rome",
    );
  });
});

describe("a disabled rule", () => {
  it("does nothing, and is told", () => {
    const off = rule("CpuAverage > 20 DISABLED");
    expect(movesOf(input([off], noon))).toBe(0);
    expect(assess(input([off], noon), settings(), null).inactive).toEqual([
      { rule: off, reason: "it is disabled" },
    ]);
  });
});

describe("a rule that names its samples", () => {
  const five = rule("CpuAverage > 20 FOR 5 OF 6");
  const plain = rule("CpuAverage > 20");

  it("waits for them where the settings would act already", () => {
    const of = (rules: readonly Rule[]) => input(rules, noon, [hot, hot, cool, cool, hot]);
    expect(movesOf(of([plain]))).toBe(1);
    expect(movesOf(of([five]))).toBe(0);
    const { suppressed } = assess(of([five]), settings(), null);
    expect(suppressed(uuid(1), five)).toBe(
      "above the threshold in 4 of the last 6 samples only, 5 are needed (FOR 5 OF 6)",
    );
  });

  it("acts when they are there", () => {
    expect(movesOf(input([five], noon, [hot, hot, cool, hot, hot]))).toBe(1);
  });

  it("can act earlier than the settings, too", () => {
    const once = rule("CpuAverage > 30 FOR 1 OF 1");
    const of = (rules: readonly Rule[]) => input(rules, noon, [cool, cool]);
    const usual = rule("CpuAverage > 30");
    expect(movesOf(of([usual]), { ControlBreaches: "2", ControlSampleCount: "3" })).toBe(0);
    const values = { ControlBreaches: "2", ControlSampleCount: "3", ControlTargetPercent: "100" };
    expect(movesOf(of([once]), values)).toBe(1);
  });
});
