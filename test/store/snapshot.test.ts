import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Host, Snapshot, Vm } from "../../src/domain/pool.ts";
import { type Database, openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { beginCollection, loadSnapshot, saveSnapshot } from "../../src/store/snapshot.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { aHost, aVm, uuid } from "../support/fixtures.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

const open: Database[] = [];
async function connect(options: StoreOptions): Promise<Database> {
  const db = await openDatabase(options);
  open.push(db);
  return db;
}
let db: Database;
beforeEach(async () => {
  db = await connect(test.collect);
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** A pool of `hosts` hosts and `vms` VMs, the VM number n on host n + turn; `mark` is in every row. */
function aPool(hosts: number, vms: number, mark: number, turn = 0): Snapshot {
  const hostList = Array.from({ length: hosts }, (_, n) =>
    aHost({ uuid: uuid(n + 1), cpuAverage: mark, cpuNum: mark }),
  );
  const vmList = Array.from({ length: vms }, (_, n) =>
    aVm({ uuid: uuid(1001 + n), vcpuAverage: mark, name: `mark ${mark}`, tags: [`mark ${mark}`] }),
  );
  return snapshotOf(hostList, vmList, (n) => (n + turn) % hosts, `mark ${mark}`);
}

function snapshotOf(hosts: Host[], vms: Vm[], hostOf: (vm: number) => number, poolName = "pool"): Snapshot {
  const placements = vms.map((vm, n) => ({ hostUuid: hosts[hostOf(n)]?.uuid ?? uuid(0), vmUuid: vm.uuid }));
  placements.sort((a, b) => (a.hostUuid + a.vmUuid < b.hostUuid + b.vmUuid ? -1 : 1));
  const infeasiblePairs = vms
    .slice(0, 3)
    .map((vm) => ({ vmUuid: vm.uuid, hostUuid: uuid(1), reason: `no room: ${vm.name}` }));
  const pool = {
    uuid: uuid(9),
    name: poolName,
    haEnabled: true,
    haTolerance: 1,
    haPlannedFor: null,
    wlbEnabled: false,
    rollingUpgrade: true,
  };
  return { pool, hosts, vms, placements, infeasiblePairs };
}

async function save(snapshot: Snapshot, through: Database = db) {
  return saveSnapshot(through, await beginCollection(through), snapshot, { complete: true });
}

async function load(): Promise<Snapshot | undefined> {
  const reader = await connect(test.control);
  return (await loadSnapshot(reader))?.snapshot;
}

describe("a database where nothing was collected", () => {
  it("holds no snapshot", async () => {
    expect(await loadSnapshot(db)).toBeNull();
  });
});

describe("a stored snapshot", () => {
  it("comes back as it was, every field of it", async () => {
    const odd = {
      host: aHost({
        uuid: uuid(1),
        ip: "fe80::1%eth0.a-rather-long-scope-name",
        cpuAverage: 1 / 3,
        isMaster: true,
      }),
      unread: aHost({
        uuid: uuid(2),
        ip: null,
        cpuNum: null,
        memoryTotalMb: null,
        dom0LoadAvg: null,
        cpuAverage: null,
        enabled: false,
        live: false,
        read: false,
        placementFreeBytes: null,
        powerOnMode: "wake-on-lan",
      }),
      vm: aVm({
        uuid: uuid(11),
        placementBytes: 2 ** 52 + 1,
        copyBytes: 0,
        tags: ['"quoted"', "émoji 🚀"],
        hasTools: false,
        immovable: "VM_HAS_VGPU",
        haPriority: "best-effort",
        antiAffinityGroups: ["a", "b"],
        vcpuAverage: 99.99999999999999,
      }),
      halted: aVm({
        uuid: uuid(12),
        powerState: "Halted",
        memoryMb: null,
        vcpuAverage: null,
        vcpuNum: null,
        placementBytes: null,
        copyBytes: null,
        isControlDomain: true,
      }),
    };
    const snapshot: Snapshot = {
      pool: {
        uuid: uuid(9),
        name: "a pool",
        haEnabled: true,
        haTolerance: 1,
        haPlannedFor: null,
        wlbEnabled: true,
        rollingUpgrade: true,
      },
      hosts: [odd.host, odd.unread],
      vms: [odd.vm, odd.halted],
      placements: [{ hostUuid: uuid(1), vmUuid: uuid(11) }],
      infeasiblePairs: [{ vmUuid: uuid(11), hostUuid: uuid(2), reason: "VM_REQUIRES_SR: local storage" }],
    };
    await save(snapshot);
    expect(await load()).toEqual(snapshot);
  });

  it("carries the collection: its number, the database's times, what was read", async () => {
    const pool = aPool(3, 5, 1);
    const hosts = pool.hosts.map((host, n) => ({ ...host, read: n > 0 }));
    const start = await beginCollection(db);
    const stored = await saveSnapshot(db, start, { ...pool, hosts }, { complete: false });
    if (stored === "superseded") throw new Error("there is no newer one");
    expect(stored).toMatchObject({
      id: start.id,
      hostsRead: 2,
      hostsUnread: 1,
      vms: 5,
      complete: false,
      poolUuid: uuid(9),
    });
    expect(stored.startedAt).toEqual(start.startedAt);
    const passed = stored.finishedAt.getTime() - stored.startedAt.getTime();
    expect(Math.abs(stored.durationMs - passed)).toBeLessThanOrEqual(1);
    const [clock] = await db.read((reader) => reader.rows("SELECT UTC_TIMESTAMP(6) AS now"));
    expect(Math.abs(Number(clock?.["now"]) - stored.finishedAt.getTime())).toBeLessThan(10_000);
    const loaded = await loadSnapshot(db);
    expect(loaded?.collection).toEqual(stored);
    expect(loaded?.ageSeconds).toBeGreaterThanOrEqual(0);
    expect(loaded?.ageSeconds).toBeLessThan(10);
  });

  it.each([
    ["quotes and SQL", `'; DROP TABLE Vm; -- " \\' \\" \` %_ ? :x`],
    ["a backslash at the end", "C:\\"],
    ["escape sequences and controls", "\u001b[2J\u009b31m\u0007\r\n\t\u0000end"],
    ["emoji and other scripts", "🚀👩‍👩‍👧‍👦 名前 اسم 𝕏 \u202e"],
    ["10,000 characters of emoji", "🚀".repeat(10_000)],
    ["blanks at both ends", "  name  "],
    ["nothing", ""],
  ])("keeps names of %s unchanged", async (_, name) => {
    const hosts = [aHost({ uuid: uuid(1), name })];
    const vm = aVm({ uuid: uuid(11), name, tags: [name], immovable: name, antiAffinityGroups: [name] });
    const snapshot = {
      ...snapshotOf(hosts, [vm], () => 0, name),
      infeasiblePairs: [{ vmUuid: vm.uuid, hostUuid: uuid(1), reason: name }],
    };
    await save(snapshot);
    expect(await load()).toEqual(snapshot);
  });

  it("keeps names unchanged where backslashes escape nothing", async () => {
    const name = "'\\' OR 1=1 -- \\";
    const snapshot = snapshotOf(
      [aHost({ uuid: uuid(1), name })],
      [aVm({ uuid: uuid(11), name })],
      () => 0,
      name,
    );
    const start = await beginCollection(db);
    await db.write((writer) =>
      writer.run("SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')"),
    );
    await saveSnapshot(db, start, snapshot, { complete: true });
    expect(await load()).toEqual(snapshot);
  });

  it("holds as many VMs with 10,000-character names as a pool may have", async () => {
    const vms = Array.from({ length: 300 }, (_, n) =>
      aVm({ uuid: uuid(1001 + n), name: "🚀".repeat(10_000) }),
    );
    const snapshot = snapshotOf([aHost({ uuid: uuid(1) })], vms, () => 0);
    await save(snapshot);
    expect(await load()).toEqual(snapshot);
  });

  it("follows a pool whose hosts and VMs appear, vanish and move, all at once", async () => {
    await save(aPool(8, 60, 1));
    const next = aPool(8, 60, 2, 3);
    const hosts = [...next.hosts.slice(2), aHost({ uuid: uuid(77) })];
    const vms = [...next.vms.slice(20), aVm({ uuid: uuid(5001) })];
    const changed = snapshotOf(hosts, vms, (n) => (n * 5) % hosts.length);
    await save(changed);
    expect(await load()).toEqual(changed);
  });

  it("follows a pool that vanishes to one host without VMs, and comes back", async () => {
    await save(aPool(4, 40, 1));
    const bare = { ...snapshotOf([aHost({ uuid: uuid(3) })], [], () => 0), infeasiblePairs: [] };
    await save(bare);
    expect(await load()).toEqual(bare);
    await save(aPool(4, 40, 2));
    expect(await load()).toEqual(aPool(4, 40, 2));
  });

  it("takes the place of rows that others left in the tables", async () => {
    await asRoot(
      [
        "INSERT INTO Vm (UUID, Name) VALUES ('by hand', 'x')",
        "INSERT INTO HostDetail (HostUuid, Enabled, Live, IsMaster, Version, PowerOnMode, ReadOk) SELECT 'by hand', Enabled, Live, IsMaster, Version, '', 1 FROM HostDetail LIMIT 1",
      ],
      test.admin.database,
    );
    await save(aPool(2, 4, 1));
    expect(await load()).toEqual(aPool(2, 4, 1));
  });

  it("leaves the database untouched when one row cannot be stored", async () => {
    await save(aPool(3, 9, 1));
    const bad = aPool(3, 9, 2);
    const placements = [...bad.placements, { hostUuid: uuid(404), vmUuid: uuid(1001) }];
    await expect(save({ ...bad, placements })).rejects.toMatchObject({ code: "mysql" });
    expect(await load()).toEqual(aPool(3, 9, 1));
    await save(aPool(3, 9, 3));
    expect(await load()).toEqual(aPool(3, 9, 3));
  });

  it("writes nothing again that did not change", async () => {
    await save(aPool(3, 9, 1));
    const counts = async () => {
      const rows = await db.read((reader) => reader.rows("SHOW SESSION STATUS LIKE 'Handler_%'"));
      const value = (name: string) => Number(rows.find((row) => row["Variable_name"] === name)?.["Value"]);
      return {
        update: value("Handler_update"),
        write: value("Handler_write"),
        delete: value("Handler_delete"),
      };
    };
    await counts();
    const before = await counts();
    const idle = await counts();
    await save(aPool(3, 9, 1));
    const after = await counts();
    // Beside what counting itself writes: the head twice, the collection's row and its history: a sample for each of
    // the three hosts, and a picture.
    const beside = idle.write - before.write;
    expect(after.delete - idle.delete).toBe(0);
    expect(after.update - idle.update).toBeLessThanOrEqual(2);
    expect(after.write - idle.write - beside).toBeLessThanOrEqual(1 + 3 + 1);
  });
});

describe("the order of collections", () => {
  it("is that of their starts: an older picture never takes the place of a newer one", async () => {
    const older = await beginCollection(db);
    const newer = await beginCollection(db);
    expect(newer.id).toBeGreaterThan(older.id);
    expect(await saveSnapshot(db, newer, aPool(3, 9, 2), { complete: true })).toMatchObject({ id: newer.id });
    expect(await saveSnapshot(db, older, aPool(4, 20, 1), { complete: true })).toBe("superseded");
    expect(await load()).toEqual(aPool(3, 9, 2));
    const rows = await db.read((reader) => reader.rows("SELECT Id FROM Collection WHERE Id = ?", [older.id]));
    expect(rows).toEqual([]);
  });

  it("does not care about the database's clock being set back", async () => {
    const first = await beginCollection(db);
    await saveSnapshot(db, { ...first, startedAtText: "2099-01-01 00:00:00.000000" }, aPool(2, 3, 1), {
      complete: true,
    });
    expect(await save(aPool(2, 3, 2))).not.toBe("superseded");
    expect(await load()).toEqual(aPool(2, 3, 2));
  });

  it("holds when two overlap, thirty times: the newer one stays, never a mixture", async () => {
    const other = await connect(test.collect);
    for (let round = 0; round < 30; round++) {
      const starts = [await beginCollection(db), await beginCollection(other)] as const;
      const pictures = [aPool(5, 40, 2 * round, round), aPool(6, 35, 2 * round + 1, round + 2)] as const;
      const first = round % 2;
      const order = first === 0 ? ([0, 1] as const) : ([1, 0] as const);
      const databases = [db, other] as const;
      const results = await Promise.all(
        order.map((n) => saveSnapshot(databases[n], starts[n], pictures[n], { complete: true })),
      );
      expect(results[order.indexOf(1)]).toMatchObject({ id: starts[1].id });
      expect(await load()).toEqual(pictures[1]);
    }
  });
});

describe("a reader", () => {
  it("sees one state while others are written", async () => {
    const pictures = [aPool(3, 50, 1), aPool(4, 40, 2, 1), aPool(2, 60, 3, 1)] as const;
    await save(pictures[0]);
    const reader = await connect(test.control);
    let done = false;
    const writing = (async () => {
      for (let round = 1; round <= 25; round++) await save(pictures[round % 3] ?? pictures[0]);
      done = true;
    })();
    const seen = new Set<string>();
    while (!done) {
      const stored = await loadSnapshot(reader);
      const picture = pictures.find((each) => each.pool.name === stored?.snapshot.pool.name);
      expect(stored?.snapshot).toEqual(picture);
      seen.add(stored?.snapshot.pool.name ?? "");
    }
    await writing;
    expect(seen.size).toBeGreaterThan(1);
  });
});
