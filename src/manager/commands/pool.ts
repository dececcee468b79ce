/** SHOW POOL: the pool's own facts, and how much was found in it. Read only. */

import type { Snapshot } from "../../domain/pool.ts";
import { lastCollected } from "../collected.ts";
import { type Command, command } from "../command.ts";
import { bare } from "../forms.ts";
import { line } from "../layout.ts";

export const showPool: Command<null, Snapshot> = command({
  ...bare("SHOW POOL"),
  help: [["SHOW POOL", "the pool's settings, and how much there is in it"]],
  run: async ({ db }) => (await lastCollected(db)).snapshot,
  text: poolLines,
  json: ({ pool, hosts, vms }) => ({ ...pool, hosts: hosts.length, vms: vms.length }),
});

function poolLines({ pool, hosts, vms }: Snapshot): string[] {
  const guests = vms.filter((vm) => !vm.isControlDomain);
  return [
    line("UUID", pool.uuid),
    line("Hosts", hosts.length),
    line("Hosts enabled and live", hosts.filter((host) => host.enabled && host.live).length),
    line("Hosts read", hosts.filter((host) => host.read).length),
    line("VMs", guests.length),
    line("VMs running", guests.filter((vm) => vm.powerState === "Running").length),
    line("Control domains", vms.length - guests.length),
    line("High availability", pool.haEnabled),
    line("Workload balancing", pool.wlbEnabled),
    line("Rolling upgrade", pool.rollingUpgrade),
    line("Name", pool.name),
  ];
}
