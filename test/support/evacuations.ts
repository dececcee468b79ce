/** Assesses evacuations with arithmetic of its own, and tries tiny pools through. */
import { evaluate, rounding, takesPart } from "../../src/domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../src/domain/pool.ts";
import type { SingleRule as Rule } from "../../src/domain/rule.ts";

export interface Step {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
}

export interface Limits {
  readonly headroomBytes: number;
  readonly bannedVms: ReadonlyMap<Uuid, string>;
  /** By "vm>host". */
  readonly bannedPairs: ReadonlyMap<string, string>;
}

/** A pool of which one host is being emptied: where VMs are, and what may be done next. */
export class Emptying {
  readonly #snapshot: Snapshot;
  readonly #host: Uuid;
  readonly #limits: Limits;
  readonly #vms: ReadonlyMap<Uuid, Vm>;
  readonly #closed: ReadonlySet<string>;
  readonly #atStart: ReadonlyMap<Uuid, Uuid>;
  at: Map<Uuid, Uuid>;
  /** Hosts that may receive. */
  readonly destinations: readonly Uuid[];

  constructor(snapshot: Snapshot, host: Uuid, limits: Limits) {
    this.#snapshot = snapshot;
    this.#host = host;
    this.#limits = limits;
    this.#vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
    this.#closed = new Set([
      ...snapshot.infeasiblePairs.map(({ vmUuid, hostUuid }) => `${vmUuid}>${hostUuid}`),
      ...limits.bannedPairs.keys(),
    ]);
    this.#atStart = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
    this.at = new Map(this.#atStart);
    this.destinations = snapshot.hosts
      .filter((each) => each.uuid !== host && takesPart(each))
      .map(({ uuid }) => uuid);
  }

  /** Whether anything at all moves the VM: it runs on a host from which migrations can be made. */
  isMovable(uuid: Uuid): boolean {
    const vm = this.#vms.get(uuid);
    const home = this.#atStart.get(uuid);
    if (vm === undefined || home === undefined) return false;
    const live = this.#snapshot.hosts.some((host) => host.uuid === home && host.live);
    const serves = home === this.#host ? live : this.destinations.includes(home);
    if (!serves || vm.isControlDomain || vm.powerState !== "Running" || vm.immovable !== null) return false;
    return vm.placementBytes !== null && !this.#limits.bannedVms.has(uuid);
  }

  /** Why this step may not be made now, or null. */
  objection({ vm, source, destination }: Step): string | null {
    if (this.at.get(vm) !== source) return "it is not there";
    if (!this.isMovable(vm)) return "it does not move";
    if (source === destination) return "it stays where it is";
    if (!this.destinations.includes(destination)) return "the host receives nothing";
    if (this.#closed.has(`${vm}>${destination}`)) return "it is barred";
    const need = this.#vms.get(vm)?.placementBytes ?? 0;
    if (need + this.#limits.headroomBytes > this.freeOf(destination)) return "no memory";
    const crowd = this.#vms.get(vm)?.antiAffinityGroups.find((group) => this.#isFull(group, destination));
    return crowd === undefined ? null : `too many of ${crowd}`;
  }

  /** Bytes that the host would give to settling VMs now. */
  freeOf(uuid: Uuid): number {
    const host = this.#snapshot.hosts.find((each) => each.uuid === uuid);
    let free = host?.placementFreeBytes ?? Number.NEGATIVE_INFINITY;
    for (const [vm, now] of this.at) {
      const need = this.#vms.get(vm)?.placementBytes ?? 0;
      const before = this.#atStart.get(vm);
      if (now === uuid && before !== uuid) free -= need;
      if (now !== uuid && before === uuid) free += need;
    }
    return free;
  }

  /** One member a host; where there are more than hosts remain, the even share; where there were more, as many. */
  #isFull(group: string, destination: Uuid): boolean {
    const counted = [...this.#atStart].filter(
      ([vm, host]) =>
        (host === this.#host || this.destinations.includes(host)) &&
        this.#vms.get(vm)?.antiAffinityGroups.includes(group),
    );
    if (counted.length < 2) return false;
    const first = counted.filter(([, host]) => host === destination).length;
    const now = counted.filter(([vm]) => this.at.get(vm) === destination).length;
    const share = Math.ceil(counted.length / Math.max(1, this.destinations.length));
    return now + 1 > Math.max(1, share, first);
  }

  make({ vm, destination }: Step): void {
    this.at.set(vm, destination);
  }

  /** VMs on the host, control domains not counted, by uuid. */
  remaining(): Uuid[] {
    return [...this.at]
      .filter(([vm, host]) => host === this.#host && this.#vms.get(vm)?.isControlDomain === false)
      .map(([vm]) => vm)
      .sort();
  }
}

/** What is wrong with these steps, in words. */
export function faultsOf(emptying: Emptying, steps: readonly Step[]): string[] {
  const faults: string[] = [];
  for (const [index, step] of steps.entries()) {
    const objection = emptying.objection(step);
    if (objection !== null) faults.push(`step ${index + 1}, ${step.vm} to ${step.destination}: ${objection}`);
    emptying.make(step);
  }
  return faults;
}

/** Every state of a tiny pool that possible migrations reach; with `others` those of other hosts may move too. */
export function* endings(
  snapshot: Snapshot,
  host: Uuid,
  limits: Limits,
  others: boolean,
): Generator<Emptying> {
  const start = new Emptying(snapshot, host, limits);
  const movable = [...start.at.keys()].filter(
    (vm) => start.isMovable(vm) && (others || start.at.get(vm) === host),
  );
  const seen = new Set<string>();
  const open: Map<Uuid, Uuid>[] = [new Map(start.at)];
  while (open.length > 0) {
    const at = open.pop() ?? new Map<Uuid, Uuid>();
    const key = movable.map((vm) => at.get(vm)).join();
    if (seen.has(key)) continue;
    seen.add(key);
    const emptying = new Emptying(snapshot, host, limits);
    emptying.at = new Map(at);
    yield emptying;
    for (const vm of movable) {
      const source = at.get(vm);
      if (source === undefined) continue;
      for (const destination of emptying.destinations) {
        if (emptying.objection({ vm, source, destination }) === null) {
          open.push(new Map(at).set(vm, destination));
        }
      }
    }
  }
}

/** Pairs of hosts that remain which break a rule and did not, or stand higher than they did, as "host subject". */
export function harmedPairs(
  snapshot: Snapshot,
  host: Uuid,
  at: ReadonlyMap<Uuid, Uuid>,
  rules: readonly Rule[],
): string[] {
  const others = snapshot.hosts.filter(({ uuid }) => uuid !== host);
  const end = others.map((each) => loaded(each, snapshot, at));
  return rules.flatMap((rule) => {
    const start = new Map(evaluate(others, rule).verdicts.map((each) => [each.hostUuid, each]));
    return evaluate(end, rule)
      .verdicts.filter(({ hostUuid, broken, value }) => {
        const before = start.get(hostUuid);
        return broken && !(before?.broken && value <= before.value + rounding(value));
      })
      .map(({ hostUuid }) => `${hostUuid} ${rule.subject}`);
  });
}

/** The host with what came to it and without what left it. */
function loaded(host: Host, snapshot: Snapshot, at: ReadonlyMap<Uuid, Uuid>): Host {
  const before = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const sum = (part: (vm: Vm) => number): number =>
    snapshot.vms.reduce((total, vm) => {
      const [now, then] = [at.get(vm.uuid) === host.uuid, before.get(vm.uuid) === host.uuid];
      return total + (now ? part(vm) : 0) - (then ? part(vm) : 0);
    }, 0);
  const plus = (value: number | null, part: (vm: Vm) => number) =>
    value === null ? null : value + sum(part);
  return {
    ...host,
    cpuAverage: plus(
      host.cpuAverage,
      (vm) => ((vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0)) / (host.cpuNum ?? 1),
    ),
    pifEth0RxKb: plus(host.pifEth0RxKb, (vm) => vm.vif0RxKb ?? 0),
    pifEth0TxKb: plus(host.pifEth0TxKb, (vm) => vm.vif0TxKb ?? 0),
    memoryFreeMb: plus(host.memoryFreeMb, (vm) => -(vm.memoryMb ?? 0)),
  };
}
