/** The lines of a scenario that describe networks. Pure. */
import { type BondSpec, bondModes, type NetworkSpec } from "./scenarioSpecs.ts";
import { LineProblem, type SettingsReader } from "./scenarioText.ts";

/**
 * `network "VMs" device=eth1`, `device=enp1s0,beta:eno1` (other names on other hosts), `bond=eth0,eth1 mode=lacp`
 * (the bond is called bond0 unless `device` says otherwise), `device=bond0 vlan=100`, `management`, `internal`.
 */
export function readNetwork(reader: SettingsReader): NetworkSpec {
  const hosts = reader.text("hosts");
  const internal = reader.flag("internal");
  const bond = readBond(reader);
  const vlan = reader.number("vlan", -1, { min: 0, max: 4094 });
  const named = reader.list("device");
  const management = reader.flag("management");
  if (internal && (bond !== null || vlan >= 0 || named.length > 0 || management))
    throw new LineProblem("an internal network has no interface");
  if (bond !== null && vlan >= 0)
    throw new LineProblem("a VLAN on a bond is a network of its own: device=BOND vlan=TAG");
  const usual = named.filter((each) => !each.includes(":"));
  if (usual.length > 1)
    throw new LineProblem(`device=${named}: one for all hosts, the others as HOST:DEVICE`);
  const own = named.filter((each) => each.includes(":")).map((each) => each.split(":", 2));
  const otherwise = own.length > 0 ? null : bond === null ? "eth0" : "bond0";
  return {
    name: reader.name(),
    uuid: reader.uuid("uuid"),
    device: internal ? null : (usual[0] ?? otherwise),
    ...(own.length === 0 ? {} : { deviceOf: new Map(own.map(([host = "", device = ""]) => [host, device])) }),
    hosts: hosts === null ? null : hosts.split(","),
    ...(bond === null ? {} : { bond }),
    ...(vlan < 0 ? {} : { vlan }),
    ...(management ? { management } : {}),
  };
}

function readBond(reader: SettingsReader): BondSpec | null {
  const members = reader.list("bond");
  const mode = reader.choice("mode", bondModes, "balance-slb");
  if (members.length === 1) throw new LineProblem(`bond=${members}: a bond has two members or more`);
  return members.length === 0 ? null : { members, mode };
}

/** The interface of the network on the host; null where it has none there. */
export function deviceOn({ device, deviceOf, hosts }: NetworkSpec, host: string): string | null {
  if (hosts !== null && !hosts.includes(host)) return null;
  return deviceOf?.get(host) ?? device;
}

/** What no line alone can tell: an interface has one network, a member is in one bond, a name is a host's. */
export function checkNetworks(networks: readonly NetworkSpec[], hosts: readonly string[]): void {
  for (const { name, deviceOf = new Map() } of networks) {
    const unknown = [...deviceOf.keys()].find((host) => !hosts.includes(host));
    if (unknown !== undefined) throw new LineProblem(`${name}: there is no host ${unknown}`);
  }
  for (const host of hosts) {
    const taken = new Map<string, string>();
    for (const network of networks) {
      const device = deviceOn(network, host);
      if (device === null) continue;
      const place = `${device}${network.vlan === undefined ? "" : ` with tag ${network.vlan}`}`;
      for (const each of [place, ...(network.bond?.members ?? []).map((member) => `member ${member}`)]) {
        const other = taken.get(each);
        if (other !== undefined && (network.bond !== undefined || network.vlan !== undefined))
          throw new LineProblem(`${network.name}: ${each} of ${host} is that of ${other} already`);
        taken.set(each, network.name);
      }
    }
  }
}
