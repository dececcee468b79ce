import { expect, it } from "vitest";
import { collectChangingPool } from "../support/changingRuns.ts";

it("a pool that grows, shrinks and loses hosts is in the tables as it is, after each of five runs", async () => {
  const figures = await collectChangingPool({ seed: 7, virtualSeconds: 100, everySeconds: 20 });
  expect(figures.runs).toBe(5);
  expect(figures.changes).toBeGreaterThan(5);
});

it("and so it is after each of 25 runs in one session, of which only the first reads everything", async () => {
  const figures = await collectChangingPool({
    seed: 8,
    virtualSeconds: 500,
    everySeconds: 20,
    following: true,
  });
  expect(figures.runs).toBe(25);
  expect(figures.whole).toBe(1);
  expect(figures.partly).toBeGreaterThan(0);
});

it("a pool that answers badly or not at all in half of the runs is in the tables as it was read, or as it was before", async () => {
  const figures = await collectChangingPool({
    seed: 106,
    virtualSeconds: 500,
    everySeconds: 20,
    following: true,
    faults: true,
  });
  expect(figures.failed).toBeGreaterThan(0);
  expect(figures.runs).toBeGreaterThan(10);
});
