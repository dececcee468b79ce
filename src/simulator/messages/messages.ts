/** The messages of the simulated pool beyond reading and writing fields. */

import { poolMigrate } from "../behaviour/migration.ts";
import { assertCanBootHere, possibleHosts } from "../behaviour/placementChecks.ts";
import { computedOverheadOf } from "../behaviour/placementMemory.ts";
import { assertReachable } from "../behaviour/reach.ts";
import { destroyVm, haltVm, setPaused, startVm, suspendVm } from "../behaviour/vmLifecycle.ts";
import { allowedOperations, operationFailure } from "../behaviour/vmOperations.ts";
import { untilAllowed } from "../behaviour/waiting.ts";
import { isActive, type PoolModel, refOrNull } from "../metrics/model.ts";
import type { MessageCall, MessageDefinition, MessageHandler } from "../objects/contract.ts";
import type { SimValue } from "../objects/datamodel.ts";
import { nullRef, simMap } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";
import { advisedHost } from "../wlb/advice.ts";
import { certificateMessages } from "./certificateMessages.ts";
import { hostMessages } from "./hostMessages.ts";
import { metricsMessages } from "./metricsMessages.ts";
import { wlbMessages } from "./wlbMessages.ts";

/** All of them by name. */
export function poolMessages(model: PoolModel): ReadonlyMap<string, MessageDefinition> {
  return new Map([
    ...metricsMessages(model),
    ...placementMessages(model),
    ...hostMessages(model),
    ...powerMessages(model),
    ...wlbMessages(model),
    ...certificateMessages(model),
  ]);
}

function define(params: string, result: string, handle: MessageHandler, minArgs?: number): MessageDefinition {
  const types = params.split(" ").filter((type) => type !== "");
  return { params: types, minArgs: minArgs ?? types.length, async: true, result, handle };
}

function placementMessages(model: PoolModel): [string, MessageDefinition][] {
  const vm = ({ args }: MessageCall): string => String(args[0]);
  return [
    [
      "VM.pool_migrate",
      define("ref:VM ref:host map:string:string", "void", async ({ args, task }) => {
        const options = (args[2] ?? {}) as Readonly<Record<string, unknown>>;
        await poolMigrate(model, { vmRef: String(args[0]), hostRef: String(args[1]), options, task });
        return "";
      }),
    ],
    [
      "VM.assert_can_boot_here",
      define("ref:VM ref:host", "void", (call) => {
        assertCanBootHere(model, vm(call), String(call.args[1]), { cpu: true });
        return "";
      }),
    ],
    ["VM.get_possible_hosts", define("ref:VM", "set:ref:host", (call) => possibleHosts(model, vm(call)))],
    [
      "VM.assert_operation_valid",
      define("ref:VM enum:vm_operations", "void", (call) => {
        const failure = operationFailure(model, vm(call), String(call.args[1]));
        if (failure !== null) throw failure;
        return "";
      }),
    ],
    [
      "VM.update_allowed_operations",
      define("ref:VM", "void", (call) => {
        model.db.set("VM", vm(call), "allowed_operations", allowedOperations(model, vm(call)));
        return "";
      }),
    ],
    ["VM.compute_memory_overhead", define("ref:VM", "int", (call) => computedOverheadOf(model, vm(call)))],
  ];
}

/** `chosen` is the host that was found for a VM that comes without one; null where the pool is left to choose. */
type PowerAct = (call: MessageCall, chosen: string | null) => SimValue;

/** Operations that find a host for the VM by themselves. */
const placing: ReadonlySet<string> = new Set(["start", "resume"]);
const withHost: ReadonlySet<string> = new Set(["start_on", "resume_on"]);

/** How long the guest takes, in virtual milliseconds. */
const startMs = 3000;
const shutdownMs = 5000;
const briefMs = 500;

function powerMessages(model: PoolModel): [string, MessageDefinition][] {
  const power = (
    operation: string,
    params: string,
    takesMs: number,
    act: PowerAct,
  ): [string, MessageDefinition] => [
    `VM.${operation}`,
    define(params, "void", (call) => perform(model, operation, call, takesMs, act)),
  ];
  const vm = ({ args }: MessageCall): string => String(args[0]);
  const reboot: PowerAct = (call) => {
    const host = refOrNull(model, "VM", vm(call), "resident_on");
    haltVm(model, vm(call));
    startVm(model, vm(call), host);
    return "";
  };
  const does = (act: (vmRef: string) => void): PowerAct => {
    return (call) => {
      act(vm(call));
      return "";
    };
  };
  const halt = does((ref) => haltVm(model, ref));
  const begin: PowerAct = (call, chosen) => {
    startVm(model, vm(call), chosen);
    if (call.args.at(-2) === true) setPaused(model, vm(call), true);
    return "";
  };
  const beginThere: PowerAct = (call) => begin(call, String(call.args[1]));
  return [
    power("start", "ref:VM bool bool", startMs, begin),
    power("start_on", "ref:VM ref:host bool bool", startMs, beginThere),
    power("clean_shutdown", "ref:VM", shutdownMs, halt),
    power("hard_shutdown", "ref:VM", briefMs, halt),
    power("clean_reboot", "ref:VM", shutdownMs, reboot),
    power("hard_reboot", "ref:VM", briefMs, reboot),
    power(
      "pause",
      "ref:VM",
      briefMs,
      does((ref) => setPaused(model, ref, true)),
    ),
    power(
      "unpause",
      "ref:VM",
      briefMs,
      does((ref) => setPaused(model, ref, false)),
    ),
    power(
      "suspend",
      "ref:VM",
      shutdownMs,
      does((ref) => suspendVm(model, ref)),
    ),
    power("resume", "ref:VM bool bool", startMs, begin),
    power("resume_on", "ref:VM ref:host bool bool", startMs, beginThere),
    power(
      "destroy",
      "ref:VM",
      0,
      does((ref) => destroyVm(model, ref)),
    ),
  ];
}

/** Runs an operation on a VM: waits for another one, shows itself in current_operations, takes its time. */
async function perform(
  model: PoolModel,
  operation: string,
  call: MessageCall,
  takesMs: number,
  act: PowerAct,
): Promise<SimValue> {
  const { db } = model;
  const vmRef = String(call.args[0]);
  await untilAllowed(model, vmRef, operation, false, call.task);
  if (withHost.has(operation)) assertCanBootHere(model, vmRef, String(call.args[1]), { cpu: true });
  if (placing.has(operation) && possibleHosts(model, vmRef).length === 0) {
    throw new SimFailure("NO_HOSTS_AVAILABLE", [vmRef]);
  }
  if (isActive(db.text("VM", vmRef, "power_state")))
    assertReachable(model, db.text("VM", vmRef, "resident_on"));
  const others = Object.entries(db.map("VM", vmRef, "current_operations"));
  db.set("VM", vmRef, "current_operations", simMap([...others, [call.task.ref, operation]]));
  try {
    const chosen = placing.has(operation)
      ? await advisedHost(model, vmRef, `VM.${operation}`, call.task)
      : null;
    // Its memory is kept for it while it starts.
    if (chosen !== null) db.set("VM", vmRef, "scheduled_to_be_resident_on", chosen);
    await model.clock.sleep(takesMs);
    if (!db.has("VM", vmRef)) throw new SimFailure("HANDLE_INVALID", ["VM", vmRef]);
    return act(call, chosen);
  } finally {
    if (db.has("VM", vmRef)) {
      if (placing.has(operation)) db.set("VM", vmRef, "scheduled_to_be_resident_on", nullRef);
      const left = Object.entries(db.map("VM", vmRef, "current_operations"));
      db.set("VM", vmRef, "current_operations", simMap(left.filter(([task]) => task !== call.task.ref)));
    }
  }
}
