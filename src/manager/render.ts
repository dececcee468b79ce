/** Results as the thesis prints them, line for line. Pure; names come out escaped. */

import { printable } from "../text/text.ts";
import { inMegabytes, line, listItem, percent, timestamp } from "./layout.ts";
import {
  costLines,
  exclusionLines,
  explanationLines,
  flapLines,
  migrationLines,
  migrationList,
  pausedLine,
  statusLines,
} from "./renderControl.ts";
import { greenText } from "./renderGreen.ts";
import { greenRulesLines, historyLines, rulesLines, subjectLines, switchedWord } from "./renderRules.ts";
import type { HostWithVms, Result, VmOnHost } from "./result.ts";

/** The lines that `result` prints on a terminal, none of them with a line end. */
export function renderText(result: Result): readonly string[] {
  switch (result.kind) {
    case "vms":
      return result.vms.map(({ vm }) => listItem(vm));
    case "vm":
      return [...vmLines(result.found), ...(result.details ? vmDetails(result.found) : [])];
    case "hosts":
      return result.hosts.map(({ host }) => listItem(host));
    case "host":
      return [...hostLines(result.found), ...(result.details ? hostDetails(result.found) : [])];
    case "rules":
      return rulesLines(result);
    case "green-rules":
      return greenRulesLines(result);
    case "created":
      return ["Rule created"];
    case "deleted":
      return result.rules.map(() => "Rule deleted");
    case "altered":
      return ["Rule altered"];
    case "switched":
      return [switchedWord(result.rule)];
    case "rule-history":
      return historyLines(result);
    case "subjects":
      return subjectLines(result);
    case "pool":
      return poolLines(result);
    case "collection":
      return collectionLines(result);
    case "migrations":
      return migrationList(result);
    case "migration":
      return migrationLines(result);
    case "green":
      return greenText(result);
    case "costs":
      return costLines(result);
    case "flaps":
      return flapLines(result);
    case "exclusions":
      return exclusionLines(result);
    case "plan":
      return result.lines.map(printable);
    case "explanation":
      return explanationLines(result.explanation);
    case "status":
      return statusLines(result);
    case "paused":
      return [pausedLine(result.pause)];
    case "resumed":
      return result.wasPaused ? ["Control resumed"] : [];
    case "excluded":
      return [`${objectWord(result.exclusion.kind)} excluded`];
    case "included":
      return [`${objectWord(result.exclusion.kind)} included`];
  }
}

function objectWord(kind: "VM" | "HOST"): string {
  return kind === "VM" ? "VM" : "Host";
}

function vmLines({ vm }: VmOnHost): string[] {
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

function vmDetails({ vm, host, infeasiblePairs }: VmOnHost): string[] {
  const items = infeasiblePairs.map(
    (infeasiblePair) =>
      `${listItem({ uuid: infeasiblePair.hostUuid, name: infeasiblePair.hostName })} - ${printable(infeasiblePair.reason)}`,
  );
  return [
    line("Resident on", host === null ? null : `${host.uuid} - ${host.name}`),
    line("Memory a destination must have free (MB)", inMegabytes(vm.placementBytes)),
    line("Memory to copy (MB)", inMegabytes(vm.copyBytes)),
    line("Guest tools", vm.hasTools),
    line("Immovable", vm.immovable),
    line("HA restart priority", vm.haPriority),
    line("Anti-affinity groups", vm.antiAffinityGroups.join(", ")),
    line("Tags", vm.tags.join(", ")),
    `Hosts that cannot take it: ${infeasiblePairs.length}`,
    ...items,
  ];
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
    line("Read in the last collection", host.read),
    ...(host.doubt === undefined ? [] : [line("Not believed", host.doubt)]),
    `VMs resident on it: ${vms.length}`,
    ...vms.map(listItem),
  ];
}

function poolLines({ pool, hosts, vms }: Extract<Result, { kind: "pool" }>): string[] {
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

function collectionLines({ collection, ageSeconds }: Extract<Result, { kind: "collection" }>): string[] {
  return [
    line("Collection", collection.id),
    line("Started", timestamp(collection.startedAt)),
    line("Finished", timestamp(collection.finishedAt)),
    line("Age (s)", Math.round(ageSeconds)),
    line("Duration (ms)", collection.durationMs),
    line("Pool's clock ahead (s)", collection.clockSkewSeconds),
    line("Hosts read", collection.hostsRead),
    line("Hosts unread", collection.hostsUnread),
    line("VMs", collection.vms),
    line("Complete", collection.complete),
    line("Pool", collection.poolUuid),
  ];
}
