/** Whether the pool's clock and the database's tell the same time. Pure. */

/** Seconds that two clocks may differ by: as much as a slow answer and a missing NTP make of them in a few days. */
const tolerated = 30;

/**
 * Whether one of the two is wrong. Plans do not depend on it; the age of the history does.
 * @param skewSeconds how far the pool's is ahead; null where the pool told no time, which says nothing against either.
 */
export function clocksDisagree(skewSeconds: number | null): boolean {
  return skewSeconds !== null && Math.abs(skewSeconds) > tolerated;
}
