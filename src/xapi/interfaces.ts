/**
 * Which interface stands for eth0 on a host, and which networks reach it. Pure.
 *
 * What a VM sends on a network leaves its host through the interface (PIF) that the host has on that network. A VLAN
 * leads to the interface that it is tagged on, a tunnel to the one that transports it, and a bond is its members
 * together: who uses which of them nobody can tell, so a member stands for the bond.
 */
import type { Inventory } from "./inventory.ts";
import type { SourceValues } from "./measures.ts";
import type { HostRef, NetworkRef, PifRecord, VmRecord } from "./records.ts";
import { unreadableOf } from "./unreadable.ts";

/** The interface that stands for eth0 on a host. */
export interface Eth0 {
  /** "eth0", "bond0". */
  readonly device: string;
  /** The devices whose data sources make up its traffic: its own name, or those of the bond's members. */
  readonly devices: readonly string[];
  /** The networks whose traffic leaves the host through it; null where the pool does not list such an interface. */
  readonly networks: ReadonlySet<NetworkRef> | null;
}

/** The setting that means each host's management interface. */
export const automatic = "auto";

/** Answers what stands for eth0 on each host, by the setting `wanted`: "auto", or an interface's name. */
export class Interfaces {
  readonly #wanted: string;
  readonly #pifs = new Map<HostRef, PifRecord[]>();
  readonly #eth0 = new Map<HostRef, Eth0 | null>();

  constructor(inventory: Pick<Inventory, "pifs" | "hosts" | "skipped">, wanted: string) {
    this.#wanted = wanted;
    const { pifs, hosts } = inventory;
    // A bond without one of its members, or a VLAN that leads nowhere, would be another figure than the one meant.
    for (const [ref, { readable }] of unreadableOf(inventory, "PIF")) {
      for (const [host, { PIFs }] of hosts)
        if (readable.host === host || PIFs.includes(ref)) this.#eth0.set(host, null);
    }
    for (const pif of pifs.values()) {
      if (pif.host === null) continue;
      const known = this.#pifs.get(pif.host);
      if (known === undefined) this.#pifs.set(pif.host, [pif]);
      else known.push(pif);
    }
  }

  /** What stands for eth0 on the host; null where it has no management interface, or one of its own cannot be read. */
  eth0Of(host: HostRef): Eth0 | null {
    const known = this.#eth0.get(host);
    if (known !== undefined) return known;
    const found = this.#find(host);
    this.#eth0.set(host, found);
    return found;
  }

  /** The names of the host's interfaces, without VLANs and members of bonds, sorted. */
  namesOf(host: HostRef): readonly string[] {
    const own = (this.#pifs.get(host) ?? []).filter((pif) => isOwn(pif) && pif.bond_slave_of === null);
    return [...new Set(own.map(({ device }) => device))].sort();
  }

  #find(host: HostRef): Eth0 | null {
    const pifs = this.#pifs.get(host) ?? [];
    const wanted = this.#wanted;
    const named =
      wanted === automatic
        ? pifs.find(({ management }) => management)
        : pifs.find((pif) => pif.device === wanted && isOwn(pif));
    if (named === undefined) {
      return wanted === automatic ? null : { device: wanted, devices: [wanted], networks: null };
    }
    const target = wayOut(named, pifs);
    const members = membersOf(target, pifs).map(({ device }) => device);
    const reaching = pifs.filter((pif) => wayOut(pif, pifs) === target && pif.bond_slave_of === null);
    return {
      device: target.device,
      devices: members.length === 0 ? [target.device] : members.sort(),
      networks: new Set(reaching.flatMap(({ network }) => network ?? [])),
    };
  }
}

/** Whether the interface has its name for itself: VLANs are called as what they are tagged on. */
function isOwn({ VLAN, VLAN_master_of, tunnel_access_PIF_of }: PifRecord): boolean {
  return VLAN < 0 && VLAN_master_of === null && tunnel_access_PIF_of.length === 0;
}

function membersOf(pif: PifRecord, pifs: readonly PifRecord[]): PifRecord[] {
  return pifs.filter(({ bond_slave_of: bond }) => bond !== null && pif.bond_master_of.includes(bond));
}

/** The interface or bond by which what is sent on `pif` leaves the host. */
function wayOut(pif: PifRecord, pifs: readonly PifRecord[]): PifRecord {
  const seen = new Set<PifRecord>();
  let at = pif;
  // A pool that says an interface lies on itself must not keep us for ever.
  for (let next: PifRecord | undefined = pif; next !== undefined && !seen.has(next); next = below(at, pifs)) {
    at = next;
    seen.add(at);
  }
  return at;
}

function below(pif: PifRecord, pifs: readonly PifRecord[]): PifRecord | undefined {
  const { VLAN_master_of: vlan, tunnel_access_PIF_of: tunnels, bond_slave_of: bond } = pif;
  if (vlan !== null) return pifs.find(({ VLAN_slave_of }) => VLAN_slave_of.includes(vlan));
  const [tunnel] = tunnels;
  if (tunnel !== undefined) {
    return pifs.find(({ tunnel_transport_PIF_of: carried }) => carried.includes(tunnel));
  }
  return bond === null ? undefined : pifs.find(({ bond_master_of }) => bond_master_of.includes(bond));
}

/** "eth0", "bond0 (eth0 + eth1)" */
export function nameOf({ device, devices }: Eth0): string {
  const isBond = devices.length > 1 || devices[0] !== device;
  return isBond ? `${device} (${devices.join(" + ")})` : device;
}

/** The data source names of both directions of an interface. */
export function sourcesOf(devices: readonly string[], kind: "pif" | "vif"): readonly string[] {
  return devices.flatMap((device) => [`${kind}_${device}_rx`, `${kind}_${device}_tx`]);
}

/** Bytes per second through the interface in one direction; null where that is not measured. */
export function trafficOf({ device, devices }: Eth0, values: SourceValues, way: "rx" | "tx"): number | null {
  const sum = sumOf(devices, (each) => values.get(`pif_${each}_${way}`));
  // Some pools measure the bond and not its members.
  return sum ?? values.get(`pif_${device}_${way}`) ?? null;
}

/** What a VM sends and receives through what stands for eth0 on its host. */
export interface VmTraffic {
  /** How many of its interfaces are on a network that reaches it. */
  readonly interfaces: number;
  /** Bytes per second, from the guest's view; 0 where none reaches it, null where one that does is not measured. */
  readonly rx: number | null;
  readonly tx: number | null;
}

/** The VM's share of `eth0`; null where the pool does not say which networks reach it. */
export function vmTraffic(
  vm: VmRecord,
  { vifs }: Pick<Inventory, "vifs">,
  eth0: Eth0 | null,
  values: SourceValues,
): VmTraffic | null {
  const networks = eth0?.networks;
  if (networks === undefined || networks === null) return null;
  const reaching = vm.VIFs.flatMap((ref) => {
    const vif = vifs.get(ref);
    if (vif === undefined || vif.network === null || !networks.has(vif.network)) return [];
    // One that is unplugged has no data sources; one that has them is in use, whatever its record says.
    const isUsed = vif.currently_attached || values.has(`vif_${vif.device}_rx`);
    return isUsed ? [vif.device] : [];
  });
  const total = (way: "rx" | "tx"): number | null =>
    sumOf(reaching, (device) => values.get(`vif_${device}_${way}`));
  return { interfaces: reaching.length, rx: total("rx"), tx: total("tx") };
}

/** Null where one is unknown. */
function sumOf(devices: readonly string[], measured: (device: string) => number | undefined): number | null {
  let sum = 0;
  for (const device of devices) {
    const value = measured(device);
    if (value === undefined || !Number.isFinite(value)) return null;
    sum += value;
  }
  return sum;
}
