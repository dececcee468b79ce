/** SHOW HOSTS and SHOW HOST: what the last collection found of hosts. Read only. */

import { absence } from "../../domain/deviation.ts";
import type { Host, Snapshot, Vm } from "../../domain/pool.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { findNamed } from "../../text/find.ts";
import { figure } from "../../text/format.ts";
import { screenTable, type TerminalView } from "../../text/screen.ts";
import { lastCollected } from "../collected.ts";
import { type Command, command } from "../command.ts";
import { bare, named, type WantedDetails } from "../forms.ts";
import { byName, inMegabytes, line, listItem, percent } from "../layout.ts";
import { tableOf } from "../table.ts";

/** A host and the VMs resident on it. */
export interface HostWithVms {
  readonly host: Host;
  readonly vms: readonly Vm[];
}

export interface HostFound extends HostWithVms {
  readonly details: boolean;
}

export const showHosts: Command<null, readonly HostWithVms[]> = command({
  ...bare("SHOW HOSTS"),
  help: [["SHOW HOSTS", "all hosts: uuid and name; on a terminal by name with load, VMs and state"]],
  /** By uuid; none before the first collection. */
  run: async ({ db }) => {
    const snapshot = (await loadSnapshot(db))?.snapshot;
    return snapshot === undefined ? [] : snapshot.hosts.map((host) => withVms(snapshot, host));
  },
  text: (hosts) => hosts.map(({ host }) => listItem(host)),
  screen: hostsOnScreen,
  json: (hosts) =>
    hosts.map(({ host: { uuid, name, ip, enabled, live, isMaster, read }, vms }) => ({
      uuid,
      name,
      ip,
      enabled,
      live,
      isMaster,
      read,
      vms: vms.length,
    })),
  table: (hosts) =>
    tableOf(
      {
        Uuid: ({ host }) => host.uuid,
        Name: ({ host }) => host.name,
        Ip: ({ host }) => host.ip,
        CPUs: ({ host }) => host.cpuNum,
        "CPU %": ({ host }) => host.cpuAverage,
        "Memory MB": ({ host }) => host.memoryTotalMb,
        "Free MB": ({ host }) => host.memoryFreeMb,
        "Received Kb/s": ({ host }) => host.pifEth0RxKb,
        "Sent Kb/s": ({ host }) => host.pifEth0TxKb,
        VMs: ({ vms }) => vms.filter((vm) => !vm.isControlDomain).length,
        Enabled: ({ host }) => host.enabled,
        Live: ({ host }) => host.live,
        Master: ({ host }) => host.isMaster,
        Read: ({ host }) => host.read,
      },
      hosts,
    ),
  hints: (hosts) => (hosts.length === 0 ? ["The database holds no host; xcp-collect fills it."] : []),
});

export const showHost: Command<WantedDetails, HostFound> = command({
  ...named("SHOW HOST", "HOST"),
  help: [["SHOW HOST uuid|name [DETAILS]", "one host"], "SHOW HOST Host1"],
  run: async ({ db }, { wanted, details }) => {
    const { snapshot } = await lastCollected(db);
    return { ...withVms(snapshot, findNamed("host", wanted, snapshot.hosts)), details };
  },
  text: (found) => [...hostLines(found), ...(found.details ? hostDetails(found) : [])],
  json: ({ host, vms }) => ({ ...host, vms: vms.map(({ uuid, name }) => ({ uuid, name })) }),
});

/** By name: what is looked for at a glance. */
function hostsOnScreen(hosts: readonly HostWithVms[], screen: TerminalView): readonly string[] {
  const sorted = hosts.toSorted((a, b) => byName(a.host, b.host));
  const table = tableOf<HostWithVms>(
    {
      Host: ({ host }) => host.name || host.uuid,
      "CPU %": ({ host }) => (host.cpuAverage === null ? null : Math.round(host.cpuAverage)),
      "Memory used": ({ host }) => usedMemory(host),
      "Received Kb/s": ({ host }) => host.pifEth0RxKb,
      "Sent Kb/s": ({ host }) => host.pifEth0TxKb,
      VMs: ({ vms }) => vms.filter((vm) => !vm.isControlDomain).length,
      State: ({ host }) => stateOf(host),
    },
    sorted,
  );
  return screenTable(table, screen, (row) => {
    const host = sorted[row]?.host;
    return host === undefined || absence(host) === null ? null : host.live ? "warning" : "alarm";
  });
}

/** "1.8 of 4 GB" */
function usedMemory({ memoryTotalMb, memoryFreeMb }: Host): string | null {
  if (memoryTotalMb === null || memoryFreeMb === null) return null;
  const inGb = (mb: number) => figure(mb / 1024, 1);
  return `${inGb(memoryTotalMb - memoryFreeMb)} of ${inGb(memoryTotalMb)} GB`;
}

function stateOf(host: Host): string {
  const absent = absence(host);
  const words = [...(host.isMaster ? ["master"] : []), ...(absent === null ? [] : [absent])];
  return words.length === 0 ? "in service" : words.join(", ");
}

function withVms(snapshot: Snapshot, host: Host): HostWithVms {
  const placed = snapshot.placements.filter((placement) => placement.hostUuid === host.uuid);
  const resident = new Set(placed.map((placement) => placement.vmUuid));
  return { host, vms: snapshot.vms.filter((vm) => resident.has(vm.uuid)) };
}

function hostLines({ host }: HostWithVms): string[] {
  const load = host.dom0LoadAvg === null ? null : host.dom0LoadAvg * 100;
  return [
    line("UUID", host.uuid),
    line("Total Memory (MB)", host.memoryTotalMb),
    line("Free Memory (MB)", host.memoryFreeMb),
    line("Xapi Memory Usage (MB)", host.xapiMemoryUsageMb),
    line("Xapi Free Memory (MB)", host.xapiFreeMemoryMb),
    line("Received data on the Physical Interface Lo (Kb/s)", host.pifLoRxKb),
    line("Transmitted data on the Physical Interface Lo (Kb/s)", host.pifLoTxKb),
    line("Received data on the Physical Interface Eth0 (Kb/s)", host.pifEth0RxKb),
    line("Transmitted data on the Physical Interface Eth0 (Kb/s)", host.pifEth0TxKb),
    line("Dom0 Load Average", percent(load)),
    line("Cpu Load Average", percent(host.cpuAverage)),
    line("Ip", host.ip),
    line("Cpu Number", host.cpuNum),
    line("Name", host.name),
  ];
}

function hostDetails({ host, vms }: HostWithVms): string[] {
  return [
    line("Enabled", host.enabled),
    line("Live", host.live),
    line("Master", host.isMaster),
    line("Version", host.version),
    line("Memory for arriving VMs (MB)", inMegabytes(host.placementFreeBytes)),
    line("Power-on mode", host.powerOnMode),
    ...(host.interfaces === undefined
      ? []
      : [
          line("Interfaces", host.interfaces.join(", ")),
          line("Interface shown as Eth0", host.eth0 ?? "none of them"),
        ]),
    line("Read in the last collection", host.read),
    ...(host.doubt === undefined ? [] : [line("Not believed", host.doubt)]),
    `VMs resident on it: ${vms.length}`,
    ...vms.map(listItem),
  ];
}
