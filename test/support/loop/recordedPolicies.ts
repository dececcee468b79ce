/** Who decides on recorded loads; some need to know the day that is played. */
import { type Assessment, assess, forecastOf } from "../../../src/decide/assess.ts";
import { noOptions, type ServeRule, serveDefaults } from "../../../src/domain/rule.ts";
import { type Policy, policies } from "./policies.ts";
import type { TracedDay } from "./traces.ts";
import { xenOrchestraPolicies } from "./xenOrchestra.ts";

export interface RecordedPolicy {
  readonly name: string;
  readonly of: (day: TracedDay) => Policy;
}

function named(policy: Policy): RecordedPolicy {
  return { name: policy.name, of: () => policy };
}

const deviation = policies.filter(({ name }) => !name.includes("instant"));

/** CPU-minutes that a gigabyte must be worth where nothing is said. */
export const serveRule: ServeRule = { serve: "CPU", ...serveDefaults, ...noOptions };

/** Decides by the rule that serves VMs; `both`: by those that balance, too. */
function serving(name: string, both: boolean, seeing: (assessment: Assessment) => Assessment): Policy {
  return {
    name,
    settings: (settings) => settings,
    serving: [serveRule],
    decide: (settings) => (input) => {
      const assessment = seeing(assess(both ? input : { ...input, rules: [] }, settings, null));
      const fired = assessment.serve === null ? [] : input.rules;
      if (assessment.blocked !== null) return { moves: [], gate: assessment.blocked, fired };
      const { plan, gate } = forecastOf(assessment, settings);
      return { moves: gate === null && plan !== null ? plan.moves : [], gate, fired };
    },
  };
}

/** The next hour is known: each five minutes of it, and nothing is uncertain. Bytes alone are its price. */
function knowing(day: TracedDay): (assessment: Assessment) => Assessment {
  return (assessment) => {
    const { serve, stored } = assessment;
    if (serve === null || stored === null) return assessment;
    const minute = Math.round(stored.collection.startedAt.getTime() / 60_000);
    const parts = serve.rule.overMinutes / 5;
    const slots = Array.from({ length: parts }, (_, t) => day.slotOf(minute + 5 * t));
    const demands = new Map(
      stored.snapshot.vms.map((vm, v) => [
        vm.uuid,
        { means: slots.map((slot) => day.demand(v, slot)), variance: 0 },
      ]),
    );
    return { ...assessment, serve: { ...serve, demands, overheadGigabytes: 0 } };
  };
}

const asSeen = (assessment: Assessment) => assessment;

export const recordedPolicies: readonly RecordedPolicy[] = [
  ...deviation.filter(({ name }) => !name.includes("ours")).map(named),
  ...xenOrchestraPolicies.map(named),
  ...deviation.filter(({ name }) => name.includes("ours")).map(named),
  named(serving("SERVE alone", false, asSeen)),
  named(serving("SERVE and ours", true, asSeen)),
  { name: "oracle", of: (day) => serving("oracle", false, knowing(day)) },
];
