import { describe, expect, test } from "vitest";
import { flapCause, flapsOf } from "../../src/decide/flaps.ts";
import type { Migration } from "../../src/domain/migration.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { uuid } from "../support/fixtures.ts";

const [hostA, hostB, hostC] = [uuid(1), uuid(2), uuid(3)];
const start = Date.UTC(2026, 0, 2);
const cpu: Rule = { subject: "CpuAverage", threshold: 25 };
const memory: Rule = { subject: "OccupiedMemoryMb", threshold: 200 };

/** A migration of a minute that ended `minute` minutes after the start; now is minute 10,000. */
function moved(
  minute: number,
  source: string,
  destination: string,
  more: Partial<Migration> = {},
): Migration {
  return {
    id: `m${minute}`,
    runId: "run",
    vm: uuid(100),
    source: uuid(Number(source)),
    destination: uuid(Number(destination)),
    rule: cpu,
    cause: "rules",
    reason: "",
    collectionId: 1,
    state: "succeeded",
    plannedAt: new Date(start + (minute - 1) * 60_000),
    submittedAt: null,
    finishedAt: new Date(start + minute * 60_000),
    taskRef: null,
    memoryBytes: null,
    seconds: 60,
    error: null,
    failure: null,
    collectionsAtEnd: 1,
    plannedSecondsAgo: (10_001 - minute) * 60,
    finishedSecondsAgo: (10_000 - minute) * 60,
    ...more,
  };
}

describe("a flap", () => {
  test("is a VM that control brings back to the host it took it from", () => {
    const [away, back] = [moved(10, "1", "2"), moved(40, "2", "1")];
    expect(flapsOf([away, back])).toEqual([
      {
        vm: uuid(100),
        host: hostA,
        away,
        back,
        backAt: back.finishedAt,
        backSecondsAgo: 9960 * 60,
        awaySeconds: 1800,
      },
    ]);
  });

  test("is one too when the way back leads over a third host", () => {
    const flaps = flapsOf([moved(10, "1", "2"), moved(20, "2", "3"), moved(30, "3", "1")]);
    expect(flaps.map(({ host, awaySeconds }) => [host, awaySeconds])).toEqual([[hostA, 1200]]);
  });

  test("is one too when somebody else moved it back, which shows at its next migration", () => {
    const flaps = flapsOf([moved(10, "1", "2"), moved(40, "1", "3")]);
    expect(flaps).toMatchObject([{ host: hostA, back: null, awaySeconds: 29 * 60 }]);
    expect(flaps.map(flapCause)).toEqual(["somebody else moved it back"]);
  });

  test("counts once for every return", () => {
    const there = [10, 30, 50].flatMap((minute) => [moved(minute, "1", "2"), moved(minute + 10, "2", "1")]);
    const hosts = flapsOf(there).map(({ host }) => host);
    expect(hosts).toEqual([hostA, hostB, hostA, hostB, hostA]);
  });

  test("needs a return within the window, to the second", () => {
    const pair = [moved(10, "1", "2"), moved(40, "2", "1")];
    expect(flapsOf(pair, 1800)).toHaveLength(1);
    expect(flapsOf(pair, 1799)).toEqual([]);
    expect(flapsOf([moved(0, "1", "2"), moved(24 * 60 + 1, "2", "1")])).toEqual([]);
  });

  test("is no migration that failed, and no return of another VM", () => {
    expect(flapsOf([moved(10, "1", "2"), moved(40, "2", "1", { state: "failed" })])).toEqual([]);
    expect(flapsOf([moved(10, "1", "2"), moved(40, "2", "1", { vm: uuid(101) })])).toEqual([]);
    expect(flapsOf([moved(10, "1", "2"), moved(40, "2", "3")])).toEqual([]);
  });

  test("is found whatever the order of the rows", () => {
    const rows = [moved(10, "1", "2"), moved(20, "2", "3"), moved(30, "3", "1")];
    expect(flapsOf(rows.toReversed())).toEqual(flapsOf(rows));
    expect(hostC).toBe(rows[2]?.source);
  });
});

describe("its cause", () => {
  const causeOf = (away: Rule | null, back: Rule | null) =>
    flapsOf([moved(10, "1", "2", { rule: away }), moved(40, "2", "1", { rule: back })]).map(flapCause);

  test("is the rules, where two different ones moved the VM", () => {
    expect(causeOf(cpu, memory)).toEqual([
      "the rules fight each other: CpuAverage > 25 % and OccupiedMemoryMb > 200 MB",
    ]);
  });

  test("is the load, where one rule moved it both ways", () => {
    expect(causeOf(cpu, cpu)).toEqual([
      "the load goes to and fro, or the rule is too tight: CpuAverage > 25 %",
    ]);
  });

  test("is an administrator, where no rule asked for one of the moves", () => {
    expect(causeOf(null, cpu)).toEqual(["an administrator asked for one of the two moves"]);
  });
});
