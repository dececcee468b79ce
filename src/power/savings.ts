/** What sleeping was worth: hours asleep by the watts that it saves, against the memory that was migrated for it. Pure. */

import type { SleepSpan } from "../domain/hostPower.ts";
import type { Wattage } from "./options.ts";

export interface Savings {
  readonly hoursAsleep: number;
  readonly kWh: number;
  readonly migratedBytes: number;
  /** kWh saved for each GiB that was migrated; null where nothing was. */
  readonly kWhPerGib: number | null;
}

/** The savings of `spans` between two times; a host that slept over the border counts from or up to it. */
export function savingsOf(
  spans: readonly SleepSpan[],
  migratedBytes: number,
  watts: Wattage,
  from: number,
  to: number,
): Savings {
  const seconds = spans.reduce((sum, span) => {
    return sum + Math.max(0, Math.min(span.to ?? to, to) - Math.max(span.from, from));
  }, 0);
  const hoursAsleep = seconds / 3600;
  const kWh = (hoursAsleep * (watts.idleWatts - watts.asleepWatts)) / 1000;
  const gib = migratedBytes / 1024 ** 3;
  return { hoursAsleep, kWh, migratedBytes, kWhPerGib: gib > 0 ? kWh / gib : null };
}
