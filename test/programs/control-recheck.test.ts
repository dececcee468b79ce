/** What has changed between the collection and the migration: control looks again, and never acts on old facts. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Arena, openArena, type Ring, type Told } from "../support/controlArena.ts";
import { cpu25, threeHosts } from "../support/controlPools.ts";
import { asRoot } from "../support/database.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

async function unbalanced(scenario = threeHosts): Promise<Ring> {
  const ring = await arena.open(scenario);
  await ring.collect(cpu25);
  return ring;
}

function expectOvertaken(ring: Ring, told: Told, reason: RegExp): void {
  expect(told.code).toBe(3);
  expect(told.text).toMatch(reason);
  expect(told.lines.at(-1)).toMatch(/^ended early: the pool changed since it was collected/);
  expect(told.text).not.toContain("Starting Migration");
  expect(ring.pool.db.all("session")).toEqual([]);
}

describe("the pool changed since it was collected: nothing is moved, code 3", () => {
  it("F30: the VM was moved by somebody else", async () => {
    const ring = await unbalanced();
    await ring.admin(async (client) => {
      const [vm, host] = [ring.uuid("VM", "small"), ring.uuid("host", "cold2")];
      await client.poolMigrateAsync(await client.vmByUuid(vm), await client.hostByUuid(host));
      await expect.poll(() => ring.where("small")).toBe("cold2");
      await expect.poll(() => ring.pool.model.migrations.size).toBe(0);
    });
    expectOvertaken(ring, await ring.control(), /^small \(.+\) not moved: it is on another host now$/m);
    expect(ring.migrations).toEqual(["small -> cold2"]);
  });

  it("F18: a second run on the collection of the first is refused: it began before the migration ended", async () => {
    const ring = await unbalanced();
    expect((await ring.control()).code).toBe(0);
    const told = await ring.control();
    expect(told.code).toBe(4);
    expect(told.text).toMatch(
      /^refused: freshness: collection (\d+) began before the last migration ended, \d+ s ago, limit number (\d+) or later/,
    );
    expect(ring.migrations).toEqual(["small -> cold1"]);
    await ring.collect(cpu25);
    // Measures of before the move are refused; those of after it say that there is nothing to do.
    const soon = await ring.control();
    expect(soon.text).toMatch(
      soon.code === 4
        ? /^refused: freshness: 1 VM that was migrated came to the new host a moment ago/
        : /Nothing to do: no host breaks a rule/,
    );
    await expect
      .poll(async () => {
        await ring.collect(cpu25);
        return (await ring.control()).code;
      })
      .toBe(0);
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });

  it.each([
    ["F36: the VM is halted", "halt small", /it is Halted now/],
    ["the VM is paused", "pause small", /it is Paused now/],
    ["F36: the VM is gone", "destroy small", /it or a host left the pool/],
    [
      "F31: the destination is in maintenance",
      "disable cold1",
      /the destination was disabled \(maintenance\)/,
    ],
    ["F30: the destination is dead", "declare-dead cold1", /the destination is not alive/],
  ])("%s", async (_what, command, reason) => {
    const ring = await unbalanced();
    if (command.startsWith("declare-dead")) ring.command("crash cold1");
    ring.command(command);
    expectOvertaken(ring, await ring.control(), reason);
    expect(ring.migrations).toEqual([]);
  });

  it("somebody is just migrating the VM", async () => {
    const ring = await unbalanced();
    ring.command("stall-migration");
    await ring.admin(async (client) => {
      const vm = await client.vmByUuid(ring.uuid("VM", "small"));
      await client.poolMigrateAsync(vm, await client.hostByUuid(ring.uuid("host", "cold2")));
    });
    await expect.poll(() => ring.migrations).toEqual(["small -> cold2"]);
    expectOvertaken(ring, await ring.control(), /it is leaving its host \(pool_migrate\)/);
    expect(ring.migrations).toEqual(["small -> cold2"]);
  });

  it("somebody is just migrating another VM to the destination", async () => {
    const ring = await unbalanced();
    ring.command("stall-migration");
    await ring.admin(async (client) => {
      const vm = await client.vmByUuid(ring.uuid("VM", "big"));
      await client.poolMigrateAsync(vm, await client.hostByUuid(ring.uuid("host", "cold1")));
    });
    await expect.poll(() => ring.migrations).toEqual(["big -> cold1"]);
    expectOvertaken(ring, await ring.control(), /another VM is just being migrated to the destination/);
    expect(ring.migrations).toEqual(["big -> cold1"]);
  });
});

describe("a reason that concerns one VM or one pair: the next best is tried", () => {
  it("F35: the VM is busy with something else", async () => {
    const ring = await unbalanced();
    const { db } = ring.pool;
    const small = db.byUuid("VM", ring.uuid("VM", "small")) ?? "";
    db.set(
      "VM",
      small,
      "current_operations",
      Object.assign(Object.create(null), { "OpaqueRef:t": "snapshot" }),
    );
    const told = await ring.control();
    expect(told.code).toBe(0);
    expect(told.text).toMatch(/small .* not moved to cold1: OTHER_OPERATION_IN_PROGRESS \(snapshot\)/);
    expect(ring.migrations).toEqual(["big -> cold1"]);
  });

  it("F35: the VM is busy only when the migration is asked for: it is left for a later run, the next best is moved", async () => {
    const ring = await unbalanced();
    ring.command("fail-migration OTHER_OPERATION_IN_PROGRESS vm=small at=start times=9");
    const told = await ring.control();
    expect(told.text).toMatch(/small .*OTHER_OPERATION_IN_PROGRESS/);
    expect(ring.migrations.filter((each) => each.startsWith("small"))).toHaveLength(1);
    expect(ring.where("small")).toBe("hot");
    expect(ring.where("big")).not.toBe("hot");
  });

  it("F33: the memory is gone only when the migration is asked for: the same run tries the next host, once each", async () => {
    const ring = await unbalanced(threeHosts.replace("vm big on=hot", 'vm big blocked="no" on=hot'));
    ring.command("fail-migration HOST_NOT_ENOUGH_FREE_MEMORY vm=small at=start");
    const told = await ring.control();
    expect(told.text).toMatch(/small .*HOST_NOT_ENOUGH_FREE_MEMORY/);
    expect(ring.migrations).toEqual(["small -> cold1", "small -> cold2"]);
    expect(ring.where("small")).toBe("cold2");
  });

  it("the VM was blocked meanwhile", async () => {
    const ring = await unbalanced();
    ring.command('block small "licensed here"');
    const told = await ring.control();
    expect(told.text).toMatch(/small .* not moved to cold1: OPERATION_BLOCKED \(licensed here\)/);
    expect(ring.migrations).toEqual(["big -> cold1"]);
  });

  it("F33: the destination's memory was taken: the VM goes to the next host", async () => {
    const spare = `${threeHosts}vm hog halted memory=6700 tools\n`;
    const ring = await unbalanced(`${spare.replace("vm big on=hot", 'vm big blocked="no" on=hot')}`);
    ring.command("start hog on=cold1");
    const told = await ring.control();
    expect(told.code).toBe(0);
    expect(told.text).toMatch(/small .* not moved to cold1: .*HOST_NOT_ENOUGH_FREE_MEMORY/);
    expect(ring.migrations).toEqual(["small -> cold2"]);
    expect(told.lines.filter((line) => line === "Starting Migration ...")).toHaveLength(1);
  });

  it("the memory is taken everywhere: nothing is moved, each pair is asked about once", async () => {
    const spare = `${threeHosts}vm hog1 halted memory=6700 tools\nvm hog2 halted memory=6700 tools\n`;
    const ring = await unbalanced(spare);
    ring.command("start hog1 on=cold1");
    ring.command("start hog2 on=cold2");
    const told = await ring.control();
    expect(told.code).toBe(0);
    expect(ring.migrations).toEqual([]);
    const refused = told.lines.filter((line) => line.includes(" not moved to "));
    expect(refused).toHaveLength(4);
    expect(new Set(refused).size).toBe(4);
    expect(told.text).toContain("0 VMs moved");
  });
});

describe("the collection", () => {
  const inDatabase = (statement: string) => asRoot(statement, arena.database.admin.database);

  /** An age that a gate has told is that of the collection a moment ago, however long the moment was. */
  async function expectAge(measured: string): Promise<void> {
    const told = /^collected (-?\d+) s ago$/.exec(measured)?.[1];
    if (told === undefined) return;
    const [row] = await arena.manager.read((reader) =>
      reader.rows("SELECT TIMESTAMPDIFF(SECOND, StartedAt, UTC_TIMESTAMP(6)) AS age FROM Collection"),
    );
    expect(Number(told)).toBeLessThanOrEqual(Number(row?.["age"]) + 1);
  }

  it.each([
    [
      "F17: is too old",
      "UPDATE Collection SET StartedAt = StartedAt - INTERVAL 301 SECOND",
      "age of data",
      /^collected 3\d\d s ago$/,
      /^300 s/,
    ],
    [
      "is from the future",
      "UPDATE Collection SET StartedAt = StartedAt + INTERVAL 1 HOUR",
      "age of data",
      /^collected -3\d\d\d s ago$/,
      /^300 s/,
    ],
    [
      "is incomplete",
      "UPDATE Collection SET Complete = 0, HostsRead = 1, HostsUnread = 2",
      "completeness",
      /^2 of 3 hosts unread$/,
      /CollectUnreadHostsPercent/,
    ],
  ])(
    "%s: refused with the gate's name, measure and limit",
    async (_what, statement, name, measured, limit) => {
      const ring = await unbalanced();
      await inDatabase(statement);
      const told = await ring.control();
      expect(told).toMatchObject({ code: 4, lines: { length: 1 } });
      expect(told.text).toMatch(new RegExp(`^refused: ${name}: `));
      const { objects, code } = await ring.control({ json: true, dryRun: true });
      expect(code).toBe(4);
      const [{ gate }] = objects as [{ gate: { name: string; measured: string; limit: string } }];
      expect(objects).toEqual([{ gate, moves: [] }]);
      expect(gate.name).toBe(name);
      expect(gate.measured).toMatch(measured);
      await expectAge(gate.measured);
      expect(gate.limit).toMatch(limit);
      expect(ring.migrations).toEqual([]);
    },
  );

  it("F32: is of a pool in a rolling upgrade, or with its own balancer: refused", async () => {
    const ring = await unbalanced();
    const { db } = ring.pool;
    const [pool = ""] = db.all("pool");
    db.set("pool", pool, "wlb_enabled", true);
    await ring.collect(cpu25);
    expect(await ring.control()).toMatchObject({
      code: 4,
      text: expect.stringMatching(/^refused: workload balancing: /),
    });
    const upgrading = Object.assign(Object.create(null), { rolling_upgrade_in_progress: "true" });
    db.set("pool", pool, "wlb_enabled", false);
    db.set("pool", pool, "other_config", upgrading);
    await ring.collect(cpu25);
    expect(await ring.control()).toMatchObject({
      code: 4,
      text: expect.stringMatching(/^refused: rolling upgrade: /),
    });
    expect(ring.migrations).toEqual([]);
  });

  it("is of another pool than the one that answers: refused before anything is moved", async () => {
    const ring = await unbalanced();
    const [pool = ""] = ring.pool.db.all("pool");
    const collected = ring.pool.db.text("pool", pool, "uuid");
    ring.pool.db.set("pool", pool, "uuid", "11111111-2222-4333-8444-555555555555");
    await expect(ring.control()).rejects.toThrow(collected);
    expect(ring.migrations).toEqual([]);
    expect(ring.pool.db.all("session")).toEqual([]);
  });

  it("is of another pool than XenPoolUuid names: refused without asking the pool", async () => {
    const ring = await unbalanced();
    const told = await ring.control({ xenPoolUuid: "11111111-2222-4333-8444-555555555555" });
    expect(told).toMatchObject({
      code: 4,
      text: expect.stringMatching(/^refused: pool: the collection is of .+ \(XenPoolUuid\)/),
    });
  });

  it("grows too old while a migration runs: the next one is left to the next run", async () => {
    const four = `${threeHosts}vm third on=hot vcpus=2 memory=512 cpu=90% tools\n`;
    const ring = await arena.open(four);
    await ring.collect({ subject: "CpuAverage", threshold: 10 });
    const told = await ring.control({
      hastySeconds: 5,
      hastyLimit: 60,
      maxAgeSeconds: 30,
      change: { transfersPerHost: 1 },
    });
    expect(told.code).toBe(0);
    expect(ring.migrations).toHaveLength(1);
    expect(told.lines.at(-1)).toMatch(/^ended early: the collection is \d+ s old by now, limit 30 s/);
  });
});
