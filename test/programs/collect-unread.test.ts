/** Hosts that do not answer: named, counted, their measures unknown, everything else stored, and in time. */
import { afterEach, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcpProxy.ts";
import { startWorld, type World } from "../support/world.ts";
import { refOf, rowsOf, storedTables, tablesOf } from "./collectPool.ts";

const fourHosts = `
pool "Four" product=XCP-ng version=8.2
network "LAN" device=eth0
host h1 master cpus=4 memory=8192 rx=10
host h2 cpus=4 memory=8192 rx=10
host h3 cpus=16 memory=8192 rx=10
host h4 cpus=4 memory=8192 rx=10
vm a on=h1 memory=512 tools
vm b on=h2 memory=512 tools
vm c on=h3 memory=512 tools
vm d on=h3 memory=512 tools
`;

let world: World;
const proxies: TcpProxy[] = [];
afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close();
  await world?.stop();
});

async function start(): Promise<void> {
  world = await startWorld({ pool: { scenario: fourHosts }, manualClock: true });
  await world.pool.clock.advance(60_000);
}

async function control(): Promise<{ code: number | null; stdout: string }> {
  return world.run("xcp-control", ["--dry-run"]);
}

/** A way to the pool's master on which calls about any of `refs` are lost, from the `from`th on; counts them. */
async function deafFor(refs: readonly string[], from = 1): Promise<{ url: string; lost: () => number }> {
  const master = new URL(world.simulator.masterUrl);
  const proxy = await startTcpProxy({ host: master.hostname, port: Number(master.port) });
  proxies.push(proxy);
  let asked = 0;
  proxy.assess = ({ direction, bytes }) => {
    if (direction === "down" || !bytes.includes("query_data_source")) return "pass";
    if (!refs.some((ref) => bytes.includes(ref))) return "pass";
    return ++asked >= from ? "swallow" : "pass";
  };
  return { url: `http://127.0.0.1:${proxy.port}`, lost: () => Math.max(0, asked - from + 1) };
}

describe("a crashed host that the pool still calls alive", () => {
  it("is unread: named on standard error, kept without measures, with exit code 3", async () => {
    await start();
    runCommand(world.pool, "crash h3");
    const result = await world.run("xcp-collect");
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(
      /^xcp-collect: host h3 unread, its measures are unknown: .*CANNOT_CONTACT_HOST.*\n$/,
    );
    expect(result.stdout).toMatch(/^collected pool Four: 4 hosts \(1 unread\), 4 VMs \(4 running\) in /);

    const stored = await storedTables(world);
    expect(stored).toEqual(tablesOf(world.pool, [refOf(world.pool, "host", "h3")]));
    expect(stored.Host.find((row) => row["Name"] === "h3")).toMatchObject({
      CpuNum: 16,
      CpuAverage: null,
      MemoryFreeMb: null,
    });
    expect(stored.Vm.find((row) => row["Name"] === "c")).toMatchObject({
      PowerState: "Running",
      MemoryMb: null,
    });
    expect(stored.Map).toHaveLength(8);
    expect(
      await rowsOf(
        world,
        "SELECT Live, ReadOk FROM HostDetail JOIN Host ON UUID = HostUuid WHERE Name = 'h3'",
      ),
    ).toEqual([{ Live: 1, ReadOk: 0 }]);
  });

  it("that is the only one in four leaves the collection complete; -q still names it", async () => {
    await start();
    runCommand(world.pool, "crash h4");
    const quiet = await world.run("xcp-collect", ["-q"]);
    expect(quiet).toMatchObject({ code: 3, stdout: "" });
    expect(quiet.stderr).toContain("host h4 unread");
    expect(await rowsOf(world, "SELECT HostsRead, HostsUnread, Complete FROM Collection")).toEqual([
      { HostsRead: 3, HostsUnread: 1, Complete: 1 },
    ]);
    expect(await control()).toMatchObject({ code: 0 });
  });

  it("has its measures again when it is back", async () => {
    await start();
    runCommand(world.pool, "crash h4");
    expect((await world.run("xcp-collect")).code).toBe(3);
    runCommand(world.pool, "recover h4");
    await world.pool.clock.advance(60_000);
    expect(await world.run("xcp-collect")).toMatchObject({ code: 0, stderr: "" });
    expect(await storedTables(world)).toEqual(tablesOf(world.pool));
  });
});

describe("a host that the pool has declared dead", () => {
  it("is unread without a question, and its VMs are halted", async () => {
    await start();
    runCommand(world.pool, "crash h3");
    runCommand(world.pool, "declare-dead h3");
    const result = await world.run("xcp-collect");
    expect(result.code).toBe(3);
    expect(result.stderr).toContain(
      "host h3 unread, its measures are unknown: the pool says it is not alive",
    );
    expect(await storedTables(world)).toEqual(tablesOf(world.pool, [refOf(world.pool, "host", "h3")]));
  });
});

describe("more unread hosts than CollectUnreadHostsPercent", () => {
  it("F27: make the collection incomplete: SHOW COLLECTION says so, and xcp-control refuses it", async () => {
    await start();
    for (const host of ["h2", "h3"]) runCommand(world.pool, `crash ${host}`);
    const result = await world.run("xcp-collect");
    expect(result.code).toBe(3);
    expect(result.stdout).toContain("; INCOMPLETE: too many hosts unread, xcp-control will not act on it\n");
    const shown = await world.run("xcp-manager", ["-e", "SHOW COLLECTION"]);
    expect(shown.stdout).toContain("Hosts read - 2\nHosts unread - 2\n");
    expect(shown.stdout).toContain("Complete - false\n");
    const refused = await control();
    expect(refused.code).toBe(4);
    expect(refused.stdout).toContain("2 of 4 hosts unread");
    expect(refused.stdout).toContain("CollectUnreadHostsPercent");
  });

  it.each([
    ["24", false],
    ["25", true],
  ])("are counted exactly: one of four at %s percent", async (percent, complete) => {
    await start();
    runCommand(world.pool, "crash h2");
    const result = await world.run("xcp-collect", ["--json"], {
      change: { CollectUnreadHostsPercent: percent },
    });
    expect(JSON.parse(result.stdout)).toMatchObject({ complete });
    expect(await control()).toMatchObject({ code: complete ? 0 : 4 });
  });
});

describe("a host that hangs", () => {
  const hanging = (url: string) => ({ XenHost: url, XenCallSeconds: "1", CollectMethod: "query" });

  it("F26: costs one call, whatever it has to tell", async () => {
    await start();
    const h3 = refOf(world.pool, "host", "h3");
    const way = await deafFor([h3]);
    const result = await world.run("xcp-collect", [], { change: hanging(way.url) });
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/^xcp-collect: host h3 unread.*no complete answer within 1 s\n$/);
    expect(way.lost()).toBe(1);
    expect(await storedTables(world)).toEqual(tablesOf(world.pool, [h3]));
  });

  it.each([
    ["in the middle of its own values", 3],
    ["when its VMs are asked for", 26],
  ])("%s is unread as a whole, and at most the calls in flight are lost", async (_when, from) => {
    await start();
    const [h3, c, d] = [
      refOf(world.pool, "host", "h3"),
      refOf(world.pool, "VM", "c"),
      refOf(world.pool, "VM", "d"),
    ];
    const way = await deafFor([h3, c, d], from);
    const change = { ...hanging(way.url), XenParallelCalls: "4" };
    const result = await world.run("xcp-collect", [], { change });
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/^xcp-collect: host h3 unread.*no complete answer within 1 s\n$/);
    expect(way.lost()).toBeGreaterThan(0);
    expect(way.lost()).toBeLessThanOrEqual(4);
    expect(await storedTables(world)).toEqual(tablesOf(world.pool, [h3]));
  });

  it("F3: longer than CollectDeadlineSeconds ends the run with 1, and the tables stay as they were", async () => {
    await start();
    expect((await world.run("xcp-collect")).code).toBe(0);
    const before = await storedTables(world);
    runCommand(world.pool, "halt a");
    const way = await deafFor([refOf(world.pool, "host", "h3")]);
    const change = { ...hanging(way.url), XenCallSeconds: "600", CollectDeadlineSeconds: "5" };
    const result = await world.run("xcp-collect", [], { change, deadlineMs: 40_000 });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(
      /^xcp-collect: the pool was not read within 5 s \(CollectDeadlineSeconds\); .*unchanged/,
    );
    expect(await storedTables(world)).toEqual(before);
    expect(world.pool.db.all("session")).toEqual([]);
  });
});
