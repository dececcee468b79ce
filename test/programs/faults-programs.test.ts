/** Faults of the fault matrix that are seen from outside: calls that hang, redirects, signals, input and output of programs. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { settingKeys } from "../../src/settings/keys.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { asRoot } from "../support/database.ts";
import { startProgram } from "../support/programs.ts";
import { someVariants } from "../support/runs.ts";
import { startWorld, type World } from "../support/world.ts";
import { masterScript, slaveScript, startMember } from "../xapi/support/scriptedMember.ts";
import { rowsOf, storedTables } from "./collectPool.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
  expect((await world.run("xcp-collect", ["-q"])).code).toBe(0);
}, 120_000);
afterAll(() => world?.stop());
beforeEach(() => asRoot("DELETE FROM HostRule", world.database.admin.database));

const manager = (...lines: string[]) =>
  world.run(
    "xcp-manager",
    lines.flatMap((line) => ["-e", line]),
  );
const rules = () => rowsOf(world, "SELECT Subject, Threshold FROM HostRule ORDER BY Subject");

describe("a pool that never answers a call", () => {
  it("F3: each run that cron starts ends by its deadline, before the next minute; the tables stay, and their age is told", async () => {
    // By default a run is over before cron's next one: there is never more than one.
    expect(settingKeys["CollectDeadlineSeconds"]).toMatchObject({ fallback: 50 });
    const before = await storedTables(world);
    runCommand(world.pool, "hang host.get_all_records times=always");
    try {
      const change = { XenCallSeconds: "600", CollectDeadlineSeconds: "5" };
      const settings = { ...world.settings("collect"), ...change };
      // A second one that comes all the same waits for nobody, and ends like the first.
      const runs = await Promise.all([1, 2].map(() => startProgram("xcp-collect", [], { settings })));
      for (const run of runs) {
        const ended = await run.ended;
        expect(ended).toMatchObject({ code: 1, stdout: "" });
        expect(ended.stderr).toMatch(/the pool was not read within 5 s \(CollectDeadlineSeconds\)/);
      }
      expect(await storedTables(world)).toEqual(before);
      const status = (await manager("SHOW STATUS")).stdout;
      expect(status).toMatch(/^xcp-collect - failed, exit code 1, started /m);
      expect(status).toMatch(/^xcp-collect did its work last - \d+ \w+ ago$/m);
    } finally {
      runCommand(world.pool, "end-faults");
    }
    expect(await world.run("xcp-collect", ["-q"])).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("members that send each other round", () => {
  it.each(["xcp-collect", "xcp-control"] as const)(
    "F21: %s stops after two redirects, and tells an address outside the pool nothing",
    async (program) => {
      await manager("CREATE RULE HOST CpuAverage > 25");
      expect((await world.run("xcp-collect", ["-q"])).code).toBe(0);
      const plan = await world.run("xcp-control", ["--dry-run", "--exit-code", "--instant"]);
      expect(plan.code, plan.stdout).toBe(10);
      const args = program === "xcp-control" ? ["--instant"] : [];
      const names: string[] = [];
      await using first = await startMember(slaveScript(() => names[1] ?? ""));
      await using second = await startMember(slaveScript(() => names[0] ?? ""));
      names.push(first.address, second.address);
      const round = await world.run(program, args, { change: { XenHost: `${first.url},${second.url}` } });
      expect(round.code).toBe(1);
      expect(round.stderr).toMatch(/after 2 redirects/);
      // Each that is asked first is followed twice, to those of the settings alone.
      expect(first.calls.length + second.calls.length).toBeLessThanOrEqual(6);
      await using stranger = await startMember(masterScript(), { host: "127.0.0.66" });
      await using liar = await startMember(
        slaveScript(() => "127.0.0.66"),
        { host: "127.0.0.65", port: stranger.port },
      );
      const led = await world.run(program, args, { change: { XenHost: liar.url } });
      expect(led.code).toBe(1);
      expect(led.stderr).toContain("--allow-redirect 127.0.0.66");
      expect(stranger.calls).toEqual([]);
      expect(world.pool.db.all("task")).toEqual([]);
    },
  );
});

describe("a signal at the manager", () => {
  it.each(
    someVariants(
      [
        ["SIGTERM", 143],
        ["SIGINT", 130],
        ["SIGHUP", null],
      ] as const,
      2,
    ),
  )(
    "F41, F44: %s in the midst of a script: what was answered is done, and nothing else",
    async (signal, code) => {
      const running = await startProgram("xcp-manager", [], { settings: world.settings("manager") });
      running.child.stdin.write("CREATE RULE HOST CpuAverage > 25\n");
      await running.waitFor(/^Rule created\n/m);
      running.child.stdin.write("CREATE RULE HOST OccupiedMemoryMb > 5");
      running.child.kill(signal);
      const ended = await running.ended;
      if (code === null) expect(ended.signal).toBe(signal);
      else expect(ended.code).toBe(code);
      expect(ended.stderr).toBe("");
      expect(await rules()).toEqual([{ Subject: "CpuAverage", Threshold: 25 }]);
    },
  );
});

describe("the manager's input and output", () => {
  it("F44: a reader that goes away after a line: quiet, with code 0", async () => {
    const result = await world.run("xcp-manager", ["-e", "HELP", "-e", "SHOW VMS", "-e", "HELP"], {
      through: '"$@" 2>err | head -n 1; cat err >&2',
    });
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout.split("\n")).toHaveLength(2);
  });

  it("F44: no standard input at all, or one that ends in the midst of a line", async () => {
    const closed = await world.run("xcp-manager", [], { through: 'exec "$@" <&-' });
    expect(closed.stderr).not.toMatch(/internal error|\n\s+at /);
    expect([0, 1]).toContain(closed.code);
    const cut = await world.run("xcp-manager", [], {
      stdin: "CREATE RULE HOST CpuAverage > 25\nCREATE RULE HOST Vm",
    });
    expect(cut.code).toBe(2);
    expect(await rules()).toEqual([{ Subject: "CpuAverage", Threshold: 25 }]);
  });

  it.each(
    someVariants(
      [
        ["a line of 10 MB", `SHOW VM ${"x".repeat(10_000_000)}\n`],
        ["NUL bytes", `SHOW VM ${"\0".repeat(1000)}\n`],
        ["no UTF-8", Buffer.from([0x53, 0x48, 0xff, 0xfe, 0x0a])],
      ] as const,
      2,
    ),
  )(
    "F44: %s: refused with a short word in 96 MB of memory, and nothing after it is done",
    async (_, text) => {
      const running = await startProgram("xcp-manager", [], {
        settings: world.settings("manager"),
        env: { NODE_OPTIONS: "--max-old-space-size=96" },
      });
      running.child.stdin.write(text);
      running.child.stdin.end("CREATE RULE HOST CpuAverage > 25\n");
      const ended = await running.ended;
      expect(ended).toMatchObject({ code: 2, stdout: "" });
      expect(ended.stderr.length).toBeLessThan(1000);
      expect(ended.stderr).not.toMatch(/internal error|\n\s+at |heap/);
      expect(await rules()).toEqual([]);
    },
  );
});

describe("the same again", () => {
  it("F45: commands that cron or a person repeats leave one rule, one exclusion and one pause, and say so", async () => {
    const script = ["CREATE RULE HOST CpuAverage > 25"];
    expect((await manager(...script)).code).toBe(0);
    const again = await manager(...script);
    expect(again).toMatchObject({ code: 2, stdout: "" });
    expect(again.stderr).toContain("There is a rule already: CpuAverage is more than 25 % above the medium");
    expect(await rules()).toEqual([{ Subject: "CpuAverage", Threshold: 25 }]);
    const chain = "CREATE RULE HOST CpuAverage > 25 AND VmCount ABOVE 3";
    expect((await manager(chain)).code).toBe(0);
    expect((await manager(chain)).code).toBe(2);
    expect(await rowsOf(world, "SELECT COUNT(*) AS n FROM AddedRule")).toMatchObject([{ n: 1 }]);
    for (const time of [1, 2]) {
      expect((await manager("EXCLUDE HOST Host1 REASON licence")).code, `time ${time}`).toBe(0);
      expect((await manager("PAUSE CONTROL REASON x")).code).toBe(0);
    }
    expect(await rowsOf(world, "SELECT COUNT(*) AS n FROM Exclusion")).toMatchObject([{ n: 1 }]);
    for (const [line, first, second] of [
      ["RESUME CONTROL", 0, 0],
      ["INCLUDE HOST Host1", 0, 2],
      ["DISABLE RULE CpuAverage", 0, 0],
      ["DELETE RULE HOST CpuAverage", 0, 2],
    ] as const) {
      expect((await manager(line)).code, line).toBe(first);
      expect((await manager(line)).code, `${line}, again`).toBe(second);
    }
    // Two at the same moment: one of them makes the rule.
    const both = await Promise.all([manager(...script), manager(...script)]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, 2]);
    expect(await rules()).toEqual([{ Subject: "CpuAverage", Threshold: 25 }]);
    await asRoot("DELETE FROM AddedRule", world.database.admin.database);
  });
});
