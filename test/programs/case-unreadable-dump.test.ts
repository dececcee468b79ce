/** Case unreadable-dump: a damaged field is named by table, row and field, and left out where it is not needed. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { changeRow, dumpFile, hasRecordedDump, recordedText } from "../support/dumps.ts";
import { type ProgramResult, runProgram, startProgram } from "../support/programs.ts";

/** What xcp-sim writes with that dump until it serves, or gives up. */
async function serve(xml: string): Promise<Pick<ProgramResult, "code" | "stdout" | "stderr">> {
  const sim = await startProgram("xcp-sim", ["--http", "--dump", fileURLToPath(await dumpFile(xml))]);
  await sim.waitFor(/Ctrl-C ends\./);
  sim.child.kill("SIGTERM");
  return sim.ended;
}

async function refusal(xml: string): Promise<Pick<ProgramResult, "code" | "stdout" | "stderr">> {
  return runProgram("xcp-sim", ["--http", "--dump", fileURLToPath(await dumpFile(xml))]);
}

const shared = /name__label="Shared"/;

describe.skipIf(!hasRecordedDump)("case unreadable-dump (skipped where ../shared is missing)", () => {
  const damaged = (table: string, row: RegExp, field: RegExp, text: string) =>
    changeRow(recordedText(), table, row, (line) => line.replace(field, ` ${text}`));

  it.each([
    ["a map without its end", / other_config="[^"]*"/, `other_config="(('a' 'b'"`, "other_config"],
    ["a map of something else", / other_config="[^"]*"/, `other_config="('a' 'b')"`, "other_config"],
    ["an open quote", / tags="[^"]*"/, `tags="('a)"`, "tags"],
    ["a text where a list should be", / tags="[^"]*"/, `tags="nothing"`, "tags"],
    ["a date of no calendar", / snapshot_time="[^"]*"/, `snapshot_time="yesterday"`, "snapshot_time"],
    ["a number of letters", / version="[^"]*"/, `version="1O"`, "version"],
    ["an attribute cut in two", / name__description="[^"]*"/, `name__description="a"b"`, "name_description"],
    ["an attribute that never ends", / name__description="/, `name__description=`, "name_description"],
  ])("%s is named and left out", async (_, field, text, name) => {
    const { code, stdout, stderr } = await serve(damaged("VM", shared, field, text));
    expect(code).toBe(0);
    expect(stdout).toContain("2 hosts, 4 VMs");
    expect(stderr).toMatch(
      new RegExp(
        `^xcp-sim: \\S+: table VM, row OpaqueRef:\\S+( \\(Shared\\))?: field ${name}: .*; left out\\n$`,
      ),
    );
  });

  it.each([
    ["a power state", "VM", shared, / power_state="[^"]*"/, `power_state="Runing"`, "power_state"],
    [
      "a size",
      "VM",
      shared,
      / memory__dynamic_min="[^"]*"/,
      `memory__dynamic_min="4G"`,
      "memory_dynamic_min",
    ],
    ["a ref", "VM", shared, / resident_on="/, `resident_on="x" y"`, "resident_on"],
    ["a truth", "host", /name__label="dt16"/, / enabled="[^"]*"/, `enabled="perhaps"`, "enabled"],
  ])("%s that the pool cannot do without ends it, named", async (_, table, row, field, text, name) => {
    const { code, stdout, stderr } = await refusal(damaged(table, row, field, text));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(
      new RegExp(`^xcp-sim: table ${table}, row OpaqueRef:\\S+ \\(\\w+\\): field ${name}: `),
    );
    expect(stderr).toContain("mend them in the file, or dump the pool again");
  });

  it("what a stranger wrote into a damaged field does not reach the terminal", async () => {
    const { stderr } = await serve(damaged("VM", shared, / tags="[^"]*"/, `tags="(\u001b[2J"`));
    expect(stderr).toContain("field tags");
    expect(stderr).not.toContain("\u001b");
  });

  it("two hosts with one uuid are refused by their names", async () => {
    const text = recordedText();
    const other = /name__label="dt16".* uuid="([^"]*)"/.exec(
      text.slice(text.indexOf('<table name="host">')).match(/<row [^<]*name__label="dt16"[^<]*/)?.[0] ?? "",
    );
    const twice = changeRow(text, "host", /name__label="dt23"/, (row) =>
      row.replace(/ uuid="[^"]*"/, ` uuid="${other?.[1]}"`),
    );
    const { code, stdout, stderr } = await refusal(twice);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(
      /^xcp-sim: table host: OpaqueRef:\S+ \(dt\d\d\) and OpaqueRef:\S+ \(dt\d\d\) have one uuid, [0-9a-f-]{36}\n/,
    );
    for (const name of ["dt16", "dt23"]) expect(stderr).toContain(`(${name})`);
  });

  it("one object twice is refused, not a broken program", async () => {
    const text = recordedText();
    const [row = ""] = text.slice(text.indexOf('<table name="VM">')).match(/<row [^<]*/) ?? [];
    const { code, stderr } = await refusal(text.replace(row, () => row + row));
    expect(code).toBe(2);
    expect(stderr).toMatch(/^xcp-sim: table VM: .* have one ref, OpaqueRef:/);
  });
});
