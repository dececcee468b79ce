/** SHOW VMS and SHOW VM: what the last collection found of VMs. Read only. */

import { demandOf } from "../../domain/demand.ts";
import type { DemandSource, Host, InfeasiblePair, Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import { scoreOf } from "../../domain/score.ts";
import { immovability } from "../../planner/facts.ts";
import type { Database } from "../../store/connection.ts";
import { loadScores } from "../../store/load/scores.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { findNamed } from "../../text/find.ts";
import { figure, plural } from "../../text/format.ts";
import { screenTable, type TerminalView } from "../../text/screen.ts";
import { printable } from "../../text/text.ts";
import { lastCollected } from "../collected.ts";
import { type Command, command } from "../command.ts";
import { bare, named, type WantedDetails } from "../forms.ts";
import { byName, inMegabytes, line, listItem, percent } from "../layout.ts";
import { tableOf } from "../table.ts";

/** A VM and the host it is resident on; null when it does not run. */
export interface VmOnHost {
  readonly vm: Vm;
  readonly host: Host | null;
}

/** A VM, and the hosts that cannot take it, "" where such a host is unknown. */
export interface VmFound extends VmOnHost {
  readonly details: boolean;
  /** The share of the CPU it wanted that it got in the last hour, 0 to 100; null where that is not known. */
  readonly score: number | null;
  readonly infeasiblePairs: readonly (InfeasiblePair & { readonly hostName: string })[];
}

export const showVms: Command<null, readonly VmOnHost[]> = command({
  ...bare("SHOW VMS"),
  help: [["SHOW VMS", "all VMs: uuid and name; on a terminal by name with host, CPU and memory"]],
  run: ({ db }) => allVms(db),
  text: (vms) => vms.map(({ vm }) => listItem(vm)),
  screen: vmsOnScreen,
  json: (vms) =>
    vms.map(({ vm: { uuid, name, powerState, isControlDomain }, host }) => ({
      uuid,
      name,
      powerState,
      isControlDomain,
      hostUuid: host?.uuid ?? null,
    })),
  table: (vms) =>
    tableOf(
      {
        Uuid: ({ vm }) => vm.uuid,
        Name: ({ vm }) => vm.name,
        "Power state": ({ vm }) => vm.powerState,
        Host: ({ host }) => host?.name ?? null,
        vCPUs: ({ vm }) => vm.vcpuNum,
        "vCPU %": ({ vm }) => vm.vcpuAverage,
        "Memory MB": ({ vm }) => vm.memoryMb,
        "Control domain": ({ vm }) => vm.isControlDomain,
        Immovable: ({ vm }) => vm.immovable,
      },
      vms,
    ),
  hints: (vms) => (vms.length === 0 ? ["The database holds no VM; xcp-collect fills it."] : []),
});

export const showVm: Command<WantedDetails, VmFound> = command({
  ...named("SHOW VM", "VM"),
  help: [
    ["SHOW VM uuid|name [DETAILS]", "one VM; a uuid may be shortened while it stays unambiguous"],
    "SHOW VM 0a511f3b",
    'SHOW VM "VM1 - Debian" DETAILS',
  ],
  run: async ({ db }, { wanted, details }) => {
    const stored = await lastCollected(db);
    const { snapshot } = stored;
    const vm = findNamed("VM", wanted, snapshot.vms);
    const host = hostsByVm(snapshot).get(vm.uuid) ?? null;
    const got = host === null ? undefined : (await loadScores(db, stored)).vms.get(vm.uuid);
    const score = got === undefined ? null : scoreOf(got);
    return { vm, host, details, score, infeasiblePairs: infeasiblePairsOf(snapshot, vm) };
  },
  text: (found) => [...vmLines(found), ...(found.details ? vmDetails(found) : [])],
  json: ({ vm, host, score, infeasiblePairs }) => ({
    ...vm,
    score,
    hostUuid: host?.uuid ?? null,
    bars: infeasiblePairs.map(({ hostUuid, reason }) => ({ hostUuid, reason })),
  }),
});

/** By name, control domains left out: what is looked for at a glance. */
function vmsOnScreen(all: readonly VmOnHost[], screen: TerminalView): readonly string[] {
  const sorted = all.filter(({ vm }) => !vm.isControlDomain).toSorted((a, b) => byName(a.vm, b.vm));
  const table = tableOf<VmOnHost>(
    {
      VM: ({ vm }) => vm.name || vm.uuid,
      Host: ({ vm, host }) => (host === null ? `(${vm.powerState})` : host.name || host.uuid),
      vCPUs: ({ vm }) => vm.vcpuNum,
      "CPU %": ({ vm }) => (vm.vcpuAverage === null ? null : Math.round(vm.vcpuAverage)),
      "Memory MB": ({ vm }) => vm.memoryMb,
      Movable: ({ vm, host }) => movable(vm, host),
    },
    sorted,
  );
  const lines = screenTable(table, screen);
  const domains = all.length - sorted.length;
  return domains === 0
    ? lines
    : [...lines, `${plural(domains, "control domain")} not shown (--format thesis)`];
}

/** "yes", or why not; of one that does not run there is nothing to say. */
function movable(vm: Vm, host: Host | null): string | null {
  return host === null ? null : (immovability(vm) ?? "yes");
}

/** All VMs by uuid, control domains among them; none before the first collection. */
async function allVms(db: Database): Promise<readonly VmOnHost[]> {
  const snapshot = (await loadSnapshot(db))?.snapshot;
  if (snapshot === undefined) return [];
  const hostOf = hostsByVm(snapshot);
  return snapshot.vms.map((vm) => ({ vm, host: hostOf.get(vm.uuid) ?? null }));
}

function hostsByVm(snapshot: Snapshot): ReadonlyMap<Uuid, Host> {
  const hosts = new Map(snapshot.hosts.map((host) => [host.uuid, host]));
  const pairs = snapshot.placements.flatMap((placement): [Uuid, Host][] => {
    const host = hosts.get(placement.hostUuid);
    return host === undefined ? [] : [[placement.vmUuid, host]];
  });
  return new Map(pairs);
}

function infeasiblePairsOf(snapshot: Snapshot, vm: Vm): VmFound["infeasiblePairs"] {
  const names = new Map(snapshot.hosts.map((host) => [host.uuid, host.name]));
  return snapshot.infeasiblePairs
    .filter((infeasiblePair) => infeasiblePair.vmUuid === vm.uuid)
    .map((infeasiblePair) => ({ ...infeasiblePair, hostName: names.get(infeasiblePair.hostUuid) ?? "" }));
}

function vmLines({ vm }: VmFound): string[] {
  return [
    line("UUID", vm.uuid),
    line("Total Memory (MB)", vm.memoryMb),
    line("Free Memory (MB)", vm.memoryInternalFreeMb),
    line("Transmitted data on the Virtual Interface (Kb/s)", vm.vif0TxKb),
    line("Received data on the Virtual Interface (Kb/s)", vm.vif0RxKb),
    line("VCpu Average", percent(vm.vcpuAverage)),
    line("VCpu Number", vm.vcpuNum),
    line("Power State", vm.powerState),
    line("Control Domain", vm.isControlDomain),
    line("Name", vm.name),
  ];
}

function eth0Lines({ eth0Vifs, eth0RxKb, eth0TxKb }: Vm): string[] {
  return [
    line("Virtual interfaces that reach Eth0 of its host", eth0Vifs ?? null),
    line("Transmitted data through Eth0 of its host (Kb/s)", eth0TxKb ?? null),
    line("Received data through Eth0 of its host (Kb/s)", eth0RxKb ?? null),
  ];
}

/** What of a demand is told beside the figure. */
const sourceWords: Readonly<Record<DemandSource, string>> = {
  "run-states": "by its run-states",
  hostload: "by its host's hostload",
  "last-use": "by what it used before its host was full",
  measured: "what it used",
};

function demandText(vm: Vm): string | null {
  const demand = vm.isControlDomain ? null : demandOf(vm);
  return demand === null ? null : `${figure(demand.percent, 1)}% (${sourceWords[demand.source]})`;
}

function scoreText(score: number | null): string | null {
  return score === null ? null : `${figure(score, 1)} of 100`;
}

function vmDetails({ vm, host, score, infeasiblePairs }: VmFound): string[] {
  const items = infeasiblePairs.map(
    ({ hostUuid, hostName, reason }) =>
      `${listItem({ uuid: hostUuid, name: hostName })} - ${printable(reason)}`,
  );
  return [
    line("Resident on", host === null ? null : `${host.uuid} - ${host.name}`),
    line("CPU demand of its VCpus", demandText(vm)),
    line("Score of the last hour (share of the CPU it wanted that it got)", scoreText(score)),
    line("Memory a destination must have free (MB)", inMegabytes(vm.placementBytes)),
    line("Memory to copy (MB)", inMegabytes(vm.copyBytes)),
    line("Guest tools", vm.hasTools),
    line("Immovable", vm.immovable),
    ...(vm.eth0Vifs === undefined ? [] : eth0Lines(vm)),
    line("HA restart priority", vm.haPriority),
    ...(vm.homeServer === undefined ? [] : [line("Home server", vm.homeServer)]),
    line("Anti-affinity groups", vm.antiAffinityGroups.join(", ")),
    line("Tags", vm.tags.join(", ")),
    `Hosts that cannot take it: ${infeasiblePairs.length}`,
    ...items,
  ];
}
