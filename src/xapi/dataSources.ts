/**
 * Reads measures value by value through query_data_source, the thesis' way: works on every pool, at the price of a
 * call for each value. Calls run in parallel up to a limit; a host that does not answer costs one call, not all of its.
 */
import { describeError } from "../errors.ts";
import type { XapiClient } from "./client.ts";
import { XapiError, XapiUnreachable } from "./errors.ts";
import type { Inventory } from "./inventory.ts";
import type { Measures, SourceValues } from "./measures.ts";
import type { HostRecord, HostRef, VmRecord, VmRef } from "./records.ts";

const hostSources: readonly string[] = [
  "memory_total_kib",
  "memory_free_kib",
  "xapi_memory_usage_kib",
  "xapi_free_memory_kib",
  "pif_lo_rx",
  "pif_lo_tx",
  "pif_eth0_rx",
  "pif_eth0_tx",
  "loadavg",
];
const guestSources: readonly string[] = ["memory", "memory_internal_free", "vif_0_tx", "vif_0_rx"];

/** Codes that say the host itself does not answer, not that the source is unknown. */
const hostSilent: readonly string[] = ["HOST_OFFLINE", "CANNOT_CONTACT_HOST", "HOST_NOT_LIVE"];

/** The measures of every live host and of the VMs that run on it. Rejects only when `signal` is aborted. */
export async function queryDataSources(
  client: XapiClient,
  inventory: Inventory,
  options: { readonly parallelCalls: number; readonly signal: AbortSignal },
): Promise<Measures> {
  const limit = limiter(options.parallelCalls);
  const hosts = new Map<HostRef, SourceValues>();
  const vms = new Map<VmRef, SourceValues>();
  const unread = new Map<HostRef, string>();
  const readHost = async ([ref, host]: readonly [HostRef, HostRecord]) => {
    if (!isLive(host, inventory)) return void unread.set(ref, "the pool says it is not alive");
    const query = (name: string) => limit(() => client.queryHostDataSource(ref, name));
    const values = await readSources(hostNames(host), query);
    options.signal.throwIfAborted();
    if (typeof values === "string") return void unread.set(ref, values);
    hosts.set(ref, values);
    await Promise.all(
      runningOn(ref, inventory).map(async ([vmRef, vm]) => {
        const queryVm = (name: string) => limit(() => client.queryVmDataSource(vmRef, name));
        const vmValues = await readSources(vmNames(vm, inventory), queryVm);
        if (typeof vmValues !== "string") vms.set(vmRef, vmValues);
      }),
    );
  };
  await Promise.all([...inventory.hosts].map(readHost));
  options.signal.throwIfAborted();
  return { hosts, vms, unread };
}

function isLive(host: HostRecord, inventory: Inventory): boolean {
  return host.metrics !== null && inventory.hostMetrics.get(host.metrics)?.live === true;
}

function runningOn(host: HostRef, inventory: Inventory): (readonly [VmRef, VmRecord])[] {
  return [...inventory.vms].filter(([, vm]) => vm.power_state === "Running" && vm.resident_on === host);
}

function hostNames(host: HostRecord): string[] {
  return [...hostSources, ...host.host_CPUs.map((_, index) => `cpu${index}`)];
}

function vmNames(vm: VmRecord, inventory: Inventory): string[] {
  const count = vm.metrics === null ? 0 : (inventory.vmMetrics.get(vm.metrics)?.VCPUs_number ?? 0);
  const cpus = Array.from({ length: count }, (_, index) => `cpu${index}`);
  return [...(vm.is_control_domain ? ["memory"] : guestSources), ...cpus];
}

/** The values of `names`, or why nobody answered for them: then the first call speaks for all. */
async function readSources(
  names: readonly string[],
  query: (name: string) => Promise<number>,
): Promise<SourceValues | string> {
  const values = new Map<string, number>();
  const [first, ...rest] = names;
  if (first === undefined) return values;
  const read = async (name: string): Promise<string | null> => {
    try {
      const value = await query(name);
      if (Number.isFinite(value)) values.set(name, value);
      return null;
    } catch (error) {
      if (error instanceof XapiError) return hostSilent.includes(error.code) ? error.message : null;
      if (error instanceof XapiUnreachable) return describeError(error);
      throw error;
    }
  };
  const silence = await read(first);
  if (silence !== null) return silence;
  const silences = await Promise.all(rest.map(read));
  return silences.find((each) => each !== null) ?? values;
}

/** Runs at most `limit` of the jobs given to it at the same time, in the order given. */
function limiter(limit: number): <T>(job: () => Promise<T>) => Promise<T> {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (job) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
