/** Which traffic goes through which of a host's interfaces: through VLANs to what they are tagged on, through bonds to one of their members. */
import { unitOf } from "../behaviour/chance.ts";
import { nullRef } from "../objects/datamodel.ts";
import type { HostSlot, Rate } from "../objects/slots.ts";
import type { PoolModel } from "./model.ts";

interface Sum {
  rx: number;
  tx: number;
}

/**
 * Bytes per second of every interface that has data sources: physical ones, and bonds as the sum of their members
 * (VLANs have none of their own). Guests use the interface of each network they are on; the host and memory streams
 * use the management interface.
 */
export function deviceRates(model: PoolModel, hostRef: string, slot: HostSlot): Map<string, Sum> {
  const { db } = model;
  const pifs = db.list("host", hostRef, "PIFs").filter((ref) => db.has("PIF", ref));
  const rates = new Map<string, Sum>();
  const pifOf = new Map<string, string>();
  for (const pif of pifs) {
    // An enslaved interface carries nothing of its own network.
    if (db.text("PIF", pif, "bond_slave_of") === nullRef) pifOf.set(db.text("PIF", pif, "network"), pif);
    if (db.get("PIF", pif, "physical")) rates.set(db.text("PIF", pif, "device"), { rx: 0, tx: 0 });
  }
  const add = (pif: string | undefined, flow: string, { rx, tx }: Rate): void => {
    const sum = pif === undefined ? undefined : rates.get(deviceOf(model, pif, flow) ?? "");
    if (sum === undefined) return;
    sum.rx += rx;
    sum.tx += tx;
  };
  const own = { rx: slot.ownRx + slot.copyRx, tx: slot.ownTx + slot.copyTx };
  const main = pifs.find((pif) => db.get("PIF", pif, "management"));
  add(main, "", own);
  for (const vm of slot.vms) {
    for (const vif of vifsOf(model, vm.vmRef)) {
      const rate = vm.traffic[Number(db.text("VIF", vif, "device"))];
      if (rate !== undefined) add(pifOf.get(db.text("VIF", vif, "network")), vif, rate);
    }
  }
  const { uncountedKib = { rx: 0, tx: 0 } } = model.hostLoads.get(hostRef) ?? {};
  if (main !== undefined) {
    const devices = devicesOf(model, main).flatMap((device) => rates.get(device) ?? []);
    takeOff(devices, "rx", uncountedKib.rx * 1024);
    takeOff(devices, "tx", uncountedKib.tx * 1024);
  }
  if (model.release.era !== "A") for (const pif of pifs) addBond(model, pif, rates);
  return rates;
}

/** The interfaces of the VM. */
export function vifsOf(model: PoolModel, vmRef: string): readonly string[] {
  return model.db.list("VM", vmRef, "VIFs").filter((ref) => model.db.has("VIF", ref));
}

/** The device through which what is sent on `pif` leaves the host; null where it leads nowhere. `flow` "" is the host's own. */
function deviceOf(model: PoolModel, pif: string, flow: string): string | null {
  const { db } = model;
  const vlan = db.text("PIF", pif, "VLAN_master_of");
  if (db.has("VLAN", vlan)) {
    const tagged = db.text("VLAN", vlan, "tagged_PIF");
    return db.has("PIF", tagged) ? deviceOf(model, tagged, flow) : null;
  }
  const [bond] = bondsOf(model, pif);
  if (bond === undefined) return db.text("PIF", pif, "device");
  const slaves = slavesOf(model, bond);
  const primary = db.text("Bond", bond, "primary_slave");
  const main = slaves.find((slave) => slave === primary) ?? slaves[0];
  // Both ways of balancing keep a flow on one member; what is spread are flows.
  const isSpread = flow !== "" && db.text("Bond", bond, "mode") !== "active-backup";
  const member = isSpread ? slaves[Math.floor(unitOf(model.seed, bond, flow) * slaves.length)] : main;
  return member === undefined ? null : db.text("PIF", member, "device");
}

/** The devices that the interface's traffic leaves the host by. */
function devicesOf(model: PoolModel, pif: string): readonly string[] {
  const { db } = model;
  const members = bondsOf(model, pif).flatMap((bond) => slavesOf(model, bond));
  return members.length === 0
    ? [deviceOf(model, pif, "") ?? ""]
    : members.map((each) => db.text("PIF", each, "device"));
}

function takeOff(rates: readonly Sum[], way: "rx" | "tx", amount: number): void {
  let left = amount;
  for (const rate of rates) {
    const taken = Math.min(left, rate[way]);
    rate[way] -= taken;
    left -= taken;
  }
}

function bondsOf({ db }: PoolModel, pif: string): readonly string[] {
  return db.list("PIF", pif, "bond_master_of").filter((ref) => db.has("Bond", ref));
}

function slavesOf({ db }: PoolModel, bond: string): readonly string[] {
  return db.list("Bond", bond, "slaves").filter((ref) => db.has("PIF", ref));
}

function addBond(model: PoolModel, pif: string, rates: Map<string, Sum>): void {
  for (const bond of bondsOf(model, pif)) {
    const members = slavesOf(model, bond).flatMap(
      (slave) => rates.get(model.db.text("PIF", slave, "device")) ?? [],
    );
    const total = (side: "rx" | "tx"): number => members.reduce((sum, rate) => sum + rate[side], 0);
    rates.set(model.db.text("PIF", pif, "device"), { rx: total("rx"), tx: total("tx") });
  }
}
