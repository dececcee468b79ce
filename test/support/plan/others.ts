/** The planners that ours is compared with, restated: the thesis', single good steps, and Xen Orchestra's. */

import { asUuid, type Snapshot, type Uuid } from "../../../src/domain/pool.ts";
import { type Problem, toProblem } from "../../../src/planner/problem.ts";
import { Bounds } from "../../../src/planner/search/bound.ts";
import { State } from "../../../src/planner/state.ts";
import type { Pool } from "./pools.ts";
import type { PlainMove } from "./verify.ts";

const options = { maxMoves: 1e9, headroomBytes: 0, bannedVms: new Map(), bannedPairs: new Map() };

class Walk {
  readonly problem: Problem;
  readonly state: State;
  readonly moves: PlainMove[] = [];
  readonly #moved = new Set<number>();

  constructor({ snapshot, rules }: Pool, resting: ReadonlySet<Uuid> = new Set()) {
    this.problem = toProblem(snapshot, rules, options);
    this.state = new State(this.problem);
    this.problem.vms.forEach(({ uuid }, v) => {
      if (resting.has(uuid)) this.#moved.add(v);
    });
  }

  /** VMs on `h` that this plan has not moved yet. */
  vms(h: number): number[] {
    const vms: number[] = [];
    for (let v = this.state.first(h); v >= 0; v = this.state.after(v)) if (!this.#moved.has(v)) vms.push(v);
    return vms;
  }

  weight(v: number, h: number, r: number): number {
    const { R, weight, inverse } = this.problem;
    return (weight[v * R + r] ?? 0) * (inverse[h * R + r] ?? 0);
  }

  load(h: number, r: number): number {
    return this.state.load[h * this.problem.R + r] ?? 0;
  }

  hosts(): number[] {
    return [...this.problem.hosts.keys()];
  }

  move(v: number, d: number): void {
    const [vm, source, destination] = [
      this.problem.vms[v]?.uuid,
      this.problem.hosts[this.state.at[v] ?? 0]?.uuid,
      this.problem.hosts[d]?.uuid,
    ];
    if (vm === undefined || source === undefined || destination === undefined) return;
    this.moves.push({ vm, source, destination });
    this.state.move(v, d);
    this.#moved.add(v);
  }
}

/** Rule by rule: the most loaded host, its VM nearest to the excess, the least loaded host; here: that takes it. */
export function thesis(pool: Pool): PlainMove[] {
  const walk = new Walk(pool);
  const { R } = walk.problem;
  for (let r = 0; r < R; r++) {
    const given = new Set<number>();
    for (;;) {
      const hot = walk.hosts().filter((h) => !given.has(h) && walk.state.isOver(h * R + r));
      const h = hot.sort((a, b) => walk.load(b, r) - walk.load(a, r))[0];
      if (h === undefined) break;
      const excess = walk.state.over(h * R + r);
      const cold = walk.hosts().sort((a, b) => walk.load(a, r) - walk.load(b, r));
      const distance = (v: number) => Math.abs(walk.weight(v, h, r) - excess);
      const vms = walk.vms(h).filter((v) => walk.weight(v, h, r) > 0);
      vms.sort((a, b) => distance(a) - distance(b));
      const to = (v: number) => cold.find((d) => d !== h && walk.state.stepFits(v, d));
      const v = vms.find((each) => to(each) !== undefined);
      if (v === undefined) given.add(h);
      else walk.move(v, to(v) ?? h);
    }
  }
  return walk.moves;
}

/** Step by step: the worst pair; its cheapest VM that clears it, else the one that takes most off; least loaded host. */
export function singleSteps(pool: Pool): PlainMove[] {
  const walk = new Walk(pool);
  const { R, cost, scale } = walk.problem;
  const given = new Set<number>();
  for (;;) {
    const pairs = [...walk.problem.broken.keys()].filter(
      (pair) => !given.has(pair) && walk.state.isOver(pair),
    );
    const severity = (pair: number) => walk.state.over(pair) / (scale[pair % R] ?? 1);
    const pair = pairs.sort((a, b) => severity(b) - severity(a))[0];
    if (pair === undefined) return walk.moves;
    const step = bestStep(walk, pair);
    if (step === null) given.add(pair);
    else walk.move(step.v, step.d);
  }

  function bestStep(of: Walk, pair: number): { v: number; d: number } | null {
    const [h, r] = [Math.floor(pair / R), pair % R];
    const hosts = of.hosts().filter((d) => d !== h);
    hosts.sort((a, b) => of.load(a, r) - of.load(b, r));
    const vms = of.vms(h).filter((v) => of.weight(v, h, r) > 0);
    const clearing = vms.filter((v) => of.weight(v, h, r) >= of.state.over(pair));
    const others = vms.filter((v) => of.weight(v, h, r) < of.state.over(pair));
    clearing.sort((a, b) => (cost[a] ?? 0) - (cost[b] ?? 0));
    others.sort((a, b) => of.weight(b, h, r) - of.weight(a, h, r));
    for (const list of [clearing, others]) {
      for (const d of hosts) {
        const v = list.find((each) => of.state.stepFits(each, d));
        if (v !== undefined) return { v, d };
      }
    }
    return null;
  }
}

interface XoHost {
  readonly index: number;
  cpu: number;
  free: number;
}

/**
 * Xen Orchestra's performance plan with its option "preventive", as its load balancer decides in one pass: fixed
 * thresholds of its own, not our rules. Passes are repeated until one moves nothing; a moved VM cools down.
 */
export function xenOrchestra(pool: Pool): PlainMove[] {
  const walk = new Walk({ ...pool, rules: cpuAlone });
  const hosts = xoHosts(walk);
  for (let pass = 0; pass < 50; pass++) {
    const before = walk.moves.length;
    xoPass(walk, hosts, { preventive: true, isHot: () => true });
    if (walk.moves.length === before) break;
  }
  return walk.moves;
}

/** What one pass of Xen Orchestra's load balancer is asked. */
export interface XoPass {
  /** The snapshot with its averages over time, which hosts and VMs are judged and chosen by. */
  readonly snapshot: Snapshot;
  /** With the option "preventive": hosts far above the mean are relieved too, where none is hot. */
  readonly preventive: boolean;
  /** CPU use of the last minute: a host is hot where this and the average are. */
  readonly lastMinute: (host: Uuid) => number;
  /** VMs that cool down. */
  readonly resting: ReadonlySet<Uuid>;
}

/** One pass of its performance plan. */
export function xenOrchestraPass({ snapshot, preventive, lastMinute, resting }: XoPass): PlainMove[] {
  const walk = new Walk({ snapshot, rules: cpuAlone }, resting);
  xoPass(walk, xoHosts(walk), {
    preventive,
    isHot: (h, high) => lastMinute(walk.problem.hosts[h]?.uuid ?? asUuid("")) >= high,
  });
  return walk.moves;
}

const cpuAlone = [{ subject: "CpuAverage", threshold: 100 }] as const;

function xoHosts(walk: Walk): XoHost[] {
  return walk.problem.hosts.map((host, index) => ({
    index,
    cpu: host.cpuAverage ?? 0,
    free: host.memoryFreeMb ?? 0,
  }));
}

interface XoOptions {
  readonly preventive: boolean;
  /** Whether the host's last minute is at `high` too. */
  readonly isHot: (h: number, high: number) => boolean;
}

function xoPass(walk: Walk, hosts: readonly XoHost[], { preventive, isHot }: XoOptions): void {
  const hot = hosts.filter(({ index, cpu, free }) => (cpu >= 76.5 && isHot(index, 76.5)) || free <= 1200);
  for (const host of hot) offload(walk, host, hosts, 76.5, 58.5);
  if (hot.length > 0 || !preventive) return;
  const cpus = walk.problem.hosts.reduce((sum, { cpuNum }) => sum + (cpuNum ?? 0), 0);
  const mean = hosts.reduce((sum, h) => sum + h.cpu * (walk.problem.hosts[h.index]?.cpuNum ?? 0), 0) / cpus;
  for (const host of hosts) {
    const isAbove = host.cpu >= 1.5 * mean && host.cpu >= 25 && isHot(host.index, 1.5 * mean);
    if (isAbove) offload(walk, host, hosts, 1.5 * mean, 1.25 * mean);
  }
}

function offload(walk: Walk, host: XoHost, all: readonly XoHost[], high: number, low: number): void {
  const cpu = (v: number) => walk.weight(v, host.index, 0);
  const memory = (v: number) => walk.problem.vms[v]?.memoryMb ?? 0;
  const vms = walk.vms(host.index).sort((a, b) => {
    const alike = Math.abs(cpu(a) - cpu(b)) <= 3 * Math.min(cpu(a), cpu(b)) || (cpu(a) <= 3 && cpu(b) <= 3);
    return alike ? memory(b) - memory(a) : cpu(b) - cpu(a);
  });
  for (const v of vms) {
    if (host.cpu <= low && host.free >= 1500) return;
    const d = all.filter((each) => each !== host).sort(better)[0];
    if (d === undefined) return;
    const arriving = walk.weight(v, d.index, 0);
    if (d.cpu + arriving >= low || d.free - memory(v) <= 1200) continue;
    const worse = host.cpu - cpu(v) < d.cpu + arriving || host.free + memory(v) > d.free - memory(v);
    if (host.cpu < high && worse) continue;
    // What the pool itself would refuse does not happen.
    if ((walk.state.free[d.index] ?? 0) < (walk.problem.need[v] ?? 0)) continue;
    if (walk.problem.closed.has(v * walk.problem.H + d.index)) continue;
    host.cpu -= cpu(v);
    host.free += memory(v);
    d.cpu += arriving;
    d.free -= memory(v);
    walk.move(v, d.index);
  }
}

function better(a: XoHost, b: XoHost): number {
  const over = (host: XoHost) => [host.cpu >= 76.5, host.free <= 1200] as const;
  const [x, y] = [over(a), over(b)];
  if (x[0] === y[0] && x[1] === y[1]) {
    return Math.abs(a.cpu - b.cpu) <= 0.1 ? b.free - a.free : a.cpu - b.cpu;
  }
  if (!x[0] && !x[1]) return -1;
  if (!y[0] && !y[1]) return 1;
  return x[0] === y[0] ? 0 : x[0] ? 1 : -1;
}

/** What no plan undercuts, in MB: of the pairs that are not proved to be unclearable. */
export function boundMb({ snapshot, rules }: Pool): number {
  const bounds = new Bounds(toProblem(snapshot, rules, options));
  return bounds.total((pair) => bounds.unclearable[pair] === 0) / 1024 / 1024;
}
