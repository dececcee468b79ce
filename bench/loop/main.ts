/**
 * Closed loop: a day of noisy load on simulated pools, decided by the code that control runs, against the thesis'
 * trigger and against doing nothing. `npm run bench -- loop [--quick] [--only TEXT] [--seeds N] [--seed N] [--hours N]
 * [--every SECONDS] [--set KEY=VALUE ...] [--eth0] [--gates]`
 */
import { parseArgs } from "node:util";
import { type Figures, Replay } from "../../src/rehearse/replay.ts";
import type { Rule } from "../../src/rule.ts";
import type { ControlSettings } from "../../src/settings.ts";
import { parseSettings } from "../../src/settings.ts";
import { type Policy, policies } from "./policies.ts";
import { Day, sensed, type World } from "./world.ts";

const cpu = (threshold: number): Rule => ({ subject: "CpuAverage", threshold });

const worlds: readonly World[] = [
  { name: "4x40, CPU 20", hosts: 4, vms: 40, cpus: 16, rules: [cpu(20)] },
  { name: "4x40, CPU 12", hosts: 4, vms: 40, cpus: 16, rules: [cpu(12)] },
  { name: "8x120, CPU 15", hosts: 8, vms: 120, cpus: 24, rules: [cpu(15)] },
  {
    name: "8x120, CPU 12, Rx 8000",
    hosts: 8,
    vms: 120,
    cpus: 24,
    rules: [cpu(12), { subject: "PifEth0RxKb", threshold: 8000 }],
  },
  { name: "16x400, CPU 12", hosts: 16, vms: 400, cpus: 40, rules: [cpu(12)] },
];

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    seeds: { type: "string" },
    /** The first of the seeds; the filters were tuned on seeds below 100. */
    seed: { type: "string", default: "1001" },
    hours: { type: "string", default: "24" },
    /** Seconds from one run of control to the next: README's line for cron. Collections come every minute. */
    every: { type: "string", default: "300" },
    policy: { type: "string", default: "" },
    set: { type: "string", multiple: true, default: [] },
    /** Migrations on the interface that the rules see. */
    eth0: { type: "boolean", default: false },
    /** Also what kept runs from acting. */
    gates: { type: "boolean", default: false },
  },
});

/** What a migration copies in a second, and the CPUs that it keeps busy on each end. */
const link = { bytesPerSecond: 110_000_000, cpus: 0.4 };
/** How much of the memory is copied twice: busy guests write while they are copied. */
const dirtyFactor = 1.2;

function settingsOf(lines: readonly string[]): ControlSettings {
  const written = Object.fromEntries(lines.map((line) => line.split("=") as [string, string]));
  const sources = { fileName: null, text: "", values: written, environment: {}, readFile: () => "" };
  const result = parseSettings({ ...sources, readCredential: () => null }, ["control"]);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return result.settings.control;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

interface Outcome {
  readonly figures: Figures;
  /** CPU time of deciding, in all and the longest. */
  readonly cpuMs: number;
  readonly longestMs: number;
}

function live(world: World, seed: number, policy: Policy, hours: number): Outcome {
  const settings = policy.settings(settingsOf(values.set));
  const decide = policy.decide(settings);
  const spent = { all: 0, longest: 0 };
  const replay = new Replay({
    rules: world.rules,
    settings,
    everySeconds: Number(values.every),
    load: { cpus: link.cpus, eth0Kb: values.eth0 ? link.bytesPerSecond / 1024 : 0 },
    measure: sensed(seed),
    duration: ({ copyBytes }, sharing) =>
      ((copyBytes ?? 0) * dirtyFactor * (1 + sharing)) / link.bytesPerSecond,
    decide: (situation) => {
      const began = cpuMs();
      const decision = decide(situation);
      const took = cpuMs() - began;
      spent.all += took;
      spent.longest = Math.max(spent.longest, took);
      return decision;
    },
  });
  const day = new Day(world, seed);
  for (let minute = 0; minute <= hours * 60; minute++) {
    replay.see({ seconds: minute * 60, snapshot: day.minute(minute), complete: true });
  }
  return { figures: replay.figures(), cpuMs: spent.all, longestMs: spent.longest };
}

const mean = (numbers: readonly number[]) =>
  numbers.reduce((sum, each) => sum + each, 0) / Math.max(1, numbers.length);

/** Per day. */
interface Row {
  readonly migrations: number;
  readonly gib: number;
  readonly back: number;
  readonly backInDay: number;
  readonly minutes: number;
  readonly sustained: number;
  readonly byMean: number;
}

function rowOf(outcomes: readonly Outcome[]): Row {
  const perDay = (read: (figures: Figures) => number) =>
    mean(outcomes.map(({ figures }) => (read(figures) * 24) / figures.hours));
  return {
    migrations: perDay(({ migrations }) => migrations),
    gib: perDay(({ bytes }) => bytes / 1024 ** 3),
    back: perDay(({ flapsInHour }) => flapsInHour),
    backInDay: perDay(({ flaps }) => flaps),
    minutes: perDay(({ rules }) => rules.reduce((sum, { minutes }) => sum + minutes, 0)),
    sustained: perDay(({ rules }) => rules.reduce((sum, { sustainedMinutes }) => sum + sustainedMinutes, 0)),
    byMean: perDay(({ rules }) => rules.reduce((sum, { meanMinutes }) => sum + meanMinutes, 0)),
  };
}

const share = (part: number, whole: number) =>
  whole > 0 ? (part / whole).toFixed(2) : part > 0 ? "inf" : "-";

console.log(
  "| pool | policy | migrations | GiB | back within 1 h, a day | minutes above | 5 and more in a row | by 10-min mean | CPU ms a run, longest |",
);
console.log("|---|---|---|---|---|---|---|---|---|");
const seeds = Number(values.seeds ?? (values.quick ? 1 : 4));
const hours = values.quick ? 12 : Number(values.hours);
for (const world of worlds.filter(({ name }) => name.includes(values.only))) {
  const rows = new Map<string, Row>();
  for (const policy of policies.filter(({ name }) => name.includes(values.policy))) {
    const outcomes = Array.from({ length: seeds }, (_, n) =>
      live(world, Number(values.seed) + n, policy, hours),
    );
    const row = rowOf(outcomes);
    rows.set(policy.name, row);
    const runs = outcomes.reduce((sum, { figures }) => sum + figures.runs, 0);
    const perRun = outcomes.reduce((sum, each) => sum + each.cpuMs, 0) / runs;
    const longest = Math.max(...outcomes.map(({ longestMs }) => longestMs));
    const { migrations, gib, back, backInDay, minutes, sustained, byMean } = row;
    console.log(
      `| ${world.name} | ${policy.name} | ${migrations.toFixed(1)} | ${gib.toFixed(1)} | ${back.toFixed(2)}, ${backInDay.toFixed(1)} | ` +
        `${minutes.toFixed(0)} | ${sustained.toFixed(0)} | ${byMean.toFixed(0)} | ${perRun.toFixed(1)}, ${longest.toFixed(0)} |`,
    );
    if (!values.gates) continue;
    for (const { figures } of outcomes) {
      const { gates, worstHour, runs, rules } = figures;
      console.log(JSON.stringify({ gates: Object.fromEntries(gates), worstHour, runs, rules }));
    }
  }
  const [thesis, ours] = [rows.get("thesis"), rows.get("**ours**")];
  if (thesis === undefined || ours === undefined) continue;
  console.log(
    `| ${world.name} | ours / thesis | ${share(ours.migrations, thesis.migrations)} | ${share(ours.gib, thesis.gib)} | ` +
      `${ours.back.toFixed(2)} | ${share(ours.minutes, thesis.minutes)} | ${share(ours.sustained, thesis.sustained)} | ${share(ours.byMean, thesis.byMean)} | |`,
  );
}
