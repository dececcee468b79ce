/** How loaded each VM is, minute by minute: a day's curve, noise that remembers, bursts, batch jobs, spikes. */
import type { Random } from "../../../src/planner/search/random.ts";

/** What one VM is like. */
export interface Nature {
  readonly vcpus: number;
  readonly memoryMb: number;
  /** Percent of its vCPUs, at noon of a VM without a day's curve. */
  readonly base: number;
  /** Part of the load that follows the day, and the hour of its peak. */
  readonly swing: number;
  readonly peakHour: number;
  /** Batch VMs do nothing for most of the day and all they can when their hour comes. */
  readonly batch: boolean;
  /** KB/s at a full load. */
  readonly rxKb: number;
  readonly txKb: number;
}

export interface Load {
  /** Percent, mean over the vCPUs. */
  readonly cpu: number;
  readonly rxKb: number;
  readonly txKb: number;
}

/** Noise from one minute to the next: x' = phi x + e, with this standard deviation of x. */
const noise = { phi: 0.92, deviation: 0.22 };
const chances = { burst: 2 / 1440, batch: 1.5 / 1440, spike: 0.002 };

/** A normal number: mean 0, deviation 1. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

/** `cpus` are those of a host: no VM has more than a quarter of them. */
export function natureOf(random: Random, cpus: number): Nature {
  const heavy = Math.exp(0.6 * normal(random));
  return {
    vcpus: Math.min(cpus / 4, [1, 1, 2, 2, 4, 4, 8][random.below(7)] ?? 1),
    memoryMb: [1024, 1024, 2048, 2048, 4096, 4096, 8192, 16384][random.below(8)] ?? 1024,
    base: Math.min(70, 18 * heavy),
    swing: random.next() < 0.6 ? 0.3 + 0.5 * random.next() : 0,
    peakHour: random.next() < 0.7 ? 10 + 6 * random.next() : 24 * random.next(),
    batch: random.next() < 0.08,
    rxKb: 4000 * Math.exp(0.8 * normal(random)),
    txKb: 4000 * Math.exp(0.8 * normal(random)),
  };
}

/** The load of one VM; asked once a minute. */
export class VmLoad {
  readonly nature: Nature;
  readonly #random: Random;
  #noise: number;
  #burst = { minutes: 0, factor: 1 };
  #batch = 0;

  constructor(nature: Nature, random: Random) {
    this.nature = nature;
    this.#random = random;
    this.#noise = noise.deviation * normal(random);
  }

  minute(minute: number): Load {
    const { base, swing, peakHour, batch, rxKb, txKb } = this.nature;
    const innovation = noise.deviation * Math.sqrt(1 - noise.phi ** 2);
    this.#noise = noise.phi * this.#noise + innovation * normal(this.#random);
    this.#events(batch);
    const day = 1 + swing * Math.cos((2 * Math.PI * (minute / 60 - peakHour)) / 24);
    const spike = this.#random.next() < chances.spike ? 95 : 0;
    const working = batch ? (this.#batch > 0 ? 90 : 2) : base * day;
    const cpu = Math.min(100, Math.max(spike, working * this.#burst.factor * Math.exp(this.#noise)));
    const traffic = (cpu / 100) * Math.exp(0.2 * normal(this.#random));
    return { cpu, rxKb: rxKb * traffic, txKb: txKb * traffic };
  }

  #events(batch: boolean): void {
    const [burst, job, long] = [this.#random.next(), this.#random.next(), this.#random.next()];
    if (this.#burst.minutes > 0) this.#burst.minutes--;
    else if (burst < chances.burst)
      this.#burst = { minutes: 5 + Math.floor(35 * long), factor: 2 + 2 * long };
    else this.#burst.factor = 1;
    if (this.#batch > 0) this.#batch--;
    else if (batch && job < chances.batch) this.#batch = 30 + Math.floor(90 * long);
  }
}
