/** What Xen tells of VMs that wait for a CPU: the states of their vCPUs, and how many of a host want to run. Pure. */
import { unitOf } from "../behaviour/chance.ts";
import type { VmSlot } from "../objects/slots.ts";

/** Shares of time, 0 to 1, by the names of XAPI's data sources. */
export interface RunStates {
  readonly runnable_vcpus: number;
  readonly runnable_any: number;
  readonly runstate_fullrun: number;
  readonly runstate_full_contention: number;
  readonly runstate_concurrency_hazard: number;
  readonly runstate_blocked: number;
  readonly runstate_partial_run: number;
  readonly runstate_partial_contention: number;
}

/**
 * The states of a VM whose `vcpus` run, wait and sleep independently of each other: each runs for the share `running` of
 * the time and waits for `waiting` of it.
 */
export function runStates(vcpus: number, running: number, waiting: number): RunStates {
  const blocked = Math.max(0, 1 - running - waiting);
  const all = (share: number) => share ** vcpus;
  const runs = all(running);
  const waits = all(waiting);
  const sleeps = all(blocked);
  const partialRun = Math.max(0, all(running + blocked) - runs - sleeps);
  const partialWait = Math.max(0, all(waiting + blocked) - waits - sleeps);
  const hazard = Math.max(0, 1 - runs - waits - sleeps - partialRun - partialWait);
  return {
    runnable_vcpus: waiting,
    runnable_any: waits + partialWait + hazard,
    runstate_fullrun: runs,
    runstate_full_contention: waits,
    runstate_concurrency_hazard: hazard,
    runstate_blocked: sleeps,
    runstate_partial_run: partialRun,
    runstate_partial_contention: partialWait,
  };
}

/**
 * vCPUs of the VMs that run or want to at one instant, as Xen's toolstack counts them every 5 seconds: a whole number
 * that scatters about what is wanted in the mean, since each vCPU is a throw of its own (normal for the sum of them).
 */
export function wantingVcpus(vms: readonly VmSlot[], seed: string): number {
  let [mean, variance, all] = [0, 0, 0];
  for (const { vcpus, cpu, waiting } of vms) {
    const share = Math.min(1, cpu + waiting);
    mean += vcpus * share;
    variance += vcpus * share * (1 - share);
    all += vcpus;
  }
  const radius = Math.sqrt(-2 * Math.log(Math.max(1e-12, unitOf(seed, "radius"))));
  const normal = radius * Math.cos(2 * Math.PI * unitOf(seed, "angle"));
  return Math.min(all, Math.max(0, Math.round(mean + Math.sqrt(variance) * normal)));
}
