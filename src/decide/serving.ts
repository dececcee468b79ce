/**
 * What VMs are expected to want of the CPUs in the time ahead: what they used and waited for lately. Pure.
 *
 * A rule that serves VMs looks at the collections of the last hour, five minutes at a time. For each VM several ways of
 * forecasting are tried on that hour, from "it goes on as in the last five minutes" to "as in the mean of the hour":
 * the one that has erred least is taken, and its mean squared error is the variance.
 */
import type { Snapshot, Uuid, Vm } from "../domain/pool.ts";
import { rawWeight } from "../domain/weight.ts";
import type { Demand } from "../planner/plan.ts";
import { type Sample, servingBin } from "./sampling.ts";

/** Weights of the newest five minutes in an exponential average; 1: nothing but them. */
const smoothings = [1, 0.5, 0.25, 0.1];

/** Errors that are counted before the hour's own stand for themselves: a VM that was just started has few. */
const leastErrors = 3;

/** CPUs that the VM wants, of the pool's fastest host: what it used and what it waited for; null where unknown. */
export function demandNow(vm: Vm): number | null {
  const used = rawWeight(vm, "CpuAverage");
  if (used === null) return null;
  const vcpus = vm.vcpuNum ?? 0;
  // Collections of before demands were stored have waits alone.
  const percent = vm.cpuDemand ?? (vm.vcpuAverage ?? 0) + (vm.cpuWait ?? 0);
  return Math.max(used / 100, Math.min(vcpus, (percent * vcpus) / 100));
}

/** The demands of the VMs that run, from `newest` and the earlier collections of the last hour. */
export function demandsOf(newest: Snapshot, earlier: readonly Sample[]): ReadonlyMap<Uuid, Demand> {
  const bins = binned(newest, earlier);
  const demands = new Map<Uuid, Demand>();
  for (const { vmUuid } of newest.placements) {
    const values = bins.flatMap((bin) => bin.get(vmUuid) ?? []);
    if (values.length > 0 && bins[0]?.has(vmUuid) === true) demands.set(vmUuid, forecast(values));
  }
  return demands;
}

/** Of the last five minutes each collection counts half as much as one that is a minute younger. */
const halfLifeSeconds = 60;

/** For every five minutes, the newest first, what VMs wanted in their mean. */
function binned(newest: Snapshot, earlier: readonly Sample[]): ReadonlyMap<Uuid, number>[] {
  const sums = new Map<number, Map<Uuid, { sum: number; weight: number }>>();
  const add = (snapshot: Snapshot, secondsBefore: number) => {
    const bin = Math.floor(secondsBefore / servingBin.seconds);
    const weight = bin === 0 ? 0.5 ** (secondsBefore / halfLifeSeconds) : 1;
    const of = sums.get(bin) ?? new Map<Uuid, { sum: number; weight: number }>();
    sums.set(bin, of);
    for (const vm of snapshot.vms) {
      const demand = vm.powerState === "Running" ? demandNow(vm) : null;
      if (demand === null) continue;
      const before = of.get(vm.uuid) ?? { sum: 0, weight: 0 };
      of.set(vm.uuid, { sum: before.sum + weight * demand, weight: before.weight + weight });
    }
  };
  add(newest, 0);
  for (const { snapshot, secondsBefore } of earlier)
    if (secondsBefore < servingBin.until) add(snapshot, secondsBefore);
  return [...sums]
    .sort(([a], [b]) => a - b)
    .map(([, of]) => new Map([...of].map(([vm, { sum, weight }]) => [vm, sum / weight])));
}

/** @param values of five minutes each, the newest first; one at least. */
function forecast(values: readonly number[]): Demand {
  const series = values.toReversed();
  let best: { readonly mean: number; readonly variance: number } | null = null;
  for (const smoothing of smoothings) {
    const tried = tryOn(series, smoothing);
    if (best === null || tried.variance < best.variance) best = tried;
  }
  return { means: [best?.mean ?? 0], variance: best?.variance ?? 0 };
}

/** The average, oldest first, and how far on the way it was from each of the values that came after. */
function tryOn(
  series: readonly number[],
  smoothing: number,
): { readonly mean: number; readonly variance: number } {
  const [first = 0, ...rest] = series;
  let mean = first;
  let squares = 0;
  rest.forEach((value, index) => {
    squares += (value - mean) ** 2;
    // A plain mean where that weighs the newest more: the first value must not stand for all that was before it.
    mean += Math.max(smoothing, 1 / (index + 2)) * (value - mean);
  });
  return { mean, variance: squares / Math.max(leastErrors, rest.length) };
}
