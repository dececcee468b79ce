/**
 * Rounds of the crash tests of control: the real program is killed, stopped or told to end at one event on the wire,
 * and the runs that follow must close what it left and move no VM twice.
 */
import { expect } from "vitest";
import type { Migration } from "../../src/domain/migration.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { pause } from "../../src/privateServer/processes.ts";
import { listMigrations, openMigrations } from "../../src/store/migrations.ts";
import type { Arena, Ring, RingOptions } from "./controlArena.ts";
import { cpu25, crowd, threeHosts } from "./controlPools.ts";
import { asRoot } from "./database.ts";
import { broken, type History } from "./invariants.ts";
import { statementText } from "./mysqlWire.ts";
import { flowing } from "./poolTime.ts";
import { type ProgramResult, type RunningProgram, startProgram } from "./programs.ts";
import { type Passing, startWire, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

export interface ControlRound {
  readonly ring: Ring;
  readonly wire: Wire;
  /** xcp-control behind the wire. */
  readonly start: (change?: Readonly<Record<string, string>>) => Promise<RunningProgram>;
}

const password = "pool-p4ssword#";

/** A fresh unbalanced pool, collected; `small` is to move from hot to cold1, and nothing else. */
export async function controlRound<T>(
  arena: Arena,
  options: RingOptions & { readonly first?: string; readonly args?: readonly string[] },
  work: (round: ControlRound) => Promise<T>,
): Promise<T> {
  const ring = await arena.open(threeHosts, options);
  if (options.first !== undefined) ring.command(options.first);
  await ring.collect(cpu25);
  try {
    return await behindWire(arena, ring, options.args ?? [], work);
  } finally {
    await arena.shut();
  }
}

/** xcp-control behind a wire, on a pool that is prepared. */
export async function behindWire<T>(
  arena: Arena,
  ring: Ring,
  args: readonly string[],
  work: (round: ControlRound) => Promise<T>,
): Promise<T> {
  // The wire asks a world for its pool and its database, nothing else.
  const wire = await startWire({ simulator: ring.simulator, database: arena.database } as unknown as World);
  const account = arena.database.control;
  const settings = {
    XenUsr: "root",
    XenPass: password,
    MysqlUsr: account.user,
    MysqlPass: account.password,
    MysqlDatabase: account.database,
    ControlPollSeconds: "1",
    ...wire.settings,
  };
  try {
    return await work({
      ring,
      wire,
      start: async (change = {}) => {
        const running = await startProgram("xcp-control", args, {
          settings: { ...settings, ...change },
        });
        running.child.stdin.end();
        return running;
      },
    });
  } finally {
    await wire.close();
  }
}

/** Ends the run at the event that `isIt` recognises; before it passes on, or right after. */
export async function strike(
  { wire, start }: ControlRound,
  isIt: (event: Passing) => boolean,
  signal: "SIGKILL" | "SIGTERM",
  moment: "before" | "after",
): Promise<{ readonly ended: ProgramResult; readonly event: Passing | null }> {
  const running = await start();
  let event: Passing | null = null;
  wire.assess = (passing) => {
    if (event !== null || !isIt(passing)) return "pass";
    event = passing;
    running.child.kill(signal);
    return moment === "before" && signal === "SIGKILL" ? "swallow" : "pass";
  };
  const ended = await running.ended;
  wire.assess = undefined;
  return { ended, event };
}

/** Recognises the answer to the COMMIT of the intent to move a VM. */
export function intentCommitted(): (event: Passing) => boolean {
  let state: "before" | "written" | "asked" | "done" = "before";
  return (event) => {
    if (event.side !== "mysql") return false;
    const text = statementText(event);
    if (state === "before" && text?.startsWith("INSERT INTO Migration") === true) state = "written";
    else if (state === "written" && text === "COMMIT") state = "asked";
    else if (state === "asked" && event.direction === "down") {
      state = "done";
      return true;
    }
    return false;
  };
}

/** Recognises the first bytes after the request to migrate: the pool's answer to it. */
export function migrateAnswered(): (event: Passing) => boolean {
  let asked = false;
  return (event) => {
    if (event.side !== "pool") return false;
    if (asked && event.direction === "down") return true;
    asked ||= event.direction === "up" && event.bytes.includes("Async.VM.pool_migrate");
    return false;
  };
}

/** Recognises the so-maniest request of a task's record: by then four transfers are watched. */
export function afterLooks(looks: number): (event: Passing) => boolean {
  let seen = 0;
  return (event) =>
    event.side === "pool" &&
    event.direction === "up" &&
    event.bytes.includes("task.get_record") &&
    ++seen > 4 * looks;
}

const leaseOver = "UPDATE Lease SET ExpiresAt = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND";

/** The lease of whoever was killed is over, while the last request may still be on its way. */
export async function endLease(arena: Arena): Promise<void> {
  await asRoot([leaseOver], arena.database.admin.database);
}

/** As if a minute had gone by: the lease of whoever was killed is over, and so is the way of its last request. */
export async function aMinuteLater(arena: Arena): Promise<void> {
  await asRoot(
    [leaseOver, "UPDATE Migration SET PlannedAt = PlannedAt - INTERVAL 61 SECOND WHERE OpenVm IS NOT NULL"],
    arena.database.admin.database,
  );
}

/** The rows of the log, oldest first. */
export async function migrationRows(arena: Arena): Promise<readonly Migration[]> {
  return (await listMigrations(arena.controller)).toReversed();
}

/**
 * The runs that follow: the first one closes every row that is open, and after as many as it takes to plan from a
 * collection of afterwards, `small` has moved once and only once.
 */
export async function goOnAfterwards(arena: Arena, ring: Ring): Promise<void> {
  await aMinuteLater(arena);
  await flowing(ring.pool, ring.control());
  expect(await openMigrations(arena.controller)).toEqual([]);
  for (let run = 0; ring.where("small") !== "cold1" && run < 3; run++) {
    await ring.collect(cpu25);
    await flowing(ring.pool, ring.control());
  }
  expect(ring.migrations).toEqual(["small -> cold1"]);
  const rows = await migrationRows(arena);
  expect(rows.filter(({ state }) => state === "succeeded")).toHaveLength(1);
  checkHistory(await ring.history());
}

/** What a run of `crowdedRound` came to. */
export interface CrowdedRound {
  /** The event on the wire at which it was ended; null where it was over before. */
  readonly event: Passing | null;
  /** The most migrations of control that the pool had in flight at once, and how many the administrator made. */
  readonly most: number;
  readonly byHand: number;
}

const crowdRule: Rule = { subject: "CpuAverage", threshold: 10 };
const crowdLimits = { maxMigrationsInPool: 6, transfersPerHost: 2 };

/**
 * Four transfers in flight, and an administrator who migrates a VM of his own to and fro beside them: the run is ended at one
 * event, and those that follow close every row, and have the rules kept, without moving any VM twice.
 */
export async function crowdedRound(
  arena: Arena,
  isIt: (event: Passing) => boolean,
  signal: "SIGKILL" | "SIGTERM",
  moment: "before" | "after",
): Promise<CrowdedRound> {
  const ring = await arena.open(crowd, { byHand: true });
  try {
    await ring.pool.clock.advance(60_000);
    await ring.collect(crowdRule);
    const guest = ring.uuid("VM", "guest");
    const isGuest = (text: string) => text.startsWith("guest ");
    let most = 0;
    ring.pool.db.journal.onChange(() => {
      const { migrations } = ring.pool.model;
      most = Math.max(
        most,
        [...migrations.keys()].filter((vm) => ring.pool.db.text("VM", vm, "uuid") !== guest).length,
      );
    });
    const administrator = moveToAndFro(ring, guest);
    const event = await behindWire(arena, ring, [], async ({ wire, start }) => {
      const change = {
        ControlMaxMigrationsInPool: String(crowdLimits.maxMigrationsInPool),
        ControlTransfersPerHost: String(crowdLimits.transfersPerHost),
      };
      const round = { ring, wire, start: () => start(change) };
      // Until then the pool's time stands still: none of the four ends before.
      let notice = (): void => {};
      const hit = new Promise<void>((resolve) => {
        notice = resolve;
      });
      const noticed = (passing: Passing): boolean => {
        if (!isIt(passing)) return false;
        notice();
        return true;
      };
      const struck = strike(round, noticed, signal, moment);
      await Promise.race([hit, struck]);
      return (await flowing(ring.pool, struck)).event;
    });
    await flowing(ring.pool, administrator.stop());
    await aMinuteLater(arena);
    for (let run = 0; run < 4; run++) {
      await flowing(ring.pool, ring.control({ change: crowdLimits, maxAgeSeconds: 86_400 }));
      expect(await openMigrations(arena.controller)).toEqual([]);
      // What has just come is believed from the second collection on.
      for (let n = 0; n < 2; n++) {
        await ring.pool.clock.advance(60_000);
        await ring.collect(crowdRule);
      }
    }
    const own = ring.migrations.filter((text) => !isGuest(text));
    expect(new Set(own.map((text) => text.split(" ")[0])).size, own.join(", ")).toBe(own.length);
    for (const host of ["hot1", "hot2"])
      expect(["a", "b", "c", "d"].filter((vm) => ring.where(`${vm}-${host}`) === host)).toHaveLength(2);
    const rows = await migrationRows(arena);
    expect(rows.filter(({ state }) => state === "succeeded")).toHaveLength(own.length);
    expect(rows.map(({ vm }) => vm)).not.toContain(guest);
    const history = await ring.history();
    checkHistory({
      ...history,
      pool: history.pool.filter(({ vm }) => vm !== guest),
      limits: { ...history.limits, inPool: crowdLimits.maxMigrationsInPool },
    });
    return { event, most, byHand: ring.migrations.length - own.length };
  } finally {
    await arena.shut();
  }
}

/** Another client with its own session, which migrates the VM between the two hosts that are its own until it is stopped. */
function moveToAndFro(ring: Ring, guest: string): { readonly stop: () => Promise<void> } {
  let isStopped = false;
  const work = ring.admin(async (client) => {
    const vm = await client.vmByUuid(guest);
    while (!isStopped) {
      const to = ring.where("guest") === "side1" ? "side2" : "side1";
      await client.poolMigrateAsync(vm, await client.hostByUuid(ring.uuid("host", to)));
      while (ring.where("guest") !== to) await pause(10);
    }
  });
  return {
    stop: async () => {
      isStopped = true;
      await work;
    },
  };
}

/** All invariants, over all that was recorded since the pool was opened. */
export function checkHistory(history: History): void {
  expect(broken(history)).toEqual([]);
}
