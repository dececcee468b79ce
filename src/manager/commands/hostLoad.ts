/** SHOW LOAD HOST: the VMs of a host by the CPU that each takes of it, measured as xcp-control decides. Read only. */

import type { Host, Snapshot, Vm } from "../../domain/pool.ts";
import { subjectFacts } from "../../domain/rule.ts";
import { lowScore, type Scores, scoreOf } from "../../domain/score.ts";
import { loadAssessment } from "../../store/load/decisionInput.ts";
import { loadScores } from "../../store/load/scores.ts";
import { findNamed } from "../../text/find.ts";
import { figure } from "../../text/format.ts";
import { firstThatFits, onScreen, screenTable, type TerminalView } from "../../text/screen.ts";
import { printable } from "../../text/text.ts";
import { barColumns, barText, narrowBarColumns } from "../bar.ts";
import { notCollected } from "../collected.ts";
import { type Command, command } from "../command.ts";
import { nameOnly, type WantedObject } from "../forms.ts";
import { alignedLines, type Columns, tableOf } from "../table.ts";

export interface VmLoad {
  readonly vm: Vm;
  /** Percent of the host's CPUs; null where a measure is missing. */
  readonly cpuShare: number | null;
  /** The share of the CPU it wanted that it got in the last hour, 0 to 100; null where that is not known. */
  readonly score: number | null;
}

/** The VMs resident on the host, control domain among them, from the one that takes most CPU to the least. */
export interface LoadOfHost {
  readonly host: Host;
  readonly vms: readonly VmLoad[];
}

export const showHostLoad: Command<WantedObject, LoadOfHost> = command({
  ...nameOnly("SHOW LOAD HOST", "HOST"),
  help: [
    ["SHOW LOAD HOST uuid|name", "the VMs of this host, by the CPU that each takes of it"],
    "SHOW LOAD HOST Host1",
  ],
  run: async ({ db, control }, { wanted }) => {
    const { stored } = await loadAssessment(db, control, null);
    if (stored === null) throw notCollected();
    const host = findNamed("host", wanted, stored.snapshot.hosts);
    return hostLoadOf(stored.snapshot, host, (await loadScores(db, stored)).vms);
  },
  text: hostLoadLines,
  screen: hostLoadOnScreen,
  json: ({ host, vms }) => ({
    uuid: host.uuid,
    name: host.name,
    cpuAverage: host.cpuAverage,
    vms: vms.map(({ vm, cpuShare, score }) => ({
      uuid: vm.uuid,
      name: vm.name,
      cpuShare,
      cpuDemand: vm.cpuDemand ?? vm.vcpuAverage,
      score,
      vcpuNum: vm.vcpuNum,
      vcpuAverage: vm.vcpuAverage,
      memoryMb: vm.memoryMb,
      vif0RxKb: vm.vif0RxKb,
      vif0TxKb: vm.vif0TxKb,
      isControlDomain: vm.isControlDomain,
      immovable: vm.immovable,
    })),
  }),
  table: ({ vms }) =>
    tableOf<VmLoad>(
      {
        VM: vmName,
        Uuid: ({ vm }) => vm.uuid,
        "CPU % of host": ({ cpuShare }) => cpuShare,
        ...figuresBeside,
      },
      vms,
    ),
});

/** What `snapshot` says of the VMs on `host`. */
export function hostLoadOf(
  { placements, vms }: Snapshot,
  host: Host,
  scores: Scores["vms"] = new Map(),
): LoadOfHost {
  const { weight, capacity } = subjectFacts.CpuAverage;
  const resident = new Set(
    placements.filter(({ hostUuid }) => hostUuid === host.uuid).map(({ vmUuid }) => vmUuid),
  );
  const cpus = capacity(host);
  const loads = vms
    .filter(({ uuid }) => resident.has(uuid))
    .map((vm): VmLoad => {
      const used = weight(vm);
      const got = scores.get(vm.uuid);
      return {
        vm,
        cpuShare: used === null || cpus === null ? null : used / cpus,
        score: got === undefined ? null : scoreOf(got),
      };
    });
  return { host, vms: loads.toSorted((a, b) => (b.cpuShare ?? -1) - (a.cpuShare ?? -1)) };
}

const score: Columns<VmLoad> = {
  Score: ({ score: own }) => (own === null ? null : Math.round(own * 10) / 10),
};

const figuresBeside: Columns<VmLoad> = {
  vCPUs: ({ vm }) => vm.vcpuNum,
  ...score,
  "Memory MB": ({ vm }) => rounded(vm.memoryMb),
  "Received Kb/s": ({ vm }) => rounded(vm.vif0RxKb),
  "Sent Kb/s": ({ vm }) => rounded(vm.vif0TxKb),
  "Stays because": ({ vm }) => (vm.isControlDomain ? "control domain" : vm.immovable),
};

function hostLoadLines(load: LoadOfHost): readonly string[] {
  const table = tableOf({ ...loadColumns(barColumns), ...figuresBeside }, load.vms);
  return [headLine(load), "", ...alignedLines(table)];
}

/** Within the terminal's width, the scores of VMs that are short of CPU in yellow. */
function hostLoadOnScreen(load: LoadOfHost, screen: TerminalView): readonly string[] {
  const tables = [
    { ...loadColumns(barColumns), ...figuresBeside },
    { ...loadColumns(barColumns), ...score },
    { ...loadColumns(narrowBarColumns), ...score },
  ].map((columns) => tableOf<VmLoad>(columns, load.vms));
  const table = firstThatFits(tables, screen, ["Load"]);
  const isStarved = (row: number) => {
    const own = load.vms[row]?.score ?? null;
    return own !== null && own < lowScore;
  };
  return [
    onScreen(headLine(load), screen),
    "",
    ...screenTable(
      table,
      screen,
      (row, column) => (column === "Score" && isStarved(row) ? "warning" : null),
      ["Load"],
    ),
  ];
}

function headLine({ host }: LoadOfHost): string {
  const cpu = host.cpuAverage === null ? "-" : `${figure(Math.round(host.cpuAverage * 10) / 10)} %`;
  return `${printable(host.name === "" ? host.uuid : host.name)}: CPU ${cpu}, ${host.cpuNum ?? "-"} CPUs`;
}

function loadColumns(columns: number): Columns<VmLoad> {
  return {
    VM: vmName,
    "CPU of host": ({ cpuShare }) =>
      cpuShare === null ? null : `${figure(Math.round(cpuShare * 10) / 10)} %`,
    Load: ({ cpuShare: value }) => barText({ value, full: 100, mean: null, limits: [], columns }),
  };
}

function vmName({ vm }: VmLoad): string {
  return vm.name === "" ? vm.uuid : vm.name;
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}
