/**
 * Rounds of the crash tests, shared by the short form in the suite and the long one in soak/: in each the pool has
 * changed, something is killed at one event of a run of xcp-collect, and the tables must be one picture or the other.
 */

import { expect } from "vitest";
import { openDatabase } from "../../src/store/connection.ts";
import { createHostRule } from "../../src/store/ruleChanges.ts";

import { storedTables, tablesOf } from "../programs/collectPool.ts";
import type { KillableServer } from "./killableServer.ts";
import { runsStatement, statementText } from "./mysqlWire.ts";
import { changePool, changingScenario, Onlooker, type Stored } from "./picture.ts";
import { type ProgramResult, type RunningProgram, startProgram } from "./programs.ts";
import { rule } from "./rules.ts";
import { type Passing, startWire, type Wire } from "./wire.ts";
import { startWorld, type World, type WorldOptions } from "./world.ts";

export interface CrashWorld {
  readonly world: World;
  readonly wire: Wire;
  readonly onlooker: Onlooker;
  /** Starts xcp-collect through the wire. */
  readonly start: (
    change?: Readonly<Record<string, string>>,
    args?: readonly string[],
  ) => Promise<RunningProgram>;
  /** Changes the pool; every call shows another picture. */
  readonly change: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** A world whose pool stands still between changes, collected once. */
export async function startCrashWorld(
  options: Partial<WorldOptions> & { hosts?: number; vms?: number } = {},
): Promise<CrashWorld> {
  const { hosts = 3, vms = 9, ...rest } = options;
  const scenario = changingScenario(hosts, vms);
  const world = await startWorld({ pool: { scenario }, manualClock: true, ...rest });
  const wire = await startWire(world);
  const onlooker = new Onlooker(world);
  let turn = 0;
  const crash: CrashWorld = {
    world,
    wire,
    onlooker,
    start: async (change = {}, args = []) => {
      const settings = { ...world.settings("collect"), ...wire.settings, ...change };
      const running = await startProgram("xcp-collect", args, { settings, deadlineMs: 90_000 });
      running.child.stdin.end();
      return running;
    },
    change: () => changePool(world.pool, String(++turn)),
    stop: async () => {
      onlooker.close();
      await wire.close();
      await world.stop();
    },
  };
  await nameSource(world);
  await crash.change();
  await collectWell(crash);
  return crash;
}

/** A rule that names a data source of hosts, so that its values are stored too. */
async function nameSource(world: World): Promise<void> {
  const db = await openDatabase(world.database.manager);
  const named = rule("CpuAverage > 99 AND memory_free_kib ABOVE 1000000000");
  await createHostRule(db, named, "").finally(() => db.close());
}

/** One undisturbed run: it must succeed, and the tables must equal what the pool itself says. */
export async function collectWell(crash: CrashWorld): Promise<Stored> {
  crash.wire.restart();
  const result = await (await crash.start()).ended;
  expect(result).toMatchObject({ code: 0, stderr: "" });
  await expectPoolsOwn(crash);
  const stored = await crash.onlooker.stored();
  expect(stored.storedId).toBe(stored.collections.at(-1));
  expect(stored.startedId).toBeGreaterThanOrEqual(stored.storedId);
  return stored;
}

/** The thesis' tables equal the pool's own records and samples; of VMs that have just arrived nothing is measured. */
export async function expectPoolsOwn({ world, onlooker }: CrashWorld): Promise<void> {
  const settling = (await onlooker.query("SELECT VmUuid FROM VmArrival")).map((row) => row["VmUuid"]);
  const unmeasured = { MemoryInternalFreeMb: null, Vif0RxKb: null, Vif0TxKb: null, VcpuAverage: null };
  const own = tablesOf(world.pool);
  const Vm = own.Vm.map((row) => (settling.includes(row["UUID"]) ? { ...row, ...unmeasured } : row));
  expect(await storedTables(world)).toEqual({ ...own, Vm });
}

export interface Round {
  /** Whether the picture after the crash was the one before the run, or the one that it collected. */
  readonly left: "old" | "new";
  readonly event: Passing | null;
  readonly ended: ProgramResult;
}

/** What to do with a run at an event: a verdict on the event, or null while it is not the one. */
export type Disturb = (
  event: Passing,
  running: RunningProgram,
) => ReturnType<NonNullable<Wire["assess"]>> | null;

/**
 * One round: `before` is what the tables hold. The pool changes, collect runs and `disturb` strikes; `repair` then
 * brings back what it broke. The tables must equal the old or the new picture, whole, and the next run must succeed by
 * itself.
 */
export async function crashRound(
  crash: CrashWorld,
  before: Stored,
  disturb: Disturb,
  repair: () => Promise<void> = async () => {},
): Promise<Round & { after: Stored }> {
  await crash.change();
  const { running, struck } = await runDisturbed(crash, disturb);
  return judged(crash, before, { ended: await running.ended, event: struck() }, repair);
}

/**
 * One round with a process that has collected once and follows the pool: it changes, and `disturb` strikes in the second
 * run, which reads what has changed.
 */
export async function followingRound(
  crash: CrashWorld,
  disturb: Disturb,
): Promise<Round & { after: Stored }> {
  crash.wire.restart();
  // Long enough for the pool to have changed before the second run begins.
  const running = await crash.start({}, ["--interval", "3"]);
  await running.waitFor(/^collected pool /m);
  const before = await crash.onlooker.stored();
  await crash.change();
  crash.wire.restart();
  const struck = disturbed(crash, running, disturb);
  return judged(crash, before, { ended: await running.ended, event: struck() });
}

/** What a disturbed run has left, and that the next one goes well. */
async function judged(
  crash: CrashWorld,
  before: Stored,
  { ended, event }: Pick<Round, "ended" | "event">,
  repair: () => Promise<void> = async () => {},
): Promise<Round & { after: Stored }> {
  crash.wire.assess = undefined;
  await repair();
  await crash.onlooker.settled();
  const found = await crash.onlooker.stored();
  const after = await collectWell(crash);
  expectDifferent(before, after);
  const left = expectOneOf(found, before, after);
  expect(found.collections.length - before.collections.length).toBe(left === "old" ? 0 : 1);
  expect(found.storedId).toBe(found.collections.at(-1));
  expect(after.storedId).toBeGreaterThan(found.storedId);
  // Numbers are drawn once and never again.
  expect(found.startedId).toBeGreaterThanOrEqual(before.startedId);
  expect(after.startedId).toBeGreaterThan(found.startedId);
  return { left, event, ended, after };
}

async function runDisturbed(
  crash: CrashWorld,
  disturb: Disturb,
): Promise<{ running: RunningProgram; struck: () => Passing | null }> {
  crash.wire.restart();
  const running = await crash.start();
  return { running, struck: disturbed(crash, running, disturb) };
}

function disturbed(crash: CrashWorld, running: RunningProgram, disturb: Disturb): () => Passing | null {
  // The program needs far longer to get going than this takes.
  expect(crash.wire.events).toBe(0);
  let struck: Passing | null = null;
  crash.wire.assess = (event) => {
    if (struck !== null) return "pass";
    const verdict = disturb(event, running);
    if (verdict === null) return "pass";
    struck = event;
    return verdict;
  };
  return () => struck;
}

/** Events of the second, undisturbed run of a process that follows the pool, which is then told to end. */
export async function countFollowingEvents(crash: CrashWorld): Promise<number> {
  crash.wire.restart();
  const running = await crash.start({}, ["--interval", "4"]);
  await running.waitFor(/^collected pool /m);
  await crash.change();
  crash.wire.restart();
  await running.waitFor(/^collected pool [\s\S]*^collected pool /m);
  const { events } = crash.wire;
  running.child.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 143, stderr: "" });
  await expectPoolsOwn(crash);
  return events;
}

/** The two pictures have no table in common, so that a mixture cannot look like either. */
function expectDifferent(before: Stored, after: Stored): void {
  // The simulated pool records no run-states of VMs, as none does by default: nothing of them is stored.
  for (const table of Object.keys(after.picture).filter((name) => name !== "VmMeasure")) {
    // What VMs want beside what they use is known only where a host is full; without any there is nothing to mix.
    const rows = [before, after].flatMap(({ picture }) => picture[table] ?? []);
    if (table === "VmDemand" && rows.length === 0) continue;
    expect(after.picture[table], `table ${table} is the same in both pictures`).not.toEqual(
      before.picture[table],
    );
  }
}

function expectOneOf(found: Stored, before: Stored, after: Stored): "old" | "new" {
  const isOld = JSON.stringify(found.picture) === JSON.stringify(before.picture);
  // Shows the tables that differ, where it is neither.
  if (!isOld) expect(found.picture).toEqual(after.picture);
  return isOld ? "old" : "new";
}

/** Kills collect at its `number`-th event: before the event passes on, or right after. */
export function killAt(number: number, moment: "before" | "after"): Disturb {
  return (event, running) => {
    if (event.number !== number) return null;
    running.child.kill("SIGKILL");
    return moment === "before" ? "swallow" : "pass";
  };
}

/** Tells collect to end at its `number`-th event. */
export function endAt(number: number): Disturb {
  return (event, running) => {
    if (event.number !== number) return null;
    running.child.kill("SIGTERM");
    return "pass";
  };
}

/** `count` different numbers spread evenly over 1 to `total`, both ends among them. */
export function spread(total: number, count: number): number[] {
  const wanted = Math.min(total, count);
  if (wanted === 1) return [total];
  return Array.from({ length: wanted }, (_, n) => 1 + Math.round((n * (total - 1)) / (wanted - 1)));
}

/** Events of an undisturbed run, the least of `runs`: streams split as they like, the more so beside other work. */
export async function countEvents(crash: CrashWorld, runs = 1): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < runs; run++) {
    await crash.change();
    await collectWell(crash);
    least = Math.min(least, crash.wire.events);
  }
  return least;
}

/** Kills collect at the COMMIT of its picture: before the server hears of it, or after it has answered. */
export function killAtCommit(moment: "asked" | "answered"): Disturb {
  const isIt = atCommit(moment);
  return (event, running) => {
    if (!isIt(event)) return null;
    running.child.kill("SIGKILL");
    return "swallow";
  };
}

/** Recognises the COMMIT of the picture on its way to the server, or the answer to it. */
export function atCommit(moment: "asked" | "answered"): (event: Passing) => boolean {
  let inPicture = false;
  let asked = false;
  return (event) => {
    const text = event.side === "mysql" ? statementText(event) : null;
    inPicture ||= startsPicture(event);
    if (asked) return moment === "answered" && event.side === "mysql" && event.direction === "down";
    asked = inPicture && text === "COMMIT";
    return asked && moment === "asked";
  };
}

/** Recognises the answer that tells a run that it is the only writer now: its transaction holds the lock. */
export function holdsLock(): (event: Passing) => boolean {
  let state: "before" | "prepared" | "asked" = "before";
  return (event) => {
    if (startsPicture(event)) state = "prepared";
    else if (state === "prepared" && event.side === "mysql" && runsStatement(event)) state = "asked";
    else return state === "asked" && event.side === "mysql" && event.direction === "down";
    return false;
  };
}

/** The statement by which a run becomes the only writer: its number is stored as that of the picture. */
export function startsPicture(event: Passing): boolean {
  return (
    event.side === "mysql" && statementText(event)?.startsWith("UPDATE CollectionHead SET StoredId") === true
  );
}

/**
 * Kills the database's server at the event that `isIt` recognises and starts it again at once; collect finds it at the
 * same address as before. `repaired` resolves when it serves again.
 */
export function killServer(
  crash: CrashWorld,
  server: KillableServer,
  isIt: (event: Passing) => boolean,
): { disturb: Disturb; repaired: () => Promise<void> } {
  let repair = Promise.resolve();
  const disturb: Disturb = (event) => {
    if (!isIt(event)) return null;
    server.kill();
    crash.onlooker.disconnect();
    repair = server.restart();
    return "pass";
  };
  return { disturb, repaired: () => repair };
}
