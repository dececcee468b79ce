/** What forbids a VM's moving whatever the rules say. Pure. */
import type { Uuid, Vm } from "../domain/pool.ts";

/** Why `vm` can be moved nowhere, or null. */
export function immovability(vm: Vm): string | null {
  if (vm.isControlDomain) return "it is a control domain";
  if (vm.powerState !== "Running") return `it is ${vm.powerState}, not Running`;
  return vm.immovable;
}

/** The key of a VM with a host it might go to, for infeasible pairs and bans. */
export function pairKey(vm: Uuid, destination: Uuid): string {
  return `${vm}>${destination}`;
}
