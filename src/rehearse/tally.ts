/** How long hosts broke each rule: minute by minute, in long stretches, and by the mean of ten minutes. Pure. */

import { derivedFor } from "../domain/derived.ts";
import { evaluate, mean, takesPart, termExcess, termValue } from "../domain/deviation.ts";
import { isWithin, minuteOfDay } from "../domain/hours.ts";
import type { Host, Snapshot, Uuid } from "../domain/pool.ts";
import { isSingle, type Rule, type Term, termsOf } from "../domain/rule.ts";

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

interface Point {
  readonly seconds: number;
  readonly value: number;
}

/** The values of one host in the last ten minutes, each with how long it stood. */
class Window {
  readonly #points: Point[] = [];
  #first = 0;
  #seconds = 0;
  #sum = 0;

  add(value: number, seconds: number): void {
    this.#points.push({ value, seconds });
    this.#seconds += seconds;
    this.#sum += value * seconds;
    for (;;) {
      const oldest = this.#points[this.#first];
      if (oldest === undefined || this.#seconds - oldest.seconds < meanSeconds) break;
      this.#seconds -= oldest.seconds;
      this.#sum -= oldest.value * oldest.seconds;
      this.#first++;
    }
    if (this.#first > 1000) this.#points.splice(0, this.#first);
    if (this.#first > 1000) this.#first = 0;
  }

  mean(): number {
    return this.#seconds > 0 ? this.#sum / this.#seconds : 0;
  }
}

class RuleTally {
  readonly rule: Rule;
  minutes = 0;
  sustainedMinutes = 0;
  meanMinutes = 0;
  readonly #windows = new Map<Uuid, readonly Window[]>();
  /** Seconds that hosts have been above the threshold by now. */
  #stretches = new Map<Uuid, number>();

  readonly #countsMeans: boolean;

  constructor(rule: Rule, countsMeans: boolean) {
    this.rule = rule;
    this.#countsMeans = countsMeans;
  }

  /** Counts a state that stood for `seconds`; the minutes above the threshold in it. */
  add(hosts: readonly Host[], seconds: number): number {
    const broken = evaluate(hosts, this.rule).verdicts.filter((verdict) => verdict.broken);
    const minutes = (broken.length * seconds) / 60;
    this.minutes += minutes;
    this.#stretch(
      broken.map(({ hostUuid }) => hostUuid),
      seconds,
    );
    if (this.#countsMeans) this.meanMinutes += (this.#aboveByMean(hosts, seconds) * seconds) / 60;
    return minutes;
  }

  /** The rule does not act: what was above the threshold begins anew when it does. */
  rest(): void {
    this.#stretches.clear();
    this.#windows.clear();
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

  #aboveByMean(hosts: readonly Host[], seconds: number): number {
    const terms = termsOf(this.rule);
    const means: number[][] = [];
    for (const host of hosts) {
      const values = takesPart(host) ? terms.flatMap((term) => termValue(host, term) ?? []) : [];
      if (values.length < terms.length) {
        this.#windows.delete(host.uuid);
        continue;
      }
      const windows = this.#windows.get(host.uuid) ?? terms.map(() => new Window());
      this.#windows.set(host.uuid, windows);
      for (const [place, window] of windows.entries()) window.add(values[place] ?? 0, seconds);
      means.push(windows.map((window) => window.mean()));
    }
    const poolMeans = terms.map((term, place) =>
      term.condition === "more than mean" ? mean(means.map((each) => each[place] ?? 0)) : null,
    );
    const isPast = (each: readonly number[], term: Term, place: number) =>
      termExcess(term, each[place] ?? 0, poolMeans[place] ?? null) > 0;
    return means.filter((each) => terms.every((term, place) => isPast(each, term, place))).length;
  }
}

/** The hour with the most violations. */
export interface Hour {
  /** Seconds since 1970. */
  readonly seconds: number;
  readonly minutes: number;
}

/** CPUs that VMs want, by what they used and waited for, of hosts that do not have them. */
function shortCpus({ hosts, vms, placements }: Snapshot): number {
  const wanted = new Map<Uuid, number>();
  const byUuid = new Map(vms.map((vm) => [vm.uuid, vm]));
  for (const { vmUuid, hostUuid } of placements) {
    const vm = byUuid.get(vmUuid);
    if (vm === undefined || vm.isControlDomain) continue;
    const percent = Math.min(100, (vm.vcpuAverage ?? 0) + (vm.cpuWait ?? 0));
    wanted.set(hostUuid, (wanted.get(hostUuid) ?? 0) + (percent * (vm.vcpuNum ?? 0)) / 100);
  }
  return hosts.reduce(
    (sum, { uuid, cpuNum }) => sum + (cpuNum === null ? 0 : Math.max(0, (wanted.get(uuid) ?? 0) - cpuNum)),
    0,
  );
}

export interface TallyOptions {
  /** In which rules' hours are meant; default: UTC. */
  readonly timeZone?: string;
  /** Count minutes by ten-minute means, too: that takes time. */
  readonly means?: boolean;
}

export class Tally {
  readonly #timeZone: string;
  readonly #rules: readonly RuleTally[];
  readonly #hours = new Map<number, number>();
  #last: { readonly hosts: readonly Host[]; readonly seconds: number; readonly short: number } | null = null;
  #counted = 0;
  /** CPU-minutes that VMs wanted of hosts that did not have them. */
  shortMinutes = 0;

  constructor(rules: readonly Rule[], { timeZone = "UTC", means = false }: TallyOptions = {}) {
    this.#timeZone = timeZone;
    this.#rules = rules.map((rule) => new RuleTally(rule, means));
  }

  /** The state of the pool from `seconds` (since 1970) on. */
  add(state: Snapshot, seconds: number): void {
    const { hosts } = derivedFor(
      state,
      this.#rules.map(({ rule }) => rule),
    );
    if (this.#last !== null) this.#count(this.#last.hosts, this.#last.seconds, seconds, this.#last.short);
    this.#last = { hosts, seconds, short: shortCpus(state) };
  }

  #count(hosts: readonly Host[], from: number, to: number, short: number): void {
    const stood = Math.min(longestSeconds, to - from);
    if (!(stood > 0)) return;
    this.#counted += stood;
    this.shortMinutes += (short * stood) / 60;
    let minutes = 0;
    for (const rule of this.#rules) {
      if (this.#acts(rule.rule, from)) minutes += rule.add(hosts, stood);
      else rule.rest();
    }
    const hour = Math.floor(from / 3600) * 3600;
    this.#hours.set(hour, (this.#hours.get(hour) ?? 0) + minutes);
  }

  /** Outside its hours a rule asks nothing of the hosts. */
  #acts(rule: Rule, seconds: number): boolean {
    if (isSingle(rule)) return true;
    if (!rule.enabled || rule.between === null) return rule.enabled;
    return isWithin(rule.between, minuteOfDay(new Date(seconds * 1000), this.#timeZone));
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
