/** The pool followed by its events: after every change the same objects as a whole reading has. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SimulatedPool, type SimulatedPoolOptions } from "../../src/simulator/behaviour/simulatedPool.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { profiles } from "../../src/simulator/objects/profile.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulator/server/server.ts";
import { connectXapi } from "../../src/xapi/client.ts";
import { type Inventory, readInventory } from "../../src/xapi/inventory.ts";
import { type FollowedInventory, InventoryFollower } from "../../src/xapi/inventoryFollower.ts";
import type { XapiClient } from "../../src/xapi/xapiClient.ts";
import { ChangingPool, seeded } from "../support/changingPool.ts";
import { changingScenario, guestsOf } from "../support/picture.ts";
import { options } from "./support/connect.ts";

const hour = 3_600_000;

let pool: SimulatedPool;
let simulator: RunningSimulator;
let client: XapiClient;
let follower: InventoryFollower;
let nowMs = 0;

async function open(change: SimulatedPoolOptions = {}): Promise<void> {
  pool = SimulatedPool.fromScenario(changingScenario(4, 12), { manualClock: true, seed: 3, ...change });
  simulator = await startSimulator(pool, { http: true, https: false });
  const urls = simulator.hosts.map(({ httpUrl }) => httpUrl ?? "");
  client = await connectXapi(options(urls, { password: "xenroot" }));
  follower = new InventoryFollower();
  nowMs = 0;
}
async function close(): Promise<void> {
  await client.close();
  await simulator.stop();
  pool.close();
}

/** The next reading, a minute later; it must have the objects that a whole reading has. */
async function follow(about = "", wholeEveryMs = hour): Promise<FollowedInventory> {
  nowMs += 60_000;
  const followed = await follower.read(client, nowMs, wholeEveryMs);
  expect(sorted(followed.inventory), about).toEqual(sorted(await readInventory(client)));
  return followed;
}

function sorted(inventory: Inventory): unknown {
  const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  return Object.fromEntries(
    Object.entries(inventory).map(([name, part]) => [
      name,
      part instanceof Map
        ? [...part].sort(([a], [b]) => (a < b ? -1 : 1))
        : Array.isArray(part)
          ? [...part].sort(byText)
          : part,
    ]),
  );
}

describe("of a pool of today", () => {
  beforeEach(() => open());
  afterEach(() => close());

  test("through 50 rounds of births, deaths, moves, crashes, hosts that leave and join: only changes are read", async () => {
    expect(await follow()).toMatchObject({ wholeBecause: "first", expected: true });
    const changing = new ChangingPool(pool, seeded(11));
    const random = seeded(12);
    for (let round = 0; round < 50; round++) {
      const steps = Array.from({ length: Math.floor(random() * 6) }, () => changing.step());
      await pool.clock.advance(5_000);
      const { wholeBecause } = await follow(`round ${round}: ${steps.join("; ")}`, 10 * hour);
      expect(wholeBecause).toBeNull();
    }
  }, 120_000);

  test("templates, snapshots, empty drives and disks that are snapshots come and go on both sides", async () => {
    await follow();
    const { db } = pool;
    const [vm = "", other = ""] = guestsOf(pool);
    const template = db.create("VM", { name_label: "template", is_a_template: true });
    const snapshot = db.create("VM", { name_label: "snapshot", is_a_snapshot: true });
    const vbd = db.create("VBD", { VM: vm, type: "CD", empty: true, userdevice: "3" });
    const disk = db.all("VDI")[0] ?? "";
    const vif = db.create("VIF", { VM: vm, device: "1", network: db.all("network")[0] ?? "" });
    const group = db.create("VM_group", { name_label: "apart", placement: "anti_affinity" });
    db.set("VM", vm, "groups", [group]);
    const changes = [
      () => db.set("VBD", vbd, "empty", false),
      () => db.set("VM", template, "is_a_template", false),
      () => db.set("VDI", disk, "is_a_snapshot", true),
      () => db.set("VM", other, "is_a_template", true),
      () => db.destroy("VM", snapshot),
      () => db.set("VBD", vbd, "empty", true),
      () => db.destroy("VIF", vif),
      () => db.set("VDI", disk, "is_a_snapshot", false),
      () => db.destroy("VBD", vbd),
      () => db.destroy("VM", template),
      () => db.set("VM", vm, "groups", []),
    ];
    expect((await follow()).wholeBecause).toBeNull();
    for (const [index, change] of changes.entries()) {
      change();
      expect((await follow(`change ${index}`)).wholeBecause).toBeNull();
    }
  });

  test("records that make no sense are left out and come back, as in a whole reading", async () => {
    await follow();
    const [vm = ""] = guestsOf(pool);
    const damage = (field: string, text = "") =>
      runCommand(pool, `garble VM ${vm} ${field} ${text} times=always`);
    for (const garbled of [["power_state"], ["memory_dynamic_max", "much"], ["uuid", "nobody"]]) {
      damage(garbled[0] ?? "", garbled[1]);
      pool.db.set("VM", vm, "name_label", `touched ${garbled}`);
      const { inventory, wholeBecause } = await follow(garbled.join(" "));
      expect(wholeBecause).toBeNull();
      expect(inventory.skipped).toHaveLength(1);
      runCommand(pool, "end-faults");
      pool.db.set("VM", vm, "name_label", `well after ${garbled}`);
      expect((await follow()).inventory.skipped).toEqual([]);
    }
  });

  test("reads everything every hour, and the next time only changes", async () => {
    await follow("", 150_000);
    expect((await follow("", 150_000)).wholeBecause).toBeNull();
    expect((await follow("", 150_000)).wholeBecause).toBeNull();
    expect(await follow("", 150_000)).toMatchObject({ wholeBecause: "its time has come", expected: true });
    expect((await follow("", 150_000)).wholeBecause).toBeNull();
  });

  test("deletions that the pool has forgotten show in its counts: everything is read", async () => {
    const { db } = pool;
    const made = Array.from({ length: 600 }, () => db.create("VIF", { VM: guestsOf(pool)[0] ?? "" }));
    await follow();
    for (const vif of made) db.destroy("VIF", vif);
    const { wholeBecause, expected } = await follow();
    expect(wholeBecause).toMatch(/^the pool counts \d+ objects of VIF, and \d+ are known$/);
    expect(expected).toBe(false);
    expect((await follow()).wholeBecause).toBeNull();
  });

  test("a lost session, another master, a refused token and a garbled batch: everything is read, once", async () => {
    await follow();
    const losses: readonly (readonly [string, () => void, RegExp])[] = [
      ["session", () => pool.db.destroy("session", pool.db.all("session")[0] ?? ""), /session was lost/],
      ["garbage", () => void runCommand(pool, "garbage event.from"), /answer is not XAPI's/],
    ];
    for (const [name, lose, because] of losses) {
      lose();
      const { wholeBecause } = await follow(name);
      expect(wholeBecause).toMatch(because);
      expect((await follow()).wholeBecause).toBeNull();
    }
    let refused = false;
    const once = withVerb(client, "changes", (real) => (classes, token) => {
      const asked = refused ? token : "zzz";
      refused = true;
      return real.changes(classes, asked);
    });
    const { wholeBecause } = await follower.read(once, nowMs, hour);
    expect(wholeBecause).toMatch(/event.from is refused: .*EVENT_FROM_TOKEN_PARSE_FAILURE/);
    const next = pool.db.all("host").find((host) => host !== pool.masterRef) ?? "";
    runCommand(pool, `master ${pool.db.text("host", next, "uuid")} for=0s`);
    await pool.clock.advance(60_000);
    expect((await follow("master")).wholeBecause).toMatch(/session was lost/);
    pool.db.set("VM", guestsOf(pool)[0] ?? "", "name_label", "after");
    expect((await follow()).wholeBecause).toBeNull();
  });

  test("what changes while everything is read is in it", async () => {
    const [vm = "", other = ""] = guestsOf(pool);
    const changing = withVerb(client, "machines", (real) => async () => {
      const vms = await real.machines();
      pool.db.set("VM", vm, "name_label", "changed meanwhile");
      pool.db.destroy("VM", other);
      return vms;
    });
    const { wholeBecause, inventory } = await follower.read(changing, 0, hour);
    expect(wholeBecause).toBe("first");
    expect(sorted(inventory)).toEqual(sorted(await readInventory(client)));
    expect((await follow()).wholeBecause).toBeNull();
  });

  test("a reading that fails makes the next one a whole one", async () => {
    await follow();
    runCommand(pool, "http-500 event.from");
    await expect(follower.read(client, nowMs, hour)).rejects.toThrow(/HTTP 500/);
    expect((await follow()).wholeBecause).toBe("the last reading could not be followed");
    expect((await follow()).wholeBecause).toBeNull();
  });
});

describe("of a pool that is too old to tell events", () => {
  afterEach(() => close());

  test.each([...profiles.keys()])("%s: read in one way or the other, and rightly", async (name) => {
    const profile = profiles.get(name);
    await open(profile === undefined ? {} : { profile });
    await follow();
    pool.db.set("VM", guestsOf(pool)[0] ?? "", "name_label", "renamed");
    const { wholeBecause, expected } = await follow();
    expect([null, "the pool tells no events"]).toContain(wholeBecause);
    expect(expected).toBe(true);
  });
});

/** The client with another `verb`. */
function withVerb<V extends "changes" | "machines">(
  real: XapiClient,
  verb: V,
  instead: (real: XapiClient) => XapiClient[V],
): XapiClient {
  return new Proxy(real, {
    get: (target, name) => {
      if (name === verb) return instead(target);
      const found = Reflect.get(target, name, target);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}
