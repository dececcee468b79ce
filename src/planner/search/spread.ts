/**
 * What an evacuation does to the rules of the hosts that remain, and how evenly they are loaded: the soft side of the
 * problem. Pure.
 *
 * The drained host is in no mean. VMs that are still expected to leave it count in the mean already, so that limits
 * stand from the beginning where they will stand at the end.
 */
import { excess, mean, rounding, termValue } from "../../domain/deviation.ts";
import type { Host, Vm } from "../../domain/pool.ts";
import { isSingle, type Rule, subjectsOf, termsOf } from "../../domain/rule.ts";
import { arrivingTermWeight, arrivingWeight, capacity, termCapacity } from "../../domain/weight.ts";
import { isCurable } from "../../rules/lint.ts";
import type { DrainProblem } from "../evacuate/drain.ts";
import type { Floors } from "../evacuate/harm.ts";
import type { CpuWaits, ShortHost } from "../evacuate/waits.ts";
import type { Work } from "./work.ts";

/** One thing that hosts are compared by: a term of a rule, or what no rule asks for. */
interface Metric {
  readonly rule: Rule | null;
  /** The term's place in its rule, and how many terms stand behind it there. */
  readonly place: number;
  readonly behind: number;
  /** The limit is this above the mean, or this alone. */
  readonly allowed: number;
  readonly relative: boolean;
  /** Whether arrivals bring a host nearer to being past it. */
  readonly grows: boolean;
  /** A value at or under which a host keeps the rule whatever the mean. */
  readonly floor: number;
  /** What is BELOW a limit with its sign turned: too much is always above. */
  readonly value: (host: Host) => number | null;
  /** Absolute units that make one unit of the value. */
  readonly size: (host: Host) => number | null;
  readonly weight: (vm: Vm) => number | null;
  /** Deviation that counts 1, and what that is worth. */
  readonly scale: number;
  readonly share: number;
}

/** What no rule asks for still tips the scales between equal plans. */
const unruledShare = 0.1;
const unruledPercent = 25;

function ruleMetrics(rule: Rule, hosts: readonly Host[], floors: Floors): Metric[] {
  const terms = termsOf(rule);
  return terms.map((term, place) => {
    const sign = term.condition === "below" ? -1 : 1;
    const turned = (value: number | null) => (value === null ? null : sign * value + 0);
    const relative = term.condition === "more than mean";
    const values = hosts.flatMap((host) => termValue(host, term) ?? []);
    return {
      rule,
      place,
      behind: terms.length - 1 - place,
      allowed: sign * term.amount,
      relative,
      grows: isCurable(term),
      floor: relative ? floors(rule, place) : Number.NEGATIVE_INFINITY,
      value: (host) => turned(termValue(host, term)),
      size: (host) => termCapacity(host, term),
      weight: (vm) => turned(arrivingTermWeight(vm, term)),
      scale: Math.max(term.amount, 0.01 * Math.abs(mean(values) ?? 0), 1e-6),
      share: 1 / terms.length,
    };
  });
}

const unruled = {
  rule: null,
  place: 0,
  behind: 0,
  allowed: Number.POSITIVE_INFINITY,
  relative: false,
  grows: true,
  floor: Number.NEGATIVE_INFINITY,
  scale: unruledPercent,
  share: unruledShare,
} as const;

const cpu: Metric = {
  ...unruled,
  value: (host) => host.cpuAverage,
  size: (host) => capacity(host, "CpuAverage"),
  weight: (vm) => arrivingWeight(vm, "CpuAverage"),
};

/** Percent of the host's memory that xapi would not give to others. */
const memory: Metric = {
  ...unruled,
  value: (host) => {
    const total = bytesOf(host);
    return total === null || host.placementFreeBytes === null
      ? null
      : 100 * (1 - host.placementFreeBytes / total);
  },
  size: (host) => {
    const total = bytesOf(host);
    return total === null ? null : total / 100;
  },
  weight: (vm) => vm.placementBytes,
};

function bytesOf({ memoryTotalMb }: Host): number | null {
  return memoryTotalMb !== null && memoryTotalMb > 0 ? memoryTotalMb * 1024 * 1024 : null;
}

/** A (host, rule) pair at some moment. */
export interface PairFigures {
  readonly rule: Rule;
  /** Which term of the rule: of a chain the one that keeps it, or is least past. */
  readonly place: number;
  readonly value: number;
  readonly mean: number;
  /** Value above the limit, in thresholds. */
  readonly severity: number;
}

export class Spread {
  /** Pairs that are broken and were not, or stand higher than they did; unknown pairs that took VMs count too. */
  harm = 0;
  readonly #drain: DrainProblem;
  readonly #metrics: readonly Metric[];
  readonly #M: number;
  readonly #start: Float64Array;
  readonly #load: Float64Array;
  readonly #known: Uint8Array;
  readonly #inverse: Float64Array;
  readonly #wasBroken: Uint8Array;
  readonly #harmed: Uint8Array;
  readonly #weight: Float64Array;
  /** Of a metric: sum and sum of squares over the hosts that have a value, their number, and what is still to come. */
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  readonly #counted: Int32Array;
  readonly #coming: Float64Array;
  readonly #usual: Float64Array;
  /** Rules by which a host cannot be assessed, and VMs that came to it. */
  readonly #blind: Int32Array;
  readonly #arrived: Int32Array;
  readonly #expected: Uint8Array;
  readonly #before: Float64Array;

  readonly #work: Work;
  readonly #waiting: CpuWaits | null;

  /** @param waiting what a rule that serves VMs adds; null where none acts. */
  constructor(
    drain: DrainProblem,
    rules: readonly Rule[],
    floors: Floors,
    work: Work,
    waiting: CpuWaits | null = null,
  ) {
    this.#work = work;
    this.#waiting = waiting;
    const { hosts, vms, H } = drain.problem;
    const others = hosts.filter((_, h) => h !== drain.source);
    const ruled = rules.flatMap((rule) => ruleMetrics(rule, others, floors));
    const plain = subjectsOf(rules).includes("CpuAverage") ? [memory] : [cpu, memory];
    this.#drain = drain;
    this.#metrics = [...ruled, ...plain];
    const M = this.#metrics.length;
    this.#M = M;
    this.#start = new Float64Array(H * M);
    this.#load = new Float64Array(H * M);
    this.#known = new Uint8Array(H * M);
    this.#inverse = new Float64Array(H * M);
    this.#wasBroken = new Uint8Array(H * M);
    this.#harmed = new Uint8Array(H * M);
    this.#weight = new Float64Array(vms.length * M);
    this.#sum = new Float64Array(M);
    this.#squares = new Float64Array(M);
    this.#counted = new Int32Array(M);
    this.#coming = new Float64Array(M);
    this.#usual = new Float64Array(M);
    this.#blind = new Int32Array(H);
    this.#arrived = new Int32Array(H);
    this.#expected = new Uint8Array(vms.length);
    this.#before = new Float64Array(M);
    this.#measure();
    this.reset();
  }

  #measure(): void {
    const { source, problem } = this.#drain;
    const M = this.#M;
    this.#metrics.forEach((metric, m) => {
      problem.vms.forEach((vm, v) => {
        this.#weight[v * M + m] = metric.weight(vm) ?? 0;
      });
      problem.hosts.forEach((host, h) => {
        if (h === source) return;
        const [value, size] = [metric.value(host), metric.size(host)];
        if (value === null || !Number.isFinite(value) || size === null || !(size > 0)) {
          // What a chain cannot judge it leaves alone.
          if (metric.rule !== null && isSingle(metric.rule)) this.#blind[h] = (this.#blind[h] ?? 0) + 1;
          return;
        }
        this.#known[h * M + m] = 1;
        this.#start[h * M + m] = value;
        this.#inverse[h * M + m] = 1 / size;
        this.#counted[m] = (this.#counted[m] ?? 0) + 1;
        this.#usual[m] = (this.#usual[m] ?? 0) + 1 / size;
      });
      this.#usual[m] = (this.#usual[m] ?? 0) / Math.max(1, this.#counted[m] ?? 0);
    });
  }

  /** Every VM at home and expected to leave if it is on the drained host, all sums as measured. */
  reset(): void {
    const { H } = this.#drain.problem;
    const M = this.#M;
    this.#load.set(this.#start);
    this.#sum.fill(0);
    this.#squares.fill(0);
    this.#coming.fill(0);
    this.#arrived.fill(0);
    this.#expected.fill(0);
    this.#harmed.fill(0);
    this.harm = 0;
    this.#waiting?.reset();
    for (let pair = 0; pair < H * M; pair++) {
      const [m, value] = [pair % M, this.#start[pair] ?? 0];
      this.#sum[m] = (this.#sum[m] ?? 0) + value;
      this.#squares[m] = (this.#squares[m] ?? 0) + value * value;
    }
    for (let pair = 0; pair < H * M; pair++) {
      this.#wasBroken[pair] = this.#breaks(pair) ? 1 : 0;
    }
    for (const v of this.#drain.leaving) this.expect(v, true);
  }

  /** Whether `v`, which is still on the drained host, is expected to leave it: its load then counts in the mean. */
  expect(v: number, leaves: boolean): void {
    if (this.#expected[v] === (leaves ? 1 : 0)) return;
    this.#expected[v] = leaves ? 1 : 0;
    this.#comes(v, leaves ? 1 : -1);
    for (let m = 0; m < this.#M; m++) this.#judgeAll(m);
  }

  #comes(v: number, sign: 1 | -1): void {
    for (let m = 0; m < this.#M; m++) {
      const raw = this.#weight[v * this.#M + m] ?? 0;
      this.#coming[m] = (this.#coming[m] ?? 0) + sign * raw * (this.#usual[m] ?? 0);
    }
  }

  /** Counts `v` on host `to` and no longer on `from`. */
  move(v: number, from: number, to: number): void {
    const { source } = this.#drain;
    const M = this.#M;
    const waited = this.#expected[v] === 1;
    this.#work.charge("move", M + (this.#waiting === null ? 0 : 2 * this.#waiting.parts));
    this.#waiting?.move(v, from, to);
    for (let m = 0; m < M; m++) this.#before[m] = this.mean(m);
    if (waited && from === source) this.#comes(v, -1);
    if (waited && to === source) this.#comes(v, 1);
    for (let m = 0; m < M; m++) {
      const raw = this.#weight[v * M + m] ?? 0;
      this.#shift(from, m, -raw);
      this.#shift(to, m, raw);
    }
    if (from !== source) this.#count(from, -1);
    if (to !== source) this.#count(to, 1);
    for (let m = 0; m < M; m++) {
      const before = this.#before[m] ?? 0;
      if (Math.abs(this.mean(m) - before) > 1e-9 * Math.abs(before)) this.#judgeAll(m);
      else {
        this.#assess(from * M + m);
        this.#assess(to * M + m);
      }
    }
  }

  #shift(h: number, m: number, raw: number): void {
    const pair = h * this.#M + m;
    if (this.#known[pair] === 0) return;
    const old = this.#load[pair] ?? 0;
    const now = old + raw * (this.#inverse[pair] ?? 0);
    this.#load[pair] = now;
    this.#sum[m] = (this.#sum[m] ?? 0) + now - old;
    this.#squares[m] = (this.#squares[m] ?? 0) + now * now - old * old;
  }

  #count(h: number, change: number): void {
    const before = this.#arrived[h] ?? 0;
    this.#arrived[h] = before + change;
    if (before === 0 && change > 0) this.harm += this.#blind[h] ?? 0;
    if (before === 1 && change < 0) this.harm -= this.#blind[h] ?? 0;
  }

  /** Mean over the hosts that remain, with what is still expected. */
  mean(m: number): number {
    return ((this.#sum[m] ?? 0) + (this.#coming[m] ?? 0)) / Math.max(1, this.#counted[m] ?? 0);
  }

  #judgeAll(m: number): void {
    if (this.#metrics[m]?.rule === null) return;
    this.#work.charge("look", 3 * this.#drain.problem.H);
    for (let h = 0; h < this.#drain.problem.H; h++) this.#assess(h * this.#M + m);
  }

  #assess(pair: number): void {
    const lead = pair - (this.#metrics[pair % this.#M]?.place ?? 0);
    const now = this.#isHarmed(lead) ? 1 : 0;
    this.harm += now - (this.#harmed[lead] ?? 0);
    this.#harmed[lead] = now;
  }

  /** Of the first term of a rule: whether the host breaks it and did not, or one of its terms is further past. */
  #isHarmed(lead: number): boolean {
    if (!this.#breaks(lead)) return false;
    if (this.#wasBroken[lead] === 0) return true;
    const { behind = 0 } = this.#metrics[lead % this.#M] ?? {};
    for (let pair = lead; pair <= lead + behind; pair++) {
      const value = this.#load[pair] ?? 0;
      const grows = this.#metrics[pair % this.#M]?.grows ?? true;
      if (grows && value > (this.#start[pair] ?? 0) + rounding(value)) return true;
    }
    return false;
  }

  /** Whether the host is past the term and all that stand behind it in its rule. */
  #breaks(lead: number): boolean {
    const { rule = null, behind = 0 } = this.#metrics[lead % this.#M] ?? {};
    if (rule === null) return false;
    for (let pair = lead; pair <= lead + behind; pair++) {
      if (this.#known[pair] === 0) return false;
      if (excess(this.#load[pair] ?? 0, this.#limit(pair % this.#M), 0) <= 0) return false;
    }
    return true;
  }

  /** The highest value that keeps the term. */
  #limit(m: number): number {
    const metric = this.#metrics[m];
    if (metric === undefined) return Number.POSITIVE_INFINITY;
    return Math.max((metric.relative ? this.mean(m) : 0) + metric.allowed, metric.floor);
  }

  /** CPU-minutes for which VMs are expected to wait on the hosts that remain; 0 where no rule serves VMs. */
  get short(): number {
    return this.#waiting?.minutes ?? 0;
  }

  /** The hosts that come to lack more, as things stand; null where no rule serves VMs. */
  shortHosts(): readonly ShortHost[] | null {
    return this.#waiting?.shortHosts() ?? null;
  }

  /** Whether nothing that can be had is much shorter, while no VM of another host moves. */
  get isServed(): boolean {
    const waiting = this.#waiting;
    return waiting === null || waiting.minutes <= waiting.least + waiting.tolerated;
  }

  /** How unevenly the hosts are loaded: the spread of each metric in its own scale, squared and summed. */
  uneven(): number {
    let total = 0;
    for (let m = 0; m < this.#M; m++) {
      const counted = this.#counted[m] ?? 0;
      const metric = this.#metrics[m];
      if (counted === 0 || metric === undefined) continue;
      const sum = this.#sum[m] ?? 0;
      const spread = (this.#squares[m] ?? 0) - (sum * sum) / counted;
      total += (metric.share * spread) / (metric.scale * metric.scale);
    }
    return total;
  }

  /** The rule that host `h` is nearest to breaking, or breaks most; null where none can be told. */
  nearest(h: number): PairFigures | null {
    let worst: PairFigures | null = null;
    this.#metrics.forEach(({ rule, place }, m) => {
      if (rule === null || place > 0) return;
      const found = this.#easiest(h, m);
      if (found !== null && (worst === null || found.severity > worst.severity)) worst = found;
    });
    return worst;
  }

  /** Of the rule whose first term is `lead` the term that keeps it by most, or is least past. */
  #easiest(h: number, lead: number): PairFigures | null {
    const { behind = 0 } = this.#metrics[lead] ?? {};
    let easiest: PairFigures | null = null;
    for (let m = lead; m <= lead + behind; m++) {
      const [metric, pair] = [this.#metrics[m], h * this.#M + m];
      if (metric === undefined || metric.rule === null || this.#known[pair] === 0) return null;
      const value = this.#load[pair] ?? 0;
      const severity = (value - this.#limit(m)) / metric.scale;
      if (easiest !== null && severity >= easiest.severity) continue;
      const { rule, place, relative } = metric;
      const shown = metric.allowed < 0 ? -value : value;
      easiest = { rule, place, value: shown, mean: relative ? this.mean(m) : 0, severity };
    }
    return easiest;
  }
}
