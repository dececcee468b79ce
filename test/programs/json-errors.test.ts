/** `--json`: what ends a program is one line of JSON too, on standard error: standard output holds results alone. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProgramName, ProgramResult } from "../support/programs.ts";
import { runProgram, temporaryFolder } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
  await world.begin();
}, 120_000);

afterAll(() => world?.stop());

function errorOf({ stdout, stderr }: ProgramResult): Record<string, unknown> {
  expect(stdout).toBe("");
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  return JSON.parse(stderr) as Record<string, unknown>;
}

describe("--json", () => {
  const cases: readonly [Exclude<ProgramName, "xcp-sim">, readonly string[], number, object][] = [
    [
      "xcp-manager",
      ["--json", "-e", "SHOW VM nosuch"],
      2,
      { code: "not-found", error: expect.stringMatching(/^-e:1: /) },
    ],
    ["xcp-manager", ["--format=json", "-e", "SHOW NONSENSE"], 2, { code: "usage" }],
    ["xcp-manager", ["--format", "json", "-f", "/nowhere"], 1, { code: "file" }],
    ["xcp-manager", ["--json", "--nonsense"], 2, { code: "usage", error: "unknown option '--nonsense'" }],
    ["xcp-control", ["--json", "--evacuate", "nosuch", "--dry-run"], 2, { code: "not-found" }],
    ["xcp-control", ["--json", "--apply", "/nowhere"], 1, { code: "file" }],
    ["xcp-collect", ["--json", "--no-store"], 2, { code: "usage" }],
    ["xcp-collect", ["--json", "--import", "/nowhere"], 1, { code: "file" }],
  ];
  it.each(cases)("%s %j", async (program, args, code, expected) => {
    const result = await world.run(program, args);
    expect(result.code).toBe(code);
    const said = errorOf(result);
    expect(Object.keys(said).sort()).toEqual(["code", "error", "next"]);
    expect(said).toMatchObject(expected);
    expect(said["next"]).toMatch(/\w/);
  });

  it("tells the next step apart from what went wrong", async () => {
    const cwd = await temporaryFolder();
    const said = errorOf(await runProgram("xcp-collect", ["--json"], { cwd }));
    expect(said).toEqual({
      error: `Unable to locate settings file: tried ${join(cwd, "settings")}`,
      code: "settings",
      next: "copy settings.example there, or name another with --settings",
    });
    const text = await runProgram("xcp-collect", [], { cwd });
    expect(text.stderr).toBe(`xcp-collect: ${said["error"]}; ${said["next"]}\n`);
  });

  it("--help is help all the same", async () => {
    const result = await runProgram("xcp-control", ["--json", "--help"]);
    expect(result).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("Usage:") });
  });
});
