/** Green rules, carried out on a simulated pool: hosts are emptied, sleep, and are awake before they are needed. */

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { asUuid } from "../../src/domain/pool.ts";
import { type GreenRule, noOptions } from "../../src/domain/rule.ts";
import { explain } from "../../src/manager/commands/explain.ts";
import { greenState, showGreen } from "../../src/manager/commands/green.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import type { Settings } from "../../src/settings/types.ts";
import type { Role } from "../../src/simulator/objects/roles.ts";
import { exclude } from "../../src/store/exclusions.ts";
import { loadHostPower } from "../../src/store/hostPower.ts";
import { listMigrations } from "../../src/store/migrations.ts";
import { listObserved } from "../../src/store/observed.ts";
import { pauseControl, resumeControl } from "../../src/store/pause.ts";
import { createGreenRule } from "../../src/store/ruleChanges.ts";
import { type Arena, type ControlChange, openArena, type Ring, type Told } from "../support/controlArena.ts";
import { aMinuteLater, behindWire, strike } from "../support/controlCrashes.ts";
import { cpu25 } from "../support/controlPools.ts";
import { asRoot } from "../support/database.ts";
import { later } from "../support/laterDatabase.ts";
import { flowing } from "../support/poolTime.ts";
import { someVariants } from "../support/runs.ts";
import type { Passing } from "../support/wire.ts";

// A night has many runs.
vi.setConfig({ testTimeout: 240_000 });

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

const keep70: GreenRule = {
  limits: [
    { kind: "below", subject: "CpuAverage", value: 70 },
    { kind: "memory free", percent: 10 },
  ],
  spareHosts: 1,
  ...noOptions,
};

/** Four hosts, of which the load needs one, and a spare one. */
const nightPool = `
pool "Night" product=XCP-ng version=8.3 bandwidth=4000
host boss master cpus=8 memory=16384 base-cpu=0% power-on=IPMI
host a cpus=8 memory=16384 base-cpu=0% power-on=wake-on-lan boot=60s
host b cpus=8 memory=16384 base-cpu=0% power-on=IPMI boot=60s
host c cpus=8 memory=16384 base-cpu=0%
vm one on=boss vcpus=4 memory=512 cpu=20% tools
vm two on=a vcpus=4 memory=512 cpu=20% tools
vm three on=b vcpus=4 memory=1024 cpu=20% tools
vm four on=c vcpus=4 memory=512 cpu=20% tools
`;

function greenSettings(change: Partial<Settings["control"]["green"]> = {}): Settings["control"]["green"] {
  const sources = { fileName: null, text: "", values: {}, environment: {}, readFile: () => "" };
  const result = parseSettings({ ...sources, readCredential: () => null }, ["control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  const { green } = result.settings.control;
  return { ...green, downMinutes: 5, upMinutes: 2, leastOnMinutes: 0, leastAsleepMinutes: 0, ...change };
}

interface Night {
  readonly ring: Ring;
  /** So much time passes, with a collection a minute. */
  readonly pass: (seconds: number) => Promise<void>;
  readonly run: (change?: ControlChange) => Promise<Told>;
  readonly power: (host: string) => string;
}

async function openNight(scenario = nightPool, rule: GreenRule | null = keep70, role?: Role): Promise<Night> {
  const ring = await arena.open(scenario, { byHand: true, ...(role === undefined ? {} : { role }) });
  if (rule !== null) await createGreenRule(arena.manager, rule, "ann");
  let last = performance.now();
  const pass = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed += 60) {
      // What a busy machine has taken since the last collection is a part of the minute: rules want pictures a minute apart.
      const taken = (performance.now() - last) / 1000;
      last = performance.now();
      await later(arena.database.admin.database, Math.max(0, Math.round(60 - taken)));
      await ring.pool.clock.advance(60_000);
      await ring.collect();
      await asRoot(["DELETE FROM VmArrival"], arena.database.admin.database);
    }
  };
  const run = (change: ControlChange = {}) =>
    flowing(
      ring.pool,
      ring.control({ ...change, change: { green: greenSettings(), vmCooldownMinutes: 0, ...change.change } }),
    );
  const power = (host: string) => {
    const { db } = ring.pool;
    const ref = db.all("host").find((each) => db.text("host", each, "name_label") === host) ?? "";
    const metrics = db.text("host", ref, "metrics");
    if (db.get("host_metrics", metrics, "live") !== true) return "off";
    return db.get("host", ref, "enabled") === true ? "on" : "out of service";
  };
  await pass(360);
  return { ring, pass, run, power };
}

/** Runs until nothing is done any more, a minute apart; what was said. */
async function settle({ pass, run }: Night, most = 16, change: ControlChange = {}): Promise<string> {
  let said = "";
  for (let n = 0; n < most; n++) {
    const { text } = await run(change);
    said += `${text}\n`;
    await pass(60);
  }
  return said;
}

describe("a green rule at night", () => {
  it("needs the role pool-operator, and no more", async () => {
    const night = await openNight(nightPool, keep70, "pool-operator");
    const said = await settle(night);
    expect(said).toMatch(/^[ab]: is put to sleep$/m);
    expect(["a", "b"].map(night.power)).toEqual(["off", "off"]);
    expect(said).not.toContain("RBAC");
  });

  it("is refused to vm-power-admin, by the permission's name: every host stays on", async () => {
    const night = await openNight(nightPool, keep70, "vm-power-admin");
    const said = await settle(night, 3);
    expect(said).toMatch(/RBAC_PERMISSION_DENIED.*host\.disable.*pool-admin, pool-operator/);
    expect(["boss", "a", "b", "c"].map(night.power)).toEqual(["on", "on", "on", "on"]);
  });

  it("empties the hosts that can be woken, one at a time, puts them to sleep, and stops no VM", async () => {
    const night = await openNight();
    const dry = await night.run({ dryRun: true, exitCode: true });
    expect(dry.code).toBe(10);
    expect(dry.text).toMatch(/^Green: .*\n- [ab] is emptied, to sleep: /m);
    const said = await settle(night);
    expect(said).toMatch(/^[ab]: is put to sleep$/m);
    expect(["boss", "c"].map(night.power)).toEqual(["on", "on"]);
    expect(["a", "b"].map(night.power)).toEqual(["off", "off"]);
    expect(night.ring.pool.model.power.events.filter(({ kind }) => kind === "vm-stopped")).toEqual([]);
    const rows = await listMigrations(arena.manager);
    expect(rows.every(({ cause, state }) => cause === "green" && state === "succeeded")).toBe(true);
    const control = (await controlSettings()) as Settings["control"];
    const shown = showGreen.text(await greenState({ db: arena.manager, control })).join("\n");
    expect(shown).toMatch(/^- a - ASLEEP for /m);
    expect(shown).toMatch(
      /^The last day - \d+(\.\d+)? hours asleep, 0\.\d+ kWh saved, \d+(\.\d+)? GiB migrated for it$/m,
    );
    const why = await explain({ db: arena.manager, control }, { object: "HOST", wanted: "a" });
    expect(JSON.stringify(why)).toContain("green rule: asleep for ");
    const quiet = await night.run();
    expect(quiet.code).toBe(0);
  });

  it("that is only observed switches no host and moves nothing; the step and its moves are recorded", async () => {
    const night = await openNight();
    const observing: ControlChange = { change: { mode: "observe" } };
    expect(await settle(night, 3, observing)).toMatch(/^Green: .*\n- [ab] is emptied, to sleep: /m);
    const kinds = (await listObserved(arena.manager)).map(({ kind, cause }) => `${cause} ${kind}`);
    expect(new Set(kinds)).toEqual(new Set(["green drain", "green move"]));
    expect(["boss", "a", "b", "c"].map(night.power)).toEqual(["on", "on", "on", "on"]);
    expect([night.ring.migrations, (await loadHostPower(arena.manager)).states.size]).toEqual([[], 0]);
    await asRoot(
      `INSERT INTO HostRest (HostUuid, PoolUuid, State, Since, Reason, VmsLeft, ProgressAt)
       VALUES ('${night.ring.uuid("host", "b")}', 'p', 'draining', UTC_TIMESTAMP(6), 'r', 0, UTC_TIMESTAMP(6))`,
      arena.database.admin.database,
    );
    expect((await night.run(observing)).text).toMatch(
      /^b is draining by a green rule, and in observe mode nobody brings it back/m,
    );
  });

  it("wakes a host when the load asks for it, and enables nothing that it did not put to sleep", async () => {
    const night = await openNight();
    await settle(night);
    expect(night.power("a")).toBe("off");
    for (const vm of ["one", "two", "three", "four"]) night.ring.command(`load ${vm} cpu=100%`);
    const said = await settle(night, 8);
    expect(said).toMatch(/^[ab]: is woken/m);
    expect(night.power("a") === "on" || night.power("b") === "on").toBe(true);
  });

  it("a rule that is gone: everything that sleeps is woken, one after the other", async () => {
    const night = await openNight();
    await settle(night);
    await asRoot(["DELETE FROM AddedRule", "DELETE FROM RuleTerm"], arena.database.admin.database);
    await settle(night, 10);
    expect(["boss", "a", "b", "c"].map(night.power)).toEqual(["on", "on", "on", "on"]);
  });
});

describe("what a green rule leaves alone", () => {
  it("the master, hosts without a power-on mode, excluded ones, and every host where the pool is one host", async () => {
    const night = await openNight();
    const uuid = asUuid(night.ring.uuid("host", "a"));
    await exclude(arena.manager, { kind: "HOST", uuid, by: "ann", reason: "new card" });
    await settle(night, 8);
    expect(["boss", "a", "b", "c"].map(night.power)).toEqual(["on", "on", "off", "on"]);
    await arena.shut();
    const alone = await openNight(
      'pool "One"\nhost only master cpus=4 memory=8192 power-on=IPMI\nvm x on=only memory=256\n',
    );
    expect((await alone.run()).text).toMatch(/^Green: /);
    expect(alone.power("only")).toBe("on");
  });

  it("a host that somebody else took out of service: it is neither used nor enabled", async () => {
    const night = await openNight();
    await night.ring.admin(async (client) => {
      await client.hostDisable(await client.hostByUuid(night.ring.uuid("host", "a")));
    });
    await night.pass(60);
    const told = await night.run({ change: { quietMinutes: 0, green: greenSettings() } });
    expect(told.text).not.toMatch(/^a: /m);
    await settle(night, 4, { change: { quietMinutes: 0, green: greenSettings() } });
    expect(night.power("a")).toBe("out of service");
  });

  it("everything while control is paused, or outside the rule's hours", async () => {
    const night = await openNight(nightPool, { ...keep70, between: hoursFarFromNow() });
    const told = await night.run();
    expect(told.text).toMatch(/^Green: it is outside the rule's hours/m);
    await pauseControl(arena.manager, { by: "ann", reason: "", seconds: null });
    expect((await night.run()).code).toBe(4);
    await resumeControl(arena.manager);
    expect(["boss", "a", "b", "c"].map(night.power)).toEqual(["on", "on", "on", "on"]);
  });
});

describe("the pool's own safeguards", () => {
  it("HA on: as many hosts are to spare as it promises to survive, and its plan is never broken", async () => {
    const high = nightPool
      .replace("bandwidth=4000", "bandwidth=4000 ha=2")
      .replace("host c cpus=8", "host c power-on=IPMI boot=60s cpus=8");
    const night = await openNight(high, { ...keep70, spareHosts: 0 });
    await settle(night, 10);
    const off = ["boss", "a", "b", "c"].filter((host) => night.power(host) === "off");
    expect(off).toHaveLength(1);
    const { db } = night.ring.pool;
    expect(db.get("pool", db.all("pool")[0] ?? "", "ha_overcommitted")).toBe(false);
  });

  it("F32: a rolling upgrade begins while a host is emptied: the host is taken back, and nothing else is begun", async () => {
    const night = await openNight();
    await night.run();
    expect(["a", "b"].map(night.power)).toContain("out of service");
    const { db } = night.ring.pool;
    const pool = db.all("pool")[0] ?? "";
    db.set("pool", pool, "other_config", { rolling_upgrade_in_progress: "true" });
    await night.pass(60);
    const told = await night.run();
    expect(told.text).toMatch(/^Green: nothing is begun: rolling upgrade/m);
    expect(told.text).toMatch(/^[ab]: is taken into service again/m);
    expect(["boss", "a", "b", "c"].map(night.power)).toEqual(["on", "on", "on", "on"]);
  });

  it("a balance rule beside it: neither undoes what the other has done", async () => {
    const night = await openNight();
    for (let n = 0; n < 16; n++) {
      await night.run();
      await night.pass(60);
      await night.ring.collect(cpu25);
      await asRoot(["DELETE FROM VmArrival"], arena.database.admin.database);
    }
    const rows = await listMigrations(arena.manager);
    const byVm = new Map<string, string[]>();
    for (const { vm, source, state } of rows)
      if (state === "succeeded") byVm.set(vm, [...(byVm.get(vm) ?? []), source]);
    for (const sources of byVm.values()) expect(new Set(sources).size).toBe(sources.length);
    expect(["a", "b"].map(night.power)).toContain("off");
  });
});

describe("power that fails", () => {
  it.each([
    ["never wakes", "a", "never", /^ALARM: a: it did not wake in \d+ (?:s|min)/m],
    ["is refused by its board", "b", "wrong-password", /^ALARM: b: it could not be woken: /m],
  ])(
    "a host that %s is marked and told once, another one is woken, and it is not put to sleep again",
    async (_, host, kind, alarm) => {
      const night = await openNight();
      await settle(night);
      night.ring.command(`wake ${host} ${kind}`);
      for (const vm of ["one", "two", "three", "four"]) night.ring.command(`load ${vm} cpu=100%`);
      const change = { change: { green: greenSettings({ wakeMinutes: 2 }) } };
      const said = await settle(night, 14, change);
      expect(said).toMatch(alarm);
      expect(said.match(/ALARM/g)).toHaveLength(1);
      expect(night.power(host === "a" ? "b" : "a")).toBe("on");
      const control = { ...(await controlSettings()), ...change.change };
      const shown = showGreen.text(await greenState({ db: arena.manager, control })).join("\n");
      expect(shown).toMatch(new RegExp(`^- ${host} - FAILED for `, "m"));
    },
  );

  it("a shutdown that is refused: the host is taken back, and the run ends with 3", async () => {
    const night = await openNight();
    night.ring.command("refuse host.shutdown HOST_IN_EMERGENCY_MODE times=always");
    let worst = 0;
    for (let n = 0; n < 5; n++) {
      worst = Math.max(worst, (await night.run()).code);
      await night.pass(60);
    }
    expect(worst).toBe(3);
    expect(["a", "b"].map(night.power)).not.toContain("off");
    expect(["a", "b"].map(night.power)).toContain("on");
  });

  it("a VM that came to the host meanwhile keeps it from being switched off", async () => {
    const night = await openNight();
    await night.run();
    await night.pass(60);
    // Started on the host itself, behind everybody's back.
    const { db } = night.ring.pool;
    const drained = ["a", "b"].find((host) => night.power(host) === "out of service") ?? "";
    const vm = db.all("VM").find((each) => db.text("VM", each, "name_label") === "one") ?? "";
    const host = db.all("host").find((each) => db.text("host", each, "name_label") === drained) ?? "";
    db.set("VM", vm, "resident_on", host);
    const told = await night.run();
    expect(told.text).toMatch(new RegExp(`^${drained}: shut down was not possible: one is on it$`, "m"));
    expect(night.power(drained)).toBe("out of service");
  });
});

describe("an answer of the pool that nobody hears", () => {
  /** Everybody wants all of it, until nothing more is done. */
  const morning = (night: Night): Promise<string> => {
    for (const vm of ["one", "two", "three", "four"]) night.ring.command(`load ${vm} cpu=100%`);
    return settle(night, 9);
  };
  const unheard =
    /^[ab]: (?:drain|shut down|wake) was asked for, and no answer was heard; the next run sees/gm;

  it.each(["host.disable", "Async.host.shutdown"])(
    "to %s: the host goes to sleep all the same, and is there in the morning",
    async (method) => {
      const night = await openNight();
      night.ring.command(`drop ${method}`);
      const said = await settle(night, 12);
      expect(said.match(unheard)).toHaveLength(1);
      expect(["a", "b"].map(night.power)).toEqual(["off", "off"]);
      expect(await morning(night)).not.toContain("ALARM");
      expect(["a", "b"].map(night.power)).toEqual(["on", "on"]);
    },
  );

  it("to Async.host.shutdown, which never came there: the host is taken back", async () => {
    const night = await openNight();
    night.ring.command("close Async.host.shutdown");
    const said = await settle(night, 24);
    expect(said.match(unheard)).toHaveLength(1);
    expect(said).toMatch(/^[ab]: is enabled: it is still on 15 min after its shutdown$/m);
  });

  it("to Async.host.power_on: the host is awaited, and is no alarm", async () => {
    const night = await openNight();
    await settle(night, 12);
    night.ring.command("drop Async.host.power_on");
    const said = await morning(night);
    expect(said.match(unheard)).toHaveLength(1);
    expect(said).not.toContain("ALARM");
    expect(["a", "b"].map(night.power)).toEqual(["on", "on"]);
  });

  it("because the pool cannot be asked at all: that is no fault of the host, which is woken later", async () => {
    const night = await openNight();
    await settle(night, 12);
    night.ring.command("http-500 host.get_by_uuid times=always");
    const said = await morning(night);
    expect(said).toMatch(/^[ab]: wake was not possible: .*HTTP 500/m);
    expect(said).not.toContain("ALARM");
    night.ring.command("end-faults");
    await settle(night, 6);
    expect(["a", "b"].map(night.power)).toEqual(["on", "on"]);
  });
});

describe("a run that is killed", () => {
  const settings = {
    GreenDownMinutes: "5",
    GreenUpMinutes: "2",
    GreenLeastOnMinutes: "0",
    ControlVmCooldownMinutes: "0",
  };
  const asking = (method: string) => (event: Passing) =>
    event.side === "pool" && event.direction === "up" && event.bytes.includes(method);

  const deaths = [
    ["host.disable", "before"],
    ["host.disable", "after"],
    ["Async.host.shutdown", "after"],
    ["Async.host.shutdown", "before"],
    ["Async.host.power_on", "before"],
    ["Async.host.power_on", "after"],
  ] as const;
  it.each(someVariants(deaths, 3))(
    "kill -9 at %s, %s it leaves: the next runs go on from there, and no VM is stopped",
    async (method, moment) => {
      const night = await openNight();
      if (method === "Async.host.power_on") {
        await settle(night);
        for (const vm of ["one", "two", "three", "four"]) night.ring.command(`load ${vm} cpu=100%`);
        await night.pass(180);
      }
      // Until its loads have settled a host is not emptied.
      let struck = false;
      for (let n = 0; n < 8 && !struck; n++) {
        await behindWire(arena, night.ring, [], async (round) => {
          const start = () => round.start(settings);
          const struckRun = strike({ ...round, start }, asking(method), "SIGKILL", moment);
          const { event } = await flowing(night.ring.pool, struckRun);
          struck = event !== null;
        });
        await aMinuteLater(arena);
        await night.pass(60);
      }
      expect(struck).toBe(true);
      await settle(night, 14, { change: { green: greenSettings({ wakeMinutes: 3, stallMinutes: 4 }) } });
      const hostPower = await loadHostPower(arena.manager);
      for (const host of ["a", "b"]) {
        const kind = hostPower.states.get(asUuid(night.ring.uuid("host", host)))?.kind ?? "on";
        expect([host, kind, night.power(host)]).toEqual([host, kind, kind === "on" ? "on" : "off"]);
      }
      expect(night.ring.pool.model.power.events.filter(({ kind }) => kind === "vm-stopped")).toEqual([]);
    },
  );
});

describe("a shutdown of which nothing comes", () => {
  it("the host is taken into service again, and not asked a second time", async () => {
    const night = await openNight();
    night.ring.command("stuck a");
    const said = await settle(night, 12, {
      change: { green: greenSettings({ wakeMinutes: 3, stallMinutes: 4 }) },
    });
    expect(said).toMatch(/^a: is enabled: it is still on \d+ (?:s|min) after its shutdown$/m);
    expect(said.match(/^a: is put to sleep/gm)).toHaveLength(1);
    expect(night.power("a")).toBe("on");
  });
});

/** An hour of the day that is half a day away. */
function hoursFarFromNow(): { readonly from: number; readonly to: number } {
  const from = (new Date().getUTCHours() * 60 + 720) % 1440;
  return { from, to: (from + 60) % 1440 };
}

async function controlSettings(): Promise<Settings["control"]> {
  const sources = { fileName: null, text: "", values: {}, environment: {}, readFile: () => "" };
  const result = parseSettings({ ...sources, readCredential: () => null }, ["control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return { ...result.settings.control, green: greenSettings() };
}
