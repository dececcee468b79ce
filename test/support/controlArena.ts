/** One database with many small pools: xcp-collect and xcp-control called in this process, with short waits. */

import { collect } from "../../src/collect/collect.ts";
import { runControl, type Save, type Task } from "../../src/control/run.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { pause } from "../../src/privateServer/processes.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import type { Settings } from "../../src/settings/types.ts";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import type { Role } from "../../src/simulator/objects/roles.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulator/server/server.ts";
import { type Database, openDatabase } from "../../src/store/connection.ts";
import { loadHostAddresses } from "../../src/store/places.ts";
import { createHostRule } from "../../src/store/ruleChanges.ts";
import { connectXapi } from "../../src/xapi/client.ts";
import { xapiOptions } from "../../src/xapi/options.ts";
import type { XapiClient } from "../../src/xapi/xapiClient.ts";
import { HistoryRecorder, PoolRecord } from "./controlHistory.ts";
import { asRoot, createTestDatabase, type TestDatabase } from "./database.ts";
import type { History } from "./invariants.ts";

const password = "pool-p4ssword#";

export interface ControlChange {
  /** What an administrator asks for. */
  readonly task?: Task;
  /** Called with the plan that a dry run saves. */
  readonly save?: (plan: object) => void;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly exitCode?: boolean;
  readonly signal?: AbortSignal;
  readonly graceMs?: number;
  readonly timeoutMs?: number;
  readonly maxMoves?: number;
  readonly maxAgeSeconds?: number;
  readonly xenPoolUuid?: string;
  /** Other settings of control. */
  readonly change?: Partial<Settings["control"]>;
  /** Called for every line of output, an event as JSON, as it appears. */
  readonly onLine?: (line: string) => void;
  /** As on a terminal: takes the lines that are drawn again and again. */
  readonly show?: (lines: readonly string[]) => void;
  /** Seconds by which every look at the clock makes it jump ahead. */
  readonly hastySeconds?: number;
  /** Beyond this many seconds it jumps no more. */
  readonly hastyLimit?: number;
}

export interface Told {
  readonly code: number;
  readonly text: string;
  readonly lines: readonly string[];
  readonly objects: readonly Record<string, unknown>[];
}

/** A pool on the network with the arena's database. */
export interface Ring {
  readonly pool: SimulatedPool;
  readonly simulator: RunningSimulator;
  /** A command of the simulated pool, e.g. "halt vm1". */
  readonly command: (line: string) => string;
  /** Collects, and makes `rules` the only ones that balance. */
  readonly collect: (...rules: readonly Rule[]) => Promise<void>;
  readonly control: (change?: ControlChange) => Promise<Told>;
  /** An administrator's own client. */
  readonly admin: <T>(work: (client: XapiClient) => Promise<T>) => Promise<T>;
  /** The name of the host that the VM is on, or its power state. */
  readonly where: (vm: string) => string;
  readonly uuid: (cls: "host" | "VM", name: string) => string;
  /** Migrations that the pool began, in order, as "vm -> host". */
  readonly migrations: readonly string[];
  /** All that was recorded since the pool was opened, for the invariants. */
  readonly history: () => Promise<History>;
}

export interface RingOptions {
  /** Seconds of the pool in a real one; 20 when absent. */
  readonly speed?: number;
  /** The pool's time stands still; it goes on by `pool.clock.advance`, and while `flowing` waits. */
  readonly byHand?: boolean;
  /** The role that the programs' user has in the pool; the local superuser's rights without one. */
  readonly role?: Role;
}

export interface Arena {
  readonly database: TestDatabase;
  /** Connections with the accounts of control and manager. */
  readonly controller: Database;
  readonly manager: Database;
  readonly open: (scenario: string, options?: RingOptions) => Promise<Ring>;
  /** The pool of another arena, with this one's database. */
  readonly join: (ring: Ring) => Promise<Ring>;
  /** Ends the pool of the last `open`. */
  readonly shut: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openArena(): Promise<Arena> {
  const database = await createTestDatabase();
  // One of them is the recorder's own: a connection carries one transaction at a time.
  const [collector, manager, controller, onlooker] = await Promise.all(
    [database.collect, database.manager, database.control, database.manager].map((account) =>
      openDatabase(account),
    ),
  );
  if (!collector || !manager || !controller || !onlooker) throw new Error("four connections were asked for");
  let simulator: RunningSimulator | null = null;
  const shut = async () => {
    await simulator?.stop();
    simulator = null;
  };
  return {
    database,
    controller,
    manager,
    shut,
    open: async (scenario, { speed = 20, byHand = false, role } = {}) => {
      await shut();
      await forget(database.admin.database);
      const time = byHand ? { manualClock: true, startMs: Date.now() } : { speed };
      const pool = SimulatedPool.fromScenario(scenario, {
        ...time,
        seed: 1,
        user: "root",
        password,
        ...(role === undefined ? {} : { role }),
      });
      simulator = await startSimulator(pool, { http: true, https: false, addressing: "addresses" });
      return ring(pool, simulator, { database, collector, manager, controller, onlooker });
    },
    join: async (other) => {
      await forget(database.admin.database);
      return ring(other.pool, other.simulator, { database, collector, manager, controller, onlooker });
    },
    close: async () => {
      await shut();
      for (const db of [collector, manager, controller, onlooker]) await db.close();
      await database.drop();
    },
  };
}

/** Pools of one seed have the same uuids: what control did in one must not count in the next. */
async function forget(database: string): Promise<void> {
  const statements = [
    "DELETE FROM Migration",
    "DELETE FROM HostSight",
    "DELETE FROM VmArrival",
    "DELETE FROM Map",
    "DELETE FROM Exclusion",
    "DELETE FROM HostRest",
    "DELETE FROM HostRestEvent",
    "DELETE FROM ObservedAction",
    "DELETE FROM AddedRule",
    "DELETE FROM RuleTerm",
    "UPDATE Lease SET RunId = NULL",
    "UPDATE Pause SET Paused = FALSE",
    "UPDATE Breaker SET Trips = 0, OpenUntil = NULL, OpenedAt = NULL, CountFrom = NULL",
  ];
  await asRoot(statements, database);
}

interface Doors {
  readonly database: TestDatabase;
  readonly collector: Database;
  readonly manager: Database;
  readonly controller: Database;
  readonly onlooker: Database;
}

function ring(pool: SimulatedPool, simulator: RunningSimulator, doors: Doors): Ring {
  const { db } = pool;
  const find = (cls: "host" | "VM", name: string): string => {
    const ref = db.all(cls).find((each) => db.text(cls, each, "name_label") === name);
    if (ref === undefined) throw new Error(`no ${cls} ${name}`);
    return ref;
  };
  const settings = (extra: Record<string, string> = {}): Settings => settingsOf(simulator.masterUrl, extra);
  const record = new PoolRecord(pool);
  const recorder = new HistoryRecorder(pool, doors.onlooker, record, settings().control);
  return {
    pool,
    simulator,
    command: (line) => runCommand(pool, line),
    collect: async (...rules) => {
      const { xen, collect: how } = settings();
      await collect(doors.collector, {
        xen,
        collect: how,
        replacePool: true,
        signal: new AbortController().signal,
      });
      const forgotten = [
        "DELETE FROM HostRule",
        "DELETE FROM RuleTerm WHERE RuleId IN (SELECT Id FROM AddedRule WHERE Kind = 'HOST')",
        "DELETE FROM AddedRule WHERE Kind = 'HOST'",
      ];
      await asRoot(forgotten, doors.database.admin.database);
      for (const rule of rules) await createHostRule(doors.manager, rule, "");
      await recorder.collected(rules);
    },
    control: (change = {}) => {
      const { xen, control } = settings(change.xenPoolUuid ? { XenPoolUuid: change.xenPoolUuid } : {});
      return runOnce(doors.controller, xen, control, change);
    },
    admin: async (work) => {
      const client = await connectXapi(xapiOptions(settings().xen, "admin", new AbortController().signal));
      try {
        return await work(client);
      } finally {
        await client.close();
      }
    },
    where: (vm) => {
      const ref = find("VM", vm);
      const power = db.text("VM", ref, "power_state");
      return power === "Running" ? db.text("host", db.text("VM", ref, "resident_on"), "name_label") : power;
    },
    uuid: (cls, name) => db.text(cls, find(cls, name), "uuid"),
    migrations: record.texts,
    history: () => recorder.history(),
  };
}

function settingsOf(url: string, extra: Readonly<Record<string, string>>): Settings {
  const values = { XenHost: url, XenUsr: "root", XenPass: password, XenCallSeconds: "5", ...extra };
  const sources = { fileName: null, text: "", values, environment: {}, readFile: () => "" };
  const result = parseSettings({ ...sources, readCredential: () => null }, ["xen", "collect", "control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return result.settings as Settings;
}

/** The plan goes through its text, as through a file. */
function saving(save: ControlChange["save"]): { save?: Save; program?: string } {
  if (save === undefined) return {};
  const write = async (_file: string, plan: object) => save(JSON.parse(JSON.stringify(plan)));
  const program = "xcp-control --settings pool.settings";
  const at = () => new Date(Date.UTC(2026, 2, 1, 8));
  return { program, save: { file: "plan.json", by: "ann@desk7", at, write } };
}

async function runOnce(
  db: Database,
  xen: Settings["xen"],
  control: Settings["control"],
  change: ControlChange,
): Promise<Told> {
  const lines: string[] = [];
  const objects: Record<string, unknown>[] = [];
  let ahead = 0;
  const code = await runControl(db, {
    xen: change.dryRun ? null : xen,
    // As the program does: the members that the last collection saw may be followed to.
    known: { collected: await loadHostAddresses(db), allowed: [] },
    control: {
      ...control,
      ...change.change,
      pollMs: 20,
      migrationTimeoutMs: change.timeoutMs ?? control.migrationTimeoutMs,
      maxMovesPerRun: change.maxMoves ?? control.maxMovesPerRun,
      snapshotMaxAgeSeconds: change.maxAgeSeconds ?? control.snapshotMaxAgeSeconds,
    },
    who: { host: "test", pid: 1 },
    leaseClockMs: () => performance.now(),
    ...(change.task === undefined ? {} : { task: change.task }),
    ...saving(change.save),
    ...(change.show === undefined ? {} : { show: change.show }),
    dryRun: change.dryRun ?? false,
    json: change.json ?? false,
    exitCode: change.exitCode ?? false,
    signal: change.signal ?? new AbortController().signal,
    graceMs: change.graceMs ?? 30_000,
    sleep: pause,
    monotonicMs: () => {
      const limit = (change.hastyLimit ?? Number.POSITIVE_INFINITY) * 1000;
      ahead = Math.min(limit, ahead + (change.hastySeconds ?? 0) * 1000);
      return performance.now() + ahead;
    },
    print: (line) => {
      lines.push(line);
      change.onLine?.(line);
    },
    printJson: (value) => {
      objects.push(JSON.parse(JSON.stringify(value)) as Record<string, unknown>);
      change.onLine?.(JSON.stringify(value));
    },
  });
  return { code, lines, objects, text: lines.join("\n") };
}
