/**
 * Reads measures value by value through query_data_source, the thesis' way: works on every pool, at the price of a
 * call for each value. Calls run in parallel up to a limit; a host that does not answer costs one call, not all of its.
 */
import { describeError } from "../domain/errors.ts";
import { XapiError, XapiUnreachable } from "./errors.ts";
import { type Eth0, type Interfaces, sourcesOf } from "./interfaces.ts";
import type { Inventory } from "./inventory.ts";
import { type NamedMeasures, type SourceValues, waitSources } from "./measures.ts";
import type { HostRecord, HostRef, VmRecord, VmRef } from "./records.ts";
import type { XapiClient } from "./xapiClient.ts";

const hostSources: readonly string[] = [
  "memory_total_kib",
  "memory_free_kib",
  "xapi_memory_usage_kib",
  "xapi_free_memory_kib",
  "pif_lo_rx",
  "pif_lo_tx",
  "loadavg",
  "hostload",
];
const guestSources: readonly string[] = ["memory", "memory_internal_free"];

/** Codes that say the host itself does not answer, not that the source is unknown. */
const hostSilent: readonly string[] = ["HOST_OFFLINE", "CANNOT_CONTACT_HOST", "HOST_NOT_LIVE"];

/** What one host tells: its own values and those of its VMs. */
export interface ObjectMeasures {
  readonly host: SourceValues;
  readonly vms: ReadonlyMap<VmRef, SourceValues>;
}

/**
 * The values of `host` and of the VMs that run on it, each call passed through `oneCall`; or why the host does not
 * answer. A host that falls silent half-way is silent: what it said before is old, and what it holds is not asked for.
 */
export async function queryHost(
  client: XapiClient,
  inventory: Inventory,
  ref: HostRef,
  host: HostRecord,
  options: {
    readonly interfaces: Interfaces;
    readonly named: NamedMeasures;
    readonly oneCall: <T>(call: () => Promise<T>) => Promise<T>;
  },
): Promise<ObjectMeasures | string> {
  const questions = new Questions(ref, options.oneCall);
  const values = new Map<string, number>();
  const vms = new Map<VmRef, SourceValues>();
  const ask = (name: string) => questions.ask(name, values, () => client.queryHostDataSource(ref, name));
  const [first = "", ...rest] = hostNames(host, options.interfaces.eth0Of(ref), options.named);
  // Alone, so that a dead host costs one call and holds up no other host's.
  await ask(first);
  const ofVms = runningOn(ref, inventory).flatMap(([vmRef, vm]) => {
    const own = new Map<string, number>();
    vms.set(vmRef, own);
    return vmNames(vm, inventory, options.named).map(
      (name) => () => questions.ask(name, own, () => client.queryVmDataSource(vmRef, name)),
    );
  });
  await Promise.all([
    ...rest.map(ask),
    askThreads(host.host_CPUs.length, ask),
    ...ofVms.map((askVm) => askVm()),
  ]);
  return questions.silence ?? { host: values, vms };
}

/** Asks for values until the host that has them falls silent. */
class Questions {
  /** Why the host does not answer; null while it does. */
  silence: string | null = null;
  readonly #host: HostRef;
  readonly #oneCall: <T>(call: () => Promise<T>) => Promise<T>;

  constructor(host: HostRef, oneCall: <T>(call: () => Promise<T>) => Promise<T>) {
    this.#host = host;
    this.#oneCall = oneCall;
  }

  /**
   * Puts the value of `name` into `values`, where there is one. Answers whether there is such a source, and rejects with
   * what says nothing about the host.
   */
  async ask(name: string, values: Map<string, number>, query: () => Promise<number>): Promise<boolean> {
    return this.#oneCall(async () => {
      if (this.silence !== null) return false;
      try {
        const value = await query();
        if (Number.isFinite(value)) values.set(name, value);
        return true;
      } catch (error) {
        if (error instanceof XapiUnreachable) this.silence ??= describeError(error);
        else if (!(error instanceof XapiError)) throw error;
        else if (this.#isSilent(error)) this.silence ??= error.message;
        return false;
      }
    });
  }

  /** A VM that has just moved to a dead host says nothing about the one it came from. */
  #isSilent({ code, params }: XapiError): boolean {
    return hostSilent.includes(code) && (params.length === 0 || params.includes(this.#host));
  }
}

/** More threads than this no CPU has on its cores. */
const threadsMost = 8;

/** Threads that XAPI does not count have sources as well, behind those of the host's CPUs. */
async function askThreads(cpus: number, ask: (name: string) => Promise<boolean>): Promise<void> {
  for (let first = cpus; first > 0 && first < cpus * threadsMost; first += cpus) {
    if (!(await ask(`cpu${first}`))) return;
    await Promise.all(Array.from({ length: cpus - 1 }, (_, index) => ask(`cpu${first + 1 + index}`)));
  }
}

function runningOn(host: HostRef, inventory: Inventory): (readonly [VmRef, VmRecord])[] {
  return [...inventory.vms].filter(([, vm]) => vm.power_state === "Running" && vm.resident_on === host);
}

function hostNames(host: HostRecord, eth0: Eth0 | null, named: NamedMeasures): string[] {
  const names = [
    ...hostSources,
    ...(eth0 === null ? [] : sourcesOf([...eth0.devices, eth0.device], "pif")),
    ...host.host_CPUs.map((_, index) => `cpu${index}`),
    ...named.hostSources,
  ];
  return [...new Set(names)];
}

function vmNames(vm: VmRecord, inventory: Inventory, { cpuWait }: NamedMeasures): string[] {
  const count = vm.metrics === null ? 0 : (inventory.vmMetrics.get(vm.metrics)?.VCPUs_number ?? 0);
  const cpus = Array.from({ length: count }, (_, index) => `cpu${index}`);
  if (vm.is_control_domain) return ["memory", ...cpus];
  // The first has a column of its own, whatever the record of it says.
  const devices = new Set(["0", ...vm.VIFs.flatMap((vif) => inventory.vifs.get(vif)?.device ?? [])]);
  return [...guestSources, ...sourcesOf([...devices], "vif"), ...cpus, ...(cpuWait ? waitSources : [])];
}
