/**
 * VMs of which something that decides where they may run could not be read: a disk, an interface, what XAPI measured of
 * the guest, a group. Pure.
 */
import type { Inventory } from "./inventory.ts";
import type { XapiClass } from "./recordCodec.ts";
import type { SkippedRecord, VbdRef, VifRef, VmRecord, VmRef } from "./records.ts";

/** Asks of any VM whether all that belongs to it is known. */
export class VmDoubts {
  readonly #inventory: Inventory;
  readonly #skipped: ReadonlyMap<string, SkippedRecord>;
  /** Disks and interfaces that name a VM as theirs, whether it lists them or not. */
  readonly #devices = new Map<string, SkippedRecord>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
    this.#skipped = new Map(inventory.skipped.map((record) => [`${record.class} ${record.ref}`, record]));
    for (const record of inventory.skipped) {
      if (record.class !== "VBD" && record.class !== "VIF") continue;
      const { VM } = record.readable as { readonly VM?: VmRef | null };
      if (VM !== undefined && VM !== null) this.#devices.set(VM, record);
    }
  }

  /** Why it is not moved, naming the object; null where all is known. */
  of(ref: VmRef, vm: VmRecord): string | null {
    const { vmMetrics, guestMetrics, groups } = this.#inventory;
    const device = this.#devices.get(ref);
    if (device !== undefined) return unreadable(device);
    return (
      this.#missing("VM_metrics", vm.metrics, vmMetrics) ??
      this.#missing("VM_guest_metrics", vm.guest_metrics, guestMetrics) ??
      first(vm.VBDs, (vbd) => this.#disk(vbd)) ??
      first(vm.VIFs, (vif) => this.#interface(vif)) ??
      first(vm.groups, (group) => this.#missing("VM_group", group, groups))
    );
  }

  /** An empty drive is not among the VBDs that are read, so one that is unknown is none. */
  #disk(ref: VbdRef): string | null {
    const skipped = this.#skippedRecord("VBD", ref);
    if (skipped !== undefined) return unreadable(skipped);
    const vbd = this.#inventory.vbds.get(ref);
    if (vbd === undefined || vbd.empty) return null;
    return this.#missing("VDI", vbd.VDI, this.#inventory.vdis);
  }

  #interface(ref: VifRef): string | null {
    const unknown = this.#missing("VIF", ref, this.#inventory.vifs);
    if (unknown !== null) return unknown;
    return this.#inventory.vifs.get(ref)?.network === null ? "its VIF names no network" : null;
  }

  #skippedRecord(name: XapiClass, ref: string): SkippedRecord | undefined {
    // Of most pools all can be read, and this is asked of every disk.
    return this.#skipped.size === 0 ? undefined : this.#skipped.get(`${name} ${ref}`);
  }

  #missing(name: XapiClass, ref: string | null, known: ReadonlyMap<string, unknown>): string | null {
    if (ref === null || known.has(ref)) return null;
    const skipped = this.#skippedRecord(name, ref);
    return skipped === undefined ? `its ${name} is not among those that the pool lists` : unreadable(skipped);
  }
}

function unreadable({ class: name, reason }: SkippedRecord): string {
  return `its ${name} cannot be read (${reason})`;
}

function first<T>(items: readonly T[], find: (item: T) => string | null): string | null {
  for (const item of items) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
}
