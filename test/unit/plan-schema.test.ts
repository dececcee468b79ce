/** U8: the JSON of plans is as docs/plan.schema.json publishes it. */
import { describe, expect, it } from "vitest";
import { assess, type DecisionInput, forecastOf } from "../../src/decide/assess.ts";
import type { Snapshot } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { forecastJson, gateJson } from "../../src/explain/planJson.ts";
import { aControlState, aHost, aSnapshot, aVm, uuid } from "../support/fixtures.ts";
import { controlSettings } from "../support/loop/live.ts";
import { planFaults } from "../support/planSchema.ts";
import { rule } from "../support/rules.ts";

const vms = [20, 21].map((n) => aVm({ uuid: uuid(n), vcpuNum: 4, vcpuAverage: 40 }));
const pool = (immovable: string | null): Snapshot =>
  aSnapshot([
    [aHost({ uuid: uuid(1), name: "a", cpuAverage: 80 }), vms.map((vm) => ({ ...vm, immovable }))],
    [aHost({ uuid: uuid(2), name: "b" }), []],
    [aHost({ uuid: uuid(3), name: "c", enabled: false }), []],
  ]);

function told(snapshot: Snapshot, rules: readonly Rule[], ageSeconds = 5): unknown {
  const startedAt = new Date("2026-07-15T12:00:00Z");
  const input: DecisionInput = {
    stored: {
      snapshot,
      ageSeconds,
      collection: {
        id: 70,
        startedAt,
        finishedAt: startedAt,
        poolUuid: snapshot.pool.uuid,
        durationMs: 400,
        clockSkewSeconds: null,
        hostsRead: 3,
        hostsUnread: 0,
        vms: 2,
        complete: true,
      },
    },
    samples: [],
    rules,
    unknown: [],
    controlState: aControlState(),
  };
  const control = controlSettings(["ControlHeadroomMb=0", "ControlBreaches=1", "ControlSampleCount=1"]);
  const assessment = assess(input, control, null);
  const { plan, gate } = forecastOf(assessment, control);
  if (gate !== null || plan === null || assessment.stored === null) {
    expect(gate).not.toBeNull();
    return gate === null ? null : gateJson(gate);
  }
  return forecastJson(assessment, assessment.stored, plan);
}

describe("U8: the JSON of a plan keeps to the published schema", () => {
  it.each([
    ["with a move", told(pool(null), [rule("CpuAverage > 20")]), { moves: { length: 1 } }],
    [
      "of a chain",
      told(pool(null), [rule("CpuAverage > 20 AND CpuAverage ABOVE 60")]),
      { moves: { length: 1 } },
    ],
    [
      "that clears nothing",
      told(pool("VM_HAS_VGPU"), [rule("CpuAverage > 20")]),
      { unresolved: { length: 1 } },
    ],
    ["without a rule", told(pool(null), []), { moves: [] }],
    [
      "that a gate forbids",
      told(pool(null), [rule("CpuAverage > 20")], 900),
      { gate: { name: "age of data" } },
    ],
  ])("%s", (_, plan, holds) => {
    expect(plan).toMatchObject(holds);
    expect(planFaults(plan)).toEqual([]);
  });

  it("and the schema finds what is not so", () => {
    const plan = told(pool(null), [rule("CpuAverage > 20")]) as { moves: { from: string }[] };
    const [move] = plan.moves;
    const { from: _, ...rest } = move ?? { from: "" };
    expect(planFaults({ ...plan, moves: [rest] }).join("\n")).toContain("must have required property 'from'");
    expect(planFaults({ ...plan, movez: [] }).join("\n")).toContain("must NOT have additional properties");
  });
});
