/** Which interface stands for eth0 on a host, which networks reach it, and what a VM sends through it: from records alone. */
import { describe, expect, it } from "vitest";
import { Interfaces, nameOf, sourcesOf, trafficOf, vmTraffic } from "../../src/xapi/interfaces.ts";
import type * as xapi from "../../src/xapi/records.ts";
import { aPif, aVm, host1, host2, ref } from "./placementRecords.ts";

const network = (name: string): xapi.NetworkRef => ref(name);
const [lan, storage, office, far] = [network("lan"), network("storage"), network("office"), network("far")];
const bond: xapi.BondRef = ref("bond");
const vlan: xapi.VlanRef = ref("vlan");

type Pif = Partial<xapi.PifRecord>;

const records = <T>(list: readonly T[]) =>
  new Map(list.map((each, index) => [ref(`ref ${index}`) as never, each]));

function eth0(pifs: readonly Pif[], wanted = "auto", host = host1) {
  return new Interfaces(
    { pifs: records(pifs.map(aPif)), hosts: new Map(), skipped: [] } as never,
    wanted,
  ).eth0Of(host);
}

const plain: Pif[] = [
  { device: "enp1s0", network: lan, management: true },
  { device: "enp2s0", network: storage },
  { device: "eno9", network: lan, host: host2, management: true },
];

const bonded: Pif[] = [
  { device: "eth1", network: storage, bond_slave_of: bond },
  { device: "eth0", network: far, bond_slave_of: bond },
  {
    device: "bond0",
    network: lan,
    bond_master_of: [bond],
    VLAN_slave_of: [vlan],
    physical: false,
  },
  { device: "bond0", network: office, VLAN: 7, VLAN_master_of: vlan, physical: false },
  { device: "eth2", network: ref("other") },
];

describe("the interface that stands for eth0", () => {
  it("is by itself each host's management interface, whatever it is called", () => {
    expect(eth0(plain)).toEqual({ device: "enp1s0", devices: ["enp1s0"], networks: new Set([lan]) });
    expect(eth0(plain, "auto", host2)).toMatchObject({ device: "eno9" });
  });

  it("is the one that is named; one that the pool does not list is read all the same, and nothing reaches it", () => {
    expect(eth0(plain, "enp2s0")).toMatchObject({ device: "enp2s0", networks: new Set([storage]) });
    expect(eth0(plain, "eth0")).toEqual({ device: "eth0", devices: ["eth0"], networks: null });
  });

  it("is none where there is no management interface", () => {
    expect(eth0([{ device: "eth0" }])).toBeNull();
    expect(eth0([])).toBeNull();
  });

  it("is a bond with its members, reached by the bond's network and by VLANs on it, not by what members had before", () => {
    const whole = { device: "bond0", devices: ["eth0", "eth1"], networks: new Set([lan, office]) };
    const managedBy = (device: string, VLAN: number) =>
      bonded.map((pif) => ({ ...pif, management: pif.device === device && (pif.VLAN ?? -1) === VLAN }));
    expect(eth0(managedBy("bond0", -1))).toEqual(whole);
    // Management on a VLAN, a member's name, the bond's name: all the same wire.
    expect(eth0(managedBy("bond0", 7))).toEqual(whole);
    expect(eth0(bonded, "eth1")).toEqual(whole);
    expect(eth0(bonded, "bond0")).toEqual(whole);
    expect(nameOf(whole)).toBe("bond0 (eth0 + eth1)");
  });

  it("is what transports a tunnel", () => {
    const tunnel: xapi.TunnelRef = ref("tunnel");
    const pifs: Pif[] = [
      {
        device: "eth0",
        network: lan,
        management: true,
        tunnel_transport_PIF_of: [tunnel],
      },
      { device: "tunnel0", network: far, tunnel_access_PIF_of: [tunnel] },
    ];
    expect(eth0(pifs)).toMatchObject({ device: "eth0", networks: new Set([lan, far]) });
  });

  it("is found in a pool that says an interface lies on itself", () => {
    const circle: Pif = { management: true, VLAN: 3, VLAN_master_of: vlan, VLAN_slave_of: [vlan] };
    expect(eth0([circle])).toMatchObject({ device: "eth0" });
  });

  it("the names that exist are those of interfaces and bonds, not of members and VLANs", () => {
    const names = new Interfaces(
      { pifs: records(bonded.map(aPif)), hosts: new Map(), skipped: [] } as never,
      "auto",
    ).namesOf(host1);
    expect(names).toEqual(["bond0", "eth2"]);
  });
});

describe("traffic", () => {
  const whole = { device: "bond0", devices: ["eth0", "eth1"], networks: new Set([lan]) };

  it("of a bond is the sum of its members, or its own source where a member has none", () => {
    expect(
      trafficOf(
        whole,
        new Map([
          ["pif_eth0_rx", 5],
          ["pif_eth1_rx", 7],
          ["pif_bond0_rx", 99],
        ]),
        "rx",
      ),
    ).toBe(12);
    expect(
      trafficOf(
        whole,
        new Map([
          ["pif_eth0_rx", 5],
          ["pif_bond0_rx", 99],
        ]),
        "rx",
      ),
    ).toBe(99);
    expect(trafficOf(whole, new Map([["pif_eth0_rx", 5]]), "rx")).toBeNull();
  });

  const vifs = records<xapi.VifRecord>(
    [lan, storage, lan, lan].map((on, index) => ({
      uuid: `vif ${index}`,
      device: String(index),
      network: on,
      VM: null,
      currently_attached: index !== 3,
    })),
  );
  const vm = aVm({ VIFs: [...vifs.keys()] as xapi.VifRef[] });
  const values = (all: Readonly<Record<string, number>>) => new Map(Object.entries(all));
  const known = { vif_0_rx: 1, vif_0_tx: 2, vif_1_rx: 10, vif_1_tx: 20, vif_2_rx: 100, vif_2_tx: 200 };

  it("of a VM is the sum over its interfaces on networks that reach it; unplugged ones do not count", () => {
    expect(vmTraffic(vm, { vifs } as never, whole, values(known))).toEqual({
      interfaces: 2,
      rx: 101,
      tx: 202,
    });
  });

  it("one that is not attached by its record and has measures is in use", () => {
    const more = values({ ...known, vif_3_rx: 1000, vif_3_tx: 2000 });
    expect(vmTraffic(vm, { vifs } as never, whole, more)).toEqual({ interfaces: 3, rx: 1101, tx: 2202 });
  });

  it("is unknown where one that reaches it is not measured, and 0 where none reaches it, measured or not", () => {
    const { vif_2_rx: _, ...others } = known;
    expect(vmTraffic(vm, { vifs } as never, whole, values(others))).toMatchObject({ rx: null, tx: 202 });
    const elsewhere = { ...whole, networks: new Set([far]) };
    expect(vmTraffic(vm, { vifs } as never, elsewhere, new Map())).toEqual({ interfaces: 0, rx: 0, tx: 0 });
    expect(vmTraffic(vm, { vifs } as never, { ...whole, networks: null }, values(known))).toBeNull();
    expect(vmTraffic(vm, { vifs } as never, null, values(known))).toBeNull();
  });

  it("is asked for by these names", () => {
    expect(sourcesOf(["0", "2"], "vif")).toEqual(["vif_0_rx", "vif_0_tx", "vif_2_rx", "vif_2_tx"]);
  });
});
