/**
 * Loads over a window of time: what the VMs that run now took in earlier snapshots, where they are now. Pure.
 *
 * Memory is a promise and counts as it is; CPU and network are averaged, or taken from one snapshot.
 */
import { subjectValue } from "../domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../domain/pool.ts";
import { type NamedSubject, namedSubjects, type Subject, subjectFacts } from "../domain/rule.ts";
import { capacity, rawWeight, withValues } from "../domain/weight.ts";

/** A snapshot of the pool with the seconds at which it was taken. */
export interface TimedSnapshot {
  readonly at: number;
  readonly snapshot: Snapshot;
}

export const fluctuating: readonly NamedSubject[] = namedSubjects.filter(
  (subject) => subjectFacts[subject].averaged,
);

/** The snapshots of the last `seconds`, oldest first. */
export function lately(
  snapshots: readonly TimedSnapshot[],
  now: number,
  seconds: number,
): readonly TimedSnapshot[] {
  return snapshots.filter(({ at }) => at > now - seconds && at <= now).sort((a, b) => a.at - b.at);
}

/** Whether the snapshots reach over that part of the window, without a hole as large as what may be missing. */
export function covers(
  window: readonly TimedSnapshot[],
  now: number,
  seconds: number,
  part: number,
): boolean {
  const mostMissing = seconds * (1 - part) + 1;
  const times = [now - seconds, ...window.map(({ at }) => at), now];
  return window.length > 0 && times.every((at, i) => i === 0 || at - (times[i - 1] ?? at) <= mostMissing);
}

/** `newest` with the plain average of the loads in `window`; without snapshots as it is. */
export function averaged(newest: Snapshot, window: readonly TimedSnapshot[]): Snapshot {
  if (window.length === 0) return newest;
  const loads = new Loads(newest, window);
  return {
    ...newest,
    vms: newest.vms.map((vm) => loads.vm(vm)),
    hosts: newest.hosts.map((host) => loads.host(host)),
  };
}

export type Parts = readonly (number | null)[];

/** What each VM took in a snapshot, and each host beside its VMs, by `fluctuating`. */
export interface Taken {
  readonly vms: ReadonlyMap<Uuid, Parts>;
  readonly bases: ReadonlyMap<Uuid, Parts>;
}

/** A snapshot is looked at in every window that it belongs to, and computed once. */
const known = new WeakMap<Snapshot, Taken>();

export function takenIn(snapshot: Snapshot): Taken {
  const taken = known.get(snapshot) ?? compute(snapshot);
  known.set(snapshot, taken);
  return taken;
}

function compute({ hosts, vms, placements }: Snapshot): Taken {
  const at = new Map(placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const guests = new Map<Uuid, number[]>();
  const parts = new Map<Uuid, Parts>();
  for (const vm of vms) {
    const host = at.get(vm.uuid);
    if (host === undefined || vm.isControlDomain) continue;
    const raw = fluctuating.map((subject) => rawWeight(vm, subject));
    parts.set(vm.uuid, raw);
    const all = guests.get(host) ?? fluctuating.map(() => 0);
    raw.forEach((part, i) => {
      all[i] = (all[i] ?? 0) + (part ?? 0);
    });
    guests.set(host, all);
  }
  const bases = new Map(hosts.map((host) => [host.uuid, basesOf(host, guests.get(host.uuid))]));
  return { vms: parts, bases };
}

function basesOf(host: Host, guests: readonly number[] | undefined): Parts {
  return fluctuating.map((subject, i) => {
    const [value, size] = [subjectValue(host, subject), capacity(host, subject)];
    return value === null || size === null ? null : value * size - (guests?.[i] ?? 0);
  });
}

/** Averages over snapshots: of each VM what it took, of each host what it took beside its VMs. */
class Loads {
  readonly #window: readonly Taken[];
  readonly #vms = new Map<Uuid, Vm>();
  /** What the VMs that are on a host now took, as sums. */
  readonly #guests = new Map<Uuid, number[]>();

  constructor(newest: Snapshot, window: readonly TimedSnapshot[]) {
    this.#window = window.map(({ snapshot }) => takenIn(snapshot));
    for (const vm of newest.vms) this.#vms.set(vm.uuid, this.#average(vm));
    for (const { vmUuid, hostUuid } of newest.placements) {
      const vm = this.#vms.get(vmUuid);
      if (vm === undefined || vm.isControlDomain) continue;
      const sums = this.#guests.get(hostUuid) ?? fluctuating.map(() => 0);
      fluctuating.forEach((subject, i) => {
        sums[i] = (sums[i] ?? 0) + (rawWeight(vm, subject) ?? 0);
      });
      this.#guests.set(hostUuid, sums);
    }
  }

  vm(vm: Vm): Vm {
    return this.#vms.get(vm.uuid) ?? vm;
  }

  #average(vm: Vm): Vm {
    if (vm.isControlDomain) return vm;
    const weights = means(this.#window, ({ vms }) => vms.get(vm.uuid));
    const changed = { ...vm };
    fluctuating.forEach((subject, i) => {
      const weight = weights[i] ?? null;
      if (weight !== null) Object.assign(changed, subjectFacts[subject].withWeight?.(vm, weight));
    });
    return changed;
  }

  host(host: Host): Host {
    const bases = means(this.#window, (taken) => taken.bases.get(host.uuid));
    return withValues(host, fluctuating, (subject) => {
      const i = fluctuating.indexOf(subject);
      const [base, size, present] = [bases[i] ?? null, capacity(host, subject), subjectValue(host, subject)];
      if (base === null || size === null || present === null) return present;
      return (base + (this.#guests.get(host.uuid)?.[i] ?? 0)) / size;
    });
  }
}

/** The plain averages of what is known, by `fluctuating`. */
function means(window: readonly Taken[], parts: (taken: Taken) => Parts | undefined): (number | null)[] {
  const sums = fluctuating.map(() => 0);
  const counts = fluctuating.map(() => 0);
  for (const taken of window) {
    parts(taken)?.forEach((part, i) => {
      if (part === null) return;
      sums[i] = (sums[i] ?? 0) + part;
      counts[i] = (counts[i] ?? 0) + 1;
    });
  }
  return sums.map((sum, i) => ((counts[i] ?? 0) > 0 ? sum / (counts[i] ?? 1) : null));
}

/** What all VMs took of the subject, in absolute units, in each snapshot; 0 of what does not fluctuate. */
export function totals(
  window: readonly TimedSnapshot[],
  subject: Subject,
): readonly { readonly at: number; readonly total: number }[] {
  const i = fluctuating.indexOf(subject);
  return window.map(({ at, snapshot }) => {
    let total = 0;
    for (const parts of takenIn(snapshot).vms.values()) total += parts[i] ?? 0;
    return { at, total };
  });
}

/** How well a line must fit the totals before it is believed, as a correlation. */
const believed = 0.7;

/**
 * By how much the total rises within `ahead` seconds if it goes on as in the window; 0 where it does not rise clearly. A step
 * is no slope: of the window's thirds each must be higher than the one before, and the smaller of both rises counts.
 */
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
  return Math.min(xy / xx, slowerThird(window)) * ahead;
}

/** The slower of the two rises, of the second third of the window above the first and of the third above the second. */
function slowerThird(window: readonly { readonly at: number; readonly total: number }[]): number {
  const first = window[0]?.at ?? 0;
  const third = ((window.at(-1)?.at ?? 0) - first) / 3;
  const [a = 0, b = 0, c = 0] = [0, 1, 2].map((part) => {
    const own = window.filter(({ at }) => Math.min(2, Math.floor((at - first) / third)) === part);
    return own.reduce((sum, { total }) => sum + total, 0) / Math.max(1, own.length);
  });
  return Math.max(0, Math.min(b - a, c - b) / third);
}
