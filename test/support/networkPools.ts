/** Random pools with several interfaces a VM, bonds, VLANs and interfaces that are called otherwise on other hosts, as scenarios. */
import fc from "fast-check";

export interface NetworkPool {
  readonly scenario: string;
  /** KiB/s that each host sends and receives of its own, by name. */
  readonly own: ReadonlyMap<string, { readonly rx: number; readonly tx: number }>;
  /** Interfaces that a setting may name. */
  readonly devices: readonly string[];
}

const modes = fc.constantFrom("balance-slb", "active-backup", "lacp");

/** The management network: what its line says, and the interface that VLANs on the same wire are tagged on. */
const managed = fc.oneof(
  fc.constant({ line: "device=eth0", trunk: "eth0", name: "eth0" }),
  fc.constant({ line: "device=enp1s0,h1:eno7", trunk: "enp1s0,h1:eno7", name: "enp1s0" }),
  modes.map((mode) => ({ line: `bond=eth0,eth1 mode=${mode}`, trunk: "bond0", name: "bond0" })),
  fc.constant({ line: "device=eth0 vlan=5 management", trunk: "eth0", name: "eth0" }),
  modes.map((mode) => ({
    line: `bond=eth0,eth1,eth9 mode=${mode} device=bond7`,
    trunk: "bond7",
    name: "bond7",
  })),
);

const rate = fc.integer({ min: 0, max: 3000 });

const vmShape = fc.record({
  host: fc.nat(),
  networks: fc.uniqueArray(fc.nat({ max: 5 }), { minLength: 1, maxLength: 4 }),
  rx: fc.array(rate, { minLength: 4, maxLength: 4 }),
  tx: fc.array(rate, { minLength: 4, maxLength: 4 }),
});

export const networkPools: fc.Arbitrary<NetworkPool> = fc
  .record({
    managed,
    mode: modes,
    hosts: fc.array(fc.record({ rx: rate, tx: rate }), { minLength: 2, maxLength: 4 }),
    vms: fc.array(vmShape, { minLength: 1, maxLength: 8 }),
    /** Whether the management network comes first. */
    first: fc.boolean(),
  })
  .map((shape) => {
    const mgmt = `network Mgmt ${shape.managed.line}${shape.managed.line.includes("management") ? "" : " management"}`;
    const others = [
      "network Data device=eth2",
      `network Pair bond=eth3,eth4 device=bond1 mode=${shape.mode}`,
      `network Tag device=${shape.managed.trunk} vlan=30`,
      "network DataTag device=eth2 vlan=31",
      "network PairTag device=bond1 vlan=32",
    ];
    const names = ["Mgmt", "Data", "Pair", "Tag", "DataTag", "PairTag"];
    const hosts = shape.hosts.map(({ rx, tx }, index) => ({ name: `h${index}`, rx, tx }));
    const vms = shape.vms.map(({ host, networks, rx, tx }, index) => {
      const on = networks.map((each) => names[each]).join(",");
      const many = networks.length;
      const where = `on=h${host % hosts.length} network=${on}`;
      return `vm v${index} ${where} vcpus=1 memory=256 cpu=1% tools rx=${rx.slice(0, many)} tx=${tx.slice(0, many)}`;
    });
    const scenario = [
      "pool P product=XCP-ng version=8.3 bandwidth=10000",
      ...(shape.first ? [mgmt, ...others] : [...others, mgmt]),
      ...hosts.map(
        ({ name, rx, tx }, index) =>
          `host ${name}${index === 0 ? " master" : ""} cpus=16 memory=16384 base-cpu=1% rx=${rx} tx=${tx}`,
      ),
      ...vms,
    ].join("\n");
    const own = new Map(hosts.map(({ name, rx, tx }) => [name, { rx, tx }]));
    return { scenario, own, devices: [shape.managed.name, "eth2", "bond1", "eth4"] };
  });
