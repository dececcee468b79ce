/** What goes wrong in the pool on command: a list of faults, asked by those whom they hit. */

import type { AnswerFault } from "../objects/contract.ts";
import type { Damaged } from "../objects/damaged.ts";
import type { SimMap, SimValue } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";

/** Calls that are not answered as usual. */
export interface CallFault {
  /** Method names; `*` stands for anything, e.g. "VM.*" or "*". */
  readonly pattern: string;
  /** Only calls that reach this host; null for every host. */
  readonly hostRef: string | null;
  readonly answer: AnswerFault;
  /** Virtual milliseconds before the answer. */
  readonly delayMs: number;
  /** How many calls it still hits. */
  timesLeft: number;
}

/** When a migration is hit: at a part of the stream (0 = before it starts), or when the memory has been sent. */
export type MigrationPoint = number | "end";

/** What happens to a migration. */
export type MigrationFate =
  | {
      readonly kind: "fail";
      readonly code: string;
      readonly params: readonly string[];
      readonly at: MigrationPoint;
    }
  /** Stops there and never goes on. */
  | { readonly kind: "stall"; readonly at: number }
  | { readonly kind: "slow"; readonly factor: number }
  /** The stream breaks at the last step and takes the VM with it. */
  | { readonly kind: "lose-vm" };

export interface MigrationFault {
  /** Only migrations of this VM; null for the next ones of any. */
  readonly vmRef: string | null;
  /** Only migrations to this host; null for those to any. */
  readonly hostRef: string | null;
  readonly fate: MigrationFate;
  timesLeft: number;
}

/** A message about a host that is refused. */
export interface HostRefusal {
  /** "host.shutdown", or pattern with `*`. */
  readonly pattern: string;
  /** Null for every host. */
  readonly hostRef: string | null;
  readonly code: string;
  readonly params: readonly string[];
  timesLeft: number;
}

/** A source without a value for a while. */
export interface NanWindow {
  /** Host or VM. */
  readonly ref: string;
  /** Name, or pattern with `*`. */
  readonly source: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A record that travels damaged, while the pool itself is well. */
export interface RecordFault {
  readonly cls: string;
  readonly ref: string;
  /** Null for the record as a whole. */
  readonly field: string | null;
  /** What stands there instead; null for nothing at all. */
  readonly damage: Damaged | null;
  /** How many answers it still hits. */
  timesLeft: number;
}

export class Faults {
  readonly #records: RecordFault[] = [];
  readonly #calls: CallFault[] = [];
  readonly #migrations: MigrationFault[] = [];
  readonly #nans: NanWindow[] = [];
  readonly #refusals: HostRefusal[] = [];
  readonly #clocks = new Map<string, number>();
  readonly #stuck: { readonly hostRef: string; timesLeft: number }[] = [];

  /** How far a host's clock is ahead of the pool's, in milliseconds; 0 sets it right. */
  setClock(hostRef: string, aheadMs: number): void {
    this.#clocks.set(hostRef, aheadMs);
  }

  clockAheadMs(hostRef: string): number {
    return this.#clocks.get(hostRef) ?? 0;
  }

  addCallFault(fault: CallFault): void {
    this.#calls.push(fault);
  }

  addMigrationFault(fault: MigrationFault): void {
    this.#migrations.push(fault);
  }

  addNanWindow(window: NanWindow): void {
    this.#nans.push(window);
  }

  addRefusal(refusal: HostRefusal): void {
    this.#refusals.push(refusal);
  }

  /** The host's next shutdown is accepted, and nothing comes of it. */
  addStuck(hostRef: string): void {
    this.#stuck.push({ hostRef, timesLeft: 1 });
  }

  addRecordFault(fault: RecordFault): void {
    this.#records.push(fault);
  }

  /** The records of an answer as they travel: by their refs, damaged where a fault hits them, which uses it up. */
  damagedRecords(cls: string, records: SimMap): SimMap {
    const own = this.#records.filter((fault) => fault.cls === cls && Object.hasOwn(records, fault.ref));
    if (own.length === 0) return records;
    const answered: Record<string, SimValue> = { ...records };
    for (const fault of own) {
      if (--fault.timesLeft <= 0) this.#records.splice(this.#records.indexOf(fault), 1);
      const { ref, field, damage } = fault;
      if (field !== null) {
        const { [field]: _, ...others } = answered[ref] as SimMap;
        answered[ref] = damage === null ? others : { ...others, [field]: damage };
      } else if (damage === null) delete answered[ref];
      else answered[ref] = damage;
    }
    return answered;
  }

  /** Ends all faults of calls, records, coming migrations, hosts, their clocks and sources. */
  clear(): void {
    this.#clocks.clear();
    for (const list of [
      this.#calls,
      this.#migrations,
      this.#nans,
      this.#refusals,
      this.#stuck,
      this.#records,
    ])
      list.length = 0;
  }

  /** Uses up the first refusal that a message about this host meets, or null. */
  takeRefusal(method: string, hostRef: string): SimFailure | null {
    const refusal = take(
      this.#refusals,
      (one) => (one.hostRef === null || one.hostRef === hostRef) && matches(one.pattern, method),
    );
    return refusal === null ? null : new SimFailure(refusal.code, refusal.params);
  }

  /** Whether the host's shutdown comes to nothing. */
  takeStuck(hostRef: string): boolean {
    return take(this.#stuck, (one) => one.hostRef === hostRef) !== null;
  }

  /** Uses up the first fault that this call meets, or null. */
  takeCallFault(hostRef: string, method: string): CallFault | null {
    const name = method.replace(/^Async\./, "");
    return take(
      this.#calls,
      (fault) =>
        (fault.hostRef === null || fault.hostRef === hostRef) &&
        (matches(fault.pattern, method) || matches(fault.pattern, name)),
    );
  }

  /** Uses up the first fault that a migration of this VM to this host meets, or null. */
  takeMigrationFate(vmRef: string, hostRef: string): MigrationFate | null {
    const hits = (fault: MigrationFault) =>
      (fault.vmRef === null || fault.vmRef === vmRef) &&
      (fault.hostRef === null || fault.hostRef === hostRef);
    return take(this.#migrations, hits)?.fate ?? null;
  }

  /** Whether the source has no value in any moment from `fromMs` up to `untilMs`. */
  isNan(ref: string, source: string, fromMs: number, untilMs: number): boolean {
    return this.#nans.some(
      (window) =>
        window.ref === ref &&
        matches(window.source, source) &&
        window.fromMs < untilMs &&
        window.untilMs > fromMs,
    );
  }
}

/** The failure that a fate names, with the VM in place of the word "VM" among its parameters. */
export function failureOfFate(fate: MigrationFate & { kind: "fail" }, vmRef: string): SimFailure {
  return new SimFailure(
    fate.code,
    fate.params.map((param) => (param === "VM" ? vmRef : param)),
  );
}

function take<T extends { timesLeft: number }>(faults: T[], hits: (fault: T) => boolean): T | null {
  const index = faults.findIndex(hits);
  const fault = faults[index];
  if (fault === undefined) return null;
  fault.timesLeft -= 1;
  if (fault.timesLeft <= 0) faults.splice(index, 1);
  return fault;
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "i").test(name);
}
