/** S5: what the programs keep and what others see of them holds no password and no session, whatever the pool echoes. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { poolPassword, startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

const scenario = `
pool "Secrets"
host hot master cpus=4 memory=8192
host cool cpus=4 memory=8192
vm busy on=hot vcpus=2 memory=512 cpu=90% tools
vm second on=hot vcpus=2 memory=512 cpu=80% tools
vm third on=hot vcpus=1 memory=512 cpu=70% tools
`;

/** The command lines and environments of all processes, as ps and an administrator see them. */
function commandLines(): string {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return ""; // it has ended meanwhile
      }
    })
    .join("\n");
}

describe.skipIf(process.platform !== "linux")("secrets of a pool and its database", () => {
  let world: World;
  let secrets: readonly string[];
  let seen = "";
  let told = "";

  beforeAll(async () => {
    world = await startWorld({ pool: { scenario }, speed: 20 });
    const { collect, manager, control } = world.database;
    secrets = [poolPassword, ...[collect, manager, control].map(({ password }) => password)];
    const look = setInterval(() => {
      seen += commandLines();
      for (const session of world.pool.db.all("session"))
        if (!secrets.includes(session)) secrets = [...secrets, session];
    }, 50);
    try {
      const keep = async (...[program, args, options]: Parameters<World["run"]>) => {
        const { stdout, stderr, code } = await world.run(program, args, { ...options, asProcess: true });
        told += stdout + stderr;
        return code;
      };
      expect(await keep("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 15"])).toBe(0);
      await world.pool.clock.sleep(11_000);
      expect(await keep("xcp-collect", [])).toBe(0);
      runCommand(
        world.pool,
        `fail-migration INTERNAL_ERROR login-of-root-with-${poolPassword} at=10% times=1`,
      );
      const control = { change: { ControlPollSeconds: "1" } };
      await keep("xcp-control", ["--instant"], control);
      await keep("xcp-manager", ["--json", "-e", "SHOW MIGRATIONS; SHOW STATUS"]);
      expect(await keep("xcp-collect", [], { change: { XenPass: `${poolPassword}-wrong` } })).toBe(1);
      expect(await keep("xcp-manager", ["-e", "SHOW HOSTS"], { change: { MysqlPass: "wrong" } })).not.toBe(0);
    } finally {
      clearInterval(look);
    }
  });
  afterAll(() => world?.stop());

  it("S5: stand in no row of any table, though the pool said one in the error of a migration", async () => {
    const failed = await rowsOf(world, "SELECT Error FROM Migration WHERE Error IS NOT NULL");
    expect(failed.map(({ Error: text }) => text).join()).toMatch(/INTERNAL_ERROR.*login-of-root-with-/);
    const tables = await rowsOf(
      world,
      "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'",
    );
    expect(tables.length).toBeGreaterThan(20);
    for (const { name } of tables) {
      const rows = await rowsOf(world, `SELECT * FROM \`${name}\``);
      const text = rows.flatMap((row) => Object.values(row).map(textOf)).join("\n");
      expect(
        secrets.filter((secret) => text.includes(secret)),
        `${name}`,
      ).toEqual([]);
    }
  });

  it("S5: stand in no command line of a process", () => {
    expect(seen).toContain("collect/main.js");
    expect(secrets.filter((secret) => seen.includes(secret))).toEqual([]);
  });

  it("S5: stand in nothing that the programs write", () => {
    expect(told).toContain("login-of-root-with-");
    expect(secrets.filter((secret) => told.includes(secret))).toEqual([]);
  });

  it("sees the sessions, so that it would notice them", () => {
    expect(secrets.filter((secret) => secret.startsWith("OpaqueRef:")).length).toBeGreaterThan(0);
  });
});

function textOf(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString("latin1") : String(value);
}
