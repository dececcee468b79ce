/** What sleeping was worth: hours asleep by the watts that it saves, against the memory that was migrated for it. Pure. */
import type { Uuid } from "../domain/pool.ts";
import type { Wattage } from "./options.ts";

/** A time in which a host slept; times in seconds. Draining, booting and waking are not in it: the host is on then. */
export interface SleepSpan {
  readonly host: Uuid;
  readonly from: number;
  /** Null while it sleeps. */
  readonly to: number | null;
}

export interface Savings {
  readonly hoursAsleep: number;
  readonly kWh: number;
  readonly migratedBytes: number;
  /** kWh saved for each GiB that was migrated; null where nothing was. */
  readonly kWhPerGib: number | null;
}

/** The savings of `hostPower` between two times; a host that slept over the border counts from or up to it. */
export function savingsOf(
  hostPower: readonly SleepSpan[],
  migratedBytes: number,
  watts: Wattage,
  from: number,
  to: number,
): Savings {
  const seconds = hostPower.reduce((sum, rest) => {
    return sum + Math.max(0, Math.min(rest.to ?? to, to) - Math.max(rest.from, from));
  }, 0);
  const hoursAsleep = seconds / 3600;
  const kWh = (hoursAsleep * (watts.idleWatts - watts.asleepWatts)) / 1000;
  const gib = migratedBytes / 1024 ** 3;
  return { hoursAsleep, kWh, migratedBytes, kWhPerGib: gib > 0 ? kWh / gib : null };
}
