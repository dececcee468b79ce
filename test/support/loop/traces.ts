/** Recorded loads of VMs, a day of them on simulated hosts: the same file, first slot and size give the same day. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import {
  asUuid,
  type Host,
  type Placement,
  type Snapshot,
  type Uuid,
  unknownPool,
  type Vm,
} from "../../../src/domain/pool.ts";

/** One recorded VM. */
interface TracedVm {
  readonly id: string;
  readonly vcpus: number;
  readonly memoryMb: number;
}

interface Head {
  readonly stepSeconds: number;
  readonly slots: number;
  readonly vms: readonly TracedVm[];
  readonly metrics: readonly string[];
  readonly scale: Readonly<Record<string, number>>;
}

/** Recorded loads; a series has one value a slot, null where nothing was measured. */
export interface Traces {
  readonly stepSeconds: number;
  readonly slots: number;
  readonly vms: readonly TracedVm[];
  readonly series: Readonly<Record<string, readonly (readonly (number | null)[])[]>>;
}

/** Reads a file `*.trace.gz`: a line of JSON, then for each VM a line of each metric, integers by commas. */
export function readTraces(path: string): Traces {
  const [first = "", ...lines] = gunzipSync(readFileSync(path)).toString("utf8").trimEnd().split("\n");
  const head = JSON.parse(first) as Head;
  const { metrics, scale, stepSeconds, slots, vms } = head;
  const series = metrics.map((metric, place): [string, (number | null)[][]] => [
    metric,
    vms.map((_, v) =>
      (lines[v * metrics.length + place] ?? "")
        .split(",")
        .map((text) => (text === "" ? null : Number(text) * (scale[metric] ?? 1))),
    ),
  ]);
  return { stepSeconds, slots, vms, series: Object.fromEntries(series) };
}

export interface TracedPool {
  readonly hosts: number;
  /** The first so many VMs of those from `skip` on. */
  readonly vms: number;
  /** Where the record has fewer: begins again with its first VM, as that was four days (or that part of the record) later. */
  readonly repeat?: boolean;
  readonly skip?: number;
  /** The slot in which the day begins. */
  readonly slot: number;
  readonly hours: number;
  /** Percent of all CPUs that the VMs want in the mean of the day; the hosts have as many CPUs as make it so. */
  readonly percent: number;
}

/** How much later a VM is that stands in for another one. */
const repeatedDays = 4;

const mebibyte = 1024 * 1024;

function uuid(prefix: number, number: number): Uuid {
  return asUuid(`${String(prefix).padStart(8, "0")}-0000-4000-8000-${String(number).padStart(12, "0")}`);
}

/** A recorded day; each VM stays where it began. */
export class TracedDay {
  /** CPUs of each host. */
  readonly cpus: number;
  readonly #traces: Traces;
  readonly #pool: TracedPool;
  readonly #vms: readonly TracedVm[];
  readonly #homes: readonly number[];
  readonly #memoryMb: number;
  readonly #placements: readonly Placement[];
  #last: { readonly slot: number; readonly snapshot: Snapshot } | null = null;

  constructor(traces: Traces, pool: TracedPool) {
    const skip = pool.skip ?? 0;
    this.#traces = traces;
    this.#pool = pool;
    const { length } = traces.vms;
    const repeated = (v: number) => traces.vms[(skip + v) % length] ?? [];
    this.#vms = pool.repeat
      ? Array.from({ length: pool.vms }, (_, v) => repeated(v)).flat()
      : traces.vms.slice(skip, skip + pool.vms);
    if (this.#vms.length < pool.vms) throw new Error(`the record has ${traces.vms.length} VMs only`);
    const steps = this.#slots(pool.slot, pool.slot + (pool.hours * 3600) / traces.stepSeconds);
    const total = steps.reduce((sum, slot) => sum + this.#wanted(slot), 0) / Math.max(1, steps.length);
    this.cpus = Math.max(1, Math.round(total / (pool.percent / 100) / pool.hosts));
    this.#homes = this.#placed();
    this.#memoryMb = this.#roomyEnough();
    this.#placements = this.#homes.map((home, v) => ({ hostUuid: uuid(1, home), vmUuid: uuid(2, v) }));
  }

  #slots(from: number, to: number): number[] {
    return Array.from({ length: Math.max(0, Math.min(to, this.#traces.slots) - from) }, (_, n) => from + n);
  }

  #wanted(slot: number): number {
    return this.#vms.reduce((sum, _, v) => sum + this.demand(v, slot), 0);
  }

  /** CPUs that the VM wants in the slot. */
  demand(v: number, slot: number): number {
    return ((this.#percent(v, slot) ?? 0) * (this.#vms[v]?.vcpus ?? 0)) / 100;
  }

  #percent(v: number, slot: number): number | null {
    const { vms, slots, stepSeconds, series } = this.#traces;
    const at = v + (this.#pool.skip ?? 0);
    const later = Math.floor(at / vms.length) * Math.round((repeatedDays * 86_400) / stepSeconds);
    return series["cpu"]?.[at % vms.length]?.[(slot + later) % slots] ?? null;
  }

  /** The VMs, each with the host that it begins on. */
  get guests(): readonly { readonly vcpus: number; readonly memoryMb: number; readonly home: number }[] {
    return this.#vms.map(({ vcpus, memoryMb }, v) => ({ vcpus, memoryMb, home: this.#homes[v] ?? 0 }));
  }

  /** As a good administrator places them: the largest first, by the two days before, on the host with the least. */
  #placed(): number[] {
    const { slot, hosts } = this.#pool;
    const before = this.#slots(Math.max(0, slot - (2 * 86_400) / this.#traces.stepSeconds), slot);
    const weight = this.#vms.map(({ vcpus }, v) =>
      before.length === 0 ? vcpus : before.reduce((sum, each) => sum + this.demand(v, each), 0),
    );
    const loads = new Array<number>(hosts).fill(0);
    const homes = new Array<number>(this.#vms.length).fill(0);
    for (const v of weight.map((_, index) => index).sort((a, b) => (weight[b] ?? 0) - (weight[a] ?? 0))) {
      const least = loads.indexOf(Math.min(...loads));
      homes[v] = least;
      loads[least] = (loads[least] ?? 0) + (weight[v] ?? 0);
    }
    return homes;
  }

  /** The same memory for every host: enough for the fullest one, and a quarter more than all need. */
  #roomyEnough(): number {
    const used = new Array<number>(this.#pool.hosts).fill(0);
    this.#vms.forEach(({ memoryMb }, v) => {
      const home = this.#homes[v] ?? 0;
      used[home] = (used[home] ?? 0) + memoryMb + 40;
    });
    const mean = used.reduce((sum, each) => sum + each, 0) / used.length;
    return Math.ceil(Math.max(1.25 * mean, 1.02 * Math.max(...used)));
  }

  /** The slot that the minute of the day lies in. */
  slotOf(minute: number): number {
    return this.#pool.slot + Math.floor((minute * 60) / this.#traces.stepSeconds);
  }

  /** What the VMs want in this minute, all of them at home; hosts may be above 100 %. */
  minute(minute: number): Snapshot {
    const slot = this.slotOf(minute);
    if (this.#last?.slot !== slot) this.#last = { slot, snapshot: this.#snapshot(slot) };
    return this.#last.snapshot;
  }

  #snapshot(slot: number): Snapshot {
    const vms = this.#vms.map((vm, v) => this.#vm(vm, v, slot));
    const hosts = Array.from({ length: this.#pool.hosts }, (_, h) =>
      this.#host(
        h,
        vms.filter((_, v) => this.#homes[v] === h),
      ),
    );
    return {
      pool: { ...unknownPool, uuid: uuid(9, 0), name: "traces" },
      hosts,
      vms,
      placements: this.#placements,
      infeasiblePairs: [],
    };
  }

  #vm({ id, vcpus, memoryMb }: TracedVm, v: number, slot: number): Vm {
    const { series } = this.#traces;
    const at = v + (this.#pool.skip ?? 0);
    return {
      uuid: uuid(2, v),
      name: id,
      memoryMb,
      memoryInternalFreeMb: null,
      vif0TxKb: series["tx"]?.[at]?.[slot] ?? 0,
      vif0RxKb: series["rx"]?.[at]?.[slot] ?? 0,
      vcpuAverage: Math.min(100, this.#percent(v, slot) ?? 0),
      cpuWait: 0,
      vcpuNum: vcpus,
      powerState: "Running",
      isControlDomain: false,
      placementBytes: (memoryMb + 40) * mebibyte,
      copyBytes: memoryMb * mebibyte,
      tags: [],
      hasTools: true,
      immovable: null,
      haPriority: "",
      antiAffinityGroups: [],
      migratingTo: null,
      shrinksToBytes: null,
    };
  }

  #host(h: number, vms: readonly Vm[]): Host {
    const sum = (part: (vm: Vm) => number) => vms.reduce((total, vm) => total + part(vm), 0);
    const dom0Mb = 2048;
    return {
      uuid: uuid(1, h),
      name: `host-${h}`,
      ip: null,
      cpuNum: this.cpus,
      memoryTotalMb: this.#memoryMb + dom0Mb,
      memoryFreeMb: this.#memoryMb - sum(({ memoryMb }) => memoryMb ?? 0),
      xapiMemoryUsageMb: 2,
      xapiFreeMemoryMb: 1,
      pifLoRxKb: 0,
      pifLoTxKb: 0,
      pifEth0RxKb: sum(({ vif0RxKb }) => vif0RxKb ?? 0),
      pifEth0TxKb: sum(({ vif0TxKb }) => vif0TxKb ?? 0),
      // A control domain without any load may have figures that stand still, as those of five minutes do here.
      dom0LoadAvg: 0,
      // Above 100 where VMs want more than there is: the replay caps it, after it has moved VMs away.
      cpuAverage: sum(({ vcpuAverage, vcpuNum }) => ((vcpuAverage ?? 0) * (vcpuNum ?? 0)) / this.cpus),
      enabled: true,
      live: true,
      isMaster: h === 0,
      version: "8.3.0",
      powerOnMode: "",
      cpuMhz: null,
      placementFreeBytes: this.#memoryMb * mebibyte - sum(({ placementBytes }) => placementBytes ?? 0),
      read: true,
    };
  }
}
