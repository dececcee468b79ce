/** Which earlier collections are averaged with the newest one. Pure. */

import type { Snapshot } from "../domain/pool.ts";
import { isSingle, type Rule, type ServeRule } from "../domain/rule.ts";
import type { ControlSettings } from "../settings/types.ts";

/** What rules that serve VMs look at: collections by so many seconds, for so long. */
export const servingBin = { seconds: 300, until: 3600 };

/** Which earlier snapshots are wanted. */
export interface SampleWish {
  /** How many, the newest collection counted. */
  readonly count: number;
  /** Seconds between two of them, three quarters at least: collections do not start to the second. */
  readonly everySeconds: number;
  /** A longer gap ends the series: what came before it says nothing of now. */
  readonly maxGapSeconds: number;
  /** Beyond that number: one every so many seconds, until so many before the newest. */
  readonly further?: { readonly seconds: number; readonly until: number };
}

/** What the settings ask for, and rules that name their samples themselves, or that serve VMs. */
export function sampleWish(
  settings: ControlSettings,
  rules: readonly Rule[],
  serving: readonly ServeRule[] = [],
): SampleWish {
  return {
    ...(serving.some(({ enabled }) => enabled) ? { further: servingBin } : {}),
    // Two earlier ones at least, to see whether measures stand still.
    count: Math.max(3, settings.sampleCount, ...rules.map(samplesWanted)),
    everySeconds: settings.sampleSeconds,
    maxGapSeconds: settings.snapshotMaxAgeSeconds,
  };
}

/** The samples that a rule asks for itself. */
function samplesWanted(rule: Rule): number {
  return isSingle(rule) || !rule.enabled ? 0 : (rule.repeat?.of ?? 0);
}

/** Of collections before the newest, newest first, those that lie far enough apart. */
export function chooseSamples<T extends { readonly secondsBefore: number }>(
  all: readonly T[],
  { count, everySeconds, maxGapSeconds, further }: SampleWish,
): readonly T[] {
  const chosen: T[] = [];
  let last = 0;
  for (const each of all) {
    const isFurther = chosen.length >= count - 1;
    if (isFurther && (further === undefined || each.secondsBefore >= further.until)) break;
    if (each.secondsBefore - last > Math.max(maxGapSeconds, isFurther ? 2 * (further?.seconds ?? 0) : 0))
      break;
    // The first five minutes are looked at as closely as the settings say.
    const every = isFurther && last >= (further?.seconds ?? 0) ? (further?.seconds ?? 0) : everySeconds;
    if (each.secondsBefore - last < 0.75 * every) continue;
    chosen.push(each);
    last = each.secondsBefore;
  }
  return chosen;
}

/** An earlier snapshot. */
export interface Sample {
  readonly snapshot: Snapshot;
  readonly collectionId: number;
  /** Seconds from its start to the start of the newest collection. */
  readonly secondsBefore: number;
}
