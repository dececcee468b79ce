/** The look at the pool right before a migration: is everything still as the collection saw it? */

import { plural } from "../text/format.ts";
import type { HostRecord, HostRef, Records, TaskRef, VmRecord, VmRef } from "../xapi/records.ts";
import type { XapiClient } from "../xapi/xapiClient.ts";
import { type MoveTask, type Outcome, overtaken } from "./outcome.ts";

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
 * The refs when the move may start right now; the outcome when it may not. `own` are the tasks of this run's migrations
 * in flight: the plan knows of them, of anybody else's it does not.
 * Rejects with what the pool refuses with, assert_can_boot_here's reasons among them.
 */
export async function checkBefore(
  client: XapiClient,
  task: MoveTask,
  own: ReadonlySet<TaskRef>,
  maxInPool: number,
): Promise<Refs | Outcome> {
  const [vm, source, destination] = await Promise.all([
    client.vmByUuid(task.vm),
    client.hostByUuid(task.source),
    client.hostByUuid(task.destination),
  ]);
  const [record, hosts, metrics] = await Promise.all([
    client.vm(vm),
    client.hosts(),
    client.hostMetricsOf(destination),
  ]);
  const host = hosts.get(destination) ?? (await client.host(destination));
  const objection =
    unreadObjection("hosts", hosts) ??
    vmObjection(record, source) ??
    hostObjection(host, metrics.live, own) ??
    (await trafficObjection(client, { hosts: [...hosts.values()], source, own, maxInPool }));
  if (objection !== null) return objection;
  await client.assertCanBootHere(vm, destination);
  return { vm, source, destination };
}

/** Where a record cannot be read it cannot be told who else is being migrated. */
function unreadObjection(what: string, { skipped }: Records<string, unknown>): Outcome | null {
  const [first] = skipped;
  if (first === undefined) return null;
  const name = first.name || first.uuid || first.ref;
  return overtaken(`records of ${what} cannot be read: ${name} (${first.reason})`);
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
  return { kind: "refused", reason, failure: "vm" };
}

function hostObjection(host: HostRecord, live: boolean, own: ReadonlySet<TaskRef>): Outcome | null {
  if (!live) return overtaken("the pool says that the destination is not alive");
  if (!host.enabled) return overtaken("the destination was disabled (maintenance)");
  // Somebody else's, or one that an earlier run left: the destination will not be as the plan has it.
  if (arrivals(host).some((task) => !own.has(task))) {
    return overtaken("another VM is just being migrated to the destination");
  }
  return null;
}

/** What the pool moves just now. */
interface Traffic {
  readonly hosts: readonly HostRecord[];
  /** Where the VM leaves. */
  readonly source: HostRef;
  readonly own: ReadonlySet<TaskRef>;
  readonly maxInPool: number;
}

/** Migrations in flight that are not ours, whoever began them: too many, or one that leaves the same host. */
async function trafficObjection(
  client: XapiClient,
  { hosts, source, own, maxInPool }: Traffic,
): Promise<Outcome | null> {
  const inFlight = new Set([...hosts.flatMap(arrivals), ...own]);
  if (inFlight.size === own.size) return null;
  if (inFlight.size >= maxInPool) {
    const ours = own.size === 0 ? "" : `, ${own.size} of them ours`;
    const are = plural(inFlight.size, "migration is", "migrations are");
    return overtaken(`${are} in flight in the pool${ours}, limit ${maxInPool} (ControlMaxMigrationsInPool)`);
  }
  // Only the VMs know where a migration comes from; they are read when there is one of somebody else's.
  const machines = await client.machines();
  const unread = unreadObjection("VMs", machines);
  if (unread !== null) return unread;
  const leavesSource = [...machines.values()].some(
    (vm) =>
      vm.resident_on === source &&
      [...vm.current_operations].some(
        ([task, operation]) => isMigration(operation) && !own.has(task as TaskRef),
      ),
  );
  return leavesSource ? overtaken("another VM is just being migrated from the same host") : null;
}

/** The tasks of the migrations that are on their way to `host`; xapi keys an operation by its task. */
function arrivals(host: HostRecord): TaskRef[] {
  return [...host.current_operations].flatMap(([task, operation]) =>
    operation === "vm_migrate" ? [task as TaskRef] : [],
  );
}

function isMigration(operation: string): boolean {
  return operation === "pool_migrate" || operation === "migrate_send";
}
