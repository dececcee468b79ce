/** Green rules, carried out on a simulated pool: hosts are emptied, sleep, and are awake before they are needed. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { showGreen } from "../../src/manager/commands/green.ts";
import { greenText } from "../../src/manager/renderGreen.ts";
import { type GreenRule, noOptions } from "../../src/rule.ts";
import { parseSettings, type Settings } from "../../src/settings.ts";
import { listMigrations } from "../../src/store/migrations.ts";
import { createGreenRule } from "../../src/store/ruleChanges.ts";
import { runCommand } from "../../src/xapi/simulator/commands.ts";
import { type Arena, type ControlChange, openArena, type Ring, type Told } from "../support/controlArena.ts";
import { asRoot } from "../support/database.ts";
import { later } from "../support/laterDatabase.ts";

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
const night = `
pool "Night" product=XCP-ng version=8.3 bandwidth=4000
host boss master cpus=8 memory=16384 base-cpu=0% power-on=IPMI
host a cpus=8 memory=16384 base-cpu=0% power-on=wake-on-lan boot=60s
host b cpus=8 memory=16384 base-cpu=0% power-on=IPMI boot=60s
host c cpus=8 memory=16384 base-cpu=0%
vm one on=boss vcpus=2 memory=512 cpu=40% tools
vm two on=a vcpus=2 memory=512 cpu=40% tools
vm three on=b vcpus=2 memory=1024 cpu=40% tools
vm four on=c vcpus=2 memory=512 cpu=40% tools
`;

function greenSettings(change: Partial<Settings["control"]["green"]> = {}): Settings["control"]["green"] {
  const sources = { fileName: null, text: "", values: {}, environment: {}, readFile: () => "" };
  const result = parseSettings({ ...sources, readCredential: () => null }, ["control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  const { green } = result.settings.control;
  return { ...green, downMinutes: 2, upMinutes: 1, leastOnMinutes: 0, leastAsleepMinutes: 0, ...change };
}

interface Night {
  readonly ring: Ring;
  /** So much time passes, with a collection every 20 s of it. */
  readonly pass: (seconds: number) => Promise<void>;
  readonly run: (change?: ControlChange) => Promise<Told>;
  readonly power: (host: string) => string;
}

async function openNight(scenario = night, rule: GreenRule | null = keep70): Promise<Night> {
  const ring = await arena.open(scenario, { speed: 60 });
  if (rule !== null) await createGreenRule(arena.manager, rule, "ann");
  const pass = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed += 20) {
      await later(arena.database.admin.database, 20);
      await ring.collect();
      await asRoot(["DELETE FROM VmArrival"], arena.database.admin.database);
    }
  };
  const run = (change: ControlChange = {}) =>
    ring.control({ ...change, change: { green: greenSettings(), vmCooldownMinutes: 0, ...change.change } });
  const power = (host: string) => {
    const { db } = ring.pool;
    const ref = db.all("host").find((each) => db.text("host", each, "name_label") === host) ?? "";
    const metrics = db.text("host", ref, "metrics");
    if (db.get("host_metrics", metrics, "live") !== true) return "off";
    return db.get("host", ref, "enabled") === true ? "on" : "out of service";
  };
  await pass(160);
  return { ring, pass, run, power };
}

/** Runs until nothing is done any more, a minute apart; what was said. */
async function settle({ pass, run }: Night, most = 12, change: ControlChange = {}): Promise<string> {
  let said = "";
  for (let n = 0; n < most; n++) {
    const { text } = await run(change);
    said += `${text}\n`;
    await pass(60);
  }
  return said;
}

describe("a green rule at night", () => {
  it("empties the hosts that can be woken, one at a time, puts them to sleep, and stops no VM", async () => {
    const night = await openNight();
    const dry = await night.run({ dryRun: true, exitCode: true });
    expect(dry.code).toBe(10);
    expect(dry.text).toMatch(/^Green: .*\n- [ab] is emptied, to sleep: /m);
    const said = await settle(night);
    expect(said).toMatch(/^[ab]: is put to sleep: it is empty$/m);
    expect(["boss", "c"].map(night.power)).toEqual(["on", "on"]);
    expect(["a", "b"].map(night.power)).toEqual(["off", "off"]);
    expect(night.ring.pool.model.power.events.filter(({ kind }) => kind === "vm-stopped")).toEqual([]);
    const rows = await listMigrations(arena.manager);
    expect(rows.every(({ cause, state }) => cause === "green" && state === "succeeded")).toBe(true);
    const control = (await controlSettings()) as Settings["control"];
    const shown = greenText(await showGreen({ db: arena.manager, control })).join("\n");
    expect(shown).toMatch(/^- a - ASLEEP for /m);
    expect(shown).toMatch(
      /^The last day - \d+(\.\d+)? hours asleep, 0\.\d+ kWh saved, \d+(\.\d+)? GiB migrated for it$/m,
    );
    const quiet = await night.run();
    expect(quiet.code).toBe(0);
  });

  it("wakes a host when the load asks for it, and enables nothing that it did not put to sleep", async () => {
    const night = await openNight();
    await settle(night);
    expect(night.power("a")).toBe("off");
    for (const vm of ["one", "two", "three", "four"]) runCommand(night.ring.pool, `set vm ${vm} cpu=100%`);
    runCommand(night.ring.pool, "set host boss base-cpu=60%");
    runCommand(night.ring.pool, "set host c base-cpu=60%");
    const said = await settle(night, 8);
    expect(said).toMatch(/^[ab]: is woken: /m);
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

async function controlSettings(): Promise<Settings["control"]> {
  const sources = { fileName: null, text: "", values: {}, environment: {}, readFile: () => "" };
  const result = parseSettings({ ...sources, readCredential: () => null }, ["control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return { ...result.settings.control, green: greenSettings() };
}
