/** xcp-control --dry-run --save and --apply: a reviewed plan is carried out exactly, or not at all. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { asUuid } from "../../src/domain/pool.ts";
import { exclude } from "../../src/store/exclusions.ts";
import { listMigrations } from "../../src/store/migrations.ts";
import { pauseControl } from "../../src/store/pause.ts";
import { listRuns } from "../../src/store/runs.ts";
import { type Arena, type ControlChange, openArena, type Ring, type Told } from "../support/controlArena.ts";
import { cpu25, threeHosts } from "../support/controlPools.ts";
import { asRoot } from "../support/database.ts";
import { temporaryFolder } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

const inDatabase = (...statements: string[]) => asRoot(statements, arena.database.admin.database);

/** Under a rule of 10 % two VMs go. */
const four = `${threeHosts}vm third on=hot vcpus=2 memory=512 cpu=90% tools\n`;
const cpu10 = { ...cpu25, threshold: 10 };

type Saved = Record<string, unknown> & { moves: Record<string, unknown>[]; hosts: Record<string, unknown>[] };

/** A pool with a plan that was saved from it. */
async function saved(scenario = four): Promise<{ ring: Ring; plan: Saved }> {
  const ring = await arena.open(scenario);
  await ring.collect(cpu10);
  let plan: object | null = null;
  const told = await ring.control({ dryRun: true, save: (kept) => (plan = kept) });
  expect(told.code).toBe(0);
  expect(told.lines.at(-1)).toBe(
    "Saved in plan.json: xcp-control --settings pool.settings --apply plan.json carries out exactly this, or nothing",
  );
  if (plan === null) throw new Error("nothing was saved");
  return { ring, plan };
}

function apply(ring: Ring, content: unknown, change: ControlChange = {}): Promise<Told> {
  return ring.control({ ...change, task: { kind: "apply", content, by: "bob@desk8" } });
}

async function expectRefused(
  ring: Ring,
  content: unknown,
  pattern: RegExp,
  change: ControlChange = {},
): Promise<void> {
  const dry = await apply(ring, content, { ...change, dryRun: true });
  const told = await apply(ring, content, change);
  for (const { code, lines } of [dry, told]) {
    expect(lines.at(-1)).toMatch(pattern);
    expect(code).toBe(4);
  }
  expect(ring.migrations).toEqual([]);
}

const routes = (plan: Saved) => plan.moves.map(({ vmName, toName }) => `${vmName} -> ${toName}`);

describe("a saved plan", () => {
  it("says what it was made from, and each move with names, figures, reason, bytes and seconds", async () => {
    const { ring, plan } = await saved();
    expect(plan).toMatchObject({
      program: "xcp-balance",
      format: 1,
      savedAt: "2026-03-01T08:00:00.000Z",
      savedBy: "ann@desk7",
      pool: { name: "Three" },
      rules: [{ subject: "CpuAverage", threshold: 10, unit: "%" }],
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(plan.hosts.map(({ name, takesPart, vms }) => [name, takesPart, vms]).sort()).toEqual([
      ["cold1", true, 1],
      ["cold2", true, 1],
      ["hot", true, 4],
    ]);
    expect(plan.moves.length).toBeGreaterThan(1);
    for (const move of plan.moves) {
      expect(move).toMatchObject({
        fromName: "hot",
        reason: expect.stringMatching(/: hot -> cold\d; CpuAverage hot /),
        subject: "CpuAverage",
        threshold: 10,
      });
      expect(move["copyBytes"]).toBeGreaterThan(0);
      expect(move["seconds"]).toBeGreaterThan(0);
    }
    expect(await listMigrations(arena.manager)).toEqual([]);
    expect(ring.migrations).toEqual([]);
  });

  it("is carried out exactly, in its order, though a newer collection has come; a second time it is refused", async () => {
    const { ring, plan } = await saved();
    await ring.collect(cpu10);
    const told = await apply(ring, plan);
    expect(told.code).toBe(0);
    expect(told.lines[0]).toMatch(
      /^Saved plan of 2026-03-01 08:00:00 UTC by ann@desk7, from collection \d+: \d moves$/,
    );
    expect(told.lines.at(-1)).toBe(`${plan.moves.length} of ${plan.moves.length} moves made`);
    expect(ring.migrations).toEqual(routes(plan));
    const rows = await listMigrations(arena.manager);
    expect(rows).toHaveLength(plan.moves.length);
    for (const { reason, rule } of rows) {
      expect(rule).toEqual(cpu10);
      expect(reason).toMatch(
        /^saved plan of 2026-03-01 08:00:00 UTC by ann@desk7, carried out by bob@desk8: /,
      );
    }
    // A host that had no load is counted once its measures show what has come to it.
    await expect
      .poll(async () => {
        await ring.collect(cpu10);
        await inDatabase("DELETE FROM VmArrival");
        return (await apply(ring, plan)).text;
      })
      .not.toContain("load is 0");
    const again = await apply(ring, plan);
    expect(again.code).toBe(4);
    expect(again.lines.at(-1)).toMatch(
      /^refused: saved plan: \w+ is on cold\d, limit on hot, where the plan takes it from; /,
    );
    expect(ring.migrations).toHaveLength(plan.moves.length);
  });

  it("is not cut by a limit of moves that was lowered since", async () => {
    const { ring, plan } = await saved();
    expect((await apply(ring, plan, { maxMoves: 1 })).code).toBe(0);
    expect(ring.migrations).toEqual(routes(plan));
  });

  it("may have been written anew by a system that keeps it: order of keys and layout do not matter", async () => {
    const { ring, plan } = await saved();
    const kept = Object.fromEntries(Object.entries(plan).reverse());
    expect((await apply(ring, kept)).code).toBe(0);
    expect(ring.migrations).toEqual(routes(plan));
  });

  it("a dry run of it prints what it would do, and touches nothing", async () => {
    const { ring, plan } = await saved();
    const told = await apply(ring, plan, { dryRun: true });
    expect(told.code).toBe(0);
    expect(told.text).toMatch(/^Saved plan of 2026-03-01 08:00:00 UTC by ann@desk7/m);
    for (const [index, move] of plan.moves.entries()) {
      expect(told.text).toMatch(
        new RegExp(`^Move ${index + 1}: ${move["vmName"]}: hot -> ${move["toName"]};`, "m"),
      );
    }
    const json = await apply(ring, plan, { dryRun: true, json: true, exitCode: true });
    expect(json.code).toBe(10);
    expect(json.objects[0]).toMatchObject({
      savedPlan: { savedBy: "ann@desk7" },
      moves: plan.moves.map(({ vm }) => ({ vm })),
    });
    expect(ring.migrations).toEqual([]);
    expect(await listMigrations(arena.manager)).toEqual([]);
  });

  it("an empty one is nothing to do", async () => {
    const { ring, plan } = await saved(threeHosts.replaceAll("cpu=90%", "cpu=5%"));
    expect(plan.moves).toEqual([]);
    const told = await apply(ring, plan);
    expect(told).toMatchObject({ code: 0 });
    expect(told.lines.at(-1)).toBe("Nothing to do: the saved plan has no moves");
  });

  it("after a setback nothing is planned anew: the rest is left and named, exit code 3", async () => {
    const { ring, plan } = await saved();
    ring.command(
      `fail-migration VM_REQUIRES_SR OpaqueRef:1 OpaqueRef:2 vm=${plan.moves[0]?.["vmName"]} times=1`,
    );
    const told = await apply(ring, plan, { change: { transfersPerHost: 1 } });
    expect(told.code).toBe(3);
    expect(ring.migrations).toEqual(routes(plan).slice(0, 1));
    const left = told.lines.filter((line) => line.startsWith("Left of the saved plan: "));
    expect(left[0]).toMatch(/: hot -> cold\d: VM_REQUIRES_SR/);
    expect(left[1]).toMatch(/: hot -> cold\d: not tried$/);
    expect(left).toHaveLength(plan.moves.length);
    const [run] = await listRuns(arena.manager, "xcp-control");
    expect(run).toMatchObject({ outcome: "partly", exitCode: 3 });
  });
});

describe("a saved plan is refused, with what was measured and the limit,", () => {
  it("in another pool", async () => {
    const { plan } = await saved();
    const other = await arena.open(four.replace('pool "Three"', 'pool "Other"').replace(/hot/g, "warm"));
    await other.collect(cpu10);
    await inDatabase("UPDATE Pool SET PoolUuid = '00000000-0000-4000-8000-000000000001'");
    await inDatabase("UPDATE Collection SET PoolUuid = '00000000-0000-4000-8000-000000000001'");
    await expectRefused(
      other,
      plan,
      /^refused: saved plan: the collection is of pool Other \(0{8}-.*\), limit the plan's own, Three \(.*\); /,
    );
  });

  it("F43: under other rules: both changes are named", async () => {
    const { ring, plan } = await saved();
    await ring.collect({ ...cpu25, threshold: 12 }, { subject: "OccupiedMemoryMb", threshold: 500 });
    await expectRefused(
      ring,
      plan,
      /^refused: saved plan: the rules are CpuAverage > 12 %, OccupiedMemoryMb > 500 MB \(as of change \d+\), limit those of the plan, CpuAverage > 10 % \(as of change \d+\); /,
    );
  });

  it("where a VM of it is elsewhere, does not run, or is gone", async () => {
    const { ring, plan } = await saved();
    const [first, second] = plan.moves.map(({ vmName }) => String(vmName));
    ring.command(`halt ${first}`);
    await ring.collect(cpu10);
    await expectRefused(
      ring,
      plan,
      new RegExp(`saved plan: ${first} is on no host: it is Halted, limit on hot, where`),
    );
    await inDatabase(`DELETE FROM Vm WHERE Name = '${first}'`);
    await expectRefused(
      ring,
      plan,
      new RegExp(`saved plan: ${first} \\(.*\\) is not in the pool, limit on hot, where`),
    );
    const moved = await saved();
    await inDatabase(
      `UPDATE Map SET HostUUID = (SELECT UUID FROM Host WHERE Name = 'cold2')
        WHERE VmUUID = (SELECT UUID FROM Vm WHERE Name = '${second}')`,
    );
    await expectRefused(
      moved.ring,
      plan,
      new RegExp(`saved plan: ${second} is on cold2, limit on hot, where`),
    );
  });

  it("where other hosts take part than did", async () => {
    const { ring, plan } = await saved();
    const quiet = { change: { quietMinutes: 0 } };
    ring.command("disable cold2");
    await ring.collect(cpu10);
    await expectRefused(
      ring,
      plan,
      /^refused: saved plan: cold2 takes no part any more, limit the same hosts as when the plan was made; /,
      quiet,
    );
    let without: object | null = null;
    await ring.control({ dryRun: true, save: (kept) => (without = kept), ...quiet });
    ring.command("enable cold2");
    await ring.collect(cpu10);
    await expectRefused(ring, without, /saved plan: cold2 takes part now, limit the same hosts/, quiet);
  });

  it("where a move has become impossible: excluded since, barred since, or without room", async () => {
    const { ring, plan } = await saved();
    const vm = asUuid(String(plan.moves[1]?.["vm"]));
    const to = String(plan.moves[1]?.["to"]);
    await exclude(arena.manager, { kind: "VM", uuid: vm, by: "ann", reason: "noisy" });
    await expectRefused(
      ring,
      plan,
      /saved plan: move 2, \w+: hot -> cold\d: it is excluded by ann: noisy, limit every move possible, none that breaks a rule/,
    );
    await inDatabase("DELETE FROM Exclusion");
    await inDatabase(
      `INSERT INTO VmBar (VmUuid, HostUuid, Reason) VALUES ('${vm}', '${to}', 'VM_REQUIRES_SR (x)')`,
    );
    await expectRefused(
      ring,
      plan,
      /saved plan: move 2, .*: VM_REQUIRES_SR \(x\), limit every move possible/,
    );
    await inDatabase("DELETE FROM VmBar", "UPDATE HostDetail SET PlacementFreeBytes = 1048576");
    await expectRefused(
      ring,
      plan,
      /saved plan: move 1, .*: not enough memory: needs \d+ MB \+ 64 MB headroom, has 1 MB/,
    );
  });

  it("where a move would now break a rule", async () => {
    const { ring, plan } = await saved();
    const to = String(plan.moves[0]?.["toName"]);
    await inDatabase(`UPDATE Host SET CpuAverage = 60 WHERE Name = '${to}'`);
    await expectRefused(
      ring,
      plan,
      new RegExp(
        `saved plan: move 1, .*: ${to} would break(?: worse)? the rule of CpuAverage: [\\d.]+ % above the mean, allowed 10, limit`,
      ),
    );
  });

  it("where the file is not ours, of another format, changed, or damaged", async () => {
    const { ring, plan } = await saved();
    const limit = /limit a plan as xcp-control --dry-run --save writes it \(format 1\), unchanged; /;
    const expectGate = async (content: unknown, measured: RegExp) => {
      await expectRefused(ring, content, measured);
      await expectRefused(ring, content, limit);
    };
    for (const content of [null, 17, "plan", [], {}, { moves: [] }]) {
      await expectGate(content, /^refused: saved plan: the file holds something else, /);
    }
    await expectGate({ ...plan, format: 2 }, /saved plan: the file has format 2, /);
    await expectGate(
      { ...plan, moves: plan.moves.slice(1) },
      /saved plan: the file was changed after it was saved, /,
    );
    const [first, ...rest] = plan.moves;
    const tampered = { ...plan, moves: [{ ...first, vm: "00000000-0000-4000-8000-00000000dead" }, ...rest] };
    await expectGate(tampered, /saved plan: the file was changed after it was saved, /);
  });

  it("where somebody put in moves of unknown VMs or hosts, digest and all", async () => {
    const { ring, plan } = await saved();
    const [first, ...rest] = plan.moves;
    const ghost = "00000000-0000-4000-8000-00000000dead";
    await expectRefused(
      ring,
      forged({ ...plan, moves: [{ ...first, vm: ghost }, ...rest] }),
      /saved plan: \w+ \(.*dead\) is not in the pool, limit/,
    );
    await expectRefused(
      ring,
      forged({ ...plan, moves: [{ ...first, to: ghost }, ...rest] }),
      /saved plan: .* names the host .*dead, limit hosts that took part in the plan/,
    );
    await expectRefused(
      ring,
      forged({ ...plan, moves: [{ ...first, to: first?.["from"] }, ...rest] }),
      /saved plan: move 1, .*: source and destination are the same/,
    );
    await expectRefused(
      ring,
      forged({ ...plan, moves: [{ ...first, purpose: "evacuates" }] }),
      /saved plan: the file is damaged/,
    );
    await expectRefused(
      ring,
      forged({ ...plan, moves: plan.moves.flatMap((move) => [move, move]) }),
      /saved plan: move 2, .*: it is on another host by then/,
    );
  });

  it("where somebody put in moves that no rule wants, digest and all", async () => {
    const { ring, plan } = await saved(`${four}vm bystander on=cold2 vcpus=1 memory=256 cpu=1% tools\n`);
    const uuids = { vm: ring.uuid("VM", "bystander"), from: ring.uuid("host", "cold2") };
    const [first] = plan.moves;
    const move = { ...first, ...uuids, vmName: "bystander", fromName: "cold2" };
    const extra = { ...move, to: ring.uuid("host", "cold1"), toName: "cold1", purpose: "makes room" };
    const reason =
      /saved plan: move \d, bystander: cold2 -> cold1: no rule wants it: without it no rule is broken more, limit/;
    await expectRefused(ring, forged({ ...plan, moves: [...plan.moves, extra] }), reason);
    await expectRefused(ring, forged({ ...plan, moves: [extra, ...plan.moves] }), reason);
    // To and fro: each of the two is possible only with the other.
    const there = { ...extra, purpose: "waits elsewhere" };
    const back = {
      ...extra,
      from: extra.to,
      fromName: "cold1",
      to: uuids.from,
      toName: "cold2",
      purpose: "goes on",
    };
    await expectRefused(ring, forged({ ...plan, moves: [there, ...plan.moves, back] }), reason);
    expect((await apply(ring, plan)).code).toBe(0);
  });

  it("while a gate of the data or of somebody's word is closed, as in every run", async () => {
    const { ring, plan } = await saved();
    await pauseControl(arena.manager, { by: "ann", reason: "", seconds: null });
    const paused = await apply(ring, plan);
    expect([paused.code, paused.lines.at(-1)]).toEqual([4, expect.stringMatching(/^refused: paused: /)]);
    await inDatabase(
      "UPDATE Pause SET Paused = FALSE",
      "UPDATE Collection SET StartedAt = StartedAt - INTERVAL 1 HOUR",
    );
    await expectRefused(ring, plan, /^refused: age of data: /);
  });
});

/** As the format says: keys in order, no blanks. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(",")}}`;
}

/** The plan with a digest that fits it, as somebody who knows how would write it. */
function forged(plan: Saved): object {
  const { digest: _, ...content } = plan;
  return { ...content, digest: createHash("sha256").update(canonical(content)).digest("hex") };
}

describe("the file", () => {
  let world: World;
  const hostile = 'a\\"b\\u009b31m\\nevil\\u202e; drop';
  beforeAll(async () => {
    world = await startWorld({
      pool: { scenario: threeHosts.replace("vm small", `vm "${hostile}"`) },
      speed: 20,
    });
    await world.begin("CpuAverage > 25");
  });
  afterAll(() => world.stop());

  it("that cannot be read or written is named, with the reason; code 1 for the file, 2 for what stands in it", async () => {
    const folder = await temporaryFolder();
    const at = (name: string) => join(folder, name);
    await writeFile(at("text"), "no plan at all\n");
    await mkdir(at("folder"));
    const cases: readonly (readonly [readonly string[], RegExp, number])[] = [
      [["--apply", at("nothing")], /cannot read the plan .*nothing: ENOENT/, 1],
      [["--apply", at("folder")], /cannot read the plan .*folder: it is a directory/, 1],
      [["--apply", "/dev/null"], /cannot read the plan \/dev\/null: it is no file/, 1],
      [["--apply", at("text")], /text holds no JSON: /, 2],
      [["--dry-run", "--save", at("folder")], /cannot write .*folder: it is no file/, 1],
      [
        ["--dry-run", "--save", at("nowhere/plan.json")],
        /cannot write .*plan\.json: there is no folder .*nowhere: make it, or name another/,
        1,
      ],
    ];
    for (const [args, message, wanted] of cases) {
      const { code, stderr } = await world.run("xcp-control", args);
      expect(stderr).toMatch(message);
      expect(code).toBe(wanted);
    }
    expect((await readdir(folder)).sort()).toEqual(["folder", "text"]);
  });

  it("is written whole with mode 0600, without controls of a terminal in it, and is carried out by --apply", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "plan.json");
    const kept = await world.run("xcp-control", ["--dry-run", "--save", file]);
    expect(kept).toMatchObject({ code: 0, stderr: "" });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["plan.json"]);
    const text = await readFile(file, "utf8");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(JSON.parse(text)).toMatchObject({
      moves: [{ vmName: JSON.parse(`"${hostile}"`), fromName: "hot" }],
    });
    expect((await world.run("xcp-collect")).code).toBe(0);
    const dry = await world.run("xcp-control", ["--apply", file, "--dry-run"]);
    expect(dry).toMatchObject({ code: 0, stderr: "" });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
    expect(dry.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    const done = await world.run("xcp-control", ["--apply", file]);
    expect(done).toMatchObject({ code: 0, stderr: "" });
    expect(done.stdout).toMatch(/^1 of 1 move made$/m);
    expect(await readFile(file, "utf8")).toBe(text);
  });

  it.each([
    [["--save", "x"], /--save goes with --dry-run/],
    [
      ["--apply", "x", "--interval", "60"],
      /--apply and --interval do not go together: a saved plan is carried out once/,
    ],
    [["--apply", "x", "--save", "y", "--dry-run"], /--apply and --save do not go together/],
    [["--apply", "x", "--evacuate", "hot"], /--evacuate and --apply do not go together/],
    [
      ["--evacuate", "hot", "--interval", "60"],
      /--evacuate and --interval do not go together: a host is emptied once/,
    ],
    [["--evacuate", "hot", "--dry-run", "--save", "x"], /--evacuate and --save do not go together/],
    [["--ack", "--evacuate", "hot"], /--ack and --evacuate do not go together/],
    [["--evacuate"], /argument missing/],
  ])("%j ends with 2 and says why", async (args, message) => {
    const { code, stdout, stderr } = await world.run("xcp-control", args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});
