import { describe, expect, it } from "vitest";
import type { Outcome } from "../../src/control/outcome.ts";
import { refuse } from "../../src/control/refuse.ts";
import { resultLine, runLines } from "../../src/control/report.ts";
import { blockedGate, dataGate } from "../../src/decide/gates.ts";
import type { Gate } from "../../src/domain/gate.ts";
import type { Snapshot, StoredSnapshot } from "../../src/domain/pool.ts";
import { planJson } from "../../src/explain/planJson.ts";
import { gateLine, moveLine, type PlanContext, planLines } from "../../src/explain/report.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { Names } from "../../src/text/names.ts";
import { aControlState, aHost, aSnapshot, aVm, chapterSix, uuid } from "../support/fixtures.ts";

const { snapshot, vm2 } = chapterSix();
const options = { maxMoves: 10, headroomBytes: 0, bannedVms: new Map(), bannedPairs: new Map() };
const rules = [{ subject: "CpuAverage", threshold: 25 }] as const;
const plan = planMigrations(snapshot, rules, options);
const names = new Names(snapshot);

const controlState = aControlState();

function closedGate(collected: StoredSnapshot | null, poolUuid: string | null = null): Gate | null {
  const limits = { snapshotMaxAgeSeconds: 300, maxMovesPerHour: 20, quietMinutes: 30, poolUuid };
  return dataGate(collected, controlState, null, limits);
}

function stored(of: Snapshot, extra: Partial<StoredSnapshot> = {}): StoredSnapshot {
  const at = new Date("2026-01-01T00:00:00Z");
  const counts = { hostsRead: of.hosts.length, hostsUnread: 0, vms: of.vms.length, complete: true };
  const collection = {
    id: 7,
    startedAt: at,
    finishedAt: at,
    poolUuid: of.pool.uuid,
    durationMs: 400,
    clockSkewSeconds: null,
    ...counts,
  };
  return { snapshot: of, collection, ageSeconds: 12.34, ...extra };
}

function assessment(of: Snapshot): PlanContext {
  return { stored: stored(of), sampling: { samples: 1, spanSeconds: 0 }, suppressed: () => null };
}

describe("the plan", () => {
  it("for a person: each rule with its hosts before and after, the move with its figures", () => {
    expect(planLines(assessment(snapshot), plan)).toEqual([
      "Pool pool: 2 hosts, 3 running VMs, collected 12 s ago",
      "Rule CpuAverage more than 25 % above the mean: mean 62.5 %, limit 87.5, 1 of 2 hosts above it",
      "  Host2: 100 (+37.5) BREAKS IT -> 50.5 (-12)",
      "  Host1: 25 (-37.5) -> 74.5 (+12)",
      "Move 1: VM2 - Debian: Host2 -> Host1; CpuAverage Host2 100 -> 50.5, Host1 25 -> 74.5 (mean 62.5 %, allowed 25 above it); 256 MB to copy, which takes 198 % of CpuAverage off Host2 for each GiB",
      "In all 1 move, 256 MB to copy, about 2 s",
      "Proof: nothing that does as much copies less than the plan: 256 MB",
    ]);
  });

  it("for a program: uuids, with the exact names beside them, also where two are equal", () => {
    const twin = { ...snapshot, hosts: snapshot.hosts.map((host) => ({ ...host, name: "xen" })) };
    const json = planJson(assessment(twin), planMigrations(twin, rules, options));
    expect(json).toMatchObject({
      collection: 7,
      ageSeconds: 12.3,
      moves: [{ vm: vm2.uuid, fromName: "xen", toName: "xen", fromBefore: 100, toAfter: 74.5 }],
    });
    expect(new Names(twin).of(snapshot.hosts[0]?.uuid ?? uuid(0))).toBe(`xen (${snapshot.hosts[0]?.uuid})`);
  });

  it("without a name is told by the uuid", () => {
    const nameless = new Names(aSnapshot([[aHost({ uuid: uuid(1), name: "" }), []]]));
    expect(nameless.of(uuid(1))).toBe(uuid(1));
    expect(nameless.of(uuid(2))).toBe(uuid(2));
  });

  it("of a large pool gives some reasons in text and all in JSON", () => {
    const vms = Array.from({ length: 60 }, (_, at) =>
      aVm({ uuid: uuid(100 + at), vcpuAverage: 50, immovable: "VM_HAS_VGPU" }),
    );
    const stuck = aSnapshot([
      [aHost({ uuid: uuid(1), cpuAverage: 100 }), vms],
      [aHost({ uuid: uuid(2) }), []],
    ]);
    const left = planMigrations(stuck, rules, options);
    const lines = planLines(assessment(stuck), left);
    expect(lines.filter((line) => line.endsWith("stays: VM_HAS_VGPU"))).toHaveLength(40);
    expect(lines.slice(-2)).toEqual([
      "  and 20 more reasons: xcp-control --dry-run --json gives all",
      "Nothing was searched for: it is proved that all of this stays",
    ]);
    expect(planJson(assessment(stuck), left)).toMatchObject({ unresolved: [{ refusals: { length: 60 } }] });
  });
});

describe("a gate", () => {
  it.each([
    [null, /^refused: collection: none was ever stored, limit one at least; run xcp-collect first$/],
    [stored(snapshot, { ageSeconds: 301 }), /^refused: age of data: collected 301 s ago, limit 300 s/],
    [
      stored(snapshot, { ageSeconds: Number.POSITIVE_INFINITY }),
      /^refused: age of data: never collected by xcp-collect/,
    ],
    [stored(snapshot, { ageSeconds: Number.NaN }), /^refused: age of data: never collected by xcp-collect/],
  ])("is told by name, measure, limit and advice (%#)", (collected, line) => {
    const gate = closedGate(collected);
    expect(gate && gateLine(gate)).toMatch(line);
  });

  it("names the settings file in what is to be typed, where the run was given one", () => {
    const breaker = blockedGate(
      {
        ...controlState,
        breaker: { ...controlState.breaker, open: true, closesInSeconds: 60, reason: "2 failed" },
      },
      { snapshotMaxAgeSeconds: 300, maxMovesPerHour: 20, quietMinutes: 30, poolUuid: null },
    );
    const lines: string[] = [];
    const reporter = { json: false, print: (line: string) => void lines.push(line), printJson: () => {} };
    refuse(breaker, reporter);
    refuse(breaker, { ...reporter, program: "xcp-control --settings '$& control.settings'" });
    expect(lines[0]).toMatch(/^refused: breaker: .*; mend the cause, then run xcp-control --ack$/);
    expect(lines[1]).toMatch(/then run xcp-control --settings '\$& control\.settings' --ack$/);
  });

  it("is open for a fresh collection of the pool that is meant, at the limit too", () => {
    expect(closedGate(stored(snapshot, { ageSeconds: 300 }))).toBeNull();
    expect(closedGate(stored(snapshot), snapshot.pool.uuid.toUpperCase())).toBeNull();
    expect(closedGate(stored(snapshot), uuid(1))?.code).toBe("pool");
  });
});

describe("a result", () => {
  const [move] = plan.moves;
  if (move === undefined) throw new Error("chapter 6 has a move");
  const who = `VM2 - Debian (${vm2.uuid})`;

  it.each<[Outcome, string]>([
    [{ kind: "moved" }, `${who} is on Host1`],
    [{ kind: "refused", reason: "X", failure: "later" }, `${who} not moved to Host1: X`],
    [
      { kind: "failed", reason: "X", failure: "later" },
      `${who} could not be moved to Host1: X; it stays on Host2`,
    ],
    [{ kind: "lost", reason: "X" }, `${who} does not run any more: X`],
    [{ kind: "overtaken", reason: "X" }, `${who} not moved: X`],
    [{ kind: "stopped", reason: "X" }, `${who} not moved: X`],
    [{ kind: "held", reason: "X" }, `${who} not moved: X`],
    [{ kind: "unknown", reason: "X" }, `${who}: X`],
  ])("%j is told in one line", (outcome, line) => {
    expect(resultLine({ move, outcome }, names)).toBe(line);
  });

  it("of a run counts the VMs that moved, and says what stopped it", () => {
    const results = [{ move, outcome: { kind: "moved" } as const }];
    const run = {
      firstPlan: plan,
      lastPlan: { ...plan, moves: [], limited: true },
      results,
      isTrouble: false,
    };
    expect(runLines({ ...run, stoppedBy: null }, names)).toEqual([
      "1 VM moved",
      "more moves would follow; the limit of one run is reached (ControlMaxMovesPerRun)",
    ]);
    expect(runLines({ ...run, results: [], stoppedBy: "a signal" }, names)).toEqual([
      "0 VMs moved",
      "ended early: a signal",
    ]);
    expect(moveLine({ ...move, copyBytes: null }, names)).not.toContain("to copy");
  });
});
