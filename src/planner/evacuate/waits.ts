/** How long VMs are expected to wait for CPUs on the hosts that remain, while the places for an evacuation are looked for. Pure. */
import type { Snapshot, Uuid } from "../../domain/pool.ts";
import { toleratedMinutes } from "../place/served.ts";
import type { ServeOptions } from "../plan.ts";
import { cpusOf, demandAsUsed, hostDemands, partsOf } from "../serve/hostDemands.ts";
import { ServedHosts, type WantedOfHosts } from "../serve/serve.ts";
import { noticeable } from "../serve/stillShort.ts";
import type { DrainProblem } from "./drain.ts";

/** A host on which VMs wait longer because of what comes to it, in CPU-minutes of the time ahead. */
export interface ShortHost {
  readonly host: Uuid;
  /** All that it is expected not to serve, and what of that it would have served. */
  readonly minutes: number;
  readonly added: number;
  readonly overMinutes: number;
}

/** What a place search asks of the rule that serves VMs. */
export class CpuWaits {
  /** Parts that the time ahead is divided in: what a move costs to reckon. */
  readonly parts: number;
  /** So much more than `least` is no reason to look on: the rule itself moves nothing for it. */
  readonly tolerated: number;
  /** CPU-minutes when nothing has come: without others moving it cannot be less. */
  readonly least: number;
  readonly #wanted: WantedOfHosts;
  readonly #source: number;
  readonly #hosts: readonly Uuid[];
  readonly #start: readonly number[];
  #sums: ServedHosts<WantedOfHosts>;
  #minutes = 0;

  constructor(snapshot: Snapshot, { problem, source }: DrainProblem, serve: ServeOptions) {
    const { rule, demands, overheadGigabytes } = serve;
    const { hosts, vms } = problem;
    this.parts = partsOf(demands);
    this.tolerated = toleratedMinutes(rule, overheadGigabytes);
    this.#source = source;
    this.#hosts = hosts.map(({ uuid }) => uuid);
    this.#wanted = {
      minutes: rule.overMinutes,
      capacity: hosts.map(cpusOf),
      hosts: hostDemands(snapshot, hosts, demands),
      vms: vms.map((vm) => demands.get(vm.uuid) ?? demandAsUsed(vm, this.parts)),
      transferCpus: 0,
    };
    this.#sums = new ServedHosts(this.#wanted);
    this.#start = hosts.map((_, h) => this.#short(h));
    this.reset();
    this.least = this.#minutes;
  }

  /** CPU-minutes that the hosts that remain are expected not to serve. */
  get minutes(): number {
    return this.#minutes;
  }

  /** Every VM at home. */
  reset(): void {
    this.#sums = new ServedHosts(this.#wanted);
    this.#minutes = this.#wanted.hosts.reduce((sum, _, h) => sum + this.#short(h), 0);
  }

  move(v: number, from: number, to: number): void {
    const before = this.#short(from) + this.#short(to);
    this.#sums.move(v, from, to);
    this.#minutes += this.#short(from) + this.#short(to) - before;
  }

  /** Those that come to lack more, as things stand, the worst first. */
  shortHosts(): ShortHost[] {
    const { minutes: overMinutes } = this.#wanted;
    return this.#hosts
      .flatMap((host, h): ShortHost[] => {
        const minutes = this.#short(h);
        const added = minutes - (this.#start[h] ?? 0);
        return added < noticeable ? [] : [{ host, minutes, added, overMinutes }];
      })
      .sort((a, b) => b.added - a.added || (a.host < b.host ? -1 : 1));
  }

  /** Of the drained host nothing counts, nor what is rounding, nor a host of which the CPUs are unknown. */
  #short(h: number): number {
    if (h === this.#source || !((this.#wanted.capacity[h] ?? 0) > 0)) return 0;
    const minutes = this.#sums.shortage(h);
    return minutes < noticeable ? 0 : minutes;
  }
}
