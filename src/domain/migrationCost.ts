/**
 * What migrations cost in this pool, learnt from those that were watched to their end: memory and seconds in, rates
 * out. Pure.
 *
 * The rate of a migration is its memory over its time; it hides how much was copied twice because the guest wrote to
 * it meanwhile. The link's rate is that of the fastest of them, where nearly nothing was copied twice; the dirty factor
 * is how many times the memory an ordinary one copies at that rate.
 */
import type { Uuid } from "./pool.ts";

/** A migration that was watched to its end. */
export interface CostSample {
  readonly source: Uuid;
  readonly destination: Uuid;
  readonly memoryBytes: number;
  readonly seconds: number;
}

export interface Cost {
  /** Memory over time of an ordinary migration. */
  readonly bytesPerSecond: number;
  readonly linkBytesPerSecond: number;
  /** 1 or more. */
  readonly dirtyFactor: number;
  /** Migrations it was learnt from; 0 for the assumption. */
  readonly samples: number;
}

/** What is assumed before anything was measured: 1 Gbit/s, as xapi itself estimates. */
const assumed: Cost = {
  bytesPerSecond: 125_000_000,
  linkBytesPerSecond: 125_000_000,
  dirtyFactor: 1,
  samples: 0,
};

/** Samples of a pair before its own figures are taken for the pool's. */
const enough = 3;

/** A migration of so little memory is over before its rate means anything. */
const leastBytes = 32 * 1024 * 1024;

/** The costs of a pool's migrations. */
export class CostBook {
  readonly pool: Cost;
  readonly pairs: ReadonlyMap<string, Cost>;
  /** By source host. */
  readonly #sources: ReadonlyMap<Uuid, Cost>;

  constructor(samples: readonly CostSample[]) {
    const usable = samples.filter(({ memoryBytes, seconds }) => memoryBytes >= leastBytes && seconds > 0);
    this.pool = usable.length === 0 ? assumed : learn(usable);
    this.pairs = learnGroups(usable, ({ source, destination }) => pair(source, destination));
    this.#sources = learnGroups(usable, ({ source }) => source);
  }

  /** The pair's own figures where there are enough, else the pool's, else what is assumed. */
  of(source: Uuid, destination: Uuid): Cost {
    return this.pairs.get(pair(source, destination)) ?? this.pool;
  }

  /** The figures of all that left `source`; the pool's where there are not enough. */
  from(source: Uuid): Cost {
    return this.#sources.get(source) ?? this.pool;
  }

  /** The pairs of hosts that have figures of their own. */
  measuredPairs(): readonly { readonly source: Uuid; readonly destination: Uuid; readonly cost: Cost }[] {
    return [...this.pairs].map(([key, cost]) => {
      const [source, destination] = key.split(">");
      return { source: source as Uuid, destination: destination as Uuid, cost };
    });
  }

  /** How long `memoryBytes` will take; null where they are unknown. */
  seconds(source: Uuid, destination: Uuid, memoryBytes: number | null): number | null {
    return memoryBytes === null ? null : memoryBytes / this.of(source, destination).bytesPerSecond;
  }
}

/** How many times the expected time a migration may take. */
const patience = 3;

/** xapi's own least limit for a migration out of an evacuated host, in seconds. */
const leastLimitSeconds = 240;

/** After how many seconds a migration that is expected to take `seconds` counts as stuck, unless `maxSeconds` is less. */
export function limitSeconds(seconds: number | null, maxSeconds: number): number {
  if (seconds === null) return maxSeconds;
  return Math.min(maxSeconds, Math.max(leastLimitSeconds, patience * seconds));
}

function pair(source: Uuid, destination: Uuid): string {
  return `${source}>${destination}`;
}

function learnGroups<K>(samples: readonly CostSample[], keyOf: (sample: CostSample) => K): Map<K, Cost> {
  const groups = new Map<K, CostSample[]>();
  for (const sample of samples) {
    const group = groups.get(keyOf(sample));
    if (group === undefined) groups.set(keyOf(sample), [sample]);
    else group.push(sample);
  }
  return new Map(
    [...groups].filter(([, group]) => group.length >= enough).map(([key, group]) => [key, learn(group)]),
  );
}

function learn(samples: readonly CostSample[]): Cost {
  const rates = samples.map(({ memoryBytes, seconds }) => memoryBytes / seconds).sort((a, b) => a - b);
  const bytesPerSecond = quantile(rates, 0.5);
  const linkBytesPerSecond = quantile(rates, 0.9);
  return {
    bytesPerSecond,
    linkBytesPerSecond,
    dirtyFactor: linkBytesPerSecond / bytesPerSecond,
    samples: samples.length,
  };
}

/** The sorted values' quantile: the nearest value at or above it, the mean of two for the median of an even number. */
function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0];
  return below + (above - below) * (place - Math.floor(place));
}
