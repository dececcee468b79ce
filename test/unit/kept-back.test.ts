/** What xcp-control -q says on standard error when it ends with another code than 0. */
import { expect, it } from "vitest";
import { keptBack } from "../../src/control/keptBack.ts";
import { blockedGate, settledGate } from "../../src/decide/gates.ts";
import type { ControlState } from "../../src/domain/controlState.ts";
import { asUuid } from "../../src/domain/pool.ts";

function said(lines: readonly string[], passing: boolean): readonly string[] {
  const told: string[] = [];
  const output = keptBack((line) => void told.push(line));
  for (const line of lines) output.print(line);
  if (passing) output.passing();
  output.tell();
  return told;
}

it("tells what led to the end, without the lines on progress", () => {
  const lines = ["Starting Migration ...", "Progress: 0.5", "Progress: 0.6 (web1)", "web1: it failed"];
  expect(said(lines, false)).toEqual(["Starting Migration ...", "web1: it failed"]);
  expect(said(["2026-03-01 08:00:00 UTC  Progress: 1"], false)).toEqual([]);
  // A VM may be called anything.
  expect(said(["Progress: 1 a: alpha -> beta"], false)).toEqual(["Progress: 1 a: alpha -> beta"]);
});

it("says nothing of a refusal that passes, unless there was more to say", () => {
  expect(said(["refused: freshness"], true)).toEqual([]);
  expect(said(["An earlier run's migration failed: web1", "refused: freshness"], true)).toHaveLength(2);
  expect(said(["refused: freshness"], false)).toHaveLength(1);
});

it("a refusal for measures of before a migration passes only as long as a collection may take", () => {
  const gateAfter = (secondsAgo: number) =>
    settledGate({ unsettled: [asUuid("vm")], lastEnd: { collectionsAtEnd: 1, secondsAgo } });
  expect(gateAfter(20)?.passing).toBe(true);
  expect(gateAfter(299)?.passing).toBe(true);
  expect(gateAfter(300)?.passing).toBeUndefined();
  expect(gateAfter(-5)?.passing).toBeUndefined();
});

it("a refusal for a pause passes where the pause has an end, for a day", () => {
  const pausedFor = (sinceSecondsAgo: number, until: Date | null) =>
    blockedGate(
      {
        pause: { by: "anna", reason: "", sinceSecondsAgo, until },
        breaker: { open: false },
        open: [],
        recent: [],
        startedLastHour: 0,
      } as unknown as ControlState,
      { maxMovesPerHour: 4, snapshotMaxAgeSeconds: 300, quietMinutes: 30, poolUuid: null },
    )?.passing;
  expect(pausedFor(60, new Date(0))).toBe(true);
  expect(pausedFor(90_000, new Date(0))).toBeUndefined();
  expect(pausedFor(60, null)).toBeUndefined();
});
