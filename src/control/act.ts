/** The stage of a run that talks to the pool: carries a course out, and tells of each move. */

import { pathFailures } from "../decide/failingHosts.ts";
import { moveJson } from "../explain/planJson.ts";
import { moveLine } from "../explain/report.ts";
import { Names } from "../text/names.ts";
import { Journal } from "./journal.ts";
import { carryOut, type RunResult } from "./planExecutor.ts";
import { expected, timeLimit, watchOptions, withPool } from "./pool.ts";
import { announce, say, sayOffTerminal } from "./say.ts";
import type { Course, LeasedRun } from "./strategy.ts";
import { Transfers } from "./transfers.ts";

/** Carries the course out, as far as that goes. */
export async function act(run: LeasedRun, course: Course): Promise<RunResult> {
  const { db, heldLease, options } = run;
  const { assessment, planner, control, ageSeconds, log } = course;
  const { snapshot, collection } = assessment.stored;
  const { costs, recent } = assessment.controlState;
  const names = new Names(snapshot);
  const transfers = new Transfers(options, names, options.monotonicMs);
  return withPool(snapshot.pool.uuid, run, (client, calls, order) =>
    carryOut(snapshot, planner, control, {
      client,
      ageSeconds,
      lost: heldLease.lost,
      order: () => order.words,
      journal: new Journal(db, heldLease, {
        collectionId: collection.id,
        ruleRevision: assessment.ruleRevision,
        maxMovesPerHour: control.maxMovesPerHour,
        monotonicMs: options.monotonicMs,
        log,
      }),
      pathFailures: pathFailures(recent, control.failedVmMinutes),
      timeLimit: (move) => timeLimit({ ...move, bytes: move.copyBytes }, costs, control),
      execute: { ...watchOptions(run, order), maxInPool: control.maxMigrationsInPool },
      objection: async (move) => (await options.hooks?.beforeMove(move, names, heldLease.lost)) ?? null,
      onMove: (move) => say(options, "move", moveLine(move, names), moveJson(move, names)),
      onStart: (move) => {
        calls.migrating++;
        order.flying();
        transfers.begin({ ...move, ...expected({ ...move, bytes: move.copyBytes }, costs) });
        const line = transfers.named("Starting Migration ...", move.vm);
        sayOffTerminal(options, "start", line, { vm: move.vm });
      },
      onProgress: ({ vm }, progress) => transfers.progress(vm, progress),
      onEnd: ({ vm }) => {
        calls.migrating--;
        order.landed();
        transfers.end(vm);
      },
      onResult: (each) => {
        const { vm } = each.move;
        announce(each, names, options, transfers.named("End Migration", vm));
        transfers.told(vm);
      },
      onFailingHost: (host, reason) =>
        say(options, "warning", `nothing more is moved to ${names.of(host)} by this run: ${reason}`, {
          host,
        }),
    }),
  );
}
