/**
 * How much a test tries. `npm test` has to stay short: it tries a quarter of a property's inputs, and some of the variants that
 * go the same way. XCP_TEST_RUNS=1 tries all of them (`npm run soak -- whole`), `npm run soak -- property` four times as many
 * inputs.
 */
const factor = Number(process.env["XCP_TEST_RUNS"] ?? 0.25);

/** Whether everything is tried. */
export const isWhole: boolean = factor >= 1;

/** The part of `count` that this run tries; at least one. */
export const someOf = (count: number): number => Math.max(1, Math.round(count * factor));

/** How many rounds this run has: `short` of them in `npm test`, else `whole`. */
export const rounds = (whole: number, short: number): number => (isWhole ? whole : short);

/** The variants of one way that this run tries: in `npm test` only `short` of them, from all over the list, the first among them. */
export function someVariants<T>(all: readonly T[], short: number): readonly T[] {
  const count = Math.min(all.length, rounds(all.length, short));
  return Array.from({ length: count }, (_, at) => all[Math.floor((at * all.length) / count)] as T);
}

/** Milliseconds that a test may take which tries as much as `npm test` does, or as its whole, in `ms`: more inputs take longer. */
export const timeoutFor = (ms: number): number => Math.round(ms * Math.max(1, factor));
