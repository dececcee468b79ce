/**
 * Reads measures value by value through query_data_source, the thesis' way: works on every pool, at the price of a
 * call for each value. Calls run in parallel up to a limit; a host that does not answer costs one call, not all of its.
 */
import { describeError } from "../errors.ts";
import type { XapiClient } from "./client.ts";
import { XapiError, XapiUnreachable } from "./errors.ts";
import type { Inventory } from "./inventory.ts";
import type { SourceValues } from "./measures.ts";
import type { HostRecord, HostRef, VmRecord, VmRef } from "./records.ts";

const hostSources: readonly string[] = [
  "memory_total_kib",
  "memory_free_kib",
  "xapi_memory_usage_kib",
  "xapi_free_memory_kib",
  "pif_lo_rx",
  "pif_lo_tx",
  "loadavg",
];
const guestSources: readonly string[] = ["memory", "memory_internal_free", "vif_0_tx", "vif_0_rx"];

/** Codes that say the host itself does not answer, not that the source is unknown. */
const hostSilent: readonly string[] = ["HOST_OFFLINE", "CANNOT_CONTACT_HOST", "HOST_NOT_LIVE"];

/** What one host tells: its own values and those of its VMs. */
export interface ObjectMeasures {
  readonly host: SourceValues;
  readonly vms: ReadonlyMap<VmRef, SourceValues>;
}

/**
 * The values of `host` and of the VMs that run on it, each call passed through `oneCall`; or why the host does not
 * answer.
 */
export async function queryHost(
  client: XapiClient,
  inventory: Inventory,
  ref: HostRef,
  host: HostRecord,
  options: { readonly eth0Device: string; readonly oneCall: <T>(call: () => Promise<T>) => Promise<T> },
): Promise<ObjectMeasures | string> {
  const query = (name: string) => options.oneCall(() => client.queryHostDataSource(ref, name));
  const values = await readSources(hostNames(host, options.eth0Device), query);
  if (typeof values === "string") return values;
  const vms = new Map<VmRef, SourceValues>();
  await Promise.all(
    runningOn(ref, inventory).map(async ([vmRef, vm]) => {
      const queryVm = (name: string) => options.oneCall(() => client.queryVmDataSource(vmRef, name));
      const vmValues = await readSources(vmNames(vm, inventory), queryVm);
      if (typeof vmValues !== "string") vms.set(vmRef, vmValues);
    }),
  );
  return { host: values, vms };
}

function runningOn(host: HostRef, inventory: Inventory): (readonly [VmRef, VmRecord])[] {
  return [...inventory.vms].filter(([, vm]) => vm.power_state === "Running" && vm.resident_on === host);
}

function hostNames(host: HostRecord, device: string): string[] {
  return [
    ...hostSources,
    `pif_${device}_rx`,
    `pif_${device}_tx`,
    ...host.host_CPUs.map((_, index) => `cpu${index}`),
  ];
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
