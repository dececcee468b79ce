/** An evacuation in words and as an object: what would be done, what stays, and which rules break. Pure. */

import type { EvacuationAssessment } from "../decide/evacuation.ts";
import type { Host, StoredSnapshot } from "../domain/pool.ts";
import { isSingle, sumText } from "../domain/rule.ts";
import type { Evacuation } from "../planner/evacuate/evacuate.ts";
import type { Harm } from "../planner/evacuate/harm.ts";
import type { Stay } from "../planner/evacuate/stay.ts";
import type { ShortHost } from "../planner/evacuate/waits.ts";
import { ahead, minutesFigure } from "../planner/serve/planServing.ts";
import { ruleObject } from "../rules/json.ts";
import { allowedText, calledRule, inUnit, termOf } from "../rules/words.ts";
import { figure, plural } from "../text/format.ts";
import { Names } from "../text/names.ts";
import { gateObject, planJson } from "./planJson.ts";
import {
  gateLine,
  inProse,
  openLine,
  type PlanTold,
  poolLine,
  totalLines,
  unknownRuleLines,
} from "./report.ts";

/** The plan for a person, in the manner of SHOW PLAN. */
export function evacuationLines(
  assessment: EvacuationAssessment,
  stored: StoredSnapshot,
  plan: Evacuation,
  told: PlanTold = inProse,
): string[] {
  const names = new Names(stored.snapshot);
  const { blocked, controlState, host } = assessment;
  const absent = plan.absent.filter((each) => each.host !== host.uuid);
  return [
    ...(blocked === null ? [] : [`A run would be ${gateLine(blocked)}`]),
    ...controlState.open.map((migration) => openLine(migration, names)),
    ...unknownRuleLines(assessment.unknown),
    poolLine({ ...assessment, stored }),
    `${purposeLine(plan, names)}; it is left out of the means`,
    ...absent.map((each) => `${names.of(each.host)} is left out of mean and moves: ${each.reason}`),
    ...told.rules(plan, { ...assessment, stored }, names),
    ...told.moves(plan, names),
    ...totalLines(plan),
    ...warningLines(plan, names),
    ...stayLines(plan.stays, host, names),
    ...squeezeLines(plan, host, names),
    endLine(plan.stays.length, host, names, "would be"),
  ];
}

/** "Evacuation of Host1: 12 VMs leave it" */
export function purposeLine({ host, moves }: Evacuation, names: Names): string {
  const leaving = new Set(moves.filter(({ source }) => source === host).map(({ vm }) => vm)).size;
  const others = new Set(moves.map(({ vm }) => vm)).size - leaving;
  const room =
    others === 0 ? "" : `, ${plural(others, "VM of other hosts makes", "VMs of other hosts make")} room`;
  return `Evacuation of ${names.of(host)}: ${plural(leaving, "VM leaves", "VMs leave")} it${room}`;
}

/** What an administrator should know before it is done. */
export function warningLines({ harms, short = [], unmeasured }: Evacuation, names: Names): string[] {
  const doubt = "that is in no figure above";
  return [
    ...harms.map((harm) => harmLine(harm, names)),
    ...short.map((each) => shortLine(each, names)),
    ...unmeasured.map((vm) => `${names.of(vm)} goes though its part in a rule is unknown: ${doubt}`),
  ];
}

function harmLine({ host, rule, term: place, value, mean, kind }: Harm, names: Names): string {
  const name = names.of(host);
  const called = isSingle(rule) ? `the rule of ${rule.subject}` : calledRule(rule);
  if (value === null || kind === "unknown") {
    return `Whether ${name} will break ${called} cannot be told: its value is unknown`;
  }
  const term = termOf(rule, place);
  const subject = isSingle(rule) ? "" : `${sumText(term)} `;
  const limit =
    term.condition === "more than mean"
      ? `mean ${figure(mean ?? 0)}, allowed ${term.amount} above it`
      : allowedText(term, 0);
  const worse = kind === "breaks" ? "" : " worse than now";
  return `${name} will break ${called}${worse}: ${subject}${inUnit(value, term)}, ${limit}`;
}

/** "xen2 will be 40 CPU-minutes short in the next hour, 25 of them because of what comes (SERVE CPU)" */
function shortLine({ host, minutes, added, overMinutes }: ShortHost, names: Names): string {
  const [all, more] = [minutesFigure(minutes), minutesFigure(added)];
  const because = all === more ? "because of what comes" : `${more} of them because of what comes`;
  return `${names.of(host)} is expected to be ${all} CPU-minutes short in the next ${ahead(overMinutes)}, ${because} (SERVE CPU)`;
}

/** A VM a line, with the reason. */
export function stayLines(stays: readonly Pick<Stay, "vm" | "reason">[], host: Host, names: Names): string[] {
  return stays.map(({ vm, reason }) => `${names.of(vm)} stays on ${names.of(host.uuid)}: ${reason}`);
}

/** Who would leave if a migration might shrink guests to their minimums, and how to have that. */
export function squeezeLines({ squeezable = [] }: Evacuation, host: Host, names: Names): string[] {
  if (squeezable.length === 0) return [];
  const who = squeezable.map((vm) => names.of(vm)).join(", ");
  const would = squeezable.length === 1 ? "would leave if it were" : "would leave if they were";
  return [`${who} ${would} shrunk by the migration: xcp-control --evacuate ${names.of(host.uuid)} --squeeze`];
}

/** What the host is in the end, and what is left to do before it is switched off. */
export function endLine(stays: number, host: Host, names: Names, be: "is" | "would be"): string {
  const name = names.of(host.uuid);
  if (stays > 0) {
    const not = be === "is" ? "is not" : "would not be";
    return `${name} ${not} empty: ${plural(stays, "VM stays", "VMs stay")}`;
  }
  if (!host.enabled) return `${name} ${be} empty; it is disabled`;
  return `${name} ${be} empty; it is not disabled: xe host-disable uuid=${host.uuid}`;
}

/** The same as one object. */
export function evacuationJson(
  assessment: EvacuationAssessment,
  stored: StoredSnapshot,
  plan: Evacuation,
): Readonly<Record<string, unknown>> {
  const { blocked, controlState, host } = assessment;
  const open = controlState.open.map(({ vm, source, destination, state }) => ({
    vm,
    from: source,
    to: destination,
    state,
  }));
  return {
    evacuation: evacuationObject(plan, host, new Names(stored.snapshot)),
    ...planJson({ ...assessment, stored }, plan, assessment.unknown),
    held: gateObject(blocked),
    open,
  };
}

/** What is particular to an evacuation. */
export function evacuationObject(
  { stays, harms, short, unmeasured, squeezable }: Evacuation,
  host: Host,
  names: Names,
): Readonly<Record<string, unknown>> {
  return {
    host: host.uuid,
    hostName: host.name,
    enabled: host.enabled,
    empty: stays.length === 0,
    stays: stays.map((stay) => ({ ...stay, vmName: names.exact(stay.vm) })),
    harms: harms.map(({ host: harmed, rule, value, mean, kind }) => ({
      host: harmed,
      hostName: names.exact(harmed),
      ...ruleObject(rule),
      value,
      mean,
      kind,
    })),
    ...(short === undefined
      ? {}
      : { short: short.map((each) => ({ ...each, hostName: names.exact(each.host) })) }),
    unmeasured,
    ...(squeezable === undefined ? {} : { squeezable }),
  };
}
