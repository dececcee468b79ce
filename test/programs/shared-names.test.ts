/** Names that an attacker chose, through every program: unchanged in MySQL and JSON, harmless on a terminal. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { startWorld, type World } from "../support/world.ts";
import { answered, rowsOf, storedTables, tablesOf } from "./collectPool.ts";

const names = [
  `quotes " ' \` and \\ backslashes \\' -- # /* ; %s $(id)`,
  "\u001b]0;title\u0007\u001b[2J\u001b[31mred",
  "\u009b31mC1\u0085",
  "two\nlines\r\nand\ttabs",
  "\u202eright to left\u202c \u2066isolated\u2069 \u200bzero\ufeff width",
  "emoji 🐘👩‍👩‍👧 and 日本語 and é e\u0301",
  "<value>&amp;</value> ]]> <!--",
  "n".repeat(10_000),
  " outer blanks ",
];
const answeredNames = names.map(answered);
/** Letters, marks, numbers, punctuation, symbols, plain spaces and line ends: nothing that moves a cursor. */
const graphic = /^[\p{L}\p{M}\p{N}\p{P}\p{S} \n]*$/u;
const hiding = /\p{Default_Ignorable_Code_Point}/u;

const scenario = [
  `pool ${JSON.stringify(`pool ${names[1]}`)} product=XCP-ng version=8.2`,
  'sr "shared" type=nfs',
  `network ${JSON.stringify(names[4])} device=eth0`,
  "host master master cpus=4 memory=16384",
  `host ${JSON.stringify(`host ${names[1]}${names[2]}${names[3]}`)} cpus=4 memory=16384`,
  ...names.map((name) => `vm ${JSON.stringify(name)} on=master memory=128 disk=local`),
  `vm blocked on=master memory=128 blocked=${JSON.stringify(names[1])}`,
].join("\n");

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { scenario }, manualClock: true });
  await world.pool.clock.advance(60_000);
  const result = await world.run("xcp-collect");
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expectHarmless(result.stdout);
});
afterAll(() => world?.stop());

function expectHarmless(text: string): void {
  expect(text).toMatch(graphic);
  expect(text).not.toMatch(hiding);
}

async function manager(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.run("xcp-manager", args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

describe("a hostile name", () => {
  it("is in MySQL character by character", async () => {
    expect(await storedTables(world)).toEqual(tablesOf(world.pool));
    const stored = await rowsOf(world, "SELECT Name FROM Vm WHERE IsControlDomain = 0 AND Name <> 'blocked'");
    expect(stored.map((row) => row["Name"]).sort()).toEqual([...answeredNames].sort());
    const [pool] = await rowsOf(world, "SELECT Name FROM Pool");
    expect(pool?.["Name"]).toBe(answered(`pool ${names[1]}`));
  });

  it("is one harmless line of SHOW VMS and SHOW HOSTS", async () => {
    const vms = await manager("-e", "SHOW VMS");
    expectHarmless(vms);
    expect(vms.trimEnd().split("\n")).toHaveLength(names.length + 3);
    const hosts = await manager("-e", "SHOW HOSTS");
    expectHarmless(hosts);
    expect(hosts.trimEnd().split("\n")).toHaveLength(2);
  });

  it("is harmless in SHOW VM and SHOW HOST, with all their details", async () => {
    const vms = await rowsOf(world, "SELECT UUID FROM Vm");
    const hosts = await rowsOf(world, "SELECT UUID FROM Host");
    const commands = [
      ...vms.map((row) => `SHOW VM ${String(row["UUID"])} DETAILS`),
      ...hosts.map((row) => `SHOW HOST ${String(row["UUID"])} DETAILS`),
    ];
    const text = await manager(...commands.flatMap((command) => ["-e", command]));
    expectHarmless(text);
    expect(text.match(/^Name - /gm)).toHaveLength(commands.length);
    expect(text).toContain(`Name - ${names[7]}\n`);
    expect(text).toContain("Name - \\u{9b}31mC1\\u{85}\n");
    expect(text).toContain("Name - \\u{202e}right to left\\u{202c} \\u{2066}isolated");
    expect(text).toContain("Name - two\\u{a}lines\\u{d}\\u{a}and\\u{9}tabs\n");
  });

  it("comes back from --json as it was, in text that is harmless itself", async () => {
    const json = await manager("--json", "-e", "SHOW VMS");
    expectHarmless(json);
    const shown = (JSON.parse(json) as { name: string }[]).map((vm) => vm.name);
    expect(shown.filter((name) => answeredNames.includes(name)).sort()).toEqual([...answeredNames].sort());
  });

  it("is harmless in xcp-control's plan and its JSON", async () => {
    await manager("-e", "CREATE RULE HOST OccupiedMemoryMb > 100");
    for (const args of [["--dry-run"], ["--dry-run", "--json"]]) {
      const { code, stdout, stderr } = await world.run("xcp-control", args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expectHarmless(stdout);
      expect(stdout).toContain("title");
    }
  });

  it("is harmless where a host that cannot be read is named, in text and JSON", async () => {
    const { db } = world.pool;
    const host = db.all("host").find((ref) => ref !== world.pool.masterRef) ?? "";
    runCommand(world.pool, `crash ${db.text("host", host, "uuid")}`);
    const result = await world.run("xcp-collect", ["--json"]);
    expect(result.code).toBe(3);
    expectHarmless(result.stdout + result.stderr);
    expect(result.stderr.trimEnd().split("\n")).toHaveLength(1);
    const summary = JSON.parse(result.stdout);
    expect(summary.unread[0].name).toBe(answered(db.text("host", host, "name_label")));
    expect(summary.pool.name).toBe(answered(`pool ${names[1]}`));
  });
});
