/** What every host and VM did in one slot of 5 seconds. The same slot gives the same numbers whenever it is asked for. */
import { unitOf } from "../behaviour/chance.ts";
import { mib } from "../behaviour/memory.ts";
import type { VmMoment } from "../metrics/history.ts";
import { shareCpus, slotMs, type VmLoad, valueAt } from "../metrics/load.ts";
import { cpuSpeedOf, cpusOf, idleHost, type PoolModel, totalBytes, vcpusOf } from "../metrics/model.ts";

/** Bytes per second. */
export interface Rate {
  readonly rx: number;
  readonly tx: number;
}

/** A VM in a slot. */
export interface VmSlot {
  readonly vmRef: string;
  readonly moment: VmMoment;
  readonly vcpus: number;
  /** Mean share of its vCPUs that ran, 0 to 1. */
  readonly cpu: number;
  /** Mean share of its vCPUs that wanted to run and could not, 0 to 1. */
  readonly waiting: number;
  /** Of each of its interfaces, by device number. */
  readonly traffic: readonly Rate[];
  readonly freeBytes: number;
  /** The part of the slot that its domain existed for; below 1 the rates of counters are wrong. */
  readonly domainShare: number;
}

/** A host in a slot; rates in bytes per second, CPUs as 1 = one CPU fully busy. */
export interface HostSlot {
  readonly cpus: number;
  readonly busyCpus: number;
  readonly loadAverage: number;
  readonly unusedBytes: number;
  readonly totalBytes: number;
  readonly loRx: number;
  readonly loTx: number;
  readonly ownRx: number;
  readonly ownTx: number;
  /** Memory of migrating VMs. */
  readonly copyRx: number;
  readonly copyTx: number;
  readonly vms: readonly VmSlot[];
}

/** CPUs of the control domain that one stream of memory costs on either side. */
const copyCpus = 0.25;

/** The newest slot that is complete at `atMs`, by its end. */
export function slotAt(atMs: number): number {
  return Math.floor(atMs / slotMs) * slotMs;
}

const kept = 150;
const caches = new WeakMap<PoolModel, Map<number, ReadonlyMap<string, HostSlot>>>();

/** All hosts in the slot that ends at `slotEndMs`, by ref. */
export function slotOf(model: PoolModel, slotEndMs: number): ReadonlyMap<string, HostSlot> {
  const cache = caches.get(model) ?? new Map<number, ReadonlyMap<string, HostSlot>>();
  caches.set(model, cache);
  const known = cache.get(slotEndMs);
  if (known !== undefined) return known;
  const hosts = evaluate(model, slotEndMs);
  // A slot in the future is a guess that must not be remembered.
  if (slotEndMs <= model.clock.now()) cache.set(slotEndMs, hosts);
  for (const oldest of cache.keys()) if (cache.size > kept) cache.delete(oldest);
  return hosts;
}

/** One host in that slot; cheaper than all of them for slots that are not remembered. */
export function hostSlotOf(model: PoolModel, hostRef: string, slotEndMs: number): HostSlot | undefined {
  const recent = slotEndMs > model.clock.now() - (kept - 20) * slotMs;
  const known = recent ? slotOf(model, slotEndMs) : caches.get(model)?.get(slotEndMs);
  if (known !== undefined) return known.get(hostRef);
  if (!model.db.has("host", hostRef)) return undefined;
  const old = oldSlotOf(model, slotEndMs);
  const host = old.hosts.get(hostRef);
  if (host !== undefined) return host;
  const evaluated = evaluateHost(model, hostRef, slotEndMs, old.domains.get(hostRef) ?? []);
  old.hosts.set(hostRef, evaluated);
  return evaluated;
}

type Domains = ReadonlyMap<string, readonly [string, VmMoment][]>;

interface OldSlot {
  readonly domains: Domains;
  readonly hosts: Map<string, HostSlot>;
}

/** Slots of long ago that were asked for last: an hour's row is read VM by VM from the same few. */
const oldSlots = new WeakMap<PoolModel, Map<number, OldSlot>>();
const oldKept = 24;

function oldSlotOf(model: PoolModel, slotEndMs: number): OldSlot {
  const slots = oldSlots.get(model) ?? new Map<number, OldSlot>();
  oldSlots.set(model, slots);
  const known = slots.get(slotEndMs);
  if (known !== undefined) return known;
  const slot = { domains: domainsByHost(model, slotEndMs), hosts: new Map() };
  slots.set(slotEndMs, slot);
  for (const oldest of slots.keys()) if (slots.size > oldKept) slots.delete(oldest);
  return slot;
}

/** The VM in that slot; null where it was not on any host. */
export function vmSlotOf(model: PoolModel, vmRef: string, slotEndMs: number): VmSlot | null {
  const hostRef = model.history.before(vmRef, slotEndMs)?.hostRef ?? null;
  if (hostRef === null) return null;
  return (
    slotOf(model, slotEndMs)
      .get(hostRef)
      ?.vms.find((vm) => vm.vmRef === vmRef) ?? null
  );
}

function evaluate(model: PoolModel, slotEndMs: number): ReadonlyMap<string, HostSlot> {
  const byHost = domainsByHost(model, slotEndMs);
  return new Map(
    model.db.all("host").map((host) => [host, evaluateHost(model, host, slotEndMs, byHost.get(host) ?? [])]),
  );
}

/** Who was on each host, or on the way there. */
function domainsByHost(model: PoolModel, slotEndMs: number): Domains {
  const byHost = new Map<string, [string, VmMoment][]>();
  const add = (host: string, vm: string, moment: VmMoment): void => {
    const list = byHost.get(host);
    if (list === undefined) byHost.set(host, [[vm, moment]]);
    else list.push([vm, moment]);
  };
  for (const vm of model.history.vmRefs()) {
    const moment = model.db.has("VM", vm) ? model.history.before(vm, slotEndMs) : null;
    if (moment === null) continue;
    if (moment.hostRef !== null) add(moment.hostRef, vm, moment);
    if (moment.copyTo !== null && moment.copyTo !== moment.hostRef) add(moment.copyTo, vm, moment);
  }
  return byHost;
}

function evaluateHost(
  model: PoolModel,
  hostRef: string,
  slotEndMs: number,
  domains: readonly [string, VmMoment][],
): HostSlot {
  const { db } = model;
  const load = model.hostLoads.get(hostRef) ?? idleHost;
  const elapsedMs = slotEndMs - model.startMs;
  const of = (profile: Parameters<typeof valueAt>[0], what: string): number =>
    valueAt(profile, elapsedMs, `${model.seed}/${db.text("host", hostRef, "uuid")}/${what}`);
  const here = domains.filter(([, moment]) => moment.hostRef === hostRef);
  const guests = here.filter(([vm]) => !db.get("VM", vm, "is_control_domain"));
  const sending = sum(here.map(([, moment]) => (moment.copyTo === null ? 0 : moment.copyRate)));
  const receiving = sum(domains.map(([, moment]) => (moment.copyTo === hostRef ? moment.copyRate : 0)));
  const streams = domains.filter(([, moment]) => moment.copyTo !== null && moment.copyRate > 0).length;
  const cpus = cpusOf(model, hostRef);
  const own = of(load.controlDomainCpus, "dom0") + copyCpus * streams;
  const demands = guests.map(([vm, moment]) => ({
    vcpus: vcpusOf(model, vm),
    fraction: askedBy(model, vm, moment, elapsedMs) / cpuSpeedOf(model, hostRef),
  }));
  const shares = shareCpus(cpus, own, demands);
  const occupied = sum(
    domains.map(([vm, moment]) => moment.memoryBytes + db.number("VM", vm, "memory_overhead")),
  );
  const total = totalBytes(model, hostRef);
  const guestSlots = guests.map(([vm, moment], index) => {
    const cpu = (shares.vms[index] ?? 0) / Math.max(1, vcpusOf(model, vm));
    return vmSlot(model, vm, moment, slotEndMs, { cpu, wanted: demands[index]?.fraction ?? 0 });
  });
  const controls = here.filter(([vm]) => db.get("VM", vm, "is_control_domain"));
  return {
    cpus,
    busyCpus: shares.busy,
    loadAverage: of(load.loadAverage, "loadavg"),
    unusedBytes: Math.max(0, total - db.number("host", hostRef, "memory_overhead") - occupied),
    totalBytes: total,
    loRx: of(load.loRxKib, "lo-rx") * 1024,
    loTx: of(load.loTxKib, "lo-tx") * 1024,
    ownRx: of(load.rxKib, "rx") * 1024,
    ownTx: of(load.txKib, "tx") * 1024,
    copyRx: receiving,
    copyTx: sending,
    vms: [
      ...controls.map(([vm, moment]) => {
        const cpu = shares.controlDomain / controls.length / Math.max(1, vcpusOf(model, vm));
        return vmSlot(model, vm, moment, slotEndMs, { cpu, wanted: cpu });
      }),
      ...guestSlots,
    ],
  };
}

/** Share of each vCPU that the guest asks for. */
function askedBy(model: PoolModel, vmRef: string, moment: VmMoment, elapsedMs: number): number {
  if (moment.power !== "Running" || moment.frozen) return 0;
  const seed = `${model.seed}/${model.db.text("VM", vmRef, "uuid")}/cpu`;
  return Math.min(1, valueAt(moment.load.cpu, elapsedMs, seed));
}

/** @param shares of each vCPU: what it gets, and what it wants. */
function vmSlot(
  model: PoolModel,
  vmRef: string,
  moment: VmMoment,
  slotEndMs: number,
  shares: { readonly cpu: number; readonly wanted: number },
): VmSlot {
  const { load } = moment;
  const uuid = model.db.text("VM", vmRef, "uuid");
  const runs = moment.power === "Running" && !moment.frozen;
  const of = (profile: Parameters<typeof valueAt>[0], what: string): number =>
    valueAt(profile, slotEndMs - model.startMs, `${model.seed}/${uuid}/${what}`);
  const domainMs = slotEndMs - moment.domainSinceMs;
  return {
    vmRef,
    moment,
    vcpus: vcpusOf(model, vmRef),
    cpu: Math.min(1, shares.cpu),
    waiting: Math.max(0, Math.min(1, shares.wanted) - shares.cpu),
    traffic: runs ? trafficOf(load, of) : [],
    freeBytes: Math.min(of(load.freeMib, "free") * mib, moment.memoryBytes),
    domainShare: Math.min(1, Math.max(0, domainMs / slotMs)),
  };
}

/** The noise of each interface is its own. */
function trafficOf(
  load: VmLoad,
  of: (profile: Parameters<typeof valueAt>[0], what: string) => number,
): readonly Rate[] {
  return [load, ...(load.others ?? [])].map(({ rxKib, txKib }, device) => {
    const nth = device === 0 ? "" : `/${device}`;
    return { rx: of(rxKib, `rx${nth}`) * 1024, tx: of(txKib, `tx${nth}`) * 1024 };
  });
}

/** Whether the first point of a new domain reads as nothing at all rather than as a wrong number. */
export function firstPointIsNan(model: PoolModel, vm: VmSlot): boolean {
  return unitOf(model.seed, model.db.text("VM", vm.vmRef, "uuid"), vm.moment.domainSinceMs) < 0.5;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
