/**
 * The closed loop on recorded loads: hosts share their CPUs fairly when they are full, and what VMs wanted and did not
 * get is counted. `npm run bench -- loop --traces FILE [--slots N,N,...] [--hosts N] [--vms N] [--skip N] [--percents
 * N,N,...] [--threshold N] [--hours N] [--every SECONDS] [--policy TEXT] [--set KEY=VALUE ...] [--sight waits|nothing] [--why]`
 */
import { StarvedCauses } from "../../test/support/loop/causes.ts";
import { controlSettings, link, type Outcome, play } from "../../test/support/loop/live.ts";
import { recordedPolicies } from "../../test/support/loop/recordedPolicies.ts";
import { SharedCpus } from "../../test/support/loop/shared.ts";
import { readTraces, TracedDay, type Traces } from "../../test/support/loop/traces.ts";

export const recordedOptions = {
  /** A file of recorded loads. */
  traces: { type: "string" },
  /** The slots in which days begin; a line of the table is the mean of all. */
  slots: { type: "string", default: "2016" },
  hosts: { type: "string", default: "8" },
  vms: { type: "string", default: "160" },
  /** VMs of the record that are passed over. */
  skip: { type: "string", default: "0" },
  /** Percent of all CPUs that the VMs want in the mean of the day. */
  percents: { type: "string", default: "50" },
  /** Of the rule CpuAverage, and what minutes are counted by. */
  threshold: { type: "string", default: "20" },
  /** Whether collections read what VMs wait for. */
  sight: { type: "string", default: "waits" },
} as const;

/** Which recorded days are played, on what pool. */
export interface AskedDays {
  readonly traces: string;
  readonly slots: string;
  readonly hosts: string;
  readonly vms: string;
  readonly skip: string;
  readonly percents: string;
  readonly hours: string;
}

interface Asked extends AskedDays {
  readonly threshold: string;
  readonly sight: string;
  /** Also why VMs were left waiting. */
  readonly why: boolean;
  readonly every: string;
  readonly policy: string;
  readonly set: readonly string[];
}

interface DayFigures extends Outcome {
  readonly starved: number;
  readonly share: number;
  readonly small: number;
  readonly causes: StarvedCauses["minutes"];
}

/** A VM of less than this part of a host is freight for nothing. */
const smallPart = 0.01;

export function playRecorded(asked: Asked, cpuMs: () => number): void {
  const traces = readTraces(asked.traces);
  console.log(
    "| load | policy | starved CPU-minutes | share of demand % | migrations | GiB | back within 1 h, a day | minutes above | VMs < 1 % moved | CPU ms a run, longest |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|---|");
  for (const percent of asked.percents.split(",").map(Number)) {
    for (const name of recordedPolicies
      .map((each) => each.name)
      .filter((each) => matches(each, asked.policy))) {
      const days = asked.slots
        .split(",")
        .map((slot) => day(traces, asked, Number(slot), percent, name, cpuMs));
      console.log(line(`${asked.hosts}x${asked.vms}, ${percent} %`, name, days));
      if (asked.why) console.log(why(days));
    }
  }
}

function matches(name: string, wanted: string): boolean {
  return wanted.split(",").some((each) => name.includes(each));
}

function day(
  traces: Traces,
  asked: Asked,
  slot: number,
  percent: number,
  name: string,
  cpuMs: () => number,
): DayFigures {
  const pool = { hosts: Number(asked.hosts), vms: Number(asked.vms), skip: Number(asked.skip) };
  const hours = Number(asked.hours);
  const recorded = new TracedDay(traces, { ...pool, slot, hours, percent });
  const policy = recordedPolicies.find((each) => each.name === name)?.of(recorded);
  if (policy === undefined) throw new Error(`no policy ${name}`);
  const causes = new StarvedCauses(link.cpus, Number(asked.every));
  const cpus = new SharedCpus(link.cpus, asked.sight === "nothing" ? "nothing" : "waits");
  const outcome = play(
    {
      day: recorded,
      rules: [{ subject: "CpuAverage", threshold: Number(asked.threshold) }],
      measure: (truth, seconds) => {
        causes.see(truth, seconds);
        return cpus.see(truth, seconds);
      },
    },
    { ...policy, decide: (settings) => causes.listening(policy.decide(settings)) },
    { hours, everySeconds: Number(asked.every), settings: controlSettings(asked.set), onEth0: false, cpuMs },
  );
  const small = outcome.figures.log.filter(({ vm, plannedAt }) => {
    const { vms } = recorded.minute(Math.floor(plannedAt.getTime() / 60_000));
    const moved = vms.find(({ uuid }) => uuid === vm);
    const demand = ((moved?.vcpuAverage ?? 0) * (moved?.vcpuNum ?? 0)) / 100;
    return demand < smallPart * recorded.cpus;
  });
  return {
    ...outcome,
    starved: cpus.starvedMinutes,
    share: cpus.share,
    small: small.length,
    causes: causes.minutes,
  };
}

/** CPU-minutes of waiting by cause, means of the days. */
function why(days: readonly DayFigures[]): string {
  const causes = [...(days[0]?.causes.keys() ?? [])];
  const mean = (cause: (typeof causes)[number]) =>
    days.reduce((sum, day) => sum + (day.causes.get(cause) ?? 0), 0) / Math.max(1, days.length);
  return `  ${causes.map((cause) => `${cause} ${mean(cause).toFixed(0)}`).join(", ")}`;
}

function line(load: string, policy: string, days: readonly DayFigures[]): string {
  const mean = (read: (each: DayFigures) => number) =>
    days.reduce((sum, each) => sum + read(each), 0) / Math.max(1, days.length);
  const minutes = mean(({ figures }) => figures.rules.reduce((sum, rule) => sum + rule.minutes, 0));
  const runs = days.reduce((sum, { figures }) => sum + figures.runs, 0);
  const perRun = days.reduce((sum, each) => sum + each.cpuMs, 0) / Math.max(1, runs);
  return [
    `| ${load}`,
    policy,
    mean(({ starved }) => starved).toFixed(0),
    (100 * mean(({ share }) => share)).toFixed(2),
    mean(({ figures }) => figures.migrations).toFixed(1),
    mean(({ figures }) => figures.bytes / 1024 ** 3).toFixed(0),
    `${mean(({ figures }) => figures.flapsInHour).toFixed(1)}, ${mean(({ figures }) => figures.flaps).toFixed(1)}`,
    minutes.toFixed(0),
    mean(({ small }) => small).toFixed(1),
    `${perRun.toFixed(1)}, ${Math.max(...days.map(({ longestMs }) => longestMs)).toFixed(0)} |`,
  ].join(" | ");
}
