/** Two runs of xcp-collect at once, of two different pictures: the one that started later must be what stays. */
import { expect } from "vitest";
import { type Tables, tablesOf } from "../programs/collectPool.ts";
import { type CrashWorld, holdsLock, startsPicture } from "./crashes.ts";
import { marksIn, type Stored } from "./picture.ts";
import { startProgram } from "./programs.ts";
import type { Passing } from "./wire.ts";

/** How the first run is held up while the second one starts. */
export interface Overlap {
  /** Where the first run is stopped (SIGSTOP): events after its last question to the pool, or with the writers' lock. */
  readonly stopAt: number | "lock";
  /** When it goes on: milliseconds after the second run started, when that one begins to write, or when it has ended. */
  readonly goOn: number | "race" | "end";
}

/** What became of the first run: stored before the second, or passed over. */
export type Outcome = "first stored" | "first superseded";

/** One pair. The tables are looked at all the time: each look must show one of the three pictures, whole. */
export async function overlappingPair(crash: CrashWorld, overlap: Overlap): Promise<Outcome> {
  const { world, wire, onlooker } = crash;
  const before = await onlooker.stored();
  await crash.change();
  const expected = new Map<string, Tables>([[markOf(crash), tablesOf(world.pool)]]);
  wire.restart();
  const first = await crash.start();
  const stopped = stopAfterPool(crash, overlap.stopAt, () => first.child.kill("SIGSTOP"));
  await Promise.race([stopped, first.ended]);
  await crash.change();
  expected.set(markOf(crash), tablesOf(world.pool));
  const settings = { ...world.settings("collect"), ...wire.settings };
  const goOn = () => void first.child.kill("SIGCONT");
  if (overlap.goOn === "race") {
    wire.assess = (event) => {
      if (startsPicture(event)) goOn();
      return "pass";
    };
  }
  const second = await startProgram("xcp-collect", [], { settings, deadlineMs: 60_000 });
  second.child.stdin.end();
  // Whoever waits for the lock that the first one holds does not come to its own picture.
  if (overlap.goOn === "race") setTimeout(goOn, 2_000);
  if (overlap.goOn === "end") void second.ended.then(goOn);
  else if (overlap.goOn !== "race") setTimeout(goOn, overlap.goOn);
  const looking = watchTables(crash, before, expected);
  const ends = await Promise.all([first.ended, second.ended]);
  await looking.stop();
  for (const end of ends) expect(end).toMatchObject({ code: 0, stderr: "" });
  const after = await onlooker.stored();
  expect(marksIn(after)).toEqual([markOf(crash)]);
  expect(second.output.stdout).not.toContain("not stored");
  const isSuperseded = first.output.stdout.includes("not stored");
  expect(after.collections.length - before.collections.length).toBe(isSuperseded ? 1 : 2);
  return isSuperseded ? "first superseded" : "first stored";
}

/** The mark of the pool as it is now. */
function markOf({ world }: CrashWorld): string {
  const { db } = world.pool;
  return /mark \d+/.exec(db.text("pool", db.all("pool")[0] ?? "", "name_label"))?.[0] ?? "";
}

/** Resolves when `act` was called: where `stopAt` says. */
function stopAfterPool(crash: CrashWorld, stopAt: Overlap["stopAt"], act: () => void): Promise<void> {
  return new Promise((resolve) => {
    const isThere = stopAt === "lock" ? holdsLock() : isAfterPool(stopAt);
    crash.wire.assess = (event: Passing) => {
      if (!isThere(event)) return "pass";
      crash.wire.assess = undefined;
      act();
      resolve();
      return "pass";
    };
  });
}

/** Recognises the `number`-th event of MySQL after the last one of the pool. */
function isAfterPool(number: number): (event: Passing) => boolean {
  let asked = false;
  let count = 0;
  return ({ side }) => {
    if (side === "pool") {
      asked = true;
      count = 0;
      return false;
    }
    return asked && ++count === number;
  };
}

function watchTables(
  crash: CrashWorld,
  before: Stored,
  expected: ReadonlyMap<string, Tables>,
): { stop: () => Promise<void> } {
  let done = false;
  let last = before;
  const loop = (async () => {
    while (!done) {
      const seen = await crash.onlooker.stored();
      expect(seen.storedId).toBeGreaterThanOrEqual(last.storedId);
      expect(seen.startedId).toBeGreaterThanOrEqual(last.startedId);
      expect(seen.collections.slice(0, last.collections.length)).toEqual(last.collections);
      if (seen.storedId === before.storedId) expect(seen.picture).toEqual(before.picture);
      else expectPicture(seen, expected);
      last = seen;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    stop: async () => {
      done = true;
      await loop;
    },
  };
}

/** One of the expected pictures in all tables: by its mark, and by its placements where rows carry none. */
function expectPicture(seen: Stored, expected: ReadonlyMap<string, Tables>): void {
  const marks = marksIn(seen);
  expect(marks).toHaveLength(1);
  const tables = expected.get(marks.join());
  expect(tables, `the tables show ${marks}`).toBeDefined();
  expect(seen.picture["Map"]).toEqual(tables?.Map.map((row) => JSON.stringify(row)).sort());
  expect(seen.picture["Vm"]).toHaveLength(tables?.Vm.length ?? 0);
}
