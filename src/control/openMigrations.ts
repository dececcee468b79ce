/** Closes what earlier runs left open, before anything is planned. */

import { exitCode } from "../domain/errors.ts";
import { type Migration, parseState } from "../domain/migration.ts";
import type { Snapshot, Uuid } from "../domain/pool.ts";
import { loadControlState } from "../store/load/controlState.ts";
import { loadSnapshot } from "../store/snapshot.ts";
import { Names } from "../text/names.ts";
import { longest, shorten } from "../text/text.ts";
import { expected, leftOfLimit, watchOptions, withPool } from "./pool.ts";
import { reconcile } from "./reconcile.ts";
import { say } from "./say.ts";
import type { LeasedRun, RunEnd } from "./strategy.ts";
import { Transfers } from "./transfers.ts";

/** Closes what earlier runs left open; how the run ends where that cannot be done, else null. */
export async function closeOpen(run: LeasedRun): Promise<RunEnd | null> {
  const { db, heldLease, options } = run;
  const controlState = await loadControlState(db);
  // A row of a state that nobody knows is named by its gate.
  const open = controlState.open.filter(({ state }) => parseState(state) !== null);
  if (open.length === 0) return null;
  const stored = await loadSnapshot(db);
  const names = new Names(stored?.snapshot ?? empty);
  const poolUuid = options.xen.poolUuid ?? stored?.snapshot.pool.uuid ?? null;
  const what = ({ vm, source, destination }: Migration) =>
    `${names.of(vm)} (${vm}) from ${names.of(source)} to ${names.of(destination)}`;
  const transfers = new Transfers(options, names, options.monotonicMs);
  return withPool(poolUuid, run, async (client, calls, order) => {
    const why = await reconcile(open, {
      client,
      db,
      heldLease,
      watch: (migration) => ({
        ...watchOptions(run, order),
        ...leftOfLimit(migration, controlState.costs, options.control),
        onProgress: (progress) => transfers.progress(migration.vm, progress),
      }),
      onAdopted: (migration) => {
        calls.migrating++;
        order.flying();
        say(options, "adopted", `An earlier run's migration still runs: ${what(migration)}`, ids(migration));
        transfers.begin(
          { ...migration, ...expected({ ...migration, bytes: migration.memoryBytes }, controlState.costs) },
          migration.plannedSecondsAgo,
        );
      },
      onWatched: ({ vm }) => {
        calls.migrating--;
        order.landed();
        transfers.end(vm);
      },
      onClosed: (migration, end) => {
        const error = end.error === null ? "" : `: ${shorten(end.error, longest.error)}`;
        say(options, "closed", `An earlier run's migration ${end.state}: ${what(migration)}${error}`, {
          ...ids(migration),
          ...end,
        });
      },
      onLeft: (migration, reason) => {
        say(options, "left", `An earlier run's migration stays open: ${what(migration)}: ${reason}`, {
          ...ids(migration),
          reason,
        });
      },
    });
    if (why === null) return null;
    say(options, "summary", `ended early: ${why}`);
    return { code: exitCode.partly, outcome: "partly", detail: why };
  });
}

const empty: Snapshot = {
  pool: {
    uuid: "" as Uuid,
    name: "",
    haEnabled: false,
    haTolerance: null,
    haPlannedFor: null,
    wlbEnabled: false,
    rollingUpgrade: false,
  },
  hosts: [],
  vms: [],
  placements: [],
  infeasiblePairs: [],
};

function ids({ vm, source, destination }: Migration): object {
  return { vm, from: source, to: destination };
}
