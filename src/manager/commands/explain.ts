/** EXPLAIN: why a VM moves or stays, or why a host is as it is, by the code that xcp-control plans with. Read only. */

import { forecastOf } from "../../decide/assess.ts";
import type { HostPower } from "../../domain/hostPower.ts";
import type { Uuid } from "../../domain/pool.ts";
import { type Explanation, explainHost, explainVm } from "../../explain/explain.ts";
import { moveJson } from "../../explain/planJson.ts";
import { greenMoves } from "../../explain/power.ts";
import { moveLine } from "../../explain/report.ts";
import type { Move } from "../../planner/plan.ts";
import { ruleObject } from "../../rules/json.ts";
import { loadHostPower } from "../../store/hostPower.ts";
import { loadAssessment } from "../../store/load/decisionInput.ts";
import { loadGreenForecast } from "../../store/load/powerInput.ts";
import { findNamed, type Named } from "../../text/find.ts";
import { span } from "../../text/format.ts";
import { Names } from "../../text/names.ts";
import { printable } from "../../text/text.ts";
import { notCollected } from "../collected.ts";
import { type Command, command, type HelpEntry, type ManagerContext } from "../command.ts";
import { nameOnly, type WantedObject } from "../forms.ts";

/** What was explained, and how. */
export interface Explained {
  readonly kind: "VM" | "HOST";
  readonly found: Named;
  readonly explanation: Explanation;
  readonly names: Names;
}

const help: readonly HelpEntry[] = [
  ["EXPLAIN VM|HOST uuid|name", "why this VM moves or stays, why this host is as it is"],
  "EXPLAIN VM VM1 - Debian",
];

export const explainVmCommand: Command<WantedObject, Explained> = explainCommand("VM");
export const explainHostCommand: Command<WantedObject, Explained> = explainCommand("HOST");

function explainCommand(kind: "VM" | "HOST"): Command<WantedObject, Explained> {
  return command({
    ...nameOnly(`EXPLAIN ${kind}`, kind),
    help,
    run: explain,
    /** The answer, and below it the figures and reasons behind it. */
    text: ({ explanation: { answer, details } }) => [
      printable(answer),
      ...details.map((detail) => `- ${printable(detail)}`),
    ],
    json: explainedJson,
  });
}

function explainedJson({ kind, found: { uuid, name }, explanation, names }: Explained): object {
  const { verdict, answer, moves, figures, refusals, serving } = explanation;
  return {
    kind,
    uuid,
    name,
    verdict,
    answer,
    moves: moves.map((move) => moveJson(move, names)),
    rules: figures.map(({ rule, suppressed, ...values }) => ({
      ...ruleObject(rule),
      ...values,
      tolerated: suppressed,
    })),
    refusals,
    ...(serving === undefined ? {} : { serve: { ...serving.figures, stillShort: serving.still } }),
  };
}

/** Throws AppError not-found or ambiguous. */
export async function explain(
  { db, control }: Pick<ManagerContext, "db" | "control">,
  { object, wanted }: WantedObject,
): Promise<Explained> {
  const assessment = await loadAssessment(db, control, null);
  const { stored, blocked, bans } = assessment;
  if (stored === null) throw notCollected();
  const { snapshot } = stored;
  const names = new Names(snapshot);
  const { plan, gate } = forecastOf(assessment, control);
  const green = await loadGreenForecast(db, control, assessment);
  const first = green === null || blocked !== null ? [] : greenMoves(green.decision);
  const facts = { snapshot, plan, bans, gate: blocked ?? gate, suppressed: assessment.suppressed, names };
  const answer = (found: Named, explanation: Explanation): Explained => ({
    kind: object,
    found,
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
