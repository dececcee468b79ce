/** Where every VM was when: what makes a measure of a past moment the same whenever it is asked for. */
import type { VmLoad } from "./load.ts";

/** What measuring needs to know of a VM at one time. */
export interface VmMoment {
  /** The host whose CPUs it uses; null while it does not run. */
  readonly hostRef: string | null;
  readonly power: string;
  /** The domain is stopped for a moment, as at the end of a migration. */
  readonly frozen: boolean;
  /** When its domain was built: counters start at 0 with it. */
  readonly domainSinceMs: number;
  readonly memoryBytes: number;
  readonly load: VmLoad;
  /** The host that a migration copies it to. */
  readonly copyTo: string | null;
  /** Bytes per second of that copy. */
  readonly copyRate: number;
}

interface HistoryEntry {
  readonly fromMs: number;
  readonly moment: VmMoment;
}

/** Moments kept of each VM: older ones are forgotten. */
const entriesKept = 2000;

export class VmHistory {
  readonly #entries = new Map<string, HistoryEntry[]>();

  /** Records what is true of the VM from now on; the first record counts for all time before. */
  note(vmRef: string, fromMs: number, moment: VmMoment): void {
    const entries = this.#entries.get(vmRef);
    if (entries === undefined) {
      this.#entries.set(vmRef, [{ fromMs: Number.NEGATIVE_INFINITY, moment }]);
      return;
    }
    const last = entries.at(-1);
    if (last !== undefined && sameMoment(last.moment, moment)) return;
    if (last?.fromMs === fromMs) entries.pop();
    entries.push({ fromMs, moment });
    if (entries.length > entriesKept) entries.splice(0, entries.length - entriesKept / 2);
  }

  /** What was true just before `atMs`; null for a VM that was never recorded. */
  before(vmRef: string, atMs: number): VmMoment | null {
    const entries = this.#entries.get(vmRef) ?? [];
    return (entries.findLast((entry) => entry.fromMs < atMs) ?? entries[0])?.moment ?? null;
  }

  /** Until when the VM last was on a host: infinite while it is, null if it never was. */
  lastSeenMs(vmRef: string): number | null {
    const entries = this.#entries.get(vmRef) ?? [];
    const last = entries.findLastIndex((entry) => entry.moment.hostRef !== null);
    return last < 0 ? null : (entries[last + 1]?.fromMs ?? Number.POSITIVE_INFINITY);
  }

  forget(vmRef: string): void {
    this.#entries.delete(vmRef);
  }

  /** The recorded VMs, in the order of their first record. */
  vmRefs(): Iterable<string> {
    return this.#entries.keys();
  }
}

function sameMoment(a: VmMoment, b: VmMoment): boolean {
  return (Object.keys(a) as (keyof VmMoment)[]).every((key) => a[key] === b[key]);
}
