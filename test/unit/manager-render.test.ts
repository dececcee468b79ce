import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asUuid, type Host, type Vm } from "../../src/domain/pool.ts";
import { createHostRule } from "../../src/manager/commands/createRule.ts";
import { deleteHostRule } from "../../src/manager/commands/deleteRule.ts";
import { showHost } from "../../src/manager/commands/hosts.ts";
import { showRules } from "../../src/manager/commands/rules.ts";
import { showVm, showVms, type VmFound } from "../../src/manager/commands/vms.ts";
import { printableJson } from "../../src/text/text.ts";

const vm: Vm = {
  uuid: asUuid("0a511f3b-ca5f-2c5d-7751-55b6a138f86e"),
  name: "VM1 - Debian",
  memoryMb: 1024,
  memoryInternalFreeMb: 813,
  vif0TxKb: 0,
  vif0RxKb: 6,
  vcpuAverage: 49.5,
  vcpuNum: 2,
  powerState: "Running",
  isControlDomain: false,
  placementBytes: 1030 * 1024 * 1024,
  copyBytes: 1024 * 1024 * 1024,
  tags: ["web", "\u001b[2J"],
  hasTools: true,
  immovable: null,
  haPriority: "",
  antiAffinityGroups: [],
  migratingTo: null,
  shrinksToBytes: null,
};

const host: Host = {
  uuid: asUuid("eb966de6-276a-0428-2ecb-d1b2a69eff57"),
  name: "Host1",
  ip: "137.204.58.91",
  cpuNum: 4,
  memoryTotalMb: 4069,
  memoryFreeMb: 1791,
  xapiMemoryUsageMb: 6,
  xapiFreeMemoryMb: 2,
  pifLoRxKb: 2,
  pifLoTxKb: 2,
  pifEth0RxKb: 14,
  pifEth0TxKb: 6,
  dom0LoadAvg: 0.004,
  cpuAverage: 25.4,
  enabled: true,
  live: true,
  isMaster: true,
  version: "1.6.10",
  placementFreeBytes: null,
  powerOnMode: "",
  cpuMhz: null,
  read: true,
};

const haltedVm: Vm = {
  ...vm,
  memoryInternalFreeMb: null,
  vif0TxKb: null,
  vif0RxKb: null,
  vcpuAverage: null,
  vcpuNum: null,
  powerState: "Halted",
};

function found(one: Vm, details = false): VmFound {
  return { vm: one, host, score: 96.25, infeasiblePairs: [], details };
}

/** One line of JSON, read back. */
function readBack(value: unknown): unknown {
  return JSON.parse(printableJson(value));
}

describe("SHOW VM", () => {
  test("prints the thesis' lines, the average rounded", () => {
    expect(showVm.text(found(vm))).toEqual([
      "UUID - 0a511f3b-ca5f-2c5d-7751-55b6a138f86e",
      "Total Memory (MB) - 1024",
      "Free Memory (MB) - 813",
      "Transmitted data on the Virtual Interface (Kb/s) - 0",
      "Received data on the Virtual Interface (Kb/s) - 6",
      "VCpu Average - 50%",
      "VCpu Number - 2",
      "Power State - Running",
      "Control Domain - false",
      "Name - VM1 - Debian",
    ]);
  });

  test("prints a value that is not known as -, without a unit", () => {
    const lines = showVm.text(found(haltedVm));
    expect(lines).toContain("Free Memory (MB) - -");
    expect(lines).toContain("Received data on the Virtual Interface (Kb/s) - -");
    expect(lines).toContain("VCpu Average - -");
    expect(lines).toContain("VCpu Number - -");
  });

  test("DETAILS adds lines behind the thesis' ones and changes none of them", () => {
    const plain = showVm.text(found(vm));
    const detailed = showVm.text(found(vm, true));
    expect(detailed.slice(0, plain.length)).toEqual(plain);
    expect(detailed).toContain("Resident on - eb966de6-276a-0428-2ecb-d1b2a69eff57 - Host1");
    expect(detailed).toContain("Memory a destination must have free (MB) - 1030");
    expect(detailed).toContain("Immovable - -");
    expect(detailed).toContain("Tags - web, \\u{1b}[2J");
  });

  test("DETAILS names the hosts that cannot take the VM, and why", () => {
    const infeasiblePairs = [
      { vmUuid: vm.uuid, hostUuid: host.uuid, hostName: "Host1", reason: "VM_REQUIRES_SR: sr1" },
    ];
    const lines = showVm.text({
      vm: { ...vm, cpuDemand: 62.5, demandFrom: "run-states" },
      host: null,
      score: 96.25,
      infeasiblePairs,
      details: true,
    });
    expect(lines).toContain("CPU demand of its VCpus - 62.5% (by its run-states)");
    expect(lines).toContain("Score of the last hour (share of the CPU it wanted that it got) - 96.3 of 100");
    expect(lines.slice(-2)).toEqual([
      "Hosts that cannot take it: 1",
      "- eb966de6-276a-0428-2ecb-d1b2a69eff57 - Host1 - VM_REQUIRES_SR: sr1",
    ]);
    expect(lines).toContain("Resident on - -");
  });
});

describe("SHOW HOST", () => {
  test("prints the thesis' lines; the load average is the load times 100", () => {
    const lines = showHost.text({ host: { ...host, dom0LoadAvg: 1.256 }, vms: [], details: false });
    expect(lines).toEqual([
      "UUID - eb966de6-276a-0428-2ecb-d1b2a69eff57",
      "Total Memory (MB) - 4069",
      "Free Memory (MB) - 1791",
      "Xapi Memory Usage (MB) - 6",
      "Xapi Free Memory (MB) - 2",
      "Received data on the Physical Interface Lo (Kb/s) - 2",
      "Transmitted data on the Physical Interface Lo (Kb/s) - 2",
      "Received data on the Physical Interface Eth0 (Kb/s) - 14",
      "Transmitted data on the Physical Interface Eth0 (Kb/s) - 6",
      "Dom0 Load Average - 126%",
      "Cpu Load Average - 25%",
      "Ip - 137.204.58.91",
      "Cpu Number - 4",
      "Name - Host1",
    ]);
  });

  test("prints what is not known as -", () => {
    const unread: Host = {
      ...host,
      dom0LoadAvg: null,
      cpuAverage: null,
      ip: null,
      cpuNum: null,
      read: false,
    };
    const lines = showHost.text({ host: unread, vms: [vm], details: true });
    expect(lines).toContain("Dom0 Load Average - -");
    expect(lines).toContain("Cpu Load Average - -");
    expect(lines).toContain("Ip - -");
    expect(lines).toContain("Read in the last collection - false");
    expect(lines.slice(-2)).toEqual([
      "VMs resident on it: 1",
      "- 0a511f3b-ca5f-2c5d-7751-55b6a138f86e - VM1 - Debian",
    ]);
  });
});

test("SHOW RULES HOST prints its heading, the program's blank line, and a line a rule", () => {
  const rules = [
    { subject: "CpuAverage", threshold: 25 },
    { subject: "OccupiedMemoryMb", threshold: 200.5 },
    { subject: "PifEth0RxKb", threshold: 0 },
  ] as const;
  expect(showRules.text({ rules, chains: [], unknown: [], unmeasured: [], configured: null })).toEqual([
    "Rules - Balance host when:",
    "",
    "- CpuAverage is more than 25 % above the medium",
    "- OccupiedMemoryMb is more than 200.5 MB above the medium",
    "- PifEth0RxKb is more than 0 Kb/s above the medium",
  ]);
});

describe("a hostile name", () => {
  const names = fc.string({ unit: "binary", maxLength: 40 });

  test("is one line of graphic characters in every text", () => {
    fc.assert(
      fc.property(names, (name) => {
        const hostile = {
          ...vm,
          name,
          tags: [name],
          immovable: name,
          antiAffinityGroups: [name],
          powerState: name,
        };
        const badHost = { ...host, name, ip: name, version: name, powerOnMode: name };
        const infeasiblePairs = [{ vmUuid: vm.uuid, hostUuid: host.uuid, hostName: name, reason: name }];
        const lines = [
          ...showVms.text([{ vm: hostile, host: badHost }]),
          ...showVm.text({ vm: hostile, host: badHost, score: null, infeasiblePairs, details: true }),
          ...showHost.text({ host: badHost, vms: [hostile], details: true }),
        ];
        for (const line of lines) expect(line).toMatch(/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u);
      }),
    );
  });

  test("comes back unchanged from JSON that a terminal can show", () => {
    fc.assert(
      fc.property(names, (name) => {
        const json = printableJson(showVm.json(found({ ...vm, name, tags: [name] })));
        expect(json).toMatch(/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u);
        expect(JSON.parse(json)).toMatchObject({ uuid: vm.uuid, name, tags: [name], hostUuid: host.uuid });
      }),
    );
  });

  test("of 10,000 characters is printed whole, on one line", () => {
    const name = "é".repeat(10_000);
    expect(showVms.text([{ vm: { ...vm, name }, host: null }])).toEqual([`- ${vm.uuid} - ${name}`]);
  });
});

describe("JSON", () => {
  test("keeps null for what is not known, and the unrounded averages", () => {
    expect(readBack(showVm.json(found(haltedVm)))).toMatchObject({
      vcpuAverage: null,
      memoryInternalFreeMb: null,
    });
    expect(readBack(showVm.json(found(vm)))).toMatchObject({ vcpuAverage: 49.5 });
  });

  test("lists VMs with the host that they are resident on", () => {
    const json = showVms.json([
      { vm, host },
      { vm: haltedVm, host: null },
    ]);
    expect(readBack(json)).toEqual([
      { uuid: vm.uuid, name: vm.name, powerState: "Running", isControlDomain: false, hostUuid: host.uuid },
      { uuid: vm.uuid, name: vm.name, powerState: "Halted", isControlDomain: false, hostUuid: null },
    ]);
  });

  test("gives rules with their unit", () => {
    const rule = { subject: "CpuAverage", threshold: 25 } as const;
    const object = { subject: "CpuAverage", threshold: 25, unit: "%" };
    expect(
      readBack(showRules.json({ rules: [rule], chains: [], unknown: [], unmeasured: [], configured: null })),
    ).toEqual([object]);
    expect(readBack(createHostRule.json({ rule: { id: null, rule }, notes: [] }))).toEqual({
      created: object,
    });
    expect(readBack(deleteHostRule.json([{ id: null, rule }]))).toEqual({
      deleted: ["CpuAverage"],
    });
  });
});
