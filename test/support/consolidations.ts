/** Assesses consolidations with arithmetic of its own, and tries tiny pools through. */
import { takesPart } from "../../src/domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../../src/domain/pool.ts";
import type { PackingOptions } from "../../src/power/options.ts";
import type { GreenGoal } from "../../src/power/rule.ts";

interface Step {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
}

const slack = 1e-3;

/** A pool while VMs are consolidated. */
class Consolidation {
  readonly at: Map<Uuid, Uuid>;
  readonly vms: ReadonlyMap<Uuid, Vm>;
  readonly #snapshot: Snapshot;
  readonly #home: ReadonlyMap<Uuid, Uuid>;
  readonly #rule: GreenGoal;
  readonly #options: PackingOptions;
  readonly #infeasible: ReadonlySet<string>;

  constructor(snapshot: Snapshot, rule: GreenGoal, options: PackingOptions) {
    this.#snapshot = snapshot;
    this.#rule = rule;
    this.#options = options;
    this.vms = new Map(snapshot.vms.map((vm) => [vm.uuid, vm]));
    this.#home = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
    this.at = new Map(this.#home);
    this.#infeasible = new Set(
      snapshot.infeasiblePairs.map(({ vmUuid, hostUuid }) => `${vmUuid}>${hostUuid}`),
    );
  }

  guests(host: Uuid): Vm[] {
    return [...this.at].flatMap(([vm, h]) => {
      const guest = this.vms.get(vm);
      return h === host && guest !== undefined && !guest.isControlDomain ? [guest] : [];
    });
  }

  isMovable(vm: Vm): boolean {
    const host = this.#snapshot.hosts.find(({ uuid }) => uuid === this.#home.get(vm.uuid));
    return (
      host !== undefined &&
      takesPart(host) &&
      vm.powerState === "Running" &&
      vm.immovable === null &&
      vm.placementBytes !== null &&
      vm.memoryMb !== null &&
      vm.vcpuAverage !== null &&
      !this.#options.bannedVms.has(vm.uuid) &&
      (this.#options.balance ?? []).every(
        (rule) => !("subject" in rule) || rule.subject === "CpuAverage" || knownTraffic(vm, rule.subject),
      )
    );
  }

  /** Percent of CPU, MB free and bytes for settling VMs, as VMs have moved so far; null where a measure is unknown. */
  figures(host: Host): { cpu: number; freeMb: number; free: number } | null {
    const { cpuAverage, cpuNum, memoryFreeMb, placementFreeBytes } = host;
    if (cpuAverage === null || cpuNum === null || memoryFreeMb === null || placementFreeBytes === null)
      return null;
    let [cpu, freeMb, free] = [cpuAverage, memoryFreeMb, placementFreeBytes];
    for (const [uuid, now] of this.at) {
      const [vm, home] = [this.vms.get(uuid), this.#home.get(uuid)];
      if (vm === undefined || now === home) continue;
      const sign = now === host.uuid ? 1 : home === host.uuid ? -1 : 0;
      cpu += (sign * (vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0)) / cpuNum;
      freeMb -= sign * (vm.memoryMb ?? 0);
      free -= sign * (vm.placementBytes ?? 0);
    }
    return { cpu, freeMb, free };
  }

  /** What a host is past, in words. */
  passed(host: Host): string[] {
    const figures = this.figures(host);
    if (figures === null) return ["a measure is unknown"];
    const wrong: string[] = [];
    for (const limit of this.#rule.limits) {
      if (limit.kind === "below" && figures.cpu > limit.value + slack) wrong.push(`CPU at ${figures.cpu}`);
      if (
        limit.kind === "memory free" &&
        figures.freeMb < ((host.memoryTotalMb ?? 0) * limit.percent) / 100 - slack
      )
        wrong.push(`${figures.freeMb} MB free`);
    }
    if (figures.free < this.#options.headroomBytes - 1) wrong.push(`${figures.free} bytes for arrivals`);
    return wrong;
  }

  /** Why the VM may not go there, its limits apart. */
  objection(vm: Vm, destination: Uuid): string | null {
    const host = this.#snapshot.hosts.find(({ uuid }) => uuid === destination);
    if (host === undefined || !takesPart(host)) return "the host takes no part";
    if (!this.isMovable(vm)) return "the VM does not move";
    if (this.#infeasible.has(`${vm.uuid}>${destination}`)) return "it is barred";
    return null;
  }

  /** More than one member, and more than the host had. */
  crowded(host: Uuid): boolean {
    const groups = new Set(this.guests(host).flatMap((vm) => vm.antiAffinityGroups));
    const on = this.#snapshot.hosts.filter(takesPart);
    return [...groups].some((group) => {
      const isMember = (uuid: Uuid) => this.vms.get(uuid)?.antiAffinityGroups.includes(group) === true;
      const members = [...this.#home].filter(([vm, h]) => isMember(vm) && on.some(({ uuid }) => uuid === h));
      const first = members.filter(([, h]) => h === host).length;
      const now = [...this.at].filter(([vm, h]) => h === host && isMember(vm)).length;
      return now > Math.max(1, first);
    });
  }
}

function knownTraffic(vm: Vm, subject: string): boolean {
  if (subject === "PifEth0RxKb") return vm.vif0RxKb !== null;
  return subject === "PifEth0TxKb" ? vm.vif0TxKb !== null : true;
}

/** What is wrong with the drains, made one step after the other, in words. */
export function faultsOfGathering(
  snapshot: Snapshot,
  rule: GreenGoal,
  options: PackingOptions,
  drains: readonly { readonly host: Uuid; readonly moves: readonly Step[] }[],
): string[] {
  const consolidation = new Consolidation(snapshot, rule, options);
  const hosts = new Map(snapshot.hosts.map((host) => [host.uuid, host]));
  const off = new Set(drains.map(({ host }) => host));
  const faults: string[] = [];
  for (const { host, moves } of drains) {
    for (const { vm: uuid, source, destination } of moves) {
      const [vm, to] = [consolidation.vms.get(uuid), hosts.get(destination)];
      if (vm === undefined || to === undefined || consolidation.at.get(uuid) !== source || source !== host) {
        faults.push(`${uuid} is not there`);
        continue;
      }
      const objection = off.has(destination)
        ? "the host is to be emptied"
        : consolidation.objection(vm, destination);
      if (objection !== null) faults.push(`${uuid} to ${destination}: ${objection}`);
      consolidation.at.set(uuid, destination);
      faults.push(...consolidation.passed(to).map((what) => `${uuid} to ${destination}: ${what}`));
      if (consolidation.crowded(destination)) faults.push(`${uuid} to ${destination}: too many of a group`);
    }
    if (consolidation.guests(host).length > 0) faults.push(`${host} is not empty`);
  }
  return [...faults, ...partedCompanions(snapshot, consolidation, options.affinityTags ?? [])];
}

function partedCompanions(snapshot: Snapshot, { at }: Consolidation, tags: readonly string[]): string[] {
  const home = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  return snapshot.vms.flatMap((a) =>
    snapshot.vms
      .filter((b) => a.uuid < b.uuid && home.has(a.uuid) && home.get(a.uuid) === home.get(b.uuid))
      .filter((b) => tags.some((tag) => a.tags.includes(tag) && b.tags.includes(tag)))
      .filter((b) => at.get(a.uuid) !== at.get(b.uuid))
      .map((b) => `${a.uuid} and ${b.uuid} were together`),
  );
}

/** Limits in which the hosts of the pool, but for the largest spares, have less room than all movable VMs of them need. */
export function spareSumsFail(snapshot: Snapshot, rule: GreenGoal, options: PackingOptions): string[] {
  const consolidation = new Consolidation(snapshot, rule, options);
  const hosts = snapshot.hosts.filter(takesPart).filter((host) => consolidation.figures(host) !== null);
  return rule.limits.flatMap((limit) => {
    if (limit.kind !== "below") return [];
    const rooms = hosts.map((host) => {
      const own = consolidation
        .guests(host.uuid)
        .filter((vm) => consolidation.isMovable(vm))
        .reduce((sum, vm) => sum + part(vm), 0);
      const free = limit.value * (host.cpuNum ?? 0) - (host.cpuAverage ?? 0) * (host.cpuNum ?? 0);
      return { own, room: Math.max(own, own + free) };
    });
    const kept = rooms.toSorted((a, b) => b.room - a.room).slice(rule.spareHosts);
    const needed = rooms.reduce((sum, { own }) => sum + own, 0);
    const there = kept.reduce((sum, { room }) => sum + room, 0);
    // VMs that fit on no other host cannot be absorbed by any spare: the pool then says nothing of the sum.
    const homebody =
      consolidation.vms.size > 0 &&
      needed > there + slack &&
      hosts.some((host) => hasHomebody(consolidation, host, hosts, limit.value));
    return needed > there + slack && !homebody ? [`${needed} of ${there}`] : [];
  });
}

function part(vm: Vm): number {
  return (vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0);
}

/** Whether some movable VM of the host stays, because no other host is ever free enough, or is infeasible. */
function hasHomebody(
  consolidation: Consolidation,
  host: Host,
  hosts: readonly Host[],
  most: number,
): boolean {
  return consolidation.guests(host.uuid).some((vm) =>
    hosts.every((other) => {
      if (other.uuid === host.uuid || consolidation.objection(vm, other.uuid) !== null) return true;
      const own = consolidation.guests(other.uuid).filter((each) => consolidation.isMovable(each));
      const emptyCpu =
        (other.cpuAverage ?? 0) - own.reduce((sum, each) => sum + part(each), 0) / (other.cpuNum ?? 1);
      const bytes =
        (other.placementFreeBytes ?? 0) + own.reduce((sum, each) => sum + (each.placementBytes ?? 0), 0);
      return emptyCpu + part(vm) / (other.cpuNum ?? 1) > most || bytes < (vm.placementBytes ?? 0) + 1;
    }),
  );
}

/** The fewest hosts on of any consolidation of a tiny pool in which VMs of emptied hosts alone move: everything is tried. */
export function fewestOn(snapshot: Snapshot, rule: GreenGoal, options: PackingOptions): number {
  const on = snapshot.hosts.filter(takesPart);
  const consolidation = new Consolidation(snapshot, rule, options);
  const candidates = on.filter(
    (host) => !host.isMaster && options.canWake(host) && consolidation.figures(host) !== null,
  );
  let fewest = on.length;
  for (let set = 1; set < 1 << candidates.length; set++) {
    const off = candidates.filter((_, bit) => (set >> bit) & 1);
    const left = on.length - off.length;
    if (left >= fewest || left < Math.max(1, options.minimumHostsOn)) continue;
    if (canEmpty(snapshot, rule, options, off)) fewest = left;
  }
  return fewest;
}

function canEmpty(
  snapshot: Snapshot,
  rule: GreenGoal,
  options: PackingOptions,
  off: readonly Host[],
): boolean {
  const consolidation = new Consolidation(snapshot, rule, options);
  const going = off.flatMap((host) => consolidation.guests(host.uuid));
  if (going.some((vm) => !consolidation.isMovable(vm))) return false;
  const staying = snapshot.hosts.filter(
    (host) => takesPart(host) && !off.includes(host) && consolidation.figures(host) !== null,
  );
  const place = (index: number): boolean => {
    const vm = going[index];
    if (vm === undefined)
      return partedCompanions(snapshot, consolidation, options.affinityTags ?? []).length === 0;
    const home = consolidation.at.get(vm.uuid);
    for (const host of staying) {
      if (consolidation.objection(vm, host.uuid) !== null) continue;
      consolidation.at.set(vm.uuid, host.uuid);
      const fits = consolidation.passed(host).length === 0 && !consolidation.crowded(host.uuid);
      if (fits && place(index + 1)) return true;
    }
    if (home !== undefined) consolidation.at.set(vm.uuid, home);
    return false;
  };
  return place(0);
}
