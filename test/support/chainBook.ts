/**
 * What chains of rules say of a pool after some moves: an account of its own, that shares no arithmetic with the
 * planner. Slow and plain.
 */
import type { Host, Snapshot, Vm } from "../../src/domain/pool.ts";
import type { AnySubject, Rule, Term } from "../../src/domain/rule.ts";
import { isSingle } from "../../src/domain/rule.ts";

export interface BookMove {
  readonly vm: string;
  readonly source: string;
  readonly destination: string;
}

export class ChainBook {
  readonly #snapshot: Snapshot;
  readonly #rules: readonly Rule[];
  readonly #headroomBytes: number;
  readonly #at = new Map<string, string>();
  readonly #startMeans = new Map<Term, number>();
  readonly #startValues = new Map<string, number>();
  readonly #wasBroken = new Set<string>();

  constructor(snapshot: Snapshot, rules: readonly Rule[], headroomBytes: number) {
    this.#snapshot = snapshot;
    this.#rules = rules;
    this.#headroomBytes = headroomBytes;
    for (const { vmUuid, hostUuid } of snapshot.placements) this.#at.set(vmUuid, hostUuid);
    for (const term of this.#allTerms()) {
      this.#startMeans.set(term, this.#mean(term));
      for (const host of this.#hosts()) this.#startValues.set(key(host, term), this.#value(host, term));
    }
    for (const pair of this.broken()) this.#wasBroken.add(pair);
  }

  #allTerms(): readonly Term[] {
    return this.#rules.flatMap((rule) => this.#terms(rule));
  }

  readonly #singles = new Map<Rule, readonly Term[]>();

  #terms(rule: Rule): readonly Term[] {
    if (!isSingle(rule)) return rule.terms;
    const known = this.#singles.get(rule) ?? [
      { subjects: [rule.subject], condition: "more than mean", amount: rule.threshold } as Term,
    ];
    this.#singles.set(rule, known);
    return known;
  }

  #hosts(): readonly Host[] {
    return this.#snapshot.hosts.filter(({ enabled, live, read }) => enabled && live && read);
  }

  #part(vm: Vm, subject: AnySubject, host: Host): number {
    if (subject === "CpuAverage") return ((vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0)) / (host.cpuNum ?? 1);
    if (subject === "OccupiedMemoryMb") return vm.memoryMb ?? 0;
    if (subject === "MemoryFreeMb") return -(vm.memoryMb ?? 0);
    if (subject === "PifEth0RxKb") return vm.vif0RxKb ?? 0;
    if (subject === "PifEth0TxKb") return vm.vif0TxKb ?? 0;
    if (subject === "VmCount") return vm.isControlDomain ? 0 : 1;
    if (subject === "VcpuCount") return (100 * (vm.vcpuNum ?? 0)) / (host.cpuNum ?? 1);
    return 0;
  }

  #measure(host: Host, subject: AnySubject): number {
    if (subject === "CpuAverage") return host.cpuAverage ?? 0;
    if (subject === "OccupiedMemoryMb") return (host.memoryTotalMb ?? 0) - (host.memoryFreeMb ?? 0);
    if (subject === "MemoryFreeMb") return host.memoryFreeMb ?? 0;
    if (subject === "PifEth0RxKb") return host.pifEth0RxKb ?? 0;
    if (subject === "PifEth0TxKb") return host.pifEth0TxKb ?? 0;
    if (subject === "VmCount" || subject === "VcpuCount") {
      const own = new Set<string>();
      for (const { hostUuid, vmUuid } of this.#snapshot.placements)
        if (hostUuid === host.uuid) own.add(vmUuid);
      const guests = this.#snapshot.vms.filter(
        ({ uuid, isControlDomain }) => own.has(uuid) && !isControlDomain,
      );
      return guests.reduce((sum, vm) => sum + this.#part(vm, subject, host), 0);
    }
    return host.sources?.[subject] ?? 0;
  }

  /** As measured, with what has left taken off and what has come put on. */
  #value(host: Host, term: Term): number {
    let value = 0;
    const home = new Map(
      this.#snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid as string, hostUuid]),
    );
    for (const subject of term.subjects) {
      value += this.#measure(host, subject);
      for (const vm of this.#snapshot.vms) {
        const [then, now] = [home.get(vm.uuid), this.#at.get(vm.uuid)];
        if (then === now) continue;
        if (then === host.uuid) value -= this.#part(vm, subject, host);
        if (now === host.uuid) value += this.#part(vm, subject, host);
      }
    }
    return value;
  }

  #mean(term: Term): number {
    const hosts = this.#hosts();
    return hosts.reduce((sum, host) => sum + this.#value(host, term), 0) / Math.max(1, hosts.length);
  }

  /** How far the host is past the term: above the mean as it is now or, `frozen`, was if that was lower. */
  #past(host: Host, term: Term, frozen: boolean): number {
    const value = this.#value(host, term);
    if (term.condition === "above") return value - term.amount;
    if (term.condition === "below") return term.amount - value;
    const now = this.#mean(term);
    const mean = frozen ? Math.min(now, this.#startMeans.get(term) ?? now) : now;
    return value - mean - term.amount;
  }

  #breaks(host: Host, rule: Rule, frozen: boolean): boolean {
    return this.#terms(rule).every((term) => this.#past(host, term, frozen) > near(this.#value(host, term)));
  }

  /** "host rule" of every pair that is broken now, by the mean as it is. */
  broken(frozen = false): string[] {
    return this.#hosts().flatMap((host) =>
      this.#rules.flatMap((rule, index) =>
        this.#breaks(host, rule, frozen) ? [`${host.uuid} ${index}`] : [],
      ),
    );
  }

  /** Makes the move; what is wrong with it, and with the pool after it. */
  move({ vm: uuid, source, destination }: BookMove): string[] {
    const faults: string[] = [];
    const vm = this.#snapshot.vms.find((each) => each.uuid === uuid);
    const host = this.#snapshot.hosts.find((each) => each.uuid === destination);
    if (vm === undefined || host === undefined || this.#at.get(uuid) !== source)
      return [`no such move of ${uuid}`];
    if (
      this.#snapshot.infeasiblePairs.some(
        (infeasiblePair) => infeasiblePair.vmUuid === uuid && infeasiblePair.hostUuid === destination,
      )
    )
      faults.push("barred");
    if (vm.isControlDomain || vm.immovable !== null || vm.powerState !== "Running") faults.push("immovable");
    if (this.#freeBytes(host) - this.#headroomBytes < (vm.placementBytes ?? 0)) faults.push("no memory");
    this.#at.set(uuid, destination);
    return [...faults, ...this.harms()];
  }

  #freeBytes(host: Host): number {
    const home = new Map(
      this.#snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid as string, hostUuid]),
    );
    let free = host.placementFreeBytes ?? 0;
    for (const vm of this.#snapshot.vms) {
      const [then, now] = [home.get(vm.uuid), this.#at.get(vm.uuid)];
      if (then === now) continue;
      if (then === host.uuid) free += vm.placementBytes ?? 0;
      if (now === host.uuid) free -= vm.placementBytes ?? 0;
    }
    return free;
  }

  /** Pairs that are broken and were not, and terms of broken pairs that VMs have brought further past. */
  harms(): string[] {
    const found: string[] = [];
    for (const host of this.#hosts()) {
      for (const [index, rule] of this.#rules.entries()) {
        if (!this.#breaks(host, rule, true)) continue;
        if (!this.#wasBroken.has(`${host.uuid} ${index}`)) {
          found.push(`${host.uuid} breaks rule ${index} newly`);
          continue;
        }
        for (const term of this.#terms(rule)) {
          if (this.#fallsByLoad(term)) continue;
          const [now, then] = [this.#value(host, term), this.#startValues.get(key(host, term)) ?? 0];
          const worse = term.condition === "below" ? then - now : now - then;
          if (worse > near(now)) found.push(`${host.uuid} is further past rule ${index}`);
        }
      }
    }
    return found;
  }

  /**
   * Whether some broken pair is further past than at the start, be it by a mean that has fallen: no plan may end so, though
   * one may pass by.
   */
  endsWorse(): boolean {
    return this.#hosts().some((host) =>
      this.#rules.some(
        (rule) =>
          this.#breaks(host, rule, true) && this.#terms(rule).some((term) => this.#isFurther(host, term)),
      ),
    );
  }

  #isFurther(host: Host, term: Term): boolean {
    if (this.#fallsByLoad(term) || term.condition !== "more than mean") return false;
    const [now, then] = [this.#value(host, term), this.#startValues.get(key(host, term)) ?? 0];
    const mean = this.#startMeans.get(term) ?? 0;
    const floor = Math.min(mean, this.#mean(term));
    return now - floor > term.amount + near(now) && now - floor > then - mean + near(now);
  }

  /** Whether settling VMs bring a host nearer to keeping it. */
  #fallsByLoad({ subjects, condition }: Term): boolean {
    const free = subjects.includes("MemoryFreeMb" as AnySubject);
    return (condition === "below") !== free;
  }

  place(): string {
    return [...this.#at.values()].join();
  }
}

function key(host: Host, term: Term): string {
  return `${host.uuid} ${term.subjects.join()} ${term.condition} ${term.amount}`;
}

function near(value: number): number {
  return 1e-6 * Math.max(1, Math.abs(value));
}
