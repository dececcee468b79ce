/** The look at the pool right before a migration: is everything still as the collection saw it? */
import type { XapiClient } from "../xapi/client.ts";
import type { HostRecord, HostRef, VmRecord, VmRef } from "../xapi/records.ts";
import { type Errand, type Outcome, overtaken } from "./outcome.ts";

export interface Refs {
  readonly vm: VmRef;
  readonly source: HostRef;
  readonly destination: HostRef;
}

/** Operations that end with the VM on another host, or on none. */
const leaving = [
  "pool_migrate",
  "migrate_send",
  "suspend",
  "clean_shutdown",
  "hard_shutdown",
  "shutdown",
  "destroy",
];

/**
 * The refs when the move may start right now; the outcome when it may not.
 * Rejects with what the pool refuses with, assert_can_boot_here's reasons among them.
 */
export async function checkBefore(
  client: XapiClient,
  errand: Errand,
  maxInPool: number,
): Promise<Refs | Outcome> {
  const [vm, source, destination] = await Promise.all([
    client.vmByUuid(errand.vm),
    client.hostByUuid(errand.source),
    client.hostByUuid(errand.destination),
  ]);
  const [record, hosts, metrics] = await Promise.all([
    client.vm(vm),
    client.hosts(),
    client.hostMetricsOf(destination),
  ]);
  const host = hosts.get(destination) ?? (await client.host(destination));
  const objection =
    vmObjection(record, source) ??
    hostObjection(host, metrics.live) ??
    (await trafficObjection(client, [...hosts.values()], source, maxInPool));
  if (objection !== null) return objection;
  await client.assertCanBootHere(vm, destination);
  return { vm, source, destination };
}

function vmObjection(vm: VmRecord, source: HostRef): Outcome | null {
  if (vm.power_state !== "Running") return overtaken(`it is ${vm.power_state} now`);
  if (vm.resident_on !== source) return overtaken("it is on another host now");
  const operations = [...vm.current_operations.values()];
  const departure = operations.find((operation) => leaving.includes(operation));
  if (departure !== undefined) return overtaken(`it is leaving its host (${departure})`);
  if (operations.length > 0) {
    const reason = `OTHER_OPERATION_IN_PROGRESS (${operations.join(", ")})`;
    return { kind: "refused", reason, failure: "later" };
  }
  if (vm.allowed_operations.length === 0 || vm.allowed_operations.includes("pool_migrate")) return null;
  const blocked = vm.blocked_operations.get("pool_migrate");
  const reason =
    blocked === undefined
      ? "the pool does not offer pool_migrate for it"
      : `OPERATION_BLOCKED (${blocked === "" ? "without a reason" : blocked})`;
  return { kind: "refused", reason, failure: "never-this-vm" };
}

function hostObjection(host: HostRecord, live: boolean): Outcome | null {
  if (!live) return overtaken("the pool says that the destination is not alive");
  if (!host.enabled) return overtaken("the destination was disabled (maintenance)");
  // Somebody else's, or one that an earlier run left: the destination will not be as the plan has it.
  if ([...host.current_operations.values()].includes("vm_migrate")) {
    return overtaken("another VM is just being migrated to the destination");
  }
  return null;
}

/** Other migrations in flight, whoever began them: too many, or one that leaves the same host. */
async function trafficObjection(
  client: XapiClient,
  hosts: readonly HostRecord[],
  source: HostRef,
  maxInPool: number,
): Promise<Outcome | null> {
  const inFlight = hosts.flatMap((host) =>
    [...host.current_operations.values()].filter((operation) => operation === "vm_migrate"),
  ).length;
  if (inFlight === 0) return null;
  if (inFlight >= maxInPool) {
    return overtaken(
      `${inFlight} ${inFlight === 1 ? "migration is" : "migrations are"} in flight in the pool, limit ${maxInPool} (ControlMaxMigrationsInPool)`,
    );
  }
  // Only the VMs know where a migration comes from; they are read when there is one at all.
  const machines = await client.machines();
  const leavesSource = [...machines.values()].some(
    (vm) => vm.resident_on === source && [...vm.current_operations.values()].some(isMigration),
  );
  return leavesSource ? overtaken("another VM is just being migrated from the same host") : null;
}

function isMigration(operation: string): boolean {
  return operation === "pool_migrate" || operation === "migrate_send";
}
