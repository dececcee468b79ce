/**
 * Loads over a window of time: what the VMs that run now took in earlier pictures, where they are now. Pure.
 *
 * Memory is a promise and counts as it is; CPU and network are averaged, or taken from one picture.
 */
import { subjectValue } from "../deviation.ts";
import { capacity, rawWeight } from "../planner/facts.ts";
import type { Host, Snapshot, Uuid, Vm } from "../pool.ts";
import type { Subject } from "../rule.ts";

/** A picture of the pool with the seconds at which it was taken. */
export interface Picture {
  readonly at: number;
  readonly snapshot: Snapshot;
}

const fluctuating = ["CpuAverage", "PifEth0RxKb", "PifEth0TxKb"] as const satisfies readonly Subject[];

/** The pictures of the last `seconds`, oldest first. */
export function lately(pictures: readonly Picture[], now: number, seconds: number): readonly Picture[] {
  return pictures.filter(({ at }) => at > now - seconds && at <= now).sort((a, b) => a.at - b.at);
}

/** Whether the pictures reach over that part of the window, without a hole as large as what may be missing. */
export function covers(window: readonly Picture[], now: number, seconds: number, part: number): boolean {
  const mostMissing = seconds * (1 - part) + 1;
  const times = [now - seconds, ...window.map(({ at }) => at), now];
  return window.length > 0 && times.every((at, i) => i === 0 || at - (times[i - 1] ?? at) <= mostMissing);
}

/** `newest` with the plain average of the loads in `window`; without pictures as it is. */
export function averaged(newest: Snapshot, window: readonly Picture[]): Snapshot {
  if (window.length === 0) return newest;
  const loads = new Loads(newest, window);
  return {
    ...newest,
    vms: newest.vms.map((vm) => loads.vm(vm)),
    hosts: newest.hosts.map((host) => loads.host(host)),
  };
}

/** Sums over pictures: of each VM what it took, of each host what it took beside its VMs. */
class Loads {
  readonly #vms = new Map<Uuid, Sums>();
  readonly #bases = new Map<Uuid, Sums>();
  readonly #now = new Map<Uuid, Vm[]>();

  constructor(newest: Snapshot, window: readonly Picture[]) {
    for (const { snapshot } of window) this.#add(snapshot);
    const vms = new Map(newest.vms.map((vm) => [vm.uuid, vm]));
    for (const { vmUuid, hostUuid } of newest.placements) {
      const vm = vms.get(vmUuid);
      if (vm !== undefined) this.#now.set(hostUuid, [...(this.#now.get(hostUuid) ?? []), vm]);
    }
  }

  #add({ hosts, vms, placements }: Snapshot): void {
    const at = new Map(placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
    const guests = new Map<Uuid, number[]>();
    for (const vm of vms) {
      const host = at.get(vm.uuid);
      if (host === undefined || vm.isControlDomain) continue;
      const raw = fluctuating.map((subject) => rawWeight(vm, subject));
      sumsOf(this.#vms, vm.uuid).add(raw);
      const all = guests.get(host) ?? fluctuating.map(() => 0);
      guests.set(
        host,
        all.map((sum, i) => sum + (raw[i] ?? 0)),
      );
    }
    for (const host of hosts) {
      const own = guests.get(host.uuid);
      const base = fluctuating.map((subject, i) => {
        const value = subjectValue(host, subject);
        const size = capacity(host, subject);
        return value === null || size === null ? null : value * size - (own?.[i] ?? 0);
      });
      sumsOf(this.#bases, host.uuid).add(base);
    }
  }

  vm(vm: Vm): Vm {
    const [cpu, rx, tx] = this.#vms.get(vm.uuid)?.means() ?? [];
    if (cpu === undefined || vm.isControlDomain) return vm;
    const { vcpuNum } = vm;
    return {
      ...vm,
      vcpuAverage: cpu === null || vcpuNum === null || vcpuNum === 0 ? vm.vcpuAverage : cpu / vcpuNum,
      vif0RxKb: rx ?? vm.vif0RxKb,
      vif0TxKb: tx ?? vm.vif0TxKb,
    };
  }

  host(host: Host): Host {
    const bases = this.#bases.get(host.uuid)?.means();
    if (bases === undefined) return host;
    const guests = (this.#now.get(host.uuid) ?? [])
      .filter((vm) => !vm.isControlDomain)
      .map((vm) => this.vm(vm));
    const value = (subject: (typeof fluctuating)[number], i: number): number | null => {
      const [base, size] = [bases[i] ?? null, capacity(host, subject)];
      if (base === null || size === null || subjectValue(host, subject) === null)
        return subjectValue(host, subject);
      const sum = guests.reduce((total, vm) => total + (rawWeight(vm, subject) ?? 0), base);
      return sum / size;
    };
    return {
      ...host,
      cpuAverage: value("CpuAverage", 0),
      pifEth0RxKb: value("PifEth0RxKb", 1),
      pifEth0TxKb: value("PifEth0TxKb", 2),
    };
  }
}

class Sums {
  readonly #sums: number[] = fluctuating.map(() => 0);
  readonly #counts: number[] = fluctuating.map(() => 0);

  add(values: readonly (number | null)[]): void {
    values.forEach((value, i) => {
      if (value === null) return;
      this.#sums[i] = (this.#sums[i] ?? 0) + value;
      this.#counts[i] = (this.#counts[i] ?? 0) + 1;
    });
  }

  means(): (number | null)[] {
    return this.#sums.map((sum, i) => ((this.#counts[i] ?? 0) > 0 ? sum / (this.#counts[i] ?? 1) : null));
  }
}

function sumsOf(all: Map<Uuid, Sums>, uuid: Uuid): Sums {
  const known = all.get(uuid) ?? new Sums();
  all.set(uuid, known);
  return known;
}

/** What all VMs took of the subject, in absolute units, in each picture. */
export function totals(
  window: readonly Picture[],
  subject: Subject,
): readonly { readonly at: number; readonly total: number }[] {
  return window.map(({ at, snapshot }) => {
    const placed = new Set(snapshot.placements.map(({ vmUuid }) => vmUuid));
    const total = snapshot.vms.reduce(
      (sum, vm) => sum + (placed.has(vm.uuid) && !vm.isControlDomain ? (rawWeight(vm, subject) ?? 0) : 0),
      0,
    );
    return { at, total };
  });
}

/** How well a line must fit the totals before it is believed, as a correlation. */
const believed = 0.7;

/** By how much the total rises within `ahead` seconds if it goes on as in the window; 0 where it does not rise clearly. */
export function risingBy(
  window: readonly { readonly at: number; readonly total: number }[],
  ahead: number,
): number {
  const n = window.length;
  if (n < 5 || ahead <= 0) return 0;
  const meanAt = window.reduce((sum, { at }) => sum + at, 0) / n;
  const meanTotal = window.reduce((sum, { total }) => sum + total, 0) / n;
  let [xy, xx, yy] = [0, 0, 0];
  for (const { at, total } of window) {
    xy += (at - meanAt) * (total - meanTotal);
    xx += (at - meanAt) ** 2;
    yy += (total - meanTotal) ** 2;
  }
  if (xy <= 0 || xx === 0 || yy === 0 || xy / Math.sqrt(xx * yy) < believed) return 0;
  return (xy / xx) * ahead;
}
