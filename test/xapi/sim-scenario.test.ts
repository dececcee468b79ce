import { describe, expect, test } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { builtinScenarios } from "../../src/simulator/scenario/builtinScenarios.ts";
import { parseScenario } from "../../src/simulator/scenario/scenario.ts";
import { openScenario } from "./simPool.ts";

function problems(text: string): string[] {
  try {
    parseScenario(text, "my.pool");
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return (error as AppError).message.split("\n");
  }
}

describe("the scenario format", () => {
  test("says what it describes", () => {
    const scenario = parseScenario(`
      pool "My pool" product=XCP-ng version=8.3 bandwidth=2500 ha=1   # a comment
      sr Shared
      network Lan device=eth2
      host a cpus=4 memory=4096 base-cpu=noise(10%,5%)
      host b master disabled bandwidth=100 tags=x,y
      vm "with \\"quotes\\" and = signs #1" on=a vcpus=2 memory=512 min=256 cpu=ramp(10%,90%,over=5m,from=1m) \\
        rx=spike(1,100,for=10s,every=1m) tags=t1,t2 blocked="no way" disk=Shared+local network=Lan ha=restart
      vm off halted
      template t`);
    expect(scenario.pool).toMatchObject({
      name: "My pool",
      haTolerates: 1,
      release: { apiMajor: 2, apiMinor: 21, era: "F" },
    });
    expect(
      scenario.hosts.map((host) => [host.name, host.master, host.enabled, host.load.bandwidthMbit]),
    ).toEqual([
      ["a", false, true, 2500],
      ["b", true, false, 100],
    ]);
    expect(scenario.vms[0]).toMatchObject({
      name: 'with "quotes" and = signs #1',
      power: "Running",
      memoryMib: 512,
      minMib: 256,
      disks: ["Shared", "local"],
      networks: ["Lan"],
      tags: ["t1", "t2"],
      blocked: "no way",
      haPriority: "restart",
      load: {
        cpu: { kind: "ramp", from: 0.1, to: 0.9, startMs: 60_000, durationMs: 300_000 },
        rxKib: { kind: "spike", base: 1, peak: 100, startMs: 0, durationMs: 10_000, everyMs: 60_000 },
      },
    });
    expect(scenario.vms.map((vm) => vm.power)).toEqual(["Running", "Halted", "Halted"]);
  });

  test("reports all bad lines together, each with its number and reason", () => {
    expect(
      problems(`pool P version=99
host a cpus=0
host b cpsu=4
vm x on=a cpu=lots
vm y on=a running halted
vm z paused
snapshot s
vm q on=a uuid=123
frobnicate
vm "open on=a
host`),
    ).toEqual([
      expect.stringMatching(/^my\.pool:1: XCP-ng 99 is not known; there is XCP 1\.0, /),
      "my.pool:2: cpus=0: must be a whole number from 1 to 1024",
      expect.stringMatching(/^my\.pool:3: host has no "cpsu"; it knows address, .*cpus/),
      "my.pool:4: cpu=lots: must be a percentage such as 50%",
      "my.pool:5: a VM is either running or halted",
      "my.pool:6: a VM that is paused needs on=HOST",
      "my.pool:7: a snapshot needs of=VM",
      "my.pool:8: uuid=123: must be a uuid of 36 lower-case characters",
      expect.stringMatching(/^my\.pool:9: unknown word "frobnicate"; a line begins with pool, host/),
      expect.stringMatching(/^my\.pool:10: cannot read "open on=a/),
      "my.pool:11: host needs a name",
    ]);
  });

  test.each([
    ["", "a pool needs a host"],
    ["host a\nhost a", "there are two hosts called a"],
    ["host a master\nhost b master", "a pool has one master"],
    ["host a\nvm x on=b", "vm x: there is no host b"],
    ["host a\nvm x on=a disk=S", "vm x: there is no sr S"],
    ["host a\nvm x on=a network=N", "vm x: there is no network N"],
    ["sr S hosts=b\nhost a", "S: there is no host b"],
    ["host a\nhost b\npool late", "pool must come first, and once"],
    [
      "host a uuid=eb966de6-276a-0428-2ecb-d1b2a69eff57\nhost b uuid=eb966de6-276a-0428-2ecb-d1b2a69eff57",
      "the uuid eb966de6-276a-0428-2ecb-d1b2a69eff57 is given twice",
    ],
  ])("refuses %j", (text, reason) => {
    expect(problems(text).map((line) => line.replace(/^my\.pool:\d+: /, ""))).toEqual([reason]);
  });

  test("a host that is too small for its VMs is refused with both sizes", () => {
    const build = () =>
      SimulatedPool.fromScenario("host a memory=2048\nvm x on=a memory=2048", { manualClock: true });
    expect(build).toThrow(/^host a: its VMs need \d+ MiB, it has 2048 MiB$/);
  });

  test("an unknown built-in name is answered with those there are", () => {
    expect(() => SimulatedPool.fromBuiltin("toString")).toThrow("there are thesis, example, big");
  });
});

describe("pools built from scenarios", () => {
  test.each(Object.keys(builtinScenarios))("the built-in pool %s stands", async (name) => {
    const pool = SimulatedPool.fromBuiltin(name, { manualClock: true });
    const { db } = pool;
    expect(db.all("host").length).toBeGreaterThan(1);
    for (const host of db.all("host")) {
      expect(db.list("host", host, "resident_VMs").length).toBeGreaterThan(0);
      expect(db.list("host", host, "host_CPUs").length).toBeGreaterThan(0);
      expect(db.list("host", host, "PIFs").length).toBe(1);
    }
    expect(db.get("host", pool.masterRef, "enabled")).toBe(true);
  });

  test("the thesis' pool has the thesis' names and uuids", () => {
    const { db } = SimulatedPool.fromBuiltin("thesis", { manualClock: true });
    const list = (cls: string): string[] =>
      db
        .all(cls)
        .map((ref) => `${db.text(cls, ref, "uuid")} - ${db.text(cls, ref, "name_label")}`)
        .sort();
    expect(list("VM")).toEqual([
      "0a511f3b-ca5f-2c5d-7751-55b6a138f86e - VM1 - Debian",
      "67bad7be-dcce-a819-f7e2-9c92c9e626bc - VM2 - Debian",
      "8f37b891-1a48-c55d-ab76-5e82dd473bf7 - Control domain on host: Host1",
      "c9918a2b-1b72-0cd8-6571-419db7f3be19 - VM3 - Ubuntu",
      "e7cdd975-a19a-1442-905a-54dc747adcbe - Control domain on host: Host2",
    ]);
    expect(list("host")).toEqual([
      "6874ed0e-e89f-3fb4-306c-0ae78732ed62 - Host2",
      "eb966de6-276a-0428-2ecb-d1b2a69eff57 - Host1",
    ]);
  });

  test("names of any kind come through as they were written", async () => {
    const name = `q"uo'te \u001b[31m \u{1F600} ${"x".repeat(10_000)}`;
    const p = await openScenario(`host a\nvm ${JSON.stringify(name)} on=a`);
    expect(await p.call("VM.get_name_label", p.vm(name))).toBe(name);
  });

  test("templates and snapshots are VMs that do not run, and a snapshot knows its VM", async () => {
    const p = await openScenario("host a\nvm x on=a\ntemplate t\nsnapshot s of=x");
    const { db } = p.pool;
    const named = (name: string): string =>
      db.all("VM").find((vm) => db.text("VM", vm, "name_label") === name) ?? "";
    expect(db.record("VM", named("t"))).toMatchObject({ is_a_template: true, power_state: "Halted" });
    expect(db.record("VM", named("s"))).toMatchObject({ is_a_snapshot: true, snapshot_of: p.vm("x") });
    expect(db.list("VM", p.vm("x"), "snapshots")).toEqual([named("s")]);
  });

  test("a generated pool has the sizes asked for, fits, is uneven, and follows from its seed", () => {
    const text = "pool P\ngenerate hosts=6 vms=60 seed=11";
    const first = SimulatedPool.fromScenario(text, { manualClock: true });
    const again = SimulatedPool.fromScenario(text, { manualClock: true });
    const other = SimulatedPool.fromScenario(text.replace("11", "12"), { manualClock: true });
    const placement = ({ db }: SimulatedPool): number[] =>
      db.all("host").map((host) => db.list("host", host, "resident_VMs").length - 1);
    expect(placement(first).reduce((sum, count) => sum + count, 0)).toBe(60);
    expect(placement(again)).toEqual(placement(first));
    expect(placement(other)).not.toEqual(placement(first));
    expect(Math.max(...placement(first)) - Math.min(...placement(first))).toBeGreaterThan(3);
    const uuids = ({ db }: SimulatedPool): string[] => db.all("VM").map((vm) => db.text("VM", vm, "uuid"));
    expect(uuids(again)).toEqual(uuids(first));
    expect(new Set(uuids(first)).size).toBe(66);
  });
});
