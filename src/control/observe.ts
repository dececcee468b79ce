/**
 * A run that only observes: it reads, assesses and plans as one that acts, passes the same gates, and records what it
 * would have done. It asks the pool for nothing.
 */

import { type Assessment, assess, forecastOf } from "../decide/assess.ts";
import type { GreenForecast } from "../decide/power.ts";
import { exitCode } from "../domain/errors.ts";
import type { Gate } from "../domain/gate.ts";
import type { ObservedKind, WouldDo } from "../domain/observed.ts";
import type { StoredSnapshot } from "../domain/pool.ts";
import { forecastJson } from "../explain/planJson.ts";
import { greenMoves, greenObject, withGreen } from "../explain/power.ts";
import { forecastLines, moveLine } from "../explain/report.ts";
import type { Move, Plan } from "../planner/plan.ts";
import { printRule } from "../rules/print.ts";
import { loadHostPower } from "../store/hostPower.ts";
import { loadGreenForecast } from "../store/load/powerInput.ts";
import { recordObserved } from "../store/observed.ts";
import { plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { noteSearch } from "./fruitless.ts";
import { leaseLost } from "./heldLease.ts";
import { refuse } from "./refuse.ts";
import { type Intended, isForPool } from "./runHooks.ts";
import { say, warnOfSuspects } from "./say.ts";
import { factsOf, type LeasedRun, lookAtInput, type RunEnd } from "./strategy.ts";

/** What somebody asks for by an option is refused: whoever waits for an empty host must not take a plan for it. */
export function observeGate(asked: "evacuate" | "apply" | "room"): Gate {
  const option = asked === "room" ? "make-room" : asked;
  return {
    code: "observe",
    measured: `--${option} was asked for and ControlMode is observe`,
    limit: "ControlMode=act",
    advice: `look with --dry-run, or set XCP_CONTROL_MODE=act for this one run`,
  };
}

/** What a run would do that acts. */
interface Foreseen {
  readonly assessment: Assessment;
  readonly stored: StoredSnapshot;
  readonly plan: Plan;
  readonly green: GreenForecast | null;
}

/** Observes once, for the reason that `why` tells. Refused (code 4) by the gates that would refuse a run that acts. */
export async function observe(run: LeasedRun, why = "ControlMode=observe"): Promise<RunEnd> {
  const { db, heldLease, options } = run;
  const { control, xen } = options;
  const { input } = await lookAtInput(run);
  const assessment = assess(input, control, xen.poolUuid);
  const { stored, blocked } = assessment;
  if (blocked !== null) return refuse(blocked, options);
  const { plan, gate } = forecastOf(assessment, control);
  if (gate !== null || plan === null || stored === null) return refuse(gate, options);
  await noteSearch(run, assessment.controlState, plan);
  const green = await loadGreenForecast(db, control, assessment);
  const foreseen = { assessment, stored, plan, green };
  const names = new Names(stored.snapshot);
  options.onFacts?.(factsOf(assessment, plan));
  tell(foreseen, names, run, why);
  await warnOfSleepers(run, names);
  const actions = wouldDo(foreseen, names);
  const objection = (await options.hooks?.beforePlan(intended(foreseen), names, heldLease.lost)) ?? null;
  if (objection !== null) return refuse(objection, options);
  if (!(await recordObserved(db, heldLease.leaseToken, stored.collection.id, actions))) {
    heldLease.giveUp();
    return { code: exitCode.partly, outcome: "partly", detail: leaseLost };
  }
  // People have read them in the plan.
  if (options.json)
    for (const action of actions) options.printJson({ event: "observed", text: action.reason, ...action });
  const line = summary(actions);
  say(options, "summary", line);
  return { code: exitCode.done, outcome: actions.length === 0 ? "nothing" : "observed", detail: line };
}

function tell(
  { assessment, stored, plan, green }: Foreseen,
  names: Names,
  { options }: LeasedRun,
  why: string,
): void {
  const head = `Observe mode: nothing is moved, no host is switched (${why})`;
  if (options.json) {
    const object = { ...forecastJson(assessment, stored, plan), green: greenObject(green, names) };
    options.printJson({ event: "plan", text: head, mode: "observe", ...object });
    return;
  }
  options.print(head);
  for (const line of withGreen(forecastLines(assessment, stored, plan), assessment, green, names))
    options.print(line);
  warnOfSuspects(assessment.suspicion, names, options);
}

/** Hosts that runs which acted have left out of service: nobody brings them back while this goes on. */
async function warnOfSleepers({ db, options }: LeasedRun, names: Names): Promise<void> {
  const { states } = await loadHostPower(db);
  for (const [host, { kind }] of states) {
    if (kind === "on") continue;
    const text = `${names.of(host)} is ${kind} by a green rule, and in observe mode nobody brings it back: enable or wake it, or set ControlMode=act`;
    say(options, "warning", text, { host });
  }
}

/** Moves for green rules go first, and those that balance wait for them: as in a run that acts. */
function wouldDo({ plan, green }: Foreseen, names: Names): readonly WouldDo[] {
  const consolidating = green === null ? [] : greenMoves(green.decision);
  const steps = (green?.decision.steps ?? []).flatMap(({ kind, host, reason }): WouldDo[] =>
    kind === "note on" || kind === "mark failed"
      ? []
      : [{ ...stepOf(kind), object: host, reason: `${names.of(host)}: ${kind}: ${reason}` }],
  );
  const [moves, cause] =
    consolidating.length > 0 ? ([consolidating, "green"] as const) : ([plan.moves, "rules"] as const);
  return [...steps, ...moves.map((move) => moveOf(move, cause, names))];
}

/** The same as hooks are asked about it. */
function intended({ plan, green }: Foreseen): Intended {
  const moves = green === null ? [] : greenMoves(green.decision);
  const steps = (green?.decision.steps ?? []).filter(isForPool);
  return { moves: moves.length > 0 ? moves : plan.moves, steps };
}

function stepOf(kind: ObservedKind): Omit<WouldDo, "object" | "reason"> {
  return {
    kind,
    source: null,
    destination: null,
    cause: "green",
    rule: null,
    figures: {},
    memoryBytes: null,
  };
}

function moveOf(move: Move, cause: WouldDo["cause"], names: Names): WouldDo {
  const { vm, source, destination, rule, copyBytes, seconds } = move;
  const { mean, sourceBefore, sourceAfter, destinationBefore, destinationAfter } = move;
  return {
    kind: "move",
    object: vm,
    source,
    destination,
    cause,
    rule: rule === null || cause === "green" ? null : printRule(rule),
    reason: moveLine(move, names),
    figures: { mean, sourceBefore, sourceAfter, destinationBefore, destinationAfter, seconds },
    memoryBytes: copyBytes,
  };
}

/** "observed: 2 moves and 1 step with a host that a run would have made; SHOW OBSERVED lists them" */
function summary(actions: readonly WouldDo[]): string {
  if (actions.length === 0) return "observed: nothing to do";
  const moves = actions.filter(({ kind }) => kind === "move").length;
  const steps = actions.length - moves;
  const parts = [
    ...(moves === 0 ? [] : [plural(moves, "move")]),
    ...(steps === 0 ? [] : [plural(steps, "step with a host", "steps with hosts")]),
  ];
  return `observed: ${parts.join(" and ")} that a run would have made; SHOW OBSERVED lists them`;
}
