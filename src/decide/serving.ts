/**
 * What VMs are expected to want of the CPUs in the time ahead: what they used and waited for lately. Pure.
 *
 * A rule that serves VMs looks at the collections of the last hour, five minutes apart, the newest one among them: a VM
 * that has begun to wait is not averaged with the minutes before. For each VM several ways of forecasting are tried on
 * that hour, from "it goes on as it is now" to "as in the mean of the hour": the one that has erred least is taken, and
 * its mean squared error is the variance. It is as likely as not to hold for the whole hour ahead: bursts fall back. So
 * what is expected is a mixture of it and of a slower average (measured in bench/README.md, "Demand served").
 */
import { InTurn } from "../domain/inTurn.ts";
import type { Snapshot, Uuid, Vm } from "../domain/pool.ts";
import type { Demand } from "../planner/plan.ts";
import type { Moments } from "../power/expected.ts";
import { type Sample, servingBin } from "./sampling.ts";

/** Weights of the newest value in an exponential average; 1: nothing but it. */
const smoothings = [1, 0.5, 0.25, 0.1];

/** How likely a VM is to go on for the hour as the best of these averages says; else it falls back. */
const lasting = 0.5;
/** Weight of the newest value in the average that it falls back to. */
const fallbackWeight = 0.35;

/** Errors that are counted before the hour's own stand for themselves: a VM that was just started has few. */
const leastErrors = 3;

/** CPUs that the VM wants, of the pool's fastest host: what it used and what it waited for; null where unknown. */
export function demandNow(vm: Vm): number | null {
  const { vcpuAverage, vcpuNum, cpuDemand, cpuWait } = vm;
  if (vcpuAverage === null || vcpuNum === null) return null;
  // Collections of before demands were stored have waits alone.
  const percent = cpuDemand ?? vcpuAverage + (cpuWait ?? 0);
  return (Math.max(vcpuAverage, Math.min(100, percent)) * vcpuNum) / 100;
}

/**
 * What a VM is expected to want that was measured in `samples` and does not run now: the mean of what it wanted, and how far
 * it was from that; null where none of them tells.
 */
export function demandOver(samples: readonly Vm[]): Demand | null {
  const values = samples.flatMap((vm) => demandNow(vm) ?? []);
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { means: [mean], variance: squares / Math.max(leastErrors, values.length - 1) };
}

/** The demands of the VMs that run, from `newest` and the earlier collections of the last hour, newest first. */
export function demandsOf(newest: Snapshot, earlier: readonly Sample[]): ReadonlyMap<Uuid, Demand> {
  const series = seriesOf(newest, earlier);
  const demands = new Map<Uuid, Demand>();
  const places = new InTurn(newest.vms);
  for (const { vmUuid } of newest.placements) {
    const values = series[places.placeOf(vmUuid)]?.values;
    if (values !== undefined) demands.set(vmUuid, forecast(values));
  }
  return demands;
}

interface Series {
  /** What the VM wanted, the newest first: of every five minutes the newest collection that tells. */
  readonly values: number[];
  /** The five minutes that the last of them is of. */
  bin: number;
}

/** Of each VM of the newest collection, in its order, of which the last five minutes tell something. */
function seriesOf(newest: Snapshot, earlier: readonly Sample[]): readonly (Series | undefined)[] {
  const all = new Array<Series | undefined>(newest.vms.length).fill(undefined);
  /** Five minutes of which no other collection can tell more; -1 for none. */
  let full = -1;
  for (const { snapshot, secondsBefore } of [{ snapshot: newest, secondsBefore: 0 }, ...earlier]) {
    if (secondsBefore >= servingBin.until) break;
    const bin = Math.floor(secondsBefore / servingBin.seconds);
    if (bin === full) continue;
    full = bin;
    const places = new InTurn(newest.vms);
    for (const vm of snapshot.vms) {
      if (vm.powerState !== "Running") continue;
      const place = places.placeOf(vm.uuid);
      const series = all[place];
      if (series === undefined ? bin > 0 : series.bin === bin) continue;
      const demand = demandNow(vm);
      if (demand === null) full = -1;
      else if (place < 0) continue;
      else if (series === undefined) all[place] = { values: [demand], bin };
      else {
        series.values.push(demand);
        series.bin = bin;
      }
    }
  }
  return all;
}

/** @param values five minutes apart, the newest first; one at least. */
function forecast(values: readonly number[]): Demand {
  const series = values.toReversed();
  let best: Moments | null = null;
  for (const smoothing of smoothings) {
    const tried = tryOn(series, smoothing);
    if (best === null || tried.variance < best.variance) best = tried;
  }
  const fallback = tryOn(series, fallbackWeight);
  return mixed(best ?? fallback, fallback);
}

/** Mean and variance of what is one of two things, the first with the chance `lasting`. */
function mixed(first: Moments, second: Moments): Demand {
  const other = 1 - lasting;
  return {
    means: [lasting * first.mean + other * second.mean],
    variance:
      lasting * first.variance + other * second.variance + lasting * other * (first.mean - second.mean) ** 2,
  };
}

/** The average, oldest first, and how far on the way it was from each of the values that came after. */
function tryOn(series: readonly number[], smoothing: number): Moments {
  let mean = series[0] ?? 0;
  let squares = 0;
  for (let n = 1; n < series.length; n++) {
    const error = (series[n] ?? 0) - mean;
    squares += error ** 2;
    // A plain mean where that weighs the newest more: the first value must not stand for all that was before it.
    mean += Math.max(smoothing, 1 / (n + 1)) * error;
  }
  return { mean, variance: squares / Math.max(leastErrors, series.length - 1) };
}
