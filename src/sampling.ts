/** Which earlier collections are averaged with the newest one. Pure. */
import type { ControlSettings } from "./settings.ts";

/** Which earlier pictures are wanted. */
export interface SampleWish {
  /** How many, the newest collection counted. */
  readonly count: number;
  /** Seconds between two of them, three quarters at least: collections do not start to the second. */
  readonly everySeconds: number;
  /** A longer gap ends the series: what came before it says nothing of now. */
  readonly maxGapSeconds: number;
}

/** What the settings ask for. */
export function sampleWish(settings: ControlSettings): SampleWish {
  return {
    // Two earlier ones at least, to see whether measures stand still.
    count: Math.max(3, settings.sampleCount),
    everySeconds: settings.sampleSeconds,
    maxGapSeconds: settings.snapshotMaxAgeSeconds,
  };
}

/** Of collections before the newest, newest first, those that lie far enough apart. */
export function chooseSamples<T extends { readonly secondsBefore: number }>(
  all: readonly T[],
  { count, everySeconds, maxGapSeconds }: SampleWish,
): readonly T[] {
  const chosen: T[] = [];
  let last = 0;
  for (const each of all) {
    if (chosen.length >= count - 1) break;
    if (each.secondsBefore - last > maxGapSeconds) break;
    if (each.secondsBefore - last < 0.75 * everySeconds) continue;
    chosen.push(each);
    last = each.secondsBefore;
  }
  return chosen;
}
