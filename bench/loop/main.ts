/**
 * Closed loop: a day of noisy load on simulated pools, decided by the code that control runs, against the thesis'
 * trigger and against doing nothing. `npm run bench -- loop [--quick] [--only TEXT] [--seeds N] [--seed N] [--hours N]
 * [--every SECONDS] [--set KEY=VALUE ...] [--eth0] [--gates]`; `--traces FILE` plays recorded loads instead, see recorded.ts, and with `--green` under a green rule, see green.ts.
 */
import { parseArgs } from "node:util";
import type { ReplayFigures } from "../../src/rehearse/replay.ts";
import { controlSettings, live, type Outcome } from "../../test/support/loop/live.ts";
import { policies } from "../../test/support/loop/policies.ts";
import { worlds } from "../../test/support/loop/world.ts";
import { greenOptions, playGreen } from "./green.ts";
import { playRecorded, recordedOptions } from "./recorded.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    seeds: { type: "string" },
    /** The first of the seeds; the filters were tuned on seeds below 100. */
    seed: { type: "string", default: "1001" },
    hours: { type: "string", default: "24" },
    /** Seconds from one run of control to the next: the line for cron of docs/install.md. Collections come every minute. */
    every: { type: "string", default: "300" },
    policy: { type: "string", default: "" },
    set: { type: "string", multiple: true, default: [] },
    /** Migrations on the interface that the rules see. */
    eth0: { type: "boolean", default: false },
    /** Also what kept runs from acting. */
    gates: { type: "boolean", default: false },
    ...recordedOptions,
    ...greenOptions,
  },
});

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
  const perDay = (read: (figures: ReplayFigures) => number) =>
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

if (values.traces !== undefined) {
  const { traces } = values;
  if (values.green) playGreen({ ...values, traces });
  else playRecorded({ ...values, traces }, cpuMs);
  process.exit();
}

console.log(
  "| pool | policy | migrations | GiB | back within 1 h, a day | minutes above | 5 and more in a row | by 10-min mean | CPU ms a run, longest |",
);
console.log("|---|---|---|---|---|---|---|---|---|");
const seeds = Number(values.seeds ?? (values.quick ? 1 : 4));
const course = {
  hours: values.quick ? 12 : Number(values.hours),
  everySeconds: Number(values.every),
  settings: controlSettings(values.set),
  onEth0: values.eth0,
};

/** CPU time of this process: the machine's other work does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

for (const world of worlds.filter(({ name }) => name.includes(values.only))) {
  const rows = new Map<string, Row>();
  for (const policy of policies.filter(({ name }) => name.includes(values.policy))) {
    const outcomes = Array.from({ length: seeds }, (_, n) =>
      live(world, policy, { ...course, seed: Number(values.seed) + n, cpuMs }),
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
