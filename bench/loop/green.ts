/**
 * Green rules on recorded loads: `npm run bench -- loop --traces FILE --green [--slots N,N,...] [--hosts N] [--vms N] [--skip N]
 * [--percents N,N,...] [--memory N] [--hours N] [--why]`. A line a day: what slept of what sums alone allow, and what it cost.
 */
import type { Decision } from "../../src/power/policy.ts";
import type { Traces } from "../../test/support/loop/traces.ts";
import { readTraces, TracedDay } from "../../test/support/loop/traces.ts";
import { boundHours, recordedDesign, recordedWorld } from "../../test/support/power/recorded.ts";
import { green, live, rule } from "../../test/support/power/week.ts";
import type { Policy } from "../../test/support/power/world.ts";
import type { AskedDays } from "./recorded.ts";

export const greenOptions = {
  green: { type: "boolean", default: false },
  /** Percent of the pool's memory that VMs have. */
  memory: { type: "string", default: "50" },
  /** What was decided how often. */
  why: { type: "boolean", default: false },
  /** Each step with its reason. */
  story: { type: "boolean", default: false },
} as const;

interface Asked extends AskedDays {
  readonly memory: string;
  readonly why: boolean;
  readonly story: boolean;
}

export function playGreen(asked: Asked): void {
  const traces = readTraces(asked.traces);
  console.log(
    "| load, from slot | policy | host-hours asleep | bound | of it | host-minutes > 70 % CPU | soon after an arrival | > 90 % | starved CPU-minutes | migrations | GiB | shutdowns | boots | CPU ms a minute |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
  for (const percent of asked.percents.split(",").map(Number))
    for (const slot of asked.slots.split(",").map(Number)) day(traces, asked, slot, percent);
}

function clock(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
}

const policies: readonly (readonly [string, (told: (now: number, each: Decision) => void) => Policy])[] = [
  ["all hosts on", () => ({ minute: () => undefined, tick: () => undefined })],
  ["green", (told) => green([], told)],
];

function day(traces: Traces, asked: Asked, slot: number, percent: number): void {
  const pool = { hosts: Number(asked.hosts), vms: Number(asked.vms), skip: Number(asked.skip) };
  const [hours, memoryPercent] = [Number(asked.hours), Number(asked.memory)];
  const traced = new TracedDay(traces, { ...pool, slot, hours, percent, repeat: true });
  const design = recordedDesign(traced, { hosts: pool.hosts, memoryPercent });
  const bound = boundHours(traced, design, rule, hours * 60);
  for (const [name, make] of policies) {
    const world = recordedWorld(traced, design);
    const reasons = new Map<string, number>();
    const policy = make((now, { reason, steps }) => {
      if (asked.story && (steps.length > 0 || now % 1200 === 0)) {
        const on = world.machines.filter(({ power }) => power === "on").length;
        const done = steps.map(({ kind, host }) => `${kind} ${Number(host.slice(-4))}`).join(", ");
        if (!/still on it/.test(reason)) console.log(`${clock(now)} ${on} on, ${done}: ${reason}`);
      }
      const kind = reason.replace(/[0-9.]+/g, "N").replace(/host \S+/g, "host X");
      reasons.set(kind, (reasons.get(kind) ?? 0) + 1);
    });
    const tally = live(world, policy, hours * 60);
    const asleep = tally.asleepMinutes / 60;
    console.log(
      [
        `| ${asked.hosts}x${asked.vms}, ${percent} %, ${slot}`,
        name,
        asleep.toFixed(0),
        bound.toFixed(0),
        bound > 0 ? `${((100 * asleep) / bound).toFixed(0)} %` : "-",
        tally.over,
        tally.ours,
        tally.hot,
        world.starvedMinutes.toFixed(0),
        world.migrations,
        (world.migratedBytes / 1024 ** 3).toFixed(0),
        world.shutdowns,
        world.boots,
        `${(tally.milliseconds / (hours * 60)).toFixed(1)} |`,
      ].join(" | "),
    );
    if (asked.why)
      for (const [kind, count] of [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 20))
        console.log(`${String(count).padStart(6)}  ${kind}`);
  }
}
