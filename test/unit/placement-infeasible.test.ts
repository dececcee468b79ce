/** Why a host cannot take a VM, from records alone: CPU, platform, storage, networks, processors. */
import { describe, expect, it } from "vitest";
import type { Inventory } from "../../src/xapi/inventory.ts";
import { InfeasiblePairFinder, isFeatureSubset } from "../../src/xapi/placement.ts";
import type * as xapi from "../../src/xapi/records.ts";
import { aHost, aPif, aVm, host1, host2, inventory, ref, vbdRef, vm1, withDisk } from "./placementRecords.ts";

const sr: xapi.SrRef = ref("sr");
const net: xapi.NetworkRef = ref("net");
const vif: xapi.VifRef = ref("vif");

/** Why host2 cannot take the VM. */
function infeasiblePair(
  vm: Partial<xapi.VmRecord>,
  host: Partial<xapi.HostRecord> = {},
  parts: Inventory = inventory(),
): string | null {
  const record = aVm(vm);
  const placed = { ...parts, vms: new Map([[vm1, record], ...parts.vms]) };
  return new InfeasiblePairFinder(placed).reason(vm1, record, host2, aHost(host));
}

const flags = (vendor: string, features: string) =>
  new Map([
    ["vendor", vendor],
    ["features", features],
  ]);

describe("a bar by the CPU", () => {
  it("is another vendor, or a feature that the host lacks", () => {
    const vm = { last_boot_CPU_flags: flags("GenuineIntel", "0000000f-00000001") };
    expect(infeasiblePair(vm, { cpu_info: flags("AuthenticAMD", "0000000f-00000001") })).toMatch(
      /^VM_INCOMPATIBLE_WITH_THIS_HOST \(booted on GenuineIntel, the host is AuthenticAMD\)/,
    );
    expect(infeasiblePair(vm, { cpu_info: flags("GenuineIntel", "0000000f-00000000") })).toMatch(
      /^VM_INCOMPATIBLE_WITH_THIS_HOST .*features/,
    );
    expect(infeasiblePair(vm, { cpu_info: flags("GenuineIntel", "ffffffff-ffffffff") })).toBeNull();
  });

  it("looks at the features that the guest's kind sees", () => {
    const cpu_info = new Map([
      ["vendor", "x"],
      ["features_pv", "00000001"],
      ["features_hvm", "00000003"],
    ]);
    const needs = { last_boot_CPU_flags: flags("x", "00000003") };
    const kinds = { pv: true, hvm: false, pvh: false, pv_in_pvh: false };
    for (const [domain_type, infeasible] of Object.entries(kinds)) {
      expect(infeasiblePair({ ...needs, domain_type }, { cpu_info }) !== null, domain_type).toBe(infeasible);
    }
    const old = { ...needs, domain_type: "unspecified" };
    expect(infeasiblePair(old, { cpu_info })).not.toBeNull();
    expect(infeasiblePair({ ...old, HVM_boot_policy: "BIOS order" }, { cpu_info })).toBeNull();
  });

  it("is none where the VM or the host says nothing", () => {
    expect(infeasiblePair({}, { cpu_info: flags("x", "0") })).toBeNull();
    expect(infeasiblePair({ last_boot_CPU_flags: flags("x", "1") }, {})).toBeNull();
  });
});

describe("isFeatureSubset", () => {
  it.each([
    ["0", "0", true],
    ["1", "0", false],
    ["a0000000", "e0000000", true],
    ["ffffffff-ffffffff", "ffffffff-7fffffff", false],
    ["1-1", "1", false],
    ["1-0", "1", true],
    ["1", "1-1", true],
    ["80000000", "80000000", true],
    ["FF", "ff", true],
  ])("%s within %s: %s", (needed, offered, expected) => {
    expect(isFeatureSubset(needed, offered)).toBe(expected);
  });
});

describe("a bar by the virtual hardware platform", () => {
  it("is a version that the host does not offer; old hosts say none and take all", () => {
    const vm = { hardware_platform_version: 2 };
    expect(infeasiblePair(vm, { virtual_hardware_platform_versions: [0, 1] })).toBe(
      "VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION (2)",
    );
    expect(infeasiblePair(vm, { virtual_hardware_platform_versions: [0, 1, 2] })).toBeNull();
    expect(infeasiblePair(vm, { virtual_hardware_platform_versions: [] })).toBeNull();
  });
});

describe("a bar by storage", () => {
  const attachedTo = (host: xapi.HostRef, currently_attached = true): Partial<Inventory> => ({
    pbds: new Map([[ref<"PBD">("pbd"), { uuid: "pbd", host, SR: sr, currently_attached }]]),
    storageNames: new Map([[sr, "Local storage"]]),
  });
  const vm = { VBDs: [vbdRef] };

  it("names the disk and the storage that the host lacks or has unplugged", () => {
    const reason = 'VM_REQUIRES_SR (disk "root" is on storage "Local storage", which the host does not have)';
    expect(infeasiblePair(vm, {}, withDisk({}, attachedTo(host1)))).toBe(reason);
    expect(infeasiblePair(vm, {}, withDisk({}, attachedTo(host2, false)))).toBe(reason);
    expect(infeasiblePair(vm, {}, withDisk({}, attachedTo(host2)))).toBeNull();
  });

  it("is none for a drive that holds nothing", () => {
    expect(infeasiblePair(vm, {}, withDisk({}, attachedTo(host1), true))).toBeNull();
  });
});

describe("a bar by networks", () => {
  const vm = { VIFs: [vif] };

  /** A network with interfaces on `hosts`, and another VM's interface on it where `other` runs. */
  function lan(
    hosts: readonly xapi.HostRef[],
    more: { shared?: boolean; bonded?: boolean; other?: xapi.HostRef } = {},
  ): Inventory {
    const pif = (host: xapi.HostRef): xapi.PifRecord =>
      aPif({ host, network: net, bond_slave_of: more.bonded ? ref("bond") : null });
    const on = (VM: xapi.VmRef): xapi.VifRecord => ({
      uuid: "vif",
      device: "0",
      network: net,
      VM,
      currently_attached: true,
    });
    const other: xapi.VmRef = ref("other");
    const other_config = more.shared ? new Map([["assume_network_is_shared", "true"]]) : new Map();
    return inventory({
      pifs: new Map(hosts.map((host) => [ref<"PIF">(`pif ${host}`), pif(host)])),
      vifs: new Map([
        [vif, on(vm1)],
        [ref<"VIF">("vif2"), on(other)],
      ]),
      vms: more.other === undefined ? new Map() : new Map([[other, aVm({ resident_on: more.other })]]),
      networks: new Map([
        [net, { uuid: "net", name_label: "LAN", bridge: "", other_config, PIFs: [], VIFs: [] }],
      ]),
    });
  }

  it("is a network that other hosts have and this one has not, unless it is said to be shared", () => {
    expect(infeasiblePair(vm, {}, lan([host1]))).toBe(
      'VM_REQUIRES_NETWORK (network "LAN" is not on the host)',
    );
    expect(infeasiblePair(vm, {}, lan([host1, host2]))).toBeNull();
    expect(infeasiblePair(vm, {}, lan([host1], { shared: true }))).toBeNull();
  });

  it("is a network whose interface there is part of a bond", () => {
    expect(infeasiblePair(vm, {}, lan([host1, host2], { bonded: true }))).toMatch(
      /^HOST_CANNOT_ATTACH_NETWORK .*"LAN"/,
    );
  });

  it("is an internal network that another VM uses on another host, and not one that only this VM uses", () => {
    expect(infeasiblePair(vm, {}, lan([], { other: host1 }))).toMatch(
      /^VM_REQUIRES_NETWORK \(internal network "LAN"/,
    );
    expect(infeasiblePair(vm, {}, lan([], { other: host2 }))).toBeNull();
    expect(infeasiblePair(vm, {}, lan([]))).toBeNull();
  });
});

describe("a bar by processors", () => {
  it("is a VM with more vCPUs than the host has CPUs, unless it is said to be unrestricted", () => {
    expect(infeasiblePair({ VCPUs_max: 5 })).toBe("HOST_NOT_ENOUGH_PCPUS (5 vCPUs, the host has 4 CPUs)");
    expect(infeasiblePair({ VCPUs_max: 4 })).toBeNull();
    expect(infeasiblePair({ VCPUs_max: 5, platform: new Map([["vcpu-unrestricted", "true"]]) })).toBeNull();
    expect(infeasiblePair({ VCPUs_max: 5 }, { host_CPUs: [] })).toBeNull();
  });
});
