import { expect, it } from "vitest";
import { collectChangingPool } from "../support/changingRuns.ts";

it("a pool that grows, shrinks and loses hosts is in the tables as it is, after each of eight runs", async () => {
  const figures = await collectChangingPool({ seed: 7, virtualSeconds: 160, everySeconds: 20 });
  expect(figures.runs).toBe(8);
  expect(figures.changes).toBeGreaterThan(8);
});
