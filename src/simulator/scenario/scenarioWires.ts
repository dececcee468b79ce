/** Builds the networks of a scenario and the interfaces of hosts that lead to them: physical ones, bonds, VLANs. */
import { uuidOf } from "../behaviour/chance.ts";
import type { PoolModel } from "../metrics/model.ts";
import type { Fields } from "../objects/database.ts";
import { nullRef } from "../objects/datamodel.ts";
import { deviceOn } from "./scenarioNetworks.ts";
import type { BondSpec, NetworkSpec } from "./scenarioSpecs.ts";

/** A host's name and ref. */
type HostEntry = readonly [name: string, ref: string];

/** Answers the networks' refs by name, in the order of `specs`. */
export function buildNetworks(
  model: PoolModel,
  specs: readonly NetworkSpec[],
  hosts: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const refs = new Map(specs.map((spec) => [spec.name, buildNetwork(model, spec)]));
  // What others lie on comes first; among equals the order of the scenario is that of a host's interfaces.
  const depth = ({ bond, vlan }: NetworkSpec): number =>
    vlan !== undefined ? 2 : bond !== undefined ? 1 : 0;
  for (const spec of specs.toSorted((a, b) => depth(a) - depth(b))) {
    for (const host of hosts) {
      const device = deviceOn(spec, host[0]);
      if (device === null) continue;
      const wire = { host, device, network: refs.get(spec.name) ?? nullRef };
      if (spec.vlan !== undefined) buildVlan(model, wire, spec.vlan);
      else if (spec.bond !== undefined) buildBond(model, wire, spec.bond);
      else buildPhysical(model, wire);
    }
  }
  for (const [name, host] of hosts) {
    const onHost = specs.filter((spec) => deviceOn(spec, name) !== null);
    const managed = onHost.find((spec) => spec.management) ?? onHost[0];
    if (managed !== undefined) manage(model, host, refs.get(managed.name) ?? nullRef);
  }
  return refs;
}

function buildNetwork({ db, seed }: PoolModel, spec: NetworkSpec): string {
  const uuid = spec.uuid ?? uuidOf(seed, "network", spec.name);
  const isBridge = spec.device !== null && spec.vlan === undefined;
  const bridge = isBridge ? (spec.device ?? "").replace(/^eth/, "xenbr") : `xapi${uuid.slice(0, 2)}`;
  return db.create("network", { uuid, name_label: spec.name, bridge });
}

interface Wire {
  readonly host: HostEntry;
  readonly device: string;
  readonly network: string;
}

/** The host's interface of that name without a tag; where there is none, a physical one on a network of its own. */
function trunkOf(model: PoolModel, host: HostEntry, device: string): string {
  const { db, seed } = model;
  const known = db
    .list("host", host[1], "PIFs")
    .find((pif) => db.text("PIF", pif, "device") === device && db.number("PIF", pif, "VLAN") === -1);
  if (known !== undefined) return known;
  const name_label = `Pool-wide network associated with ${device}`;
  const uuid = uuidOf(seed, "network of interface", device);
  const network =
    db.all("network").find((ref) => db.text("network", ref, "uuid") === uuid) ??
    db.create("network", { uuid, name_label, bridge: device.replace(/^eth/, "xenbr") });
  return buildPhysical(model, { host, device, network });
}

function buildPhysical(model: PoolModel, wire: Wire): string {
  return buildPif(model, wire, { physical: true });
}

function buildBond(model: PoolModel, wire: Wire, { members, mode }: BondSpec): void {
  const { db } = model;
  const slaves = members.map((device) => trunkOf(model, wire.host, device));
  const master = buildPif(model, wire, {});
  const primary_slave = slaves[0] ?? nullRef;
  const bond = db.create("Bond", { master, primary_slave, mode, links_up: slaves.length });
  for (const slave of slaves) db.update("PIF", slave, { bond_slave_of: bond, currently_attached: false });
}

function buildVlan(model: PoolModel, wire: Wire, tag: number): void {
  const { db } = model;
  const tagged_PIF = trunkOf(model, wire.host, wire.device);
  const untagged_PIF = buildPif(model, wire, { VLAN: tag });
  const vlan = db.create("VLAN", { tagged_PIF, untagged_PIF, tag });
  db.set("PIF", untagged_PIF, "VLAN_master_of", vlan);
}

function buildPif(
  { db, seed }: PoolModel,
  { host: [name, host], device, network }: Wire,
  own: Fields,
): string {
  const metrics = db.create("PIF_metrics", {
    carrier: true,
    device_name: "Simulated interface",
    speed: 1000,
    duplex: true,
  });
  const digits = uuidOf(seed, "PIF", name, device).replaceAll("-", "").slice(0, 10);
  return db.create("PIF", {
    device,
    network,
    host,
    metrics,
    currently_attached: true,
    VLAN: -1,
    MTU: 1500,
    MAC: `02:${(digits.match(/../g) ?? []).join(":")}`,
    ip_configuration_mode: "None",
    ...own,
  });
}

/** The host is reached through its interface on `network`. */
function manage({ db }: PoolModel, host: string, network: string): void {
  const pif = db.list("host", host, "PIFs").find((each) => db.text("PIF", each, "network") === network);
  if (pif === undefined) return;
  db.update("PIF", pif, {
    management: true,
    ip_configuration_mode: "Static",
    IP: db.text("host", host, "address"),
    netmask: "255.255.255.0",
  });
}
