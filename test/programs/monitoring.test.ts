/** What watches from outside: metrics files, alert rules, and the dashboard's queries as the account of dashboards. */
import { spawnSync } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exposition } from "../../src/metrics/exposition.ts";
import { families } from "../../src/metrics/families.ts";
import { writeMetrics } from "../../src/metrics/run.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { threeHosts } from "../support/controlPools.ts";
import { temporaryFolder } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
if (!hasPromtool) console.warn("promtool is missing (Debian's package prometheus): its checks are skipped");

/** Runs promtool in monitoring/; what it says where it finds something wrong, "" where it does not. */
function promtool(args: readonly string[], input?: string): string {
  const { status, stdout, stderr } = spawnSync("promtool", args, {
    cwd: path.join(root, "monitoring"),
    encoding: "utf8",
    ...(input === undefined ? {} : { input }),
  });
  return status === 0 && !/error|no help|non-/i.test(stderr) ? "" : `${stdout}${stderr}`;
}

/** The samples of a file: `name{labels}` and value. */
function samplesIn(text: string): ReadonlyMap<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(" ")),
      Number(line.slice(line.lastIndexOf(" ") + 1)),
    ]),
  );
}

const hostile = 'evil"}\\u009b[2J\\nx 1';

let world: World;
let folder: string;
let pool: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  world = await startWorld({
    pool: { scenario: threeHosts },
    speed: 20,
  });
  const { db } = world.pool;
  const [host = ""] = db.all("host").filter((ref) => db.text("host", ref, "name_label") === "cold2");
  db.set("host", host, "name_label", JSON.parse(`"${hostile.replace('"', '\\"')}"`));
  pool = db.text("pool", db.all("pool")[0] ?? "", "uuid");
});
afterAll(() => world.stop());

const fileOf = (program: "collect" | "control") => path.join(folder, `xcp-${program}.prom`);
async function run(program: "collect" | "control", change: Readonly<Record<string, string>> = {}) {
  const key = program === "collect" ? "CollectMetricsFile" : "ControlMetricsFile";
  const result = await world.run(`xcp-${program}`, ["-q"], {
    change: { [key]: fileOf(program), ControlPollSeconds: "1", ...change },
  });
  return { ...result, text: await readFile(fileOf(program), "utf8") };
}

describe("metrics", () => {
  it("of xcp-collect tell of the run, the pool and its hosts; promtool finds nothing wrong; everybody may read them", async () => {
    const { code, text } = await run("collect");
    expect(code).toBe(0);
    const samples = samplesIn(text);
    const of = `{pool="${pool}",program="xcp-collect"}`;
    expect(samples.get(`xcp_balance_last_run_exit_code${of}`)).toBe(0);
    expect(samples.get(`xcp_balance_last_success_timestamp_seconds${of}`)).toBeGreaterThan(1.6e9);
    expect(samples.get(`xcp_balance_hosts{pool="${pool}",state="read"}`)).toBe(3);
    expect(samples.get(`xcp_balance_vms{pool="${pool}"}`)).toBe(2);
    expect(samples.get(`xcp_balance_runs_total{pool="${pool}",program="xcp-collect",outcome="done"}`)).toBe(
      1,
    );
    expect([...samples.values()].filter((value) => !Number.isFinite(value))).toEqual([]);
    // Hostile names are escaped twice: for terminals, then for the format.
    expect(text).toContain('name="evil\\"}\\\\u{9b}[2J x 1"');
    expect(text.endsWith("\n") && !text.includes("\n\n\n")).toBe(true);
    expect((await stat(fileOf("collect"))).mode & 0o777).toBe(0o644);
    expect((await readdir(folder)).sort()).toEqual(["xcp-collect.prom"]);
  });

  it("of xcp-control sum up what the database knows, so that counts go on from run to run", async () => {
    await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 25"]);
    const first = await run("control", { ControlMode: "observe" });
    expect(first.code).toBe(0);
    const before = samplesIn(first.text);
    const of = `{pool="${pool}"}`;
    expect(before.get(`xcp_balance_control_info{pool="${pool}",mode="observe"}`)).toBe(1);
    expect(before.get(`xcp_balance_moves_planned${of}`)).toBeGreaterThan(0);
    expect(before.get(`xcp_balance_rule_violations${of}`)).toBeGreaterThan(0);
    expect(before.get(`xcp_balance_migrations_total{pool="${pool}",result="succeeded"}`)).toBe(0);
    const second = samplesIn((await run("control")).text);
    const third = samplesIn((await run("control")).text);
    const moved = `xcp_balance_migrations_total{pool="${pool}",result="succeeded"}`;
    expect(second.get(moved)).toBeGreaterThan(0);
    expect(third.get(moved)).toBe(second.get(moved));
    expect(third.get(`xcp_balance_migrated_bytes_total${of}`)).toBeGreaterThan(0);
    // After a migration the collection is too old: a gate.
    expect(third.get(`xcp_balance_refusals_total{pool="${pool}",gate="freshness"}`)).toBe(1);
    const runs = [...third].filter(([name]) => name.startsWith("xcp_balance_runs_total"));
    expect(runs.reduce((sum, [, count]) => sum + count, 0)).toBe(3);
  });

  it("of a run that cannot reach its database say so, and keep the pool and the last success", async () => {
    const before = samplesIn(await readFile(fileOf("control"), "utf8"));
    const { code, text } = await run("control", { MysqlHost: "127.0.0.1:1" });
    expect(code).toBe(1);
    const after = samplesIn(text);
    const of = `{pool="${pool}",program="xcp-control"}`;
    expect(after.get(`xcp_balance_last_run_exit_code${of}`)).toBe(1);
    const success = `xcp_balance_last_success_timestamp_seconds${of}`;
    expect(after.get(success)).toBe(before.get(success));
    const attempt = `xcp_balance_last_attempt_timestamp_seconds${of}`;
    expect(after.get(attempt)).toBeGreaterThan(before.get(attempt) ?? Number.NaN);
    expect([...after.keys()].filter((name) => name.includes("breaker"))).toEqual([]);
    await run("control");
  });

  it("that cannot be written are a warning: the run is as good", async () => {
    const result = await world.run("xcp-collect", ["-q"], {
      change: { CollectMetricsFile: path.join(folder, "nosuch", "x.prom") },
    });
    expect([result.code, result.stdout]).toEqual([0, ""]);
    expect(result.stderr).toMatch(/^xcp-collect: CollectMetricsFile: cannot write .*nosuch.*x\.prom: /);
    const wrong = await world.run("xcp-collect", [], { change: { CollectMetricsFile: "x.txt" } });
    expect(wrong.stderr).toContain("CollectMetricsFile: must be the whole path of a file that ends in .prom");
  });

  it("are of one HELP and TYPE a name in all files, and no series stands in two of them", async () => {
    const texts = [await readFile(fileOf("collect"), "utf8"), await readFile(fileOf("control"), "utf8")];
    const heads = texts.map(
      (text) =>
        new Map(
          [...text.matchAll(/^# (HELP|TYPE) (\S+) (.*)$/gm)].map(([, kind, name, rest]) => [
            `${kind} ${name}`,
            rest,
          ]),
        ),
    );
    for (const [key, rest] of heads[0] ?? []) expect(heads[1]?.get(key) ?? rest).toBe(rest);
    const [one, two] = texts.map((text) => [...samplesIn(text).keys()]);
    expect(one?.filter((name) => two?.includes(name))).toEqual([]);
  });

  it.skipIf(!hasPromtool)("pass promtool check metrics (U13)", async () => {
    for (const program of ["collect", "control"] as const)
      expect(promtool(["check", "metrics"], await readFile(fileOf(program), "utf8"))).toBe("");
    const all = Object.entries(families).map(([name, { labels }]) => ({
      name: name as keyof typeof families,
      labels: Object.fromEntries(labels.map((label) => [label, hostile])),
      value: 1,
    }));
    expect(promtool(["check", "metrics"], await exposition(all))).toBe("");
  });

  it("are never seen in part by 1,000 readers while they are written (U13)", async () => {
    const file = path.join(folder, "busy.prom");
    const run = { program: "xcp-collect", version: "1", pool: "p", exitCode: 0, seconds: 1, at: new Date(0) };
    const more = Array.from({ length: 500 }, (_, host) => ({
      name: "xcp_balance_host_vms" as const,
      labels: { pool: "p", host: `h${host}` },
      value: host,
    }));
    await writeMetrics(file, { run, statistics: null, more }, "0");
    const whole = (await readFile(file)).length;
    let writing = true;
    const writer = (async () => {
      for (let n = 1; writing; n++) await writeMetrics(file, { run, statistics: null, more }, String(n));
    })();
    const lengths = new Set<number>();
    for (let batch = 0; batch < 20; batch++) {
      const read = await Promise.all(Array.from({ length: 50 }, () => readFile(file)));
      for (const { length } of read) lengths.add(length);
    }
    writing = false;
    await writer;
    expect([...lengths]).toEqual([whole]);
  });
});

describe("alert rules", () => {
  it.skipIf(!hasPromtool)("pass promtool check rules and their unit tests", () => {
    expect(promtool(["check", "rules", "alerts.yml"])).toBe("");
    expect(promtool(["test", "rules", "alerts.test.yml", "alerts-long.test.yml"])).toBe("");
  });

  it("each have a unit test, and a runbook in docs/monitoring.md; every metric stands there in the table", async () => {
    const [rules, short, long, page] = await Promise.all(
      ["alerts.yml", "alerts.test.yml", "alerts-long.test.yml", "../docs/monitoring.md"].map((file) =>
        readFile(path.join(root, "monitoring", file), "utf8"),
      ),
    );
    const alerts = [...(rules ?? "").matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
    expect(alerts.length).toBeGreaterThan(15);
    expect(alerts.filter((name) => !`${short}${long}`.includes(name))).toEqual([]);
    expect(alerts.filter((name) => !page?.includes(`### ${name}\n`))).toEqual([]);
    expect(alerts.filter((name) => !rules?.includes(`docs/monitoring.md#${name.toLowerCase()}\n`))).toEqual(
      [],
    );
    const missing = Object.entries(families).filter(
      ([name, { labels }]) => !page?.includes(`| \`${name}\` | ${labels.join(", ")} |`),
    );
    expect(missing.map(([name]) => name)).toEqual([]);
    const used = [...(rules ?? "").matchAll(/\bxcp_balance_\w+/g)].map(([name]) => name);
    expect(used.filter((name) => !(name in families))).toEqual([]);
  });
});

describe("the dashboard", () => {
  let reader: Database;
  beforeAll(async () => {
    reader = await openDatabase(world.database.reader);
  });
  afterAll(() => reader.close());

  /** Grafana's macros as its MySQL source expands them. */
  const expanded = (sql: string) =>
    sql
      .replaceAll(/\$__unixEpochFilter\(([\w.]+)\)/g, "$1 >= 0 AND $1 <= 4102444800")
      .replaceAll(/\$__unixEpochGroupAlias\((\w+), *[^)]+\)/g, '$1 DIV 60 * 60 AS "time"')
      .replaceAll(/\$\{host:singlequote\}/g, "SELECT host_uuid FROM v_host");

  interface Target {
    readonly rawSql: string;
    readonly format: string;
  }

  it("has only queries that the account of dashboards may make, with the columns that Grafana wants", async () => {
    const board = JSON.parse(await readFile(path.join(root, "monitoring/grafana-dashboard.json"), "utf8"));
    const targets: readonly (Target & { readonly title: string })[] = [
      ...board.panels.flatMap(({ title, targets }: { title: string; targets: Target[] }) =>
        targets.map((target) => ({ ...target, title })),
      ),
      ...board.annotations.list.map(({ name, target }: { name: string; target: Target }) => ({
        ...target,
        title: name,
      })),
      ...board.templating.list.map(({ name, query }: { name: string; query: string }) => ({
        title: name,
        rawSql: query,
        format: "table",
      })),
    ];
    expect(targets.length).toBeGreaterThan(18);
    const empty: string[] = [];
    for (const { title, rawSql, format } of targets) {
      const sql = expanded(rawSql);
      expect(sql, title).not.toMatch(/\$/);
      const rows = await reader.read((db) => db.rows(sql));
      if (rows.length === 0) empty.push(title);
      else if (format === "time_series")
        expect(Object.keys(rows[0] ?? {}), title).toEqual(
          expect.arrayContaining(["time", "metric", "value"]),
        );
      if (title === "Migrations" && format === "table" && "text" in (rows[0] ?? {}))
        expect(rows[0]).toMatchObject({ time: expect.anything(), text: expect.stringContaining(" -> ") });
    }
    // Nothing sleeps in this pool.
    expect(empty).toEqual(["Steps with hosts"]);
  });
});
