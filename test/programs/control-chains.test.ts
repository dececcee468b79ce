/** Chains and sums from the prompt to the migration: the real programs, a simulated pool and a real database. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/connection.ts";
import { asRoot } from "../support/database.ts";
import { startWorld, type World } from "../support/world.ts";

/**
 * hot is past CPU and memory, busy past CPU alone, full past memory alone, idle past nothing. The VMs of hot that
 * weigh on CPU are cheap to move.
 */
const scenario = `
pool "Chains" product=XCP-ng version=8.3 bandwidth=1000
host hot master cpus=4 memory=16384 base-cpu=0% loadavg=3
host busy cpus=4 memory=16384 base-cpu=0% loadavg=1
host full cpus=4 memory=16384 base-cpu=0% loadavg=1
host idle cpus=4 memory=16384 base-cpu=0% loadavg=1
vm cpu1 on=hot vcpus=2 memory=256 cpu=80% tools
vm cpu2 on=hot vcpus=2 memory=256 cpu=80% tools
vm store1 on=hot vcpus=1 memory=4096 cpu=0% rx=300 tx=300 tools
vm store2 on=hot vcpus=1 memory=2048 cpu=0% rx=300 tx=300 tools
vm worker on=busy vcpus=4 memory=512 cpu=75% tools
vm archive on=full vcpus=1 memory=7000 cpu=0% tools
`;

let world: World;
beforeAll(async () => {
  world = await startWorld({ pool: { scenario }, speed: 20 });
});
afterAll(() => world.stop());
beforeEach(async () => {
  const tables = ["HostRule", "RuleTerm", "AddedRule", "RuleHistory", "Migration"];
  await asRoot(
    tables.map((table) => `DELETE FROM ${table}`),
    world.database.admin.database,
  );
});

const manager = (...lines: string[]) =>
  world.run(
    "xcp-manager",
    lines.flatMap((line) => ["-e", line]),
  );

/** What a dry run by the newest collection alone says. */
async function dryRun(): Promise<string> {
  const collected = await world.run("xcp-collect");
  expect(collected.code).toBe(0);
  const { code, stdout } = await world.run("xcp-control", ["--dry-run", "--instant"]);
  expect(code).toBe(0);
  return stdout;
}

describe("the thesis' wish for rules that act together", () => {
  it("CPU and memory: of four hosts only the one that is past both is relieved, by the cheaper of the two", async () => {
    const created = await manager("CREATE RULE HOST CpuAverage > 25 AND OccupiedMemoryMb > 1000");
    expect(created).toMatchObject({ code: 0, stdout: "Rule created\n" });
    const told = await dryRun();
    expect(told).toMatch(
      /^Rule CpuAverage more than 25 % above the mean and OccupiedMemoryMb more than 1000 MB above the mean: CpuAverage mean 38\.\d+ %, limit 63\.\d+; OccupiedMemoryMb mean [\d.]+ MB, limit [\d.]+, 1 of 4 hosts past all of it$/m,
    );
    expect(told).toMatch(/^ {2}hot: CpuAverage 80(\.\d+)? .* BREAKS IT -> /m);
    expect(told).toMatch(/^ {2}busy: CpuAverage 75(\.\d+)? \(\+36\.\d+\), OccupiedMemoryMb /m);
    expect(told).toMatch(/^Move 1: cpu[12]: hot -> idle; CpuAverage hot 80(\.\d+)? -> 40/m);
    expect(told).not.toContain("Move 2");
    expect(told).toContain("nothing that does as much copies less");
  });

  it("incoming plus outgoing traffic: a rule on the sum acts where none on a part does", async () => {
    await manager("CREATE RULE HOST PifEth0RxKb > 500", "CREATE RULE HOST PifEth0TxKb > 500");
    expect(await dryRun()).toContain("Nothing to do: no host breaks a rule");
    await manager("DELETE RULE HOST ALL", "CREATE RULE HOST PifEth0RxKb + PifEth0TxKb > 500");
    const told = await dryRun();
    expect(told).toMatch(/^Rule PifEth0RxKb \+ PifEth0TxKb more than 500 Kb\/s above the mean: /m);
    expect(told).toMatch(/^Move 1: store2: hot -> /m);
  });

  it("control carries out what a chain asks for, and keeps with each migration the chain that it served", async () => {
    await manager('CREATE RULE HOST VmCount > 1 AND CpuAverage > 20 NAME "crowd"');
    await world.run("xcp-collect");
    const run = await world.run("xcp-control", ["--instant"]);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain("Starting Migration ...");
    const { stdout } = await manager("SHOW MIGRATIONS");
    expect(stdout).toMatch(/ - cpu[12]: hot -> \w+ - succeeded - .* - VmCount > 1 VMs and CpuAverage > 20 %/);
    const json = JSON.parse((await world.run("xcp-manager", ["--json", "-e", "SHOW MIGRATIONS"])).stdout);
    expect(json[0].rule).toMatchObject({
      name: "crowd",
      terms: [{ subjects: ["VmCount"] }, { subjects: ["CpuAverage"] }],
    });
    const again = await dryRun();
    expect(again).toContain("Nothing to do");
  });
});

describe("a data source of XAPI that a rule names", () => {
  it("is collected because of it, decides with the other terms, and is shown with its mean", async () => {
    expect((await manager("SHOW SUBJECTS")).stdout).not.toContain("loadavg");
    const created = await manager("CREATE RULE HOST OccupiedMemoryMb > 100 AND loadavg ABOVE 2");
    expect(created.stderr).toContain("No collection has a value of loadavg yet");
    const told = await dryRun();
    expect(told).toMatch(/^ {2}hot: OccupiedMemoryMb \d+ \(\+\d+(\.\d+)?\), loadavg 3 BREAKS IT/m);
    expect(told).toMatch(/^ {2}full: OccupiedMemoryMb \d+ \(\+\d+(\.\d+)?\), loadavg 1$/m);
    expect((await manager("SHOW SUBJECTS")).stdout).toContain("- loadavg - - - mean 1.5 of 4 hosts\n");
    await manager(
      "DISABLE RULE 1".replace(
        "1",
        /\(rule (\d+)\)/.exec((await manager("SHOW RULES HOST")).stdout)?.[1] ?? "",
      ),
    );
    await world.run("xcp-collect");
    expect((await manager("SHOW SUBJECTS")).stdout).not.toContain("loadavg");
  });

  it("reads the same value by value, where a pool serves nothing else", async () => {
    await manager("CREATE RULE HOST OccupiedMemoryMb > 100 AND loadavg ABOVE 2");
    const change = { CollectMethod: "query" };
    expect((await world.run("xcp-collect", [], { change })).code).toBe(0);
    expect((await manager("SHOW SUBJECTS")).stdout).toContain("- loadavg - - - mean 1.5 of 4 hosts\n");
  });

  it("survives an export and an import of the collection", async () => {
    await manager("CREATE RULE HOST OccupiedMemoryMb > 100 AND loadavg ABOVE 2");
    const { stdout } = await world.run("xcp-collect", ["--export", "-"]);
    expect(stdout).toMatch(/^host .* sources=\["loadavg=3"\](?: |$)/m);
  });
});

describe("rules at the prompt", () => {
  it("are listed as the thesis lists its own, the others in the same voice with their numbers", async () => {
    const made = await manager(
      "CREATE RULE HOST CpuAverage > 25",
      'CREATE RULE HOST PifEth0RxKb + PifEth0TxKb > 500 AND CpuAverage ABOVE 60 FOR 5 OF 6 BETWEEN 22:00 AND 06:00 NAME "backup" COMMENT "asked for by Anna"',
      "SHOW RULES HOST",
    );
    expect(made.stdout).toMatch(
      /^Rule created\nRule created\nRules - Balance host when:\n\n- CpuAverage is more than 25 % above the medium\n- PifEth0RxKb \+ PifEth0TxKb is more than 500 Kb\/s above the medium and CpuAverage is above 60 % \(rule \d+ backup, in 5 of 6 samples, between 22:00 and 06:00\)\n {2}asked for by Anna\n$/,
    );
  });

  it("are altered, disabled, enabled and deleted by name, and every change is remembered", async () => {
    const told = await manager(
      "CREATE RULE HOST VmCount > 3 NAME crowd",
      "ALTER RULE HOST crowd TO VmCount > 4 FOR 2 OF 2",
      "DISABLE RULE crowd",
      "SHOW RULES HOST",
      "ENABLE RULE crowd",
      "DELETE RULE HOST crowd",
      "SHOW RULE HISTORY",
    );
    expect(told.code).toBe(0);
    expect(told.stdout).toMatch(
      /VmCount is more than 4 VMs above the medium \(rule \d+ crowd, in 2 of 2 samples, disabled\)/,
    );
    const history = told.stdout
      .slice(told.stdout.indexOf("Rule deleted\n") + 13)
      .trim()
      .split("\n");
    expect(
      history.map((line) =>
        line.replace(/^- \d+ - [\d-]+ [\d:]+ UTC - \S+ - /, "").replace(/\d+ HOST/, "N HOST"),
      ),
    ).toEqual([
      'deleted rule N HOST: VmCount > 4 FOR 2 OF 2 NAME "crowd"',
      'enabled rule N HOST: VmCount > 4 FOR 2 OF 2 NAME "crowd" DISABLED -> VmCount > 4 FOR 2 OF 2 NAME "crowd"',
      'disabled rule N HOST: VmCount > 4 FOR 2 OF 2 NAME "crowd" -> VmCount > 4 FOR 2 OF 2 NAME "crowd" DISABLED',
      'altered rule N HOST: VmCount > 3 NAME "crowd" -> VmCount > 4 FOR 2 OF 2 NAME "crowd"',
      'created rule N HOST: VmCount > 3 NAME "crowd"',
    ]);
  });

  it("a thesis' rule that is disabled is still the rule of its subject: enabled, altered and deleted by it", async () => {
    await manager("CREATE RULE HOST CpuAverage > 25", "DISABLE RULE CpuAverage");
    const enabled = await manager("ENABLE RULE CpuAverage", "SHOW RULES HOST");
    expect(enabled).toMatchObject({ code: 0, stderr: "" });
    expect(enabled.stdout).toMatch(
      /^Rule enabled\n[\s\S]*- CpuAverage is more than 25 % above the medium\n$/,
    );
    await manager("DISABLE RULE CpuAverage", "CREATE RULE HOST CpuAverage > 30", "DISABLE RULE CpuAverage");
    // Two of them rest now: which one is meant only its number says.
    const several = await manager("ENABLE RULE CpuAverage");
    expect(several.code).toBe(2);
    expect(several.stderr).toMatch(
      /Several disabled rules are of this subject; name one by its number: (\d+), \d+/,
    );
    const [, first] = /by its number: (\d+), \d+/.exec(several.stderr) ?? [];
    expect((await manager(`DELETE RULE HOST ${first}`, "ENABLE RULE CpuAverage")).code).toBe(0);
    expect((await manager("DISABLE RULE CpuAverage", "DELETE RULE HOST CpuAverage")).code).toBe(0);
    expect((await manager("SHOW RULES HOST")).stdout).toBe("Rules - Balance host when:\n\n");
  });

  it("of a thesis' rule the threshold is changed in one line, and it stays where old programs see it", async () => {
    await manager("CREATE RULE HOST CpuAverage > 25", "ALTER RULE HOST CpuAverage > 30");
    const db = await openDatabase(world.database.admin);
    try {
      const rows = await db.read((reader) => reader.rows("SELECT Subject, Threshold FROM HostRule"));
      expect(rows).toEqual([{ Subject: "CpuAverage", Threshold: 30 }]);
    } finally {
      await db.close();
    }
  });

  it.each([
    ["CREATE RULE HOST CpuAverage > 25 AND Bananas > 3", 2, '"Bananas" is no subject'],
    ["CREATE RULE HOST CpuAverage ABOVE 80 AND CpuAverage BELOW 60", 2, "contradict each other"],
    ["CREATE RULE HOST CpuAverage > 25 AND OccupiedMemoryMb > NaN", 2, '"NaN" is no threshold'],
    ["DELETE RULE HOST nosuch", 2, 'No rule has the name "nosuch"'],
    ["ENABLE RULE 999999", 2, "No rule has the number 999999"],
  ])("%s is refused", async (line, code, message) => {
    const result = await manager(line);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(message);
    expect((await manager("SHOW RULES HOST")).stdout).toBe("Rules - Balance host when:\n\n");
  });

  it("a threshold under the noise is created with a warning that tells what was measured", async () => {
    await asRoot(
      [
        "INSERT INTO HostSample (CollectionId, HostUuid, CollectedAt, CpuAverage) SELECT 900000 + n, 'noisy', UTC_TIMESTAMP(6), IF(n % 2, 20, 40) FROM (SELECT 1 n UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9 UNION SELECT 10) numbers",
        "DELETE FROM HostSample WHERE HostUuid <> 'noisy'",
      ],
      world.database.admin.database,
    );
    const noisy = await manager("CREATE RULE HOST CpuAverage > 15");
    expect(noisy).toMatchObject({ code: 0, stdout: "Rule created\n" });
    expect(noisy.stderr).toContain(
      "The threshold of CpuAverage is under the noise: a host's value has a standard deviation of 10.54 % (10 samples of the last hour)",
    );
    expect(noisy.stderr).toContain("Write 22 % or more, or have more samples averaged (ControlSampleCount)");
    const unreachable = await manager("ALTER RULE HOST CpuAverage > 250");
    expect(unreachable.stderr).toContain("No host can break it: CpuAverage is never above 100 %");
    const never = await manager("ALTER RULE HOST CpuAverage > 0");
    expect(never.stderr).toContain("with 0 % the rule is never kept. Write more.");
    const calm = await manager("ALTER RULE HOST CpuAverage > 25");
    expect(calm.stderr).toBe("");
  });

  it("a rule that gathers VMs is kept, shown and deleted, and moves nothing before its window is full", async () => {
    const limits = "KEEP CpuAverage BELOW 70 AND MemoryFree ABOVE 10 % WITH 1 SPARE HOST";
    const told = await manager(
      `CREATE RULE GREEN ${limits} BETWEEN 22:00 AND 06:00`,
      "SHOW RULES GREEN",
      "SHOW RULES HOST",
    );
    expect(told.stdout).toMatch(
      /^Rule created\nRules - Gather vms on few hosts while:\n\n- CpuAverage is below 70 % and MemoryFree is above 10 % with 1 spare host \(rule \d+, between 22:00 and 06:00\)\nRules - Balance host when:\n\n$/,
    );
    expect(await dryRun()).toMatch(/^Green: /m);
    expect(await dryRun()).not.toMatch(/is emptied/);
    expect((await manager("DELETE RULE GREEN ALL")).stdout).toBe("Rule deleted\n");
  });
});

describe("the dialogue", () => {
  const dialogue = (...answers: string[]) =>
    world.run("xcp-manager", [], { stdin: `CREATE RULE HOST\n${answers.join("\n")}\n` });

  it("asks for further terms after the threshold, until nothing is answered", async () => {
    const { stdout, code } = await dialogue("CpuAverage", "25", "PifEth0RxKb + PifEth0TxKb", "500", "", "Y");
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "Add a new Host Rule (Pool wide):",
        "",
        "When [PifEth0RxKb/PifEth0TxKb/OccupiedMemoryMb/CpuAverage]:",
        "CpuAverage",
        "Is more than [%]:",
        "25",
        "And when [subjects, or nothing]:",
        "PifEth0RxKb + PifEth0TxKb",
        "Is more than [Kb/s]:",
        "500",
        "And when [subjects, or nothing]:",
        "",
        "above the medium migrate vms to the less loaded host",
        "",
        "When CpuAverage is more than 25 % above the medium and PifEth0RxKb + PifEth0TxKb is more than 500 Kb/s above the medium migrate to the less loaded host",
        "Confirm ? [Y/N] Y",
        "",
      ].join("\n"),
    );
    expect((await manager("SHOW RULES HOST")).stdout).toContain(
      "- CpuAverage is more than 25 % above the medium and PifEth0RxKb + PifEth0TxKb is more than 500 Kb/s above the medium (rule ",
    );
  });

  it("runs a script of old as ever: its answer to the confirmation is none to the new question", async () => {
    const { stdout, code } = await dialogue("CpuAverage", "25", "Y");
    expect(code).toBe(0);
    expect(stdout).not.toContain("And when");
    expect(stdout).toMatch(
      /25\nabove the medium migrate vms to the less loaded host\n\nWhen CpuAverage .*\nConfirm \? \[Y\/N\] Y\n$/,
    );
    expect((await manager("SHOW RULES HOST")).stdout).toContain(
      "- CpuAverage is more than 25 % above the medium\n",
    );
  });

  it("refuses terms that make no rule together, and changes nothing", async () => {
    const { stderr, code } = await dialogue("CpuAverage", "25", "CpuAverage", "30", "", "Y");
    expect(code).toBe(2);
    expect(stderr).toContain("are about the same: one of them decides alone");
    expect((await manager("SHOW RULES HOST")).stdout).toBe("Rules - Balance host when:\n\n");
  });
});
