/** Case full-disk: output that cannot be written is no success; only a reader that wants no more is silent. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProgramName, startProgram, temporaryFolder } from "../support/programs.ts";
import { someVariants } from "../support/runs.ts";
import { startWorld, type World } from "../support/world.ts";

const full = 'exec "$@" >/dev/full';
const why = "standard output cannot be written: no space left on device";

let world: World;

beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
  await world.begin("CpuAverage > 10");
}, 120_000);

afterAll(() => world?.stop());

describe("case full-disk", () => {
  const calls: readonly [Exclude<ProgramName, "xcp-sim">, readonly string[]][] = [
    ["xcp-collect", []],
    ["xcp-collect", ["--json"]],
    ["xcp-collect", ["--export", "-", "--no-store"]],
    ["xcp-collect", ["--help"]],
    ["xcp-manager", ["-e", "SHOW VMS"]],
    ["xcp-manager", ["--json", "-e", "SHOW VMS"]],
    ["xcp-manager", ["-e", "HELP"]],
    ["xcp-manager", ["schema", "status"]],
    ["xcp-manager", ["rehearse", "--since", "1h"]],
    ["xcp-manager", ["--version"]],
    ["xcp-control", ["--dry-run"]],
    ["xcp-control", ["--dry-run", "--json"]],
    ["xcp-control", ["--dry-run", "--json", "--exit-code"]],
  ];
  it.each(someVariants(calls, 7))("%s %j ends with 1 and the reason", async (program, args) => {
    const result = await world.run(program, args, { through: full });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(why);
    expect(result.stderr).not.toContain("internal error");
  });

  it("a reader that wants no more hears nothing", async () => {
    const result = await world.run("xcp-collect", ["--export", "-", "--no-store", "--json"], {
      through: '"$@" 2>err | head -c 1; cat err >&2',
    });
    expect(result).toMatchObject({ code: 0, stdout: "x" });
    expect(result.stderr).not.toContain("cannot be written");
  });

  it("a disk that takes only a part of a text is full, not done", async () => {
    const file = join(await temporaryFolder(), "pool.txt");
    const whole = await world.run("xcp-collect", ["--export", "-", "--no-store", "-q"]);
    expect(whole.stdout.length).toBeGreaterThan(1024);
    // In blocks of 512 bytes: the first write is cut there and reports no error.
    const cut = await world.run("xcp-collect", ["--export", "-", "--no-store", "-q"], {
      through: `ulimit -f 1; exec "$@" >'${file}'`,
    });
    expect((await readFile(file, "utf8")).length).toBeLessThan(whole.stdout.length);
    expect(cut).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot be written: file too large/),
    });
  });

  it("a script stops at the command whose answer is lost", async () => {
    const script = ["-e", "SHOW VMS", "-e", "CREATE RULE HOST OccupiedMemoryMb > 77"];
    const result = await world.run("xcp-manager", script, { through: full });
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^xcp-manager: -e:1: standard output/),
    });
    expect((await world.run("xcp-manager", ["-e", "SHOW RULES HOST"])).stdout).not.toContain("77");
  });

  it("what was to be told on standard error is not lost in silence either", async () => {
    const through = 'exec "$@" 2>/dev/full';
    expect((await world.run("xcp-manager", ["-e", "SHOW EXCLUSIONS"])).stderr).not.toBe("");
    expect((await world.run("xcp-manager", ["-e", "SHOW EXCLUSIONS"], { through })).code).toBe(1);
    expect((await world.run("xcp-manager", ["-e", "SHOW VM nosuch"], { through })).code).toBe(2);
  });

  it("--interval tells it and goes on", async () => {
    const settings = world.settings("collect");
    const running = await startProgram("xcp-collect", ["--interval", "0.3"], { settings, through: full });
    await expect.poll(() => running.output.stderr.split(why).length).toBeGreaterThan(2);
    running.child.kill("SIGTERM");
    expect((await running.ended).code).toBe(143);
  });
});
