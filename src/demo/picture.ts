/** A pool as a picture in plain text: each host with a bar of its load, its VMs below it. Pure. */
import type { Host, Snapshot, Vm } from "../domain/pool.ts";
import { fitWidth, padWidth, printable } from "../text/text.ts";

const barWidth = 40;

/** The lines of the picture; names are escaped. */
export function picture(snapshot: Snapshot): string[] {
  return [...snapshot.hosts]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((host) => hostLines(host, snapshot));
}

function hostLines(host: Host, snapshot: Snapshot): string[] {
  const resident = new Set(
    snapshot.placements.filter(({ hostUuid }) => hostUuid === host.uuid).map(({ vmUuid }) => vmUuid),
  );
  const vms = snapshot.vms.filter((vm) => resident.has(vm.uuid) && !vm.isControlDomain);
  const cpus = host.cpuNum === null ? "" : `${host.cpuNum} CPUs`;
  return [`  ${label(host.name, 16)} ${bar(host.cpuAverage)}  ${cpus}`, ...vms.map(vmLine)];
}

function vmLine(vm: Vm): string {
  const share = vm.vcpuAverage === null ? "  -  " : `${Math.round(vm.vcpuAverage)} %`.padStart(5);
  return `    ${label(vm.name, 14)} ${share} of ${vm.vcpuNum ?? "?"} vCPUs, ${vm.memoryMb ?? "?"} MB`;
}

function bar(percent: number | null): string {
  if (percent === null) return `[${"?".repeat(barWidth)}]     -`;
  const filled = Math.round((Math.min(100, percent) / 100) * barWidth);
  return `[${"#".repeat(filled)}${".".repeat(barWidth - filled)}] ${String(Math.round(percent)).padStart(3)} %`;
}

function label(name: string, width: number): string {
  return padWidth(fitWidth(printable(name), width), width);
}
