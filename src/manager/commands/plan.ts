/** SHOW PLAN and EXPLAIN: what xcp-control would do now, by the code that it plans with. Read only. */

import { forecastOf } from "../../decide/assess.ts";
import type { HostPower } from "../../domain/hostPower.ts";
import type { Uuid } from "../../domain/pool.ts";
import { type Explanation, explainHost, explainVm } from "../../explain/explain.ts";
import { forecastJson, gateJson } from "../../explain/planJson.ts";
import { greenMoves, greenObject, withGreen } from "../../explain/power.ts";
import { forecastLines, gateLine, moveLine } from "../../explain/report.ts";
import type { Move } from "../../planner/plan.ts";
import { loadHostPower } from "../../store/hostPower.ts";
import { loadAssessment } from "../../store/load/decisionInput.ts";
import { loadGreenForecast } from "../../store/load/powerInput.ts";
import { findNamed, type Named } from "../../text/find.ts";
import { span } from "../../text/format.ts";
import { Names } from "../../text/names.ts";
import type { ManagerContext } from "../context.ts";
import type { Command } from "../parse.ts";
import type { Result } from "../result.ts";
import { notCollected } from "./show.ts";

type Planner = Pick<ManagerContext, "db" | "control">;

/** What `xcp-control --dry-run` prints at this moment. */
export async function showPlan({ db, control }: Planner): Promise<Result> {
  const assessment = await loadAssessment(db, control, null);
  const { stored } = assessment;
  const { plan, gate } = forecastOf(assessment, control);
  if (gate !== null || plan === null || stored === null) {
    const closed = gate === null ? [] : [gate];
    return { kind: "plan", lines: closed.map(gateLine), object: gate === null ? {} : gateJson(gate) };
  }
  const green = await loadGreenForecast(db, control, assessment);
  const names = new Names(stored.snapshot);
  return {
    kind: "plan",
    lines: withGreen(forecastLines(assessment, stored, plan), assessment, green, names),
    object: { ...forecastJson(assessment, stored, plan), green: greenObject(green, names) },
  };
}

/** Why a VM moves or stays, or why a host is as it is. Throws AppError not-found or ambiguous. */
export async function explain(
  { db, control }: Planner,
  { object, wanted }: Extract<Command, { kind: "explain" }>,
): Promise<Result> {
  const assessment = await loadAssessment(db, control, null);
  const { stored, blocked, bans } = assessment;
  if (stored === null) throw notCollected();
  const { snapshot } = stored;
  const names = new Names(snapshot);
  const { plan, gate } = forecastOf(assessment, control);
  const green = await loadGreenForecast(db, control, assessment);
  const first = green === null || blocked !== null ? [] : greenMoves(green.decision);
  const facts = { snapshot, plan, bans, gate: blocked ?? gate, suppressed: assessment.suppressed, names };
  const answer = (found: Named, explanation: Explanation): Result => ({
    kind: "explanation",
    object: { kind: object, uuid: found.uuid, name: found.name },
    explanation,
    names,
  });
  if (object === "VM") {
    const vm = findNamed("VM", wanted, snapshot.vms);
    const move = first.find((each) => each.vm === vm.uuid);
    if (move !== undefined && green !== null) {
      return answer(vm, greenExplanation(vm, move, green.decision.reason, names));
    }
    return answer(vm, explainVm(facts, vm));
  }
  const host = findNamed("host", wanted, snapshot.hosts);
  return answer(host, withHostPower(explainHost(facts, host), host.uuid, await loadHostPower(db)));
}

/** What a green rule has done with the host, beside what is said of it. */
function withHostPower(
  explanation: Explanation,
  host: Uuid,
  { states, reasons, now }: HostPower,
): Explanation {
  const state = states.get(host);
  if (state === undefined || state.kind === "on") return explanation;
  const rest = `green rule: ${state.kind} for ${span(now - state.since, "rough")}: ${reasons.get(host) ?? ""}`;
  return { ...explanation, details: [rest, ...explanation.details] };
}

/** A VM that a green rule moves: that goes before what balance would do. */
function greenExplanation({ name, uuid }: Named, move: Move, reason: string, names: Names): Explanation {
  return {
    verdict: "moves",
    answer: `${name === "" ? uuid : name} moves to ${names.of(move.destination)}, because of a green rule: ${reason}`,
    details: [moveLine(move, names)],
    moves: [move],
    figures: [],
    refusals: [],
  };
}
