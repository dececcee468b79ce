/**
 * What rules compare hosts by: the table of all subjects that have a name of ours, and XAPI's own data sources. Pure.
 */
import type { Host, Vm, VmMeasures } from "./pool.ts";

/** The thesis' subjects, which a row of HostRule may name. */
export type Subject = "PifEth0RxKb" | "PifEth0TxKb" | "OccupiedMemoryMb" | "CpuAverage";

/** What only chains name. */
export type DerivedSubject = "VmCount" | "VcpuCount" | "CpuWait" | "MemoryFreeMb";

/** The subjects that have a name of our own. */
export type NamedSubject = Subject | DerivedSubject;

/** Measures of a VM that change while it runs. */
export type VmMeasureName = keyof VmMeasures | "cpuWait" | "eth0RxKb" | "eth0TxKb";

/** Settings that are floors: a host that is not above breaks no rule that compares it with the mean. */
export const floorSettings = [
  "ControlFloorCpuPercent",
  "ControlFloorMemoryMb",
  "ControlFloorNetworkKb",
] as const;
export type FloorSetting = (typeof floorSettings)[number];

/** Where a host's value comes from. */
type HostValue =
  /** Measures of its own. What `write` returns has that value; null where the value follows from another subject's. */
  | {
      readonly from: "measures";
      readonly read: (host: Host) => number | null;
      readonly write: ((host: Host, value: number | null) => Partial<Host>) | null;
    }
  /**
   * The weights of its guests; see `withDerived`. `record` says how to have the pool record what they are made of, where
   * it does not by itself; null where they are always known.
   */
  | { readonly from: "guests"; readonly record: string | null };

/** Everything that is known of a subject. A new subject is a row here; all else loops over the rows. */
export interface SubjectFacts {
  /** As rules and reports print it. */
  readonly unit: string;
  /** The highest value that a host can have. */
  readonly highest: number;
  readonly value: HostValue;
  /** What a VM adds to its host, in absolute units (CPU: percent of one CPU); null where a measure is unusable. */
  readonly weight: (vm: Vm) => number | null;
  /**
   * What it adds where it comes to, if that may be more than where it is: of the CPU what it wants, of which a full host
   * gives it a part. Null where nothing tells.
   */
  readonly arrives?: (vm: Vm) => number | null;
  /** The measures that the weight is made of; none where it is exact. */
  readonly vmMeasures: readonly VmMeasureName[];
  /** What makes a VM weigh that; null where a weight is not averaged. */
  readonly withWeight: ((vm: Vm, weight: number) => Partial<Vm>) | null;
  /** Why the VM weighs nothing, where its measures are not the reason; `eth0` is what its host calls it. */
  readonly whyNone?: (vm: Vm, eth0: string) => string | null;
  /** Whether it is the traffic of the interface that stands for eth0. */
  readonly isOfEth0?: true;
  /** Absolute units that make one unit of the host's value; null where unknown. */
  readonly capacity: (host: Host) => number | null;
  /** Whether green rules go by averages over their windows; what is a promise counts as it is. */
  readonly averaged: boolean;
  /** How a VM that leaves changes its host's value: it takes its part along, or what it held is free. */
  readonly whenVmLeaves: "falls" | "rises";
  /** The setting that is the floor of rules of it; null: it has none. */
  readonly floorSetting: FloorSetting | null;
  /** The value in columns of HostSample; null where they do not hold it. */
  readonly sampled: string | null;
}

interface NetworkMeasure {
  readonly host: "pifEth0RxKb" | "pifEth0TxKb";
  readonly vm: "eth0RxKb" | "eth0TxKb";
  /** What stands for it in recordings that do not say which interfaces of a VM reach eth0 of its host. */
  readonly formerly: "vif0RxKb" | "vif0TxKb";
}

function network(measure: NetworkMeasure, sampled: string): SubjectFacts {
  const measureOf = ({ eth0Vifs }: Vm) => (eth0Vifs === undefined ? measure.formerly : measure.vm);
  return {
    unit: "Kb/s",
    highest: Number.POSITIVE_INFINITY,
    value: {
      from: "measures",
      read: (host) => host[measure.host],
      write: (_, value) => ({ [measure.host]: value }),
    },
    weight: (vm) => usable(vm[measureOf(vm)] ?? null),
    vmMeasures: [measure.vm, measure.formerly],
    withWeight: (vm, weight) => ({ [measureOf(vm)]: weight }),
    whyNone: ({ eth0Vifs }, eth0) =>
      eth0Vifs === 0 ? `none of its interfaces is on a network that reaches ${eth0}` : null,
    isOfEth0: true,
    capacity: whole,
    averaged: true,
    whenVmLeaves: "falls",
    floorSetting: "ControlFloorNetworkKb",
    sampled,
  };
}

/** All subjects that have a name of ours, in the order in which they are listed: the thesis' first. */
export const subjectFacts: Readonly<Record<NamedSubject, SubjectFacts>> = {
  PifEth0RxKb: network({ host: "pifEth0RxKb", vm: "eth0RxKb", formerly: "vif0RxKb" }, "PifEth0RxKb"),
  PifEth0TxKb: network({ host: "pifEth0TxKb", vm: "eth0TxKb", formerly: "vif0TxKb" }, "PifEth0TxKb"),
  OccupiedMemoryMb: {
    unit: "MB",
    highest: Number.POSITIVE_INFINITY,
    value: { from: "measures", read: occupiedMb, write: withOccupied },
    weight: ({ memoryMb }) => usable(memoryMb),
    vmMeasures: ["memoryMb"],
    withWeight: null,
    capacity: whole,
    averaged: false,
    whenVmLeaves: "falls",
    floorSetting: "ControlFloorMemoryMb",
    sampled: "(MemoryTotalMb - MemoryFreeMb)",
  },
  CpuAverage: {
    unit: "%",
    highest: 100,
    value: {
      from: "measures",
      read: ({ cpuAverage }) => cpuAverage,
      write: (_, cpuAverage) => ({ cpuAverage }),
    },
    weight: (vm) => usable(ofVcpus(vm, vm.vcpuAverage)),
    arrives: (vm) => usable(ofVcpus(vm, vm.cpuDemand ?? null)),
    vmMeasures: ["vcpuAverage"],
    withWeight: ({ vcpuNum }, weight) =>
      vcpuNum === null || vcpuNum === 0 ? {} : { vcpuAverage: weight / vcpuNum },
    capacity: cpusBySpeed,
    averaged: true,
    whenVmLeaves: "falls",
    floorSetting: "ControlFloorCpuPercent",
    sampled: "CpuAverage",
  },
  /** Running guests. */
  VmCount: {
    unit: "VMs",
    highest: Number.POSITIVE_INFINITY,
    value: { from: "guests", record: null },
    weight: () => 1,
    vmMeasures: [],
    withWeight: null,
    capacity: whole,
    averaged: false,
    whenVmLeaves: "falls",
    floorSetting: null,
    sampled: null,
  },
  /** vCPUs of running guests per CPU of the host, whatever they do: VMs that idle together peak together. */
  VcpuCount: {
    unit: "%",
    highest: Number.POSITIVE_INFINITY,
    value: { from: "guests", record: null },
    weight: ({ vcpuNum }) => usable(vcpuNum === null ? null : 100 * vcpuNum),
    vmMeasures: [],
    withWeight: null,
    capacity: cpus,
    averaged: false,
    whenVmLeaves: "falls",
    floorSetting: null,
    sampled: null,
  },
  /** CPU time that the guests wanted and did not get, in percent of the host's CPUs. */
  CpuWait: {
    unit: "%",
    highest: 100,
    value: {
      from: "guests",
      record: "where the pool records runnable_vcpus or runstate_* of its VMs (xe vm-data-source-record)",
    },
    weight: (vm) => usable(ofVcpus(vm, vm.cpuWait ?? null)),
    vmMeasures: ["cpuWait"],
    withWeight: null,
    capacity: cpus,
    averaged: false,
    whenVmLeaves: "falls",
    floorSetting: null,
    sampled: null,
  },
  /** Memory that is free on the host. */
  MemoryFreeMb: {
    unit: "MB",
    highest: Number.POSITIVE_INFINITY,
    value: { from: "measures", read: ({ memoryFreeMb }) => memoryFreeMb, write: null },
    weight: ({ memoryMb }) => negative(usable(memoryMb)),
    vmMeasures: ["memoryMb"],
    withWeight: null,
    capacity: whole,
    averaged: false,
    whenVmLeaves: "rises",
    floorSetting: null,
    sampled: "MemoryFreeMb",
  },
};

/** The subjects that have a name of our own, as they are listed. */
export const namedSubjects: readonly NamedSubject[] = Object.keys(subjectFacts) as NamedSubject[];

/** The thesis' four subjects, in the order the dialogue lists them. */
export const subjects: readonly Subject[] = ["PifEth0RxKb", "PifEth0TxKb", "OccupiedMemoryMb", "CpuAverage"];

/** Absolute units and the value's are the same. */
function whole(): number {
  return 1;
}

function cpus({ cpuNum }: Host): number | null {
  return cpuNum !== null && cpuNum > 0 ? cpuNum : null;
}

/** In CPUs of the pool's fastest host, as VMs are weighed where hosts are unequal. */
function cpusBySpeed(host: Host): number | null {
  const count = cpus(host);
  return count === null ? null : count * (host.cpuSpeed ?? 1);
}

function usable(value: number | null): number | null {
  return value !== null && Number.isFinite(value) && value >= 0 ? value : null;
}

function negative(value: number | null): number | null {
  return value === null ? null : -value;
}

/** The sum over the VM's vCPUs of what is `average` of them. */
function ofVcpus({ vcpuNum }: Vm, average: number | null): number | null {
  return average === null || vcpuNum === null ? null : average * vcpuNum;
}

function occupiedMb({ memoryTotalMb, memoryFreeMb }: Host): number | null {
  return memoryTotalMb === null || memoryFreeMb === null ? null : memoryTotalMb - memoryFreeMb;
}

function withOccupied({ memoryTotalMb }: Host, occupied: number | null): Partial<Host> {
  return { memoryFreeMb: occupied === null || memoryTotalMb === null ? null : memoryTotalMb - occupied };
}

declare const brand: unique symbol;

/** A data source of a host, by XAPI's name and in XAPI's unit. Migrations are not known to change it. */
export type SourceSubject = string & { readonly [brand]: "SourceSubject" };

/** Everything that a term of a rule may name. */
export type AnySubject = NamedSubject | SourceSubject;

/** The thesis' subject that `text` names, in any case, or null. */
export function parseSubject(text: string): Subject | null {
  const wanted = text.trim().toLowerCase();
  return subjects.find((subject) => subject.toLowerCase() === wanted) ?? null;
}

/** The subject that `text` names: one of ours in any case, or what looks like a data source of XAPI; or null. */
export function parseAnySubject(text: string): AnySubject | null {
  const wanted = text.trim().toLowerCase();
  const named = namedSubjects.find((subject) => subject.toLowerCase() === wanted);
  if (named !== undefined) return named;
  return looksLikeSource(text.trim()) ? (text.trim() as SourceSubject) : null;
}

/** XAPI's names are a word with a number, a well-known word, or words joined by `_` or `-`. */
function looksLikeSource(text: string): boolean {
  if (text.length > 100) return false;
  return (
    /^(?:loadavg|hostload|cpu\d+)$/.test(text) || /^[A-Za-z][A-Za-z0-9]*(?:[_-][A-Za-z0-9.]+)+$/.test(text)
  );
}

/** Whether `subject` is a data source of XAPI, whose values are stored because a rule names it. */
export function isSource(subject: AnySubject): subject is SourceSubject {
  return !Object.hasOwn(subjectFacts, subject);
}

/** Whether columns of Host hold the subject's values. */
export function isMeasuredOnHosts(subject: AnySubject): boolean {
  return !isSource(subject) && subjectFacts[subject].value.from === "measures";
}

/** Whether `subject` is one of the thesis' four. */
export function isThesisSubject(subject: AnySubject): subject is Subject {
  return (subjects as readonly string[]).includes(subject);
}

/** The unit that values of `subject` have; "" for a plain number. */
export function unitOf(subject: AnySubject): string {
  if (!isSource(subject)) return subjectFacts[subject].unit;
  return sourceUnits.find(([names]) => names.test(subject))?.[1] ?? "";
}

/** As XAPI documents them; sources that are not here are plain numbers, or nobody knows. */
const sourceUnits: readonly (readonly [RegExp, string])[] = [
  [/^(?:pif|vif)_.+_[rt]x$/, "B/s"],
  [/_kib$/, "KiB"],
  [/^memory_reclaimed/, "B"],
  [/^(?:cpu\d+|cpu_avg|cpu\d+-[CP]\d+)$/, "of 1"],
  [/^io_throughput_/, "MiB/s"],
  [/^(?:iops|pool_session_creation)/, "1/s"],
];

/**
 * How a VM that leaves a host changes the host's value: "falls" (it takes its part along), "rises" (what it held is
 * free), or "stays", as far as anybody knows.
 */
export function whenVmLeaves(subject: AnySubject): "falls" | "rises" | "stays" {
  return isSource(subject) ? "stays" : subjectFacts[subject].whenVmLeaves;
}

/** The setting that is the floor of rules of the subject; null where there is none. */
export function floorSettingOf(subject: AnySubject): FloorSetting | null {
  return isSource(subject) ? null : subjectFacts[subject].floorSetting;
}

/** The highest value that the subject can have. */
export function highestOf(subject: AnySubject): number {
  return isSource(subject) ? Number.POSITIVE_INFINITY : subjectFacts[subject].highest;
}
