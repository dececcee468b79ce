/** What is said of seeded pools: plan, EXPLAIN, dry run and evacuation, as text. Knows no clock and no chance. */

import { assess, type DecisionInput, forecastOf } from "../../src/decide/assess.ts";
import { assessEvacuation, forecastEvacuation } from "../../src/decide/evacuation.ts";
import type { Rule } from "../../src/domain/rule.ts";
import { evacuationJson, evacuationLines } from "../../src/explain/evacuation.ts";
import { explainHost, explainVm } from "../../src/explain/explain.ts";
import { forecastJson } from "../../src/explain/planJson.ts";
import { forecastLines, gateLine } from "../../src/explain/report.ts";
import { parseRule } from "../../src/rules/parse.ts";
import { Names } from "../../src/text/names.ts";
import { aControlState, aStored } from "../../test/support/fixtures.ts";
import { controlSettings } from "../../test/support/loop/live.ts";
import { generate } from "../../test/support/plan/pools.ts";
import { type Series, series } from "../plan/kinds.ts";

/** Pools of each kind; larger ones cost more and differ in less. */
const counts: ReadonlyMap<number, number> = new Map([
  [2, 70],
  [4, 45],
  [8, 25],
  [16, 15],
  [64, 3],
]);

/** EXPLAIN is asked of this many VMs of a pool, spread over it. */
const explained = 40;

export interface Told {
  /** "8x120, 2 rules #17" */
  readonly name: string;
  readonly text: string;
}

/** What is said of the pools whose names are wanted; the first of the 300 or so are the smallest. */
export function* tellPools(isWanted: (name: string) => boolean): Generator<Told> {
  for (const kind of series) {
    for (let seed = 0; seed < (counts.get(kind.hosts) ?? 0); seed++) {
      const name = `${kind.name} #${seed}`;
      if (isWanted(name)) yield { name, text: tell(kind, 5000 + seed) };
    }
  }
}

/** Each third pool is balanced by rules of the other kinds, too. */
const chains: readonly string[] = [
  "CpuAverage > 5 AND OccupiedMemoryMb > 512",
  "PifEth0RxKb + PifEth0TxKb > 300",
  "CpuAverage ABOVE 60",
];

function tell(kind: Series, seed: number): string {
  const { snapshot, rules } = generate(kind, seed);
  const settings = controlSettings();
  const input: DecisionInput = {
    stored: aStored(snapshot),
    samples: [],
    rules: seed % 3 === 0 ? [...rules, ...chains.map(rule)] : rules,
    unknown: [],
    controlState: aControlState({}),
  };
  const assessment = assess(input, settings, null);
  const { plan, gate } = forecastOf(assessment, settings);
  if (assessment.stored === null || plan === null) {
    return gate === null ? "no plan" : gateLine(gate);
  }
  const facts = {
    snapshot,
    plan,
    bans: assessment.bans,
    gate,
    suppressed: assessment.suppressed,
    names: new Names(snapshot),
  };
  const every = Math.max(1, Math.floor(snapshot.vms.length / explained));
  const texts = [
    forecastLines(assessment, assessment.stored, plan),
    [JSON.stringify(forecastJson(assessment, assessment.stored, plan), null, 1)],
    snapshot.hosts.map((host) => JSON.stringify(explainHost(facts, host), null, 1)),
    snapshot.vms
      .filter((_, index) => index % every === 0)
      .map((vm) => JSON.stringify(explainVm(facts, vm), null, 1)),
  ];
  return [...texts.flat(), ...(kind.hosts > 16 ? [] : tellEvacuation(input))]
    .join("\n")
    .replaceAll('"suppressed":', '"tolerated":');
}

function rule(text: string): Rule {
  const read = parseRule(text);
  if ("kind" in read) throw new Error(read.message);
  return read;
}

/** What emptying the pool's last host would be. */
function tellEvacuation(input: DecisionInput): string[] {
  const settings = controlSettings();
  const host = input.stored?.snapshot.hosts.at(-1);
  if (host === undefined) return [];
  const assessment = assessEvacuation(input, settings, null, host.uuid);
  if (!("host" in assessment)) return [gateLine(assessment.gate)];
  const { plan } = forecastEvacuation(assessment, settings);
  if (assessment.stored === null || plan === null) return ["no evacuation"];
  return [
    ...evacuationLines(assessment, assessment.stored, plan),
    JSON.stringify(evacuationJson(assessment, assessment.stored, plan), null, 1),
  ];
}
