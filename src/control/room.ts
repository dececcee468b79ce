/**
 * Makes room for a VM because an administrator asked for it: moves what stands in its way, and says where it can start
 * then. Pause and breaker hold, and the gates of the data; it starts nothing.
 */

import type { Assessment, PairBans } from "../decide/assess.ts";
import { applyMove } from "../decide/moves.ts";
import { assessAsked, withLastUse } from "../decide/placing.ts";
import { forecastRoom, type RoomGuest, type RoomRequest, roomOf, wantedVm } from "../decide/room.ts";
import { exitCode } from "../domain/errors.ts";
import type { Gate } from "../domain/gate.ts";
import type { Snapshot } from "../domain/pool.ts";
import {
  obstacleLines,
  roomEndLine,
  roomJson,
  roomLines,
  roomObject,
  roomPurposeLine,
} from "../explain/room.ts";
import type { RoomPlan } from "../planner/room/room.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { Database } from "../store/connection.ts";
import { loadLastUse } from "../store/lastUse.ts";
import { bytes, plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { askedCourse, bansBeside, warnBefore } from "./asked.ts";
import type { Planner, RunResult } from "./planExecutor.ts";
import { say } from "./say.ts";
import {
  type ActOptions,
  type Conclusion,
  type Course,
  ending,
  type StoredAssessment,
  type Strategy,
} from "./strategy.ts";

export interface RoomTask {
  readonly kind: "room";
  readonly request: RoomRequest;
  /** Who asked for it, "ann@desk7". */
  readonly by: string;
}

/** A plan with all that it was made from. */
interface RoomView extends RoomGuest {
  readonly assessment: StoredAssessment;
  readonly plan: RoomPlan;
}

/** The strategy that makes room: done when the VM can start somewhere, partly when it cannot. */
export function roomMaking(task: RoomTask): Strategy {
  return {
    forecast: async (input, { db, control, poolUuid }) => {
      const view = await viewOf(assessAsked(input, control, poolUuid), task, control, db);
      if ("gate" in view) return view;
      const { assessment, vm, plan } = view;
      return {
        lines: (told) => roomLines(assessment, assessment.stored, vm, plan, told),
        object: () => roomJson(assessment, assessment.stored, vm, plan),
        work: plan.moves.length,
      };
    },
    decide: async ({ input, ageSeconds }, { db, options }) => {
      const assessment = assessAsked(input, options.control, options.xen.poolUuid);
      if (assessment.blocked !== null) return { gate: assessment.blocked };
      const view = await viewOf(assessment, task, options.control, db);
      return "gate" in view ? view : { course: new RoomCourse(view, task, options).course(ageSeconds) };
    },
  };
}

/** What is to be done by the collection, or the gate that forbids it. Rejects as `wantedVm` throws. */
async function viewOf(
  assessment: Assessment,
  { request }: RoomTask,
  control: ControlSettings,
  db: Database,
): Promise<RoomView | { readonly gate: Gate | null }> {
  const { stored } = assessment;
  if (stored === null) return { gate: assessment.gate };
  const found = wantedVm(stored.snapshot, request);
  const use = await loadLastUse(db, stored, found, control);
  const vm = withLastUse(found, use);
  const { plan, gate } = forecastRoom(assessment, control, { vm, use });
  return gate !== null || plan === null ? { gate } : { assessment: { ...assessment, stored }, vm, use, plan };
}

class RoomCourse {
  readonly #view: RoomView;
  readonly #task: RoomTask;
  readonly #options: ActOptions;
  readonly #names: Names;

  constructor(view: RoomView, task: RoomTask, options: ActOptions) {
    this.#view = view;
    this.#task = task;
    this.#options = options;
    this.#names = new Names(view.assessment.stored.snapshot);
  }

  course(ageSeconds: () => number): Course {
    const { assessment, vm, plan } = this.#view;
    const size = plan.needBytes === null ? "" : ` of ${bytes(plan.needBytes, "MB")}`;
    const whom = vm.uuid === "" ? "a VM" : this.#names.of(vm.uuid);
    const asked = `room${size} for ${whom} asked by ${this.#task.by}`;
    return {
      ...askedCourse(assessment, this.#options, "room", asked, this.#names),
      planner: this.#planner(),
      ageSeconds,
      announce: () => this.#announce(),
      conclude: (result) => this.#conclude(result),
    };
  }

  #announce(): void {
    const { assessment, vm, plan } = this.#view;
    warnBefore(assessment, this.#names, this.#options);
    say(this.#options, "room", roomPurposeLine(plan, vm, this.#names), roomObject(plan, vm, this.#names));
  }

  #planner(): Planner {
    return {
      first: this.#view.plan,
      replan: ({ state, bans }) => this.#planFrom(state, bans),
    };
  }

  #planFrom(state: Snapshot, bans: PairBans): RoomPlan {
    const { assessment } = this.#view;
    return roomOf(assessment, this.#options.control, state, bansBeside(assessment, bans), this.#view);
  }

  #conclude(result: RunResult | null): Conclusion {
    const { plan } = this.#view;
    if (result === null) return this.#end(plan, [], plan.target === null ? "partly" : "nothing");
    const moved = result.results.filter(({ outcome }) => outcome.kind === "moved");
    const lines = [
      `${plural(new Set(moved.map(({ move }) => move.vm)).size, "VM")} moved`,
      ...(result.stoppedBy === null ? [] : [`ended early: ${result.stoppedBy}`]),
    ];
    // Where the VM can start now, by what was really moved.
    const state = moved.reduce(
      (snapshot, { move }) => applyMove(snapshot, move.vm, move.source, move.destination),
      this.#view.assessment.stored.snapshot,
    );
    const now = this.#planFrom(state, { vms: new Map(), pairs: new Map() });
    const there = now.moves.length === 0 && now.target !== null;
    const last = "obstacles" in result.lastPlan ? (result.lastPlan as RoomPlan) : plan;
    const shown = there ? now : { ...last, target: null };
    const end = this.#end(shown, lines, there ? "done" : "partly");
    const usual = ending(result);
    if (usual.code === exitCode.couldNotRun) return { ...end, ...usual };
    // Room that is there though a move of the plan failed is what was asked for.
    return there && !result.isTrouble ? end : { ...end, code: exitCode.partly, outcome: "partly" };
  }

  #end(plan: RoomPlan, first: readonly string[], outcome: "done" | "partly" | "nothing"): Conclusion {
    const { vm } = this.#view;
    return {
      code: outcome === "partly" ? exitCode.partly : exitCode.done,
      outcome,
      lines: [
        ...first,
        ...(plan.obstacles.length > 0 ? obstacleLines(plan, this.#names) : []),
        roomEndLine(plan, vm, this.#names, "is"),
      ],
    };
  }
}
