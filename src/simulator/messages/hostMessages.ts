/** The messages that hosts answer: maintenance, evacuation, power. */

import { evacuate, evacuationBlockers } from "../behaviour/evacuation.ts";
import { assertDisableKeepsPlan } from "../behaviour/highAvailability.ts";
import { markHost, withHostOperation } from "../behaviour/hostOperations.ts";
import { machineOf } from "../behaviour/machines.ts";
import { conditionOf } from "../behaviour/outages.ts";
import { freeMemoryOf } from "../behaviour/placementMemory.ts";
import { goDown } from "../behaviour/powerCycle.ts";
import { powerOn } from "../behaviour/powerOn.ts";
import { assertReachable } from "../behaviour/reach.ts";
import type { PoolModel } from "../metrics/model.ts";
import type { MessageCall, MessageDefinition } from "../objects/contract.ts";
import type { SimMap, SimValue } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";

type Act = (hostRef: string, call: MessageCall) => SimValue | Promise<SimValue>;

/** All of them by name. */
export function hostMessages(model: PoolModel): [string, MessageDefinition][] {
  const define = (name: string, params: string, result: string, act: Act): [string, MessageDefinition] => {
    const types = params.split(" ");
    const handle = (call: MessageCall): SimValue | Promise<SimValue> => {
      const hostRef = String(call.args[0]);
      model.db.get("host", hostRef, "uuid");
      const failure = model.faults.takeRefusal(`host.${name}`, hostRef);
      if (failure !== null) throw failure;
      return act(hostRef, call);
    };
    // Later releases gave some of them more parameters; callers may leave those out.
    const minArgs = name === "set_power_on_mode" ? types.length : 1;
    return [`host.${name}`, { params: types, minArgs, async: true, result, handle }];
  };
  return [
    define("compute_free_memory", "ref:host", "int", (host) => freeMemoryOf(model, host)),
    define("compute_memory_overhead", "ref:host", "int", (host) =>
      model.db.number("host", host, "memory_overhead"),
    ),
    define("disable", "ref:host bool", "void", (host, call) => disable(model, host, call)),
    define("enable", "ref:host", "void", (host, call) => enable(model, host, call)),
    define("get_vms_which_prevent_evacuation", "ref:host", "map:ref:VM:set:string", (host) =>
      evacuationBlockers(model, host),
    ),
    define("assert_can_evacuate", "ref:host", "void", (host) => assertCanEvacuate(model, host)),
    define("evacuate", "ref:host ref:network int", "void", (host, call) => evacuateHost(model, host, call)),
    define("shutdown", "ref:host", "void", (host, call) => shutDown(model, host, call, "shutdown")),
    define("reboot", "ref:host", "void", (host, call) => shutDown(model, host, call, "reboot")),
    define("power_on", "ref:host", "void", (host, call) => switchOn(model, host, call)),
    define("set_power_on_mode", "ref:host string map:string:string", "void", (host, { args }) => {
      model.db.update("host", host, {
        power_on_mode: String(args[1]),
        power_on_config: args[2] as SimMap,
      });
      return "";
    }),
  ];
}

/** The second parameter, auto_enable, is false for a maintenance that outlasts a reboot. */
function disable(model: PoolModel, hostRef: string, { args }: MessageCall): SimValue {
  assertDisableKeepsPlan(model, hostRef);
  assertReachable(model, hostRef);
  if (model.db.get("host", hostRef, "enabled") !== true) return "";
  model.db.set("host", hostRef, "enabled", false);
  if (args[1] === false) machineOf(model, hostRef).autoEnable = false;
  return "";
}

function enable(model: PoolModel, hostRef: string, { task }: MessageCall): Promise<SimValue> {
  return withHostOperation(model, { ref: hostRef, operation: "enable", task }, () => {
    assertReachable(model, hostRef);
    if (model.db.get("host", hostRef, "enabled") === true) return "";
    if (conditionOf(model, hostRef) === "starting") throw new SimFailure("HOST_STILL_BOOTING");
    const machine = machineOf(model, hostRef);
    if (machine.pendingGuidance) throw new SimFailure("HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY", [hostRef]);
    // Who is asked to go down does not come back by a word.
    if (machine.state !== "on") throw new SimFailure("HOST_DISABLED_UNTIL_REBOOT", [hostRef]);
    machine.autoEnable = true;
    model.db.set("host", hostRef, "enabled", true);
    return "";
  });
}

function assertCanEvacuate(model: PoolModel, hostRef: string): SimValue {
  const blockers = Object.values(evacuationBlockers(model, hostRef));
  if (blockers.length === 0) return "";
  throw new SimFailure("CANNOT_EVACUATE_HOST", [blockers.map(String).join("|")]);
}

function evacuateHost(model: PoolModel, hostRef: string, { args, task }: MessageCall): Promise<SimValue> {
  assertDisableKeepsPlan(model, hostRef);
  return withHostOperation(model, { ref: hostRef, operation: "evacuate", task }, async () => {
    await evacuate(model, hostRef, task, Number(args[2] ?? 0));
    return "";
  });
}

/** Answers at once; the mark stays in current_operations until the host has come back. */
function shutDown(
  model: PoolModel,
  hostRef: string,
  call: MessageCall,
  operation: "shutdown" | "reboot",
): Promise<SimValue> {
  return withHostOperation(model, { ref: hostRef, operation, task: call.task }, () => {
    assertReachable(model, hostRef);
    // xapi writes "shutdown" for both.
    markHost(model, hostRef, `${call.task.ref}/going`, "shutdown");
    if (!model.faults.takeStuck(hostRef))
      goDown(model, hostRef, callerOf(model, call), operation === "reboot");
    return "";
  });
}

function switchOn(model: PoolModel, hostRef: string, call: MessageCall): Promise<SimValue> {
  const { task } = call;
  return withHostOperation(model, { ref: hostRef, operation: "power_on", task }, async () => {
    await powerOn(model, hostRef, callerOf(model, call), task);
    return "";
  });
}

/** User and program of the session that asks. */
function callerOf(model: PoolModel, { sessionRef }: MessageCall): string {
  if (!model.db.has("session", sessionRef)) return "";
  const program = model.db.text("session", sessionRef, "originator");
  const user = model.db.text("session", sessionRef, "auth_user_name");
  return program === "" ? user : `${user} (${program})`;
}
