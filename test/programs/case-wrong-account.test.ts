/** Case wrong-account: settings with another program's account are named as such; nobody is told to widen its rights. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asRoot } from "../support/database.ts";
import { someVariants } from "../support/runs.ts";
import { startWorld, type World } from "../support/world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" }, speed: 60 });
  await world.begin("CpuAverage > 25");
}, 120_000);

afterAll(() => world?.stop());

type Name = "collect" | "manager" | "control";

const cases: readonly [Name, Name, readonly string[]][] = [
  ["control", "manager", ["--instant"]],
  ["control", "collect", ["--instant"]],
  ["control", "collect", ["--dry-run"]],
  ["manager", "control", ["-e", "CREATE RULE HOST OccupiedMemoryMb > 99"]],
  ["manager", "collect", ["-e", "SHOW RULES HOST"]],
  ["collect", "manager", ["-q"]],
  ["collect", "control", ["-q"]],
];

describe("case wrong-account", () => {
  it.each(someVariants(cases, 4))("xcp-%s with the account of xcp-%s: %j", async (program, owner, args) => {
    const { user, password } = world.database[owner];
    const result = await world.run(`xcp-${program}`, args, {
      change: { MysqlUsr: user, MysqlPass: password },
    });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(
      `these settings hold the account of xcp-${owner} (${user}), and this is xcp-${program}`,
    );
    expect(result.stderr).toContain("correct MysqlUsr and MysqlPass");
    expect(result.stderr).not.toMatch(/grant|internal error/i);
  });

  it("the program's own account that lacks a new right is told to run sql/accounts.sql again", async () => {
    const { user, database } = world.database.control;
    await asRoot(`REVOKE DELETE ON \`${database}\`.ProgramRun FROM '${user}'@'%'`);
    const result = await world.run("xcp-control", ["--instant"]);
    await asRoot(`GRANT DELETE ON \`${database}\`.ProgramRun TO '${user}'@'%'`);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(
      /the account of xcp-control, lacks a right .*: after an upgrade run sql\/accounts\.sql again/,
    );
  });

  it("an account of nobody's is none of them", async () => {
    const { database } = world.database.admin;
    const account = `'${database}-odd'@'%'`;
    await asRoot([
      `CREATE USER ${account} IDENTIFIED BY 'odd-p4ss'`,
      `GRANT SELECT ON \`${database}\`.* TO ${account}`,
    ]);
    try {
      const change = { MysqlUsr: `${database}-odd`, MysqlPass: "odd-p4ss" };
      const result = await world.run("xcp-control", ["--instant"], { change });
      expect(result.stderr).toContain("is not the account of xcp-control as sql/accounts.sql makes it");
    } finally {
      await asRoot(`DROP USER ${account}`);
    }
  });
});

describe("xcp-control -q", () => {
  it("says nothing of a run that did what there was to do, and of a failed one everything, on standard error", async () => {
    const done = await world.run("xcp-control", ["-q", "--instant"]);
    expect(done).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect((await world.run("xcp-control", ["-q", "--dry-run", "--exit-code"])).stderr).not.toContain(
      "internal",
    );
    // A pause that ends by itself is known to whoever ordered it; one without an end may be forgotten.
    await world.run("xcp-manager", ["-e", "PAUSE CONTROL FOR 1h"]);
    expect(await world.run("xcp-control", ["-q"])).toMatchObject({ code: 4, stdout: "", stderr: "" });
    await world.run("xcp-manager", ["-e", "PAUSE CONTROL"]);
    const refused = await world.run("xcp-control", ["-q"]);
    const loud = await world.run("xcp-control");
    await world.run("xcp-manager", ["-e", "RESUME CONTROL"]);
    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(loud.stdout.split("\n")[0]).not.toBe("");
    expect(refused.stderr).toContain("paused");
    expect(refused.stderr.startsWith("xcp-control: ")).toBe(true);
    expect(await world.run("xcp-control", ["-q", "--ack"])).toMatchObject({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });
});
