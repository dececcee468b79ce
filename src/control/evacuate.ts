/**
 * Empties a host because an administrator asked for it: plans, carries out, and where a collection has grown too old
 * meanwhile goes on with the next one. Pause and breaker hold, and the gates of the data; it disables nothing.
 */

import {
  assessEvacuation,
  type EvacuationAssessment,
  evacuationOf,
  forecastEvacuation,
} from "../decide/evacuation.ts";
import { exitCode } from "../domain/errors.ts";
import { type Gate, gateName } from "../domain/gate.ts";
import type { Uuid } from "../domain/pool.ts";
import {
  endLine,
  evacuationJson,
  evacuationLines,
  evacuationObject,
  purposeLine,
  squeezeLines,
  stayLines,
  warningLines,
} from "../explain/evacuation.ts";
import { totalLines } from "../explain/report.ts";
import type { Evacuation } from "../planner/evacuate/evacuate.ts";
import type { PlanFacts } from "../report/plan/planFacts.ts";
import { storedCollectionId } from "../store/snapshot.ts";
import { plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { askedCourse, bansBeside, warnBefore } from "./asked.ts";
import { leaseLost } from "./heldLease.ts";
import type { MoveResult, Planner, RunResult } from "./planExecutor.ts";
import { planSettings } from "./planPageFile.ts";
import { resultReason } from "./report.ts";
import { say } from "./say.ts";
import {
  type ActOptions,
  type Conclusion,
  type Course,
  ending,
  type LeasedRun,
  type Look,
  lookAtInput,
  type StoredAssessment,
  type Strategy,
  unbounded,
} from "./strategy.ts";

export interface EvacuateTask {
  readonly kind: "evacuate";
  /** The host: uuid, the start of one, or name. */
  readonly host: string;
  /** Who asked for it, "ann@desk7". */
  readonly by: string;
}

/** A plan with all that it was made from. */
interface View {
  readonly assessment: EvacuationAssessment & StoredAssessment;
  readonly plan: Evacuation;
  readonly ageSeconds: () => number;
}

/** The strategy that empties a host: done when it is empty, partly when VMs stay, each with its reason. */
export function evacuation(task: EvacuateTask): Strategy {
  return {
    forecast: async (input, { control, poolUuid }) => {
      const assessment = assessEvacuation(input, control, poolUuid, task.host);
      if (!("host" in assessment)) return assessment;
      const { stored } = assessment;
      const { plan, gate } = forecastEvacuation(assessment, control);
      if (gate !== null || plan === null || stored === null) return { gate };
      return {
        lines: (told) => evacuationLines(assessment, stored, plan, told),
        object: () => evacuationJson(assessment, stored, plan),
        work: plan.moves.length,
        page: ({ program }) => pageOf({ ...assessment, stored }, plan, control, program),
      };
    },
    decide: async (look, run) => {
      const view = viewOf(look, task, run.options);
      return "gate" in view ? view : { course: new Attempt(view, task, run, 0).course() };
    },
  };
}

function pageOf(
  assessment: View["assessment"],
  plan: Evacuation,
  control: ActOptions["control"],
  program: string,
): PlanFacts {
  const { host, stored } = assessment;
  const names = new Names(stored.snapshot);
  const name = names.of(host.uuid);
  const squeeze = control.squeeze === "allow" ? " --squeeze" : "";
  return {
    title: `Evacuation of ${name}`,
    assessment,
    plan,
    findings: [
      `${purposeLine(plan, names)}; it is left out of the means.`,
      ...totalLines(plan),
      endLine(plan.stays.length, host, names, "would be"),
    ],
    remarks: [
      ...warningLines(plan, names),
      ...stayLines(plan.stays, host, names),
      ...squeezeLines(plan, host, names),
    ],
    settings: planSettings(unbounded(control)),
    apply: {
      text: "It is planned anew when it is carried out, from the newest collection, and each move is checked once more before it starts; VMs that cannot leave stay, each with its reason.",
      commands: [`${program} --evacuate ${host.uuid}${squeeze}`],
    },
  };
}

/** What is to be done by the collection, or the gate that forbids it. Throws as `assessEvacuation` does. */
function viewOf(
  { input, ageSeconds }: Look,
  task: EvacuateTask,
  { control, xen }: ActOptions,
): View | { readonly gate: Gate | null } {
  const assessment = assessEvacuation(input, control, xen.poolUuid, task.host);
  if (!("host" in assessment)) return assessment;
  if (assessment.blocked !== null) return { gate: assessment.blocked };
  const { stored } = assessment;
  const { plan, gate } = forecastEvacuation(assessment, control);
  if (gate !== null || plan === null || stored === null) return { gate };
  return { assessment: { ...assessment, stored }, plan, ageSeconds };
}

/** Waits for a collection after `id` that may be acted on; why there is none after as long as one may be old. */
async function newerView(
  run: LeasedRun,
  task: EvacuateTask,
  id: number,
): Promise<View | { readonly why: string }> {
  const { db, heldLease, options } = run;
  const { control, signal, monotonicMs, sleep } = options;
  const deadline = monotonicMs() + control.snapshotMaxAgeSeconds * 1000;
  let looked = id;
  let why = `no newer collection came within ${control.snapshotMaxAgeSeconds} s`;
  while (!signal.aborted && !heldLease.lost.aborted && monotonicMs() < deadline) {
    await sleep(control.pollMs);
    const newest = await storedCollectionId(db);
    if (newest === looked) continue;
    looked = newest;
    const view = viewOf(await lookAtInput(run), task, options);
    if (!("gate" in view)) return view;
    if (view.gate !== null) why = `${gateName(view.gate)}: ${view.gate.measured}`;
  }
  if (signal.aborted) return { why: "a signal" };
  return { why: heldLease.lost.aborted ? leaseLost : why };
}

/** The plan of one collection, carried out as far as that goes. */
class Attempt {
  readonly #view: View;
  readonly #task: EvacuateTask;
  readonly #run: LeasedRun;
  readonly #options: ActOptions;
  /** VMs that left the host, those of earlier attempts included. */
  #moved: number;
  readonly #names: Names;
  #last: Evacuation;
  #left: readonly { readonly vm: Uuid; readonly reason: string }[] = [];

  constructor(view: View, task: EvacuateTask, run: LeasedRun, moved: number) {
    this.#view = view;
    this.#task = task;
    this.#run = run;
    this.#options = run.options;
    this.#names = new Names(view.assessment.stored.snapshot);
    this.#last = view.plan;
    this.#moved = moved;
  }

  course(): Course {
    const { assessment, ageSeconds } = this.#view;
    const { host } = assessment;
    const asked = `evacuation of ${host.name === "" ? host.uuid : host.name} asked by ${this.#task.by}`;
    return {
      ...askedCourse(assessment, this.#options, "evacuation", asked, this.#names),
      planner: this.#planner(),
      ageSeconds,
      announce: () => this.#announce(),
      conclude: (result) => (result === null ? this.#withoutMoves() : this.#conclude(result)),
    };
  }

  #withoutMoves(): Conclusion {
    this.#left = this.#view.plan.stays;
    return withEnds(this.#conclusion(this.#moved === 0 ? [] : [this.#movedLine()]));
  }

  /** Goes on by the next collection that may be acted on. */
  async #goOn(): Promise<Course | Conclusion> {
    const next = await newerView(this.#run, this.#task, this.#view.assessment.stored.collection.id);
    if ("why" in next) return this.#leave(next.why);
    return new Attempt(next, this.#task, this.#run, this.#moved).course();
  }

  /** Ends what no newer collection could be found for. */
  #leave(why: string): Conclusion {
    this.#left = this.#left.map(({ vm }) => ({ vm, reason: `not tried: ${why}` }));
    return withEnds(this.#conclusion([`ended early: ${why}`]));
  }

  #announce(): void {
    const { assessment, plan } = this.#view;
    const { host } = assessment;
    const names = this.#names;
    warnBefore(assessment, names, this.#options);
    say(this.#options, "evacuation", purposeLine(plan, names), evacuationObject(plan, host, names));
    for (const line of warningLines(plan, names)) say(this.#options, "warning", line);
  }

  #planner(): Planner {
    const { assessment } = this.#view;
    return {
      first: this.#view.plan,
      replan: ({ state, bans }) => {
        const { control } = this.#options;
        this.#last = evacuationOf(assessment, control, state, bansBeside(assessment, bans));
        return this.#last;
      },
    };
  }

  #conclude(result: RunResult): Conclusion {
    const { assessment, ageSeconds } = this.#view;
    const { signal, control } = this.#options;
    const gone = goneFrom(assessment.host.uuid, result.results);
    this.#moved += gone.size;
    this.#left = this.#staying(result, gone);
    const stale = ageSeconds() > control.snapshotMaxAgeSeconds;
    if (stale && !result.isTrouble && !signal.aborted && gone.size > 0 && this.#open(result)) {
      const line = `${this.#movedLine()} so far; ${result.stoppedBy}: waiting for a newer collection`;
      return { code: exitCode.partly, outcome: "partly", lines: [line], next: () => this.#goOn() };
    }
    const early = result.stoppedBy === null ? [] : [`ended early: ${result.stoppedBy}`];
    const usual = ending(result);
    const end = this.#conclusion([this.#movedLine(), ...early]);
    return usual.code === exitCode.couldNotRun ? { ...end, ...usual } : end;
  }

  /** Whether something is left that the plan meant to do. */
  #open({ stoppedBy }: RunResult): boolean {
    const stays = new Set(this.#last.stays.map(({ vm }) => vm));
    return stoppedBy !== null && this.#left.some(({ vm }) => !stays.has(vm));
  }

  /** VMs that the last collection saw on the host and that did not leave it, each with the reason. */
  #staying(result: RunResult, gone: ReadonlySet<Uuid>): { readonly vm: Uuid; readonly reason: string }[] {
    const { host } = this.#view.assessment;
    const { placements, vms } = this.#view.assessment.stored.snapshot;
    const domains = new Set(vms.filter((vm) => vm.isControlDomain).map(({ uuid }) => uuid));
    const reasons = new Map(this.#last.stays.map(({ vm, reason }) => [vm, reason]));
    for (const { move, outcome } of result.results) {
      if (outcome.kind !== "moved") reasons.set(move.vm, resultReason(outcome));
    }
    return placements
      .filter(({ vmUuid, hostUuid }) => hostUuid === host.uuid && !domains.has(vmUuid) && !gone.has(vmUuid))
      .map(({ vmUuid }) => ({
        vm: vmUuid,
        reason: reasons.get(vmUuid) ?? `not tried: ${result.stoppedBy ?? "nothing was planned for it"}`,
      }));
  }

  #movedLine(): string {
    return `${plural(this.#moved, "VM")} moved away`;
  }

  #conclusion(first: readonly string[]): Conclusion {
    const { host } = this.#view.assessment;
    const lines = [
      ...first,
      ...stayLines(this.#left, host, this.#names),
      ...squeezeLines(this.#view.plan, host, this.#names),
      endLine(this.#left.length, host, this.#names, "is"),
    ];
    if (this.#left.length > 0) return { code: exitCode.partly, outcome: "partly", lines };
    return { code: exitCode.done, outcome: this.#moved === 0 ? "nothing" : "done", lines };
  }
}

/** Of a conclusion without moves the list of runs keeps the first line and the last. */
function withEnds(conclusion: Conclusion): Conclusion {
  const [first, ...rest] = conclusion.lines;
  return { ...conclusion, detail: [first, ...rest.slice(-1)].join("; ") };
}

/** VMs that left the host. */
function goneFrom(host: Uuid, results: readonly MoveResult[]): ReadonlySet<Uuid> {
  return new Set(
    results
      .filter(({ move, outcome }) => move.source === host && outcome.kind === "moved")
      .map(({ move }) => move.vm),
  );
}
