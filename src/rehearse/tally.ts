/** How long hosts broke each rule: minute by minute, in long stretches, and by the mean of ten minutes. Pure. */
import { evaluate, takesPart } from "../deviation.ts";
import type { Host, Uuid } from "../pool.ts";
import type { Rule } from "../rule.ts";

/** A moment counts until the next one, but not for longer than this: nobody knows what was in a gap. */
export const longestSeconds = 300;

/** A host that is above the threshold for so long without a break is above it for good. */
export const sustainedSeconds = 300;

/** Or so it is by its mean over so long. */
export const meanSeconds = 600;

/** Minutes of hosts above the threshold of one rule. */
export interface Violations {
  readonly rule: Rule;
  readonly minutes: number;
  /** Of these, those in stretches of five minutes and more. */
  readonly sustainedMinutes: number;
  /** Minutes in which the mean of the last ten minutes was above the threshold; 0 where they are not counted. */
  readonly meanMinutes: number;
}

/** What is averaged over ten minutes: the measures of the thesis' subjects. */
const averaged = ["cpuAverage", "memoryFreeMb", "pifEth0RxKb", "pifEth0TxKb"] as const;
type Averages = Record<(typeof averaged)[number], number | null>;

/** The measures of one host in the last ten minutes, each with how long it stood. */
class Window {
  readonly #points: { readonly host: Host; readonly seconds: number }[] = [];

  add(host: Host, seconds: number): void {
    this.#points.push({ host, seconds });
    let all = this.#points.reduce((sum, point) => sum + point.seconds, 0);
    for (;;) {
      const oldest = this.#points[0];
      if (oldest === undefined || all - oldest.seconds < meanSeconds) return;
      all -= oldest.seconds;
      this.#points.shift();
    }
  }

  mean(): Averages {
    const means: Averages = { cpuAverage: null, memoryFreeMb: null, pifEth0RxKb: null, pifEth0TxKb: null };
    for (const measure of averaged) {
      let [sum, known] = [0, 0];
      for (const { host, seconds } of this.#points) {
        const value = host[measure];
        if (value === null) continue;
        sum += value * seconds;
        known += seconds;
      }
      if (known > 0) means[measure] = sum / known;
    }
    return means;
  }
}

/** The hosts with the means of their last ten minutes. */
class Recent {
  readonly #windows = new Map<Uuid, Window>();

  add(hosts: readonly Host[], seconds: number): readonly Host[] {
    return hosts.map((host) => {
      if (!takesPart(host)) {
        this.#windows.delete(host.uuid);
        return host;
      }
      const window = this.#windows.get(host.uuid) ?? new Window();
      this.#windows.set(host.uuid, window);
      window.add(host, seconds);
      return { ...host, ...window.mean() };
    });
  }
}

class RuleTally {
  readonly rule: Rule;
  minutes = 0;
  sustainedMinutes = 0;
  meanMinutes = 0;
  /** Seconds that hosts have been above the threshold by now. */
  #stretches = new Map<Uuid, number>();

  constructor(rule: Rule) {
    this.rule = rule;
  }

  /** Counts a state that stood for `seconds`, and its ten-minute means; the minutes above the threshold in it. */
  add(hosts: readonly Host[], means: readonly Host[] | null, seconds: number): number {
    const broken = brokenIn(hosts, this.rule);
    const minutes = (broken.length * seconds) / 60;
    this.minutes += minutes;
    this.#stretch(broken, seconds);
    if (means !== null) this.meanMinutes += (brokenIn(means, this.rule).length * seconds) / 60;
    return minutes;
  }

  #stretch(broken: readonly Uuid[], seconds: number): void {
    const stretches = new Map<Uuid, number>();
    for (const host of broken) {
      const before = this.#stretches.get(host) ?? 0;
      const after = before + seconds;
      stretches.set(host, after);
      if (after < sustainedSeconds) continue;
      // The stretch counts from its beginning.
      this.sustainedMinutes += (before < sustainedSeconds ? after : seconds) / 60;
    }
    this.#stretches = stretches;
  }
}

function brokenIn(hosts: readonly Host[], rule: Rule): readonly Uuid[] {
  return evaluate(hosts, rule).verdicts.flatMap(({ broken, hostUuid }) => (broken ? [hostUuid] : []));
}

/** The hour with the most violations. */
export interface Hour {
  /** Seconds since 1970. */
  readonly seconds: number;
  readonly minutes: number;
}

export class Tally {
  readonly #rules: readonly RuleTally[];
  readonly #recent: Recent | null;
  readonly #hours = new Map<number, number>();
  #last: { readonly hosts: readonly Host[]; readonly seconds: number } | null = null;
  #counted = 0;

  /** Minutes by ten-minute means are counted with `means` only: that takes time. */
  constructor(rules: readonly Rule[], means = false) {
    this.#recent = means ? new Recent() : null;
    this.#rules = rules.map((rule) => new RuleTally(rule));
  }

  /** The state of the hosts from `seconds` (since 1970) on. */
  add(hosts: readonly Host[], seconds: number): void {
    if (this.#last !== null) this.#count(this.#last.hosts, this.#last.seconds, seconds);
    this.#last = { hosts, seconds };
  }

  #count(hosts: readonly Host[], from: number, to: number): void {
    const stood = Math.min(longestSeconds, to - from);
    if (!(stood > 0)) return;
    this.#counted += stood;
    let minutes = 0;
    const means = this.#recent?.add(hosts, stood) ?? null;
    for (const rule of this.#rules) minutes += rule.add(hosts, means, stood);
    const hour = Math.floor(from / 3600) * 3600;
    this.#hours.set(hour, (this.#hours.get(hour) ?? 0) + minutes);
  }

  /** Hours that were looked at, gaps left out. */
  get hours(): number {
    return this.#counted / 3600;
  }

  violations(): readonly Violations[] {
    return this.#rules.map(({ rule, minutes, sustainedMinutes, meanMinutes }) => ({
      rule,
      minutes,
      sustainedMinutes,
      meanMinutes,
    }));
  }

  /** Null where no rule was ever broken. */
  worstHour(): Hour | null {
    let worst: Hour | null = null;
    for (const [seconds, minutes] of this.#hours)
      if (minutes > (worst?.minutes ?? 0)) worst = { seconds, minutes };
    return worst;
  }
}
