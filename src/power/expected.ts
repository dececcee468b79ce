/**
 * What VMs and hosts are expected to take of what fluctuates: a mean and a variance of each over a window. Pure.
 *
 * A host keeps a limit where mean + z * sqrt(variance) of all on it does, VMs taken to vary independently. That is no sum of
 * sizes; but sqrt(V) <= (V + s^2) / (2 s) whatever s, with equality at V = s^2. So with s about what a filled host
 * varies by, a VM of mean m and variance v counts as m + z * v / (2 s), a host as its own and z * s / 2 more, and sizes
 * add up, as effective bandwidths do: who fits by these sizes fits. A VM that varies by more than 2 s counts as
 * m + z * sqrt(v): sqrt(V + v) <= sqrt(V) + sqrt(v).
 *
 * Where VMs are going to arrive, each counts as no less than it takes at present: bursts outlast a migration, and a VM in the
 * middle of one is far above its mean for some minutes after it has come.
 */
import { subjectValue } from "../domain/deviation.ts";
import type { Host, Snapshot, Uuid, Vm } from "../domain/pool.ts";
import { type NamedSubject, subjectFacts } from "../domain/rule.ts";
import { capacity, withValues } from "../domain/weight.ts";
import { fluctuating, type Parts, type TimedSnapshot, takenIn } from "./load.ts";

/** Mean and variance of a quantity, in its unit and that squared. */
export interface Moments {
  readonly mean: number;
  readonly variance: number;
}

/** The moments of the time ahead, and the mean of the short window. */
export interface Expected extends Moments {
  readonly present: number;
}

/** What is expected of each VM and of each host beside its VMs, by `fluctuating`; null where nothing is known. */
export interface Expectation {
  readonly vms: ReadonlyMap<Uuid, readonly (Expected | null)[]>;
  readonly hosts: ReadonlyMap<Uuid, readonly (Expected | null)[]>;
}

/** How much the short window counts beside the long one: loads go back to their mean, but not at once. */
const recency = 0.5;

/** Of the VMs and hosts of `newest` by the snapshots of `window`, the short window `recent` counting for itself. */
export function expectationOf(
  newest: Snapshot,
  window: readonly TimedSnapshot[],
  recent: readonly TimedSnapshot[],
): Expectation {
  const [all, late] = [window, recent].map((snapshots) => snapshots.map(({ snapshot }) => takenIn(snapshot)));
  const of = (read: (taken: ReturnType<typeof takenIn>) => Parts | undefined) =>
    fluctuating.map((_, i) =>
      expected(
        (all ?? []).map((taken) => read(taken)?.[i]),
        (late ?? []).map((taken) => read(taken)?.[i]),
      ),
    );
  return {
    vms: new Map(newest.vms.map(({ uuid }) => [uuid, of(({ vms }) => vms.get(uuid))])),
    hosts: new Map(newest.hosts.map(({ uuid }) => [uuid, of(({ bases }) => bases.get(uuid))])),
  };
}

type Readings = readonly (number | null | undefined)[];

function expected(window: Readings, recent: Readings): Expected | null {
  const long = momentsOf(window);
  const short = momentsOf(recent) ?? long;
  if (long === null || short === null) return null;
  const mean = (1 - recency) * long.mean + recency * short.mean;
  return { mean, variance: long.variance + (long.mean - mean) ** 2, present: short.mean };
}

/** The plain mean and variance of what is known; null of nothing. */
export function momentsOf(values: Readings): Moments | null {
  let [count, sum, squares] = [0, 0, 0];
  for (const value of values) {
    if (value === null || value === undefined) continue;
    count++;
    sum += value;
    squares += value * value;
  }
  if (count === 0) return null;
  const mean = sum / count;
  return { mean, variance: Math.max(0, squares / count - mean * mean) };
}

/** The pool with what VMs and hosts are expected to take in the mean. */
export function atMean(newest: Snapshot, expectation: Expectation): Snapshot {
  return withSizes(newest, expectation, { ofEach: ({ mean }) => mean, ofHost: () => 0 });
}

/**
 * The pool with the sizes that VMs and hosts count as where VMs are to arrive and limits are kept with `z` standard
 * deviations to spare.
 */
export function sized(newest: Snapshot, expectation: Expectation, z: number): Snapshot {
  const spread = fluctuating.map((_, i) => spreadOf(newest, expectation, i));
  const ofEach = ({ mean, variance, present }: Expected, i: number) => {
    const s = spread[i] ?? 0;
    const margin = s > 0 ? z * Math.min(variance / (2 * s), Math.sqrt(variance)) : 0;
    return Math.max(mean + margin, present);
  };
  return withSizes(newest, expectation, { ofEach, ofHost: (i) => (z * (spread[i] ?? 0)) / 2 });
}

/** How sizes come from what is expected, by `fluctuating`. */
interface Sizing {
  readonly ofEach: (expected: Expected, i: number) => number;
  /** What a host counts as beside itself and its VMs. */
  readonly ofHost: (i: number) => number;
}

function withSizes(newest: Snapshot, expectation: Expectation, { ofEach, ofHost }: Sizing): Snapshot {
  const sizes = new Map<Uuid, (number | null)[]>();
  const vms = newest.vms.map((vm) => {
    const moments = expectation.vms.get(vm.uuid);
    if (vm.isControlDomain || moments === undefined) return vm;
    const own = moments.map((each, i) => (each === null ? null : ofEach(each, i)));
    sizes.set(vm.uuid, own);
    return vmOfSizes(vm, own);
  });
  const guests = new Map<Uuid, number[]>();
  for (const { vmUuid, hostUuid } of newest.placements) {
    const own = sizes.get(vmUuid);
    if (own === undefined) continue;
    const sums = guests.get(hostUuid) ?? fluctuating.map(() => 0);
    own.forEach((each, i) => {
      sums[i] = (sums[i] ?? 0) + (each ?? 0);
    });
    guests.set(hostUuid, sums);
  }
  const sizeOnHost = (host: Host, subject: NamedSubject): number | null => {
    const i = fluctuating.indexOf(subject);
    const own = expectation.hosts.get(host.uuid)?.[i] ?? null;
    const [hostSize, present] = [capacity(host, subject), subjectValue(host, subject)];
    if (own === null || hostSize === null || present === null) return present;
    return (ofEach(own, i) + ofHost(i) + (guests.get(host.uuid)?.[i] ?? 0)) / hostSize;
  };
  return {
    ...newest,
    vms,
    hosts: newest.hosts.map((host) => withValues(host, fluctuating, (subject) => sizeOnHost(host, subject))),
  };
}

function vmOfSizes(vm: Vm, sizes: readonly (number | null)[]): Vm {
  const changed = { ...vm };
  fluctuating.forEach((subject, i) => {
    const each = sizes[i] ?? null;
    if (each !== null) Object.assign(changed, subjectFacts[subject].withWeight?.(vm, each));
  });
  return changed;
}

/** What a host varies by where all VMs are spread over the hosts that are on. */
function spreadOf({ placements, hosts }: Snapshot, expectation: Expectation, i: number): number {
  let variance = 0;
  for (const { vmUuid } of placements) variance += expectation.vms.get(vmUuid)?.[i]?.variance ?? 0;
  const on = hosts.filter(({ live, enabled }) => live && enabled).length;
  return Math.sqrt(variance / Math.max(1, on));
}
