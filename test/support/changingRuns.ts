/** Collects a changing pool again and again, and holds the tables against the pool's own records after every run. */
import { expect } from "vitest";
import { storedTables, tablesOf } from "../programs/collectPool.ts";
import { ChangingPool, seeded } from "./changingPool.ts";
import { changingScenario, Onlooker } from "./picture.ts";
import { startWorld } from "./world.ts";

export interface ChangingOptions {
  readonly seed: number;
  readonly virtualSeconds: number;
  readonly everySeconds: number;
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
  };
  try {
    for (let seconds = 0; seconds < options.virtualSeconds; seconds += options.everySeconds) {
      const changes = Array.from({ length: Math.floor(random() * 5) }, () => changing.step());
      figures.changes += changes.length;
      await world.pool.clock.advance(options.everySeconds * 1_000);
      const unread = changing.silent();
      const result = await world.run("xcp-collect", [], { deadlineMs: 60_000 });
      const about = `seed ${options.seed}, run ${figures.runs}, after: ${changes.join("; ")}\n${result.stderr}`;
      expect(result.code, about).toBe(unread.length > 0 ? 3 : 0);
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
    onlooker.close();
    await world.stop();
  }
}
