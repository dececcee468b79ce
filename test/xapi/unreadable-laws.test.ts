/**
 * Laws of what is made of a pool whose records come damaged: no host, VM or place is lost, and nothing is allowed that
 * the whole pool forbids. Every class, field and kind of damage, over real HTTP.
 */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { takesPart } from "../../src/domain/deviation.ts";
import type { Snapshot } from "../../src/domain/pool.ts";
import { immovability, pairKey } from "../../src/planner/facts.ts";
import { planMigrations } from "../../src/planner/planner.ts";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { Damaged } from "../../src/simulator/objects/damaged.ts";
import { classes } from "../../src/simulator/objects/datamodel.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulator/server/server.ts";
import { connectXapi } from "../../src/xapi/client.ts";
import { readInventory } from "../../src/xapi/inventory.ts";
import { fieldNames, type XapiClass } from "../../src/xapi/recordCodec.ts";
import { readMeasures } from "../../src/xapi/rrdUpdates.ts";
import { toSnapshot } from "../../src/xapi/snapshot.ts";
import { Unreadable } from "../../src/xapi/unreadable.ts";
import type { XapiClient } from "../../src/xapi/xapiClient.ts";
import { rule } from "../support/rules.ts";

/** Tight memory, storage and networks that some hosts lack, an internal network, VMs that cannot move. */
const scenario = `
pool "Damaged" product=XCP-ng version=8.3
sr "Shared" type=nfs
sr "Few" type=nfs hosts=alpha,beta
network "All" device=eth0
network "Some" device=eth1 hosts=alpha,gamma
network "Internal" internal
host alpha master cpus=4 memory=16384 base-cpu=5%
host beta cpus=4 memory=6144 base-cpu=5%
host gamma cpus=2 memory=8192 base-cpu=2%
host delta cpus=8 memory=16384 base-cpu=1%
vm a1 on=alpha vcpus=2 memory=2048 cpu=90% tools disk=Shared network=All
vm a2 on=alpha vcpus=4 memory=4096 cpu=60% tools disk=Few network=All
vm a3 on=alpha vcpus=1 memory=1024 cpu=50% tools disk=Shared network=Some
vm a4 on=alpha vcpus=1 memory=512 cpu=40% tools disk=Shared network=All+Internal
vm b1 on=beta vcpus=2 memory=2048 cpu=30% tools disk=Shared+Few network=All
vm b2 on=beta vcpus=1 memory=512 cpu=20% tools disk=Shared network=Internal
vm c1 on=gamma vcpus=2 memory=4096 cpu=10% disk=Shared network=All
vm d1 on=delta vcpus=1 memory=8192 cpu=5% tools disk=Shared network=All
vm spare halted vcpus=2 memory=2048
`;

const names: readonly XapiClass[] = [
  "host",
  "host_metrics",
  "VM",
  "VM_metrics",
  "VM_guest_metrics",
  "VBD",
  "VDI",
  "SR",
  "PBD",
  "VIF",
  "PIF",
  "network",
];

let pool: SimulatedPool;
let simulator: RunningSimulator;
let client: XapiClient;
let whole: Snapshot;
let allowedWhole: ReadonlySet<string>;

beforeAll(async () => {
  pool = SimulatedPool.fromScenario(scenario, { manualClock: true, seed: 5 });
  simulator = await startSimulator(pool, { http: true, https: false });
  await pool.clock.advance(60_000);
  client = await connectXapi({
    urls: [simulator.masterUrl],
    user: "root",
    password: "xenroot",
    trust: { kind: "system" },
    minTlsVersion: "TLSv1.2",
    connectTimeoutMs: 5_000,
    callTimeoutMs: 30_000,
    maxResponseBytes: 2 ** 26,
    originator: "test",
  });
  ({ snapshot: whole } = await read(null));
  allowedWhole = allowed(whole);
});

afterAll(async () => {
  await client?.close();
  await simulator?.stop();
  pool?.close();
});

async function read(
  last: Snapshot | null,
): Promise<{ snapshot: Snapshot; unknown: number; damages: number }> {
  const inventory = await readInventory(client);
  const measures = await readMeasures(client, inventory, {
    method: "auto",
    parallelCalls: 8,
    hostTimeoutMs: 10_000,
    eth0Device: "eth0",
    signal: new AbortController().signal,
  });
  const unreadable = new Unreadable(inventory, last);
  const snapshot = toSnapshot(inventory, measures, "eth0", undefined, unreadable);
  return { snapshot, unknown: unreadable.unknown, damages: inventory.skipped.length };
}

/** All moves that nothing but a rule could forbid, as "vm>host". */
function allowed({ hosts, vms, placements, infeasiblePairs }: Snapshot): ReadonlySet<string> {
  const barred = new Set(infeasiblePairs.map(({ vmUuid, hostUuid }) => pairKey(vmUuid, hostUuid)));
  const home = new Map(placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const pairs = new Set<string>();
  for (const vm of vms) {
    const need = vm.placementBytes;
    if (immovability(vm) !== null || need === null || !home.has(vm.uuid)) continue;
    for (const host of hosts) {
      const free = host.placementFreeBytes;
      if (!takesPart(host) || free === null || need > free || home.get(vm.uuid) === host.uuid) continue;
      if (!barred.has(pairKey(vm.uuid, host.uuid))) pairs.add(pairKey(vm.uuid, host.uuid));
    }
  }
  return pairs;
}

/** A damage that can be seen to be one: a word where another word could stand is no such thing. */
interface Damage {
  readonly cls: XapiClass;
  readonly object: number;
  readonly field: string | null;
  readonly damage: Damaged | null;
}

const wrong = ["perhaps", "", "-1", "NaN", "1e300", "9223372036854775807"];
const text = (cls: XapiClass, field: string): boolean =>
  ["string", "enum"].includes(classes.get(cls)?.fields.get(field)?.type.kind ?? "");

const damages: fc.Arbitrary<Damage> = fc.constantFrom(...names).chain((cls) => {
  const fields = [...fieldNames(cls)].filter((field) => classes.get(cls)?.fields.has(field));
  return fc
    .record({
      object: fc.nat(50),
      field: fc.constantFrom(null, ...fields),
      word: fc.constantFrom(...wrong),
      kind: fc.nat(2),
    })
    .map(({ object, field, word, kind }) => {
      const isFree = field !== null && text(cls, field);
      // A null ref is written as nothing, so nothing in its place is no damage.
      const shown = word === "" ? "perhaps" : word;
      // A VM that does not come at all is one that was destroyed: nothing tells the two apart.
      const mayLack = field !== null || cls !== "VM";
      const damage =
        kind === 0 && mayLack ? null : new Damaged(kind === 1 && !isFree ? "text" : "struct", shown);
      return { cls, object, field, damage };
    });
});

function inflict({ cls, object, field, damage }: Damage): void {
  const refs = pool.db.all(cls);
  const ref = refs[object % refs.length] ?? "";
  pool.model.faults.addRecordFault({ cls, ref, field, damage, timesLeft: 1 });
}

test("F27: whatever records are damaged, all rows and places stay, and nothing is allowed that the whole pool forbids", async () => {
  let [seen, acted] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(damages, { minLength: 1, maxLength: 3 }), async (all) => {
      pool.model.faults.clear();
      for (const each of all) inflict(each);
      const { snapshot, unknown, damages: found } = await read(whole);
      pool.model.faults.clear();
      if (found > 0) seen++;
      // A collection in which somebody is missing is incomplete, and nothing is done by it.
      if (unknown > 0) return;
      const uuids = (objects: readonly { readonly uuid: string }[]) => objects.map(({ uuid }) => uuid).sort();
      expect(uuids(snapshot.hosts)).toEqual(uuids(whole.hosts));
      expect(uuids(snapshot.vms)).toEqual(expect.arrayContaining(uuids(whole.vms)));
      expect(snapshot.placements).toEqual(whole.placements);
      expect([...allowed(snapshot)].filter((pair) => !allowedWhole.has(pair))).toEqual([]);
      const plan = planMigrations(snapshot, [rule("CpuAverage > 40")], {
        maxMoves: 20,
        headroomBytes: 0,
        bannedVms: new Map(),
        bannedPairs: new Map(),
        seed: 1,
        budgetMs: 20,
      });
      for (const { vm, destination } of plan.moves) {
        expect(allowedWhole.has(pairKey(vm, destination)) || plan.moves.length > 1).toBe(true);
        expect(snapshot.vms.find(({ uuid }) => uuid === vm)?.immovable).toBeNull();
      }
      if (plan.moves.length > 0) acted++;
    }),
    { numRuns: 300, seed: 11 },
  );
  expect(seen).toBeGreaterThan(150);
  expect(acted).toBeGreaterThan(30);
}, 240_000);

test("F27: a host one of whose interfaces cannot be read has no figure of eth0, and its VMs have no known part in it", async () => {
  const named = (cls: string, name: string) =>
    pool.db.all(cls).find((ref) => pool.db.text(cls, ref, "name_label") === name) ?? "";
  const [pif = ""] = pool.db.list("host", named("host", "alpha"), "PIFs");
  const at = (snapshot: Snapshot, name: string) => snapshot.hosts.find((host) => host.name === name);
  expect(at(whole, "alpha")?.pifEth0RxKb).not.toBeNull();
  pool.model.faults.addRecordFault({
    cls: "PIF",
    ref: pif,
    field: "VLAN",
    damage: new Damaged("text", "perhaps"),
    timesLeft: 1,
  });
  const { snapshot } = await read(whole);
  expect(at(snapshot, "alpha")).toMatchObject({ pifEth0RxKb: null, pifEth0TxKb: null, read: true });
  expect(at(snapshot, "beta")?.pifEth0RxKb).toBe(at(whole, "beta")?.pifEth0RxKb);
  expect(snapshot.vms.find(({ name }) => name === "a1")?.eth0RxKb).toBeUndefined();
  expect(snapshot.vms.find(({ name }) => name === "b1")?.eth0RxKb).toBeDefined();
});
