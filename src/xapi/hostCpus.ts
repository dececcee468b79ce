/**
 * How busy a host's CPUs are, by its data sources cpu0, cpu1 ... Pure. A host may name more of them than it has CPUs:
 * with `smt=0` on Xen's command line XAPI counts the CPUs that run, and the threads that sleep stand at 1.
 */
import type { SourceValues } from "./measures.ts";
import { cpuShare } from "./plausible.ts";

/** What the sources say. */
export interface HostCpus {
  /** Mean over the CPUs that run, in percent; null where it is unknown. */
  readonly percent: number | null;
  /** Why it is unknown although every source had a value; null where nothing is wrong with them. */
  readonly doubt: string | null;
  /** Whether there are sources of threads that are no CPUs. */
  readonly moreThreads: boolean;
}

/** The mean over the `cpuNum` CPUs that XAPI counts. */
export function hostCpus(values: SourceValues, cpuNum: number): HostCpus {
  const named = countNamed(values, cpuNum);
  const moreThreads = named > cpuNum;
  const unknown = { percent: null, doubt: null, moreThreads };
  if (cpuNum === 0) return unknown;
  let sum = 0;
  let atOne = 0;
  for (let cpu = 0; cpu < named; cpu++) {
    const busy = cpuShare(values.get(`cpu${cpu}`));
    if (busy === null) return unknown;
    if (busy === 1) atOne += 1;
    sum += Math.min(1, busy);
  }
  const asleep = named - cpuNum;
  // Of more than those one is truly busy all the time: it makes no difference which.
  if (atOne >= asleep) return { percent: ((sum - asleep) * 100) / cpuNum, doubt: null, moreThreads };
  const doubt =
    `it has ${cpuNum} CPUs and measures cpu0 to cpu${named - 1}; ${asleep} of them should stand at 1 as threads do ` +
    `that sleep, and ${atOne} do: which are its CPUs cannot be told`;
  return { percent: null, doubt, moreThreads };
}

/** One more than the highest that is there, and no fewer than the host has CPUs. */
function countNamed(values: SourceValues, cpuNum: number): number {
  let count = cpuNum;
  for (const name of values.keys()) {
    const number = /^cpu(\d{1,5})$/.exec(name)?.[1];
    if (number !== undefined) count = Math.max(count, Number(number) + 1);
  }
  return count;
}
