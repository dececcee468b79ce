/**
 * Empties a host because an administrator asked for it: plans, carries out, and where a collection has grown too old
 * meanwhile goes on with the next one. Pause and breaker hold, and the gates of the data; it disables nothing.
 */

import { pairsOf } from "../decide/assess.ts";
import {
  assessEvacuation,
  type EvacuationAssessment,
  evacuationOf,
  forecastEvacuation,
} from "../decide/evacuation.ts";
import { exitCode } from "../domain/errors.ts";
import { type Gate, gateName } from "../domain/gate.ts";
import type { StoredSnapshot, Uuid } from "../domain/pool.ts";
import {
  endLine,
  evacuationJson,
  evacuationLines,
  evacuationObject,
  purposeLine,
  stayLines,
  warningLines,
} from "../explain/evacuation.ts";
import { moveLine, unknownRuleLines } from "../explain/report.ts";
import type { Evacuation } from "../planner/evacuate/evacuate.ts";
import type { Move } from "../planner/plan.ts";
import type { Database } from "../store/connection.ts";
import { loadDecisionInput } from "../store/load/decisionInput.ts";
import { rememberObservations } from "../store/observations.ts";
import { storedCollectionId } from "../store/snapshot.ts";
import { plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { act, type Conclusion, ending, type RunEnd, type RunKind } from "./act.ts";
import type { MoveResult, Planner, RunResult } from "./control.ts";
import { type HeldLease, leaseLost } from "./heldLease.ts";
import { refuse, tellGate } from "./refuse.ts";
import type { LiveOptions, RunOptions } from "./run.ts";
import { say } from "./say.ts";

export interface EvacuateTask {
  readonly kind: "evacuate";
  /** The host: uuid, the start of one, or name. */
  readonly host: string;
  /** Who asked for it, "ann@desk7". */
  readonly by: string;
}

/** A plan with all that it was made from. */
interface View {
  readonly assessment: EvacuationAssessment;
  readonly stored: StoredSnapshot;
  readonly plan: Evacuation;
  readonly ageSeconds: () => number;
}

/** The plan and what stands against it; neither the pool nor the database sees a change. Returns the exit code. */
export async function showEvacuation(db: Database, task: EvacuateTask, options: RunOptions): Promise<number> {
  const poolUuid = options.xen?.poolUuid ?? null;
  const input = await loadDecisionInput(db, options.control);
  const assessment = assessEvacuation(input, options.control, poolUuid, task.host);
  const { plan, gate } =
    "host" in assessment ? forecastEvacuation(assessment, options.control) : { plan: null, ...assessment };
  if (!("host" in assessment) || gate !== null || plan === null || assessment.stored === null) {
    if (gate !== null) tellGate(gate, options);
    return exitCode.refused;
  }
  if (options.json) options.printJson(evacuationJson(assessment, assessment.stored, plan));
  else for (const line of evacuationLines(assessment, assessment.stored, plan)) options.print(line);
  return options.exitCode && plan.moves.length > 0 ? exitCode.planNotEmpty : exitCode.done;
}

/**
 * Empties the host under the lease: done when it is empty, partly when VMs stay, each with its reason.
 * Throws AppError not-found, ambiguous or conflict as `assessEvacuation` does.
 */
export async function evacuate(
  db: Database,
  heldLease: HeldLease,
  task: EvacuateTask,
  options: LiveOptions,
): Promise<RunEnd> {
  let view = await look(db, heldLease, task, options);
  if ("gate" in view) return refuse(view.gate, options);
  for (let moved = 0; ; ) {
    const attempt = new Attempt(view, task, moved, options);
    const end = await attempt.run(db, heldLease);
    if (!attempt.cut) return end;
    moved = attempt.moved;
    const next = await newerView(db, heldLease, task, options, view.stored.collection.id);
    if ("why" in next) return attempt.leave(next.why);
    view = next;
  }
}

/** What is to be done by the stored collection, or the gate that forbids it. */
async function look(
  db: Database,
  heldLease: HeldLease,
  task: EvacuateTask,
  { control, xen, monotonicMs }: LiveOptions,
): Promise<View | { readonly gate: Gate | null }> {
  const startedMs = monotonicMs();
  const input = await loadDecisionInput(db, control);
  const seen = input.stored;
  if (seen !== null) await rememberObservations(db, heldLease.leaseToken, seen.collection.id, seen.snapshot);
  const assessment = assessEvacuation(input, control, xen.poolUuid, task.host);
  if (!("host" in assessment)) return assessment;
  if (assessment.blocked !== null) return { gate: assessment.blocked };
  const { stored } = assessment;
  const { plan, gate } = forecastEvacuation(assessment, control);
  if (gate !== null || plan === null || stored === null) return { gate };
  const ageSeconds = () => stored.ageSeconds + (monotonicMs() - startedMs) / 1000;
  return { assessment, stored, plan, ageSeconds };
}

/** Waits for a collection after `id` that may be acted on; why there is none after as long as one may be old. */
async function newerView(
  db: Database,
  heldLease: HeldLease,
  task: EvacuateTask,
  options: LiveOptions,
  id: number,
): Promise<View | { readonly why: string }> {
  const { control, signal, monotonicMs, sleep } = options;
  const deadline = monotonicMs() + control.snapshotMaxAgeSeconds * 1000;
  let looked = id;
  let why = `no newer collection came within ${control.snapshotMaxAgeSeconds} s`;
  while (!signal.aborted && !heldLease.lost.aborted && monotonicMs() < deadline) {
    await sleep(control.pollMs);
    const newest = await storedCollectionId(db);
    if (newest === looked) continue;
    looked = newest;
    const view = await look(db, heldLease, task, options);
    if (!("gate" in view)) return view;
    if (view.gate !== null) why = `${gateName(view.gate)}: ${view.gate.measured}`;
  }
  if (signal.aborted) return { why: "a signal" };
  return { why: heldLease.lost.aborted ? leaseLost : why };
}

/** The plan of one collection, carried out as far as that goes. */
class Attempt {
  /** Set when the collection grew too old on the way: more can be done by the next one. */
  cut = false;
  /** VMs that left the host, those of earlier attempts included. */
  moved: number;
  readonly #view: View;
  readonly #task: EvacuateTask;
  readonly #options: LiveOptions;
  readonly #names: Names;
  #last: Evacuation;
  #left: readonly { readonly vm: Uuid; readonly reason: string }[] = [];

  constructor(view: View, task: EvacuateTask, moved: number, options: LiveOptions) {
    this.#view = view;
    this.#task = task;
    this.#options = options;
    this.#names = new Names(view.stored.snapshot);
    this.#last = view.plan;
    this.moved = moved;
  }

  async run(db: Database, heldLease: HeldLease): Promise<RunEnd> {
    const { assessment, stored, plan, ageSeconds } = this.#view;
    this.#announce();
    if (plan.moves.length === 0) {
      this.#left = plan.stays;
      return this.#tell(this.#conclusion(this.moved === 0 ? [] : [this.#movedLine()]));
    }
    const control = {
      ...this.#options.control,
      maxMovesPerRun: Number.POSITIVE_INFINITY,
      maxMovesPerHour: Number.POSITIVE_INFINITY,
    };
    const options = { ...this.#options, control };
    return act(
      db,
      heldLease,
      { ...assessment, stored, ageSeconds },
      this.#planner(),
      options,
      this.#runKind(),
    );
  }

  /** Ends what no newer collection could be found for. */
  leave(why: string): RunEnd {
    const left = this.#left.map(({ vm }) => ({ vm, reason: `not tried: ${why}` }));
    this.#left = left;
    return this.#tell(this.#conclusion([`ended early: ${why}`]));
  }

  #announce(): void {
    const { assessment, plan } = this.#view;
    const { host, unknown, suspicion } = assessment;
    const names = this.#names;
    for (const line of unknownRuleLines(unknown)) say(this.#options, "warning", line);
    for (const [suspect, reason] of suspicion.hosts)
      say(this.#options, "warning", `${names.of(suspect)} is left out of mean and moves: ${reason}`, {
        host: suspect,
      });
    say(this.#options, "evacuation", purposeLine(plan, names), evacuationObject(plan, host, names));
    for (const line of warningLines(plan, names)) say(this.#options, "warning", line);
  }

  #planner(): Planner {
    const { assessment, stored } = this.#view;
    const pairs = pairsOf(stored.snapshot, assessment.bans);
    return {
      first: this.#view.plan,
      replan: ({ state, bans }) => {
        this.#last = evacuationOf(assessment, this.#options.control, state, {
          vms: new Map([...assessment.bans.vms, ...bans.vms]),
          pairs: new Map([...pairs, ...bans.pairs]),
        });
        return this.#last;
      },
    };
  }

  #runKind(): RunKind {
    const { host } = this.#view.assessment;
    const asked = `evacuation of ${host.name === "" ? host.uuid : host.name} asked by ${this.#task.by}`;
    return {
      // It serves no rule: an administrator asked for it.
      log: (move: Move) => ({
        rule: null,
        cause: "evacuation",
        reason: `${asked}: ${moveLine(move, this.#names)}`,
      }),
      conclude: (result) => this.#conclude(result),
    };
  }

  #conclude(result: RunResult): Conclusion {
    const { assessment, ageSeconds } = this.#view;
    const { signal, control } = this.#options;
    const gone = goneFrom(assessment.host.uuid, result.results);
    this.moved += gone.size;
    this.#left = this.#staying(result, gone);
    const stale = ageSeconds() > control.snapshotMaxAgeSeconds;
    this.cut = stale && !result.isTrouble && !signal.aborted && gone.size > 0 && this.#open(result);
    if (this.cut) {
      const line = `${this.#movedLine()} so far; ${result.stoppedBy}: waiting for a newer collection`;
      return { code: exitCode.partly, outcome: "partly", lines: [line] };
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
    const { placements, vms } = this.#view.stored.snapshot;
    const domains = new Set(vms.filter((vm) => vm.isControlDomain).map(({ uuid }) => uuid));
    const reasons = new Map(this.#last.stays.map(({ vm, reason }) => [vm, reason]));
    for (const { move, outcome } of result.results) {
      if (outcome.kind !== "moved") reasons.set(move.vm, outcome.reason);
    }
    return placements
      .filter(({ vmUuid, hostUuid }) => hostUuid === host.uuid && !domains.has(vmUuid) && !gone.has(vmUuid))
      .map(({ vmUuid }) => ({
        vm: vmUuid,
        reason: reasons.get(vmUuid) ?? `not tried: ${result.stoppedBy ?? "nothing was planned for it"}`,
      }));
  }

  #movedLine(): string {
    return `${plural(this.moved, "VM")} moved away`;
  }

  #conclusion(first: readonly string[]): Conclusion {
    const { host } = this.#view.assessment;
    const lines = [
      ...first,
      ...stayLines(this.#left, host, this.#names),
      endLine(this.#left.length, host, this.#names, "is"),
    ];
    if (this.#left.length > 0) return { code: exitCode.partly, outcome: "partly", lines };
    return { code: exitCode.done, outcome: this.moved === 0 ? "nothing" : "done", lines };
  }

  #tell({ code, outcome, lines }: Conclusion): RunEnd {
    for (const line of lines) say(this.#options, "summary", line);
    return { code, outcome, detail: [...lines.slice(0, 1), ...lines.slice(1).slice(-1)].join("; ") };
  }
}

/** VMs that left the host. */
function goneFrom(host: Uuid, results: readonly MoveResult[]): ReadonlySet<Uuid> {
  return new Set(
    results
      .filter(({ move, outcome }) => move.source === host && outcome.kind === "moved")
      .map(({ move }) => move.vm),
  );
}
