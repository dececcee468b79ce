/** Collects a changing pool again and again, and holds the tables against the pool's own records after every run. */
import { expect } from "vitest";
import { collect } from "../../src/collect/collect.ts";
import { PoolFollower } from "../../src/collect/poolFollower.ts";
import { problemLines } from "../../src/collect/report.ts";
import { AppError } from "../../src/domain/errors.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { openDatabase } from "../../src/store/connection.ts";
import { storedTables, tablesOf } from "../programs/collectPool.ts";
import { ChangingPool, seeded } from "./changingPool.ts";
import { changingScenario, Onlooker } from "./picture.ts";
import { startWorld, type World } from "./world.ts";

export interface ChangingOptions {
  readonly seed: number;
  readonly virtualSeconds: number;
  readonly everySeconds: number;
  /** Collects as --interval does: in one session, which reads what has changed. */
  readonly following?: boolean;
  /** Half of the runs find calls that the pool answers badly or not at all. */
  readonly faults?: boolean;
}

export interface ChangingFigures {
  runs: number;
  changes: number;
  /** Runs with hosts that could not be read. */
  partly: number;
  fewestHosts: number;
  mostHosts: number;
  fewestVms: number;
  mostVms: number;
  /** Runs that read everything. */
  whole: number;
  /** Runs that stored nothing for a fault. */
  failed: number;
}

const unmeasured = { MemoryInternalFreeMb: null, Vif0RxKb: null, Vif0TxKb: null, VcpuAverage: null };

/** The pool's time stands still while it is collected: each run has one instant to be compared with. */
export async function collectChangingPool(options: ChangingOptions): Promise<ChangingFigures> {
  const world = await startWorld({ pool: { scenario: changingScenario(6, 18) }, manualClock: true });
  const onlooker = new Onlooker(world);
  const random = seeded(options.seed);
  const changing = new ChangingPool(world.pool, random);
  const figures: ChangingFigures = {
    runs: 0,
    changes: 0,
    partly: 0,
    fewestHosts: Number.POSITIVE_INFINITY,
    mostHosts: 0,
    fewestVms: Number.POSITIVE_INFINITY,
    mostVms: 0,
    whole: 0,
    failed: 0,
  };
  const runs = options.following === true ? await followedRuns(world, options.faults) : programRuns(world);
  try {
    for (let seconds = 0; seconds < options.virtualSeconds; seconds += options.everySeconds) {
      const changes = Array.from({ length: Math.floor(random() * 5) }, () => changing.step());
      figures.changes += changes.length;
      await world.pool.clock.advance(options.everySeconds * 1_000);
      const fault = options.faults === true && random() < 0.5 ? someFault(random) : null;
      const before = fault === null ? null : await storedTables(world);
      if (fault !== null) runCommand(world.pool, fault);
      const result = await runs.next().catch((error: unknown) => {
        if (fault !== null && error instanceof AppError) return null;
        throw error;
      });
      runCommand(world.pool, "end-faults");
      if (result === null) {
        figures.failed++;
        expect(await storedTables(world), `${fault}`).toEqual(before);
        continue;
      }
      const unread = fault === null ? changing.silent() : hostsNamed(world, result.unread);
      const about = `seed ${options.seed}, run ${figures.runs}, ${fault ?? "no fault"}, after: ${changes.join("; ")}\n${result.told}`;
      if (fault === null) expect(result.partly, about).toBe(unread.length > 0);
      if (result.whole) figures.whole++;
      const stored = await storedTables(world);
      const own = tablesOf(world.pool, unread);
      const arrived = (await onlooker.query("SELECT VmUuid FROM VmArrival")).map((row) => row["VmUuid"]);
      const doubtful = (uuid: unknown) => arrived.includes(uuid);
      const memoryOf = new Map(stored.Vm.map((row) => [row["UUID"], row["MemoryMb"]]));
      const Vm = own.Vm.map((row) =>
        doubtful(row["UUID"]) ? { ...row, ...unmeasured, MemoryMb: memoryOf.get(row["UUID"]) } : row,
      );
      expect(stored, about).toEqual({ ...own, Vm });
      await onlooker.stored();
      figures.runs++;
      if (unread.length > 0) figures.partly++;
      figures.fewestHosts = Math.min(figures.fewestHosts, own.Host.length);
      figures.mostHosts = Math.max(figures.mostHosts, own.Host.length);
      figures.fewestVms = Math.min(figures.fewestVms, own.Vm.length);
      figures.mostVms = Math.max(figures.mostVms, own.Vm.length);
    }
    return figures;
  } finally {
    await runs.end();
    onlooker.close();
    await world.stop();
  }
}

const badAnswers = ["drop", "close", "garbage", "http-500"];
const methods = ["event.*", "session.*", "*.get_all_records", "VM.*", "host.*", "pool.*", "/*", "*"];

/** A command that has some calls go wrong. */
function someFault(random: () => number): string {
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? "";
  return `${pick(badAnswers)} ${pick(methods)} times=${1 + Math.floor(random() * 3)}`;
}

/** The hosts that `lines` name. */
function hostsNamed({ pool: { db } }: World, lines: readonly string[]): string[] {
  return db
    .all("host")
    .filter((host) => lines.some((line) => line.includes(db.text("host", host, "name_label"))));
}

interface RunFacts {
  readonly partly: boolean;
  /** Names of what could not be read. */
  readonly unread: readonly string[];
  readonly whole: boolean;
  readonly told: string;
}

/** One run after the other, and what came of each. */
interface Runs {
  next(): Promise<RunFacts>;
  end(): Promise<void>;
}

/** Each a process of its own. */
function programRuns(world: World): Runs {
  return {
    next: async () => {
      const { code, stderr } = await world.run("xcp-collect", [], { deadlineMs: 60_000 });
      expect([0, 3], stderr).toContain(code);
      return { partly: code === 3, unread: [], whole: true, told: stderr };
    },
    end: async () => {},
  };
}

/** All in one session, as a process with --interval has them. */
async function followedRuns(world: World, faults = false): Promise<Runs> {
  const sources = { fileName: null, text: "", values: world.settings("collect"), environment: {} };
  const parsed = parseSettings({ ...sources, readFile: () => "", readCredential: () => null }, [
    "xen",
    "collect",
  ]);
  if ("problems" in parsed) throw new Error(parsed.problems.join("\n"));
  const db = await openDatabase(world.database.collect);
  const follower = new PoolFollower();
  return {
    next: async () => {
      const { signal } = new AbortController();
      const result = await collect(db, { ...parsed.settings, follower, signal });
      const { unread, skipped, reading } = result;
      const partly = unread.length + skipped.length > 0;
      return {
        partly,
        unread: unread.map(({ name }) => name),
        whole: reading.wholeBecause !== null,
        told: problemLines(result).join("\n"),
      };
    },
    end: async () => {
      await follower.close();
      await db.close();
      // Of a login whose answer was lost nobody knows the session.
      if (!faults) expect(world.pool.db.all("session")).toEqual([]);
    },
  };
}
