/** The messages of the simulated pool beyond reading and writing fields. */

import { poolMigrate } from "../behaviour/migration.ts";
import { assertCanBootHere, possibleHosts } from "../behaviour/placementChecks.ts";
import { computedOverheadOf } from "../behaviour/placementMemory.ts";
import { assertReachable } from "../behaviour/reach.ts";
import { destroyVm, haltVm, setPaused, startVm } from "../behaviour/vmLifecycle.ts";
import { allowedOperations, operationFailure } from "../behaviour/vmOperations.ts";
import { untilAllowed } from "../behaviour/waiting.ts";
import { isActive, type PoolModel, refOrNull } from "../metrics/model.ts";
import type { MessageCall, MessageDefinition } from "../objects/contract.ts";
import type { SimValue } from "../objects/datamodel.ts";
import { simMap } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";
import { hostMessages } from "./hostMessages.ts";
import { metricsMessages } from "./metricsMessages.ts";
import { wlbMessages } from "./wlbMessages.ts";

type Handle = (call: MessageCall) => SimValue | Promise<SimValue>;

/** All of them by name. */
export function poolMessages(model: PoolModel): ReadonlyMap<string, MessageDefinition> {
  return new Map([
    ...metricsMessages(model),
    ...placementMessages(model),
    ...hostMessages(model),
    ...powerMessages(model),
    ...wlbMessages(model),
  ]);
}

function define(params: string, result: string, handle: Handle, minArgs?: number): MessageDefinition {
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

/** How long the guest takes, in virtual milliseconds. */
const startMs = 3000;
const shutdownMs = 5000;
const briefMs = 500;

function powerMessages(model: PoolModel): [string, MessageDefinition][] {
  const power = (
    operation: string,
    params: string,
    takesMs: number,
    act: Handle,
    minArgs?: number,
  ): [string, MessageDefinition] => [
    `VM.${operation}`,
    define(params, "void", (call) => perform(model, operation, call, takesMs, act), minArgs),
  ];
  const vm = ({ args }: MessageCall): string => String(args[0]);
  const reboot: Handle = (call) => {
    const host = refOrNull(model, "VM", vm(call), "resident_on");
    haltVm(model, vm(call));
    startVm(model, vm(call), host);
    return "";
  };
  const halt: Handle = (call) => {
    haltVm(model, vm(call));
    return "";
  };
  const start = (hostOf: (call: MessageCall) => string | null): Handle => {
    return (call) => {
      startVm(model, vm(call), hostOf(call));
      if (call.args.at(-2) === true) setPaused(model, vm(call), true);
      return "";
    };
  };
  return [
    power(
      "start",
      "ref:VM bool bool",
      startMs,
      start(() => null),
    ),
    power(
      "start_on",
      "ref:VM ref:host bool bool",
      startMs,
      start((call) => String(call.args[1])),
    ),
    power("clean_shutdown", "ref:VM", shutdownMs, halt),
    power("hard_shutdown", "ref:VM", briefMs, halt),
    power("clean_reboot", "ref:VM", shutdownMs, reboot),
    power("hard_reboot", "ref:VM", briefMs, reboot),
    power("pause", "ref:VM", briefMs, (call) => {
      setPaused(model, vm(call), true);
      return "";
    }),
    power("unpause", "ref:VM", briefMs, (call) => {
      setPaused(model, vm(call), false);
      return "";
    }),
    power("destroy", "ref:VM", 0, (call) => {
      destroyVm(model, vm(call));
      return "";
    }),
  ];
}

/** Runs an operation on a VM: waits for another one, shows itself in current_operations, takes its time. */
async function perform(
  model: PoolModel,
  operation: string,
  call: MessageCall,
  takesMs: number,
  act: Handle,
): Promise<SimValue> {
  const { db } = model;
  const vmRef = String(call.args[0]);
  await untilAllowed(model, vmRef, operation, false, call.task);
  if (operation === "start_on") assertCanBootHere(model, vmRef, String(call.args[1]), { cpu: true });
  if (operation === "start" && possibleHosts(model, vmRef).length === 0) {
    throw new SimFailure("NO_HOSTS_AVAILABLE", [vmRef]);
  }
  if (isActive(db.text("VM", vmRef, "power_state")))
    assertReachable(model, db.text("VM", vmRef, "resident_on"));
  const others = Object.entries(db.map("VM", vmRef, "current_operations"));
  db.set("VM", vmRef, "current_operations", simMap([...others, [call.task.ref, operation]]));
  try {
    await model.clock.sleep(takesMs);
    if (!db.has("VM", vmRef)) throw new SimFailure("HANDLE_INVALID", ["VM", vmRef]);
    return await act(call);
  } finally {
    if (db.has("VM", vmRef)) {
      const left = Object.entries(db.map("VM", vmRef, "current_operations"));
      db.set("VM", vmRef, "current_operations", simMap(left.filter(([task]) => task !== call.task.ref)));
    }
  }
}
