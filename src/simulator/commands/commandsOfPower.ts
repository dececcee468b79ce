/** Commands that show the pool, and that start, stop and mark its VMs and hosts. */
import { AppError } from "../../domain/errors.ts";
import { findHost, findVm, nameOf } from "../behaviour/find.ts";
import { machineOf } from "../behaviour/machines.ts";
import { conditionOf } from "../behaviour/outages.ts";
import { freeMemoryOf } from "../behaviour/placementMemory.ts";
import { destroyVm, haltVm, setPaused, startVm } from "../behaviour/vmLifecycle.ts";
import { isActive, type PoolModel, refOrNull } from "../metrics/model.ts";
import { simMap } from "../objects/datamodel.ts";
import { slotAt, slotOf } from "../objects/slots.ts";
import type { PoolCommand } from "./poolCommand.ts";

export const powerCommands: Readonly<Record<string, PoolCommand>> = {
  show: {
    usage: "show",
    help: "Hosts with their load, and the VMs on them.",
    least: 0,
    most: 0,
    run: (model) => show(model),
  },
  start: {
    usage: "start VM [on=HOST]",
    help: "Starts a halted VM.",
    least: 1,
    most: 1,
    run: (model, [name = ""], settings) => {
      const vm = inState(model, findVm(model, name), ["Halted"]);
      const on = settings.get("on");
      startVm(model, vm, on === undefined ? null : findHost(model, on));
      const host = refOrNull(model, "VM", vm, "resident_on");
      return `${nameOf(model, "VM", vm)} runs on ${host === null ? "no host" : nameOf(model, "host", host)}`;
    },
  },
  halt: onVm("halt VM", "Stops a VM at once, also in the middle of a migration.", (model, vm) => {
    haltVm(model, inState(model, vm, ["Running", "Paused", "Suspended"]));
    return `${nameOf(model, "VM", vm)} is halted`;
  }),
  destroy: onVm("destroy VM", "Removes a VM from the pool.", (model, vm) => {
    const name = nameOf(model, "VM", vm);
    destroyVm(model, vm);
    return `${name} is gone`;
  }),
  pause: onVm("pause VM", "Pauses a running VM.", (model, vm) => {
    setPaused(model, inState(model, vm, ["Running"]), true);
    return `${nameOf(model, "VM", vm)} is paused`;
  }),
  unpause: onVm("unpause VM", "Lets a paused VM go on.", (model, vm) => {
    setPaused(model, inState(model, vm, ["Paused"]), false);
    return `${nameOf(model, "VM", vm)} runs`;
  }),
  block: {
    usage: "block VM [REASON]",
    help: "Forbids migrating a VM (blocked_operations).",
    least: 1,
    most: 2,
    run: (model, [name = "", reason = "blocked"]) => {
      const vm = findVm(model, name);
      model.db.set("VM", vm, "blocked_operations", simMap([["pool_migrate", reason]]));
      return `${nameOf(model, "VM", vm)} may not be migrated: ${reason}`;
    },
  },
  unblock: onVm("unblock VM", "Allows migrating a VM again.", (model, vm) => {
    model.db.set("VM", vm, "blocked_operations", simMap([]));
    return `${nameOf(model, "VM", vm)} may be migrated`;
  }),
  enable: onHost("enable HOST", "The host accepts VMs.", (model, host) => {
    model.db.set("host", host, "enabled", true);
    return `${nameOf(model, "host", host)} is enabled`;
  }),
  disable: onHost(
    "disable HOST",
    "Maintenance: the host accepts no VMs; those on it stay.",
    (model, host) => {
      model.db.set("host", host, "enabled", false);
      return `${nameOf(model, "host", host)} is disabled`;
    },
  ),
};

function onVm(usage: string, help: string, act: (model: PoolModel, vmRef: string) => string): PoolCommand {
  return { usage, help, least: 1, most: 1, run: (model, [name = ""]) => act(model, findVm(model, name)) };
}

function onHost(
  usage: string,
  help: string,
  act: (model: PoolModel, hostRef: string) => string,
): PoolCommand {
  return { usage, help, least: 1, most: 1, run: (model, [name = ""]) => act(model, findHost(model, name)) };
}

function inState(model: PoolModel, vmRef: string, states: readonly string[]): string {
  const power = model.db.text("VM", vmRef, "power_state");
  if (model.db.get("VM", vmRef, "is_control_domain") === true) {
    throw new AppError("refused", `${nameOf(model, "VM", vmRef)} is a control domain`);
  }
  if (states.includes(power)) return vmRef;
  throw new AppError("refused", `${nameOf(model, "VM", vmRef)} is ${power}, not ${states.join(" or ")}`);
}

function show(model: PoolModel): string {
  const slot = slotOf(model, slotAt(model.clock.now()));
  const lines = model.db.all("host").flatMap((host) => {
    const load = slot.get(host);
    const cpu = load === undefined ? "-" : `${Math.round((100 * load.busyCpus) / Math.max(1, load.cpus))}%`;
    const free = Math.round(freeMemoryOf(model, host) / 1024 / 1024);
    const machine = machineOf(model, host).state;
    const states = [
      machine === "on" ? conditionOf(model, host) : machine,
      model.db.get("host", host, "enabled") === true ? "enabled" : "disabled",
    ];
    const guests = load?.vms.filter((vm) => model.db.get("VM", vm.vmRef, "is_control_domain") !== true) ?? [];
    return [
      `${nameOf(model, "host", host)}: cpu ${cpu}, ${free} MiB free for VMs, ${states.join(", ")}`,
      ...guests.map(
        (vm) => `  ${nameOf(model, "VM", vm.vmRef)}: cpu ${Math.round(100 * vm.cpu)}% of ${vm.vcpus}`,
      ),
    ];
  });
  const away = model.db
    .all("VM")
    .filter((vm) => model.db.get("VM", vm, "is_a_template") !== true)
    .filter((vm) => !isActive(model.db.text("VM", vm, "power_state")));
  return [
    ...lines,
    ...away.map((vm) => `${nameOf(model, "VM", vm)}: ${model.db.text("VM", vm, "power_state")}`),
  ].join("\n");
}
