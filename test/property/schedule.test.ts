/** Laws of schedules: kept within the slots, near a bound that no schedule undercuts; tiny ones against all there are. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlannedTransfer } from "../../src/planner/steps/makespan.ts";
import { leastMakespan } from "../../src/planner/steps/makespan.ts";
import { schedule } from "../../src/planner/steps/schedule.ts";
import { someOf } from "../support/runs.ts";

function transfersOf(most: number): fc.Arbitrary<PlannedTransfer[]> {
  const one = fc.record({
    from: fc.integer({ min: 0, max: 4 }),
    by: fc.integer({ min: 1, max: 4 }),
    seconds: fc.oneof(fc.constantFrom(1, 1, 2, 4), fc.double({ min: 0.01, max: 5, noNaN: true })),
    after: fc.array(fc.nat({ max: 200 }), { maxLength: 2 }),
    waits: fc.boolean(),
  });
  return fc.array(one, { minLength: 1, maxLength: most }).map((all) =>
    all.map(({ from, by, seconds, after, waits }, index) => ({
      vm: index,
      from,
      to: (from + by) % 5,
      seconds,
      after: index === 0 || !waits ? [] : [...new Set(after.map((each) => each % index))],
    })),
  );
}

/** The earliest end when each transfer, in this order, takes the earliest time that those before it leave. */
function endOf(
  transfers: readonly PlannedTransfer[],
  order: readonly number[],
  perHost: number,
  inPool: number,
): number {
  const placed: { start: number; end: number; transfer: PlannedTransfer }[] = [];
  const ends = new Map<number, number>();
  for (const index of order) {
    const transfer = transfers[index];
    if (transfer === undefined || !transfer.after.every((before) => ends.has(before))) return Number.NaN;
    const ready = Math.max(0, ...transfer.after.map((before) => ends.get(before) ?? 0));
    const candidates = [ready, ...placed.map(({ end }) => end).filter((end) => end > ready)].sort(
      (x, y) => x - y,
    );
    const start = candidates.find((at) => fits(placed, transfer, at, perHost, inPool)) ?? 0;
    placed.push({ start, end: start + transfer.seconds, transfer });
    ends.set(index, start + transfer.seconds);
  }
  return Math.max(...ends.values());
}

function fits(
  placed: readonly { start: number; end: number; transfer: PlannedTransfer }[],
  transfer: PlannedTransfer,
  at: number,
  perHost: number,
  inPool: number,
): boolean {
  const beside = placed.filter(({ start, end }) => start < at + transfer.seconds - 1e-9 && end > at + 1e-9);
  // The number at once changes only where one begins.
  const moments = [at, ...beside.map(({ start }) => Math.max(at, start))];
  return moments.every((moment) => {
    const now = beside.filter(({ start, end }) => start <= moment + 1e-9 && end > moment + 1e-9);
    const at1 = (h: number) => now.filter(({ transfer: { from, to } }) => from === h || to === h).length;
    return now.length < inPool && at1(transfer.from) < perHost && at1(transfer.to) < perHost;
  });
}

function orders(count: number): number[][] {
  if (count === 0) return [[]];
  return orders(count - 1).flatMap((order) =>
    Array.from({ length: count }, (_, at) => order.toSpliced(at, 0, count - 1)),
  );
}

const slots = fc.constantFrom([1, 9], [2, 9], [3, 9], [2, 2], [4, 3]);
const runs = { numRuns: someOf(400), seed: 20_261_125 };

describe("a schedule", () => {
  it("keeps the slots of hosts and pool and all waits, at every moment", () => {
    fc.assert(
      fc.property(transfersOf(30), slots, (transfers, [perHost = 1, inPool = 1]) => {
        const { starts, seconds, bound } = schedule(transfers, perHost, inPool);
        const end = (index: number) => (starts[index] ?? 0) + (transfers[index]?.seconds ?? 0);
        expect(seconds).toBeCloseTo(Math.max(...transfers.map((_, index) => end(index))), 9);
        expect(seconds).toBeGreaterThanOrEqual(bound - 1e-6);
        transfers.forEach(({ after }, index) => {
          for (const before of after) expect(starts[index]).toBeGreaterThanOrEqual(end(before) - 1e-9);
          const now = [...transfers.keys()].filter(
            (each) => (starts[each] ?? 0) <= (starts[index] ?? 0) && end(each) > (starts[index] ?? 0) + 1e-9,
          );
          expect(now.length).toBeLessThanOrEqual(inPool);
          for (let h = 0; h < 5; h++) {
            const here = now.filter((each) => transfers[each]?.from === h || transfers[each]?.to === h);
            expect(here.length).toBeLessThanOrEqual(perHost);
          }
        });
      }),
      runs,
    );
  });

  it("of few transfers: the bound is not above the best of all schedules, and the schedule nearly always is that", () => {
    const seen = { all: 0, best: 0, tight: 0, ratio: 0 };
    fc.assert(
      fc.property(transfersOf(6), slots, (transfers, [perHost = 1, inPool = 1]) => {
        const all = orders(transfers.length).map((order) => endOf(transfers, order, perHost, inPool));
        const best = Math.min(...all.filter((end) => !Number.isNaN(end)));
        const { seconds, bound } = schedule(transfers, perHost, inPool);
        expect(bound).toBe(leastMakespan(transfers, perHost, inPool));
        expect(bound).toBeLessThanOrEqual(best + 1e-6);
        expect(seconds).toBeGreaterThanOrEqual(best - 1e-6);
        seen.all++;
        seen.ratio = Math.max(seen.ratio, seconds / best);
        if (seconds <= best + 1e-6) seen.best++;
        if (bound >= best - 1e-5) seen.tight++;
      }),
      { ...runs, numRuns: someOf(300) },
    );
    expect(seen.best / seen.all).toBeGreaterThan(0.97);
    expect(seen.tight / seen.all).toBeGreaterThan(0.9);
    // A transfer that may start does, even where to let the slot wait for another would be better.
    expect(seen.ratio).toBeLessThan(1.4);
  });

  it("of nothing takes no time", () => {
    expect(schedule([], 2)).toEqual({ starts: [], seconds: 0, bound: 0 });
  });
});
