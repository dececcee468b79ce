/**
 * How many inputs a property is tried on. `npm test` has to stay short and tries a quarter of them; `npm run soak -- property`
 * sixteen times as many.
 */
const factor = Number(process.env["XCP_TEST_RUNS"] ?? 0.25);

/** The part of `count` that this run tries; at least one. */
export const someOf = (count: number): number => Math.max(1, Math.round(count * factor));
