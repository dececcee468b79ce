/** One day of one pool under one policy. */

import type { Snapshot } from "../../../src/domain/pool.ts";
import type { Rule } from "../../../src/domain/rule.ts";
import { Replay, type ReplayFigures } from "../../../src/rehearse/replay.ts";
import { parseSettings } from "../../../src/settings/settings.ts";
import type { ControlSettings } from "../../../src/settings/types.ts";
import type { Policy } from "./policies.ts";
import { Day, sensed, type World } from "./world.ts";

/** What a migration copies in a second, and the CPUs that it keeps busy on each end. */
export const link = { bytesPerSecond: 110_000_000, cpus: 0.4 };
/** How much of the memory is copied twice: busy guests write while they are copied. */
const dirtyFactor = 1.2;

/** The defaults of control but for `lines` (KEY=VALUE). */
export function controlSettings(lines: readonly string[] = []): ControlSettings {
  const values = Object.fromEntries(lines.map((line) => line.split("=") as [string, string]));
  const sources = { fileName: null, text: "", values, environment: {}, readFile: () => "" };
  const result = parseSettings({ ...sources, readCredential: () => null }, []);
  if ("problems" in result) throw new Error(result.problems.join("; "));
  return (result.settings as { readonly control: ControlSettings }).control;
}

export interface Outcome {
  readonly figures: ReplayFigures;
  /** CPU time of deciding, in all and the longest. */
  readonly cpuMs: number;
  readonly longestMs: number;
}

export interface Course {
  readonly seed: number;
  readonly hours: number;
  /** Seconds from one run of control to the next; collections come every minute. */
  readonly everySeconds: number;
  readonly settings: ControlSettings;
  /** Migrations go over the interface that the rules see. */
  readonly onEth0: boolean;
  /** CPU time that the process has used. */
  readonly cpuMs: () => number;
}

export function live(world: World, policy: Policy, course: Course): Outcome {
  const { seed } = course;
  return play({ day: new Day(world, seed), rules: world.rules, measure: sensed(seed) }, policy, course);
}

/** A day and how it is looked at. */
export interface Played {
  readonly day: { minute(minute: number): Snapshot };
  readonly rules: readonly Rule[];
  /** What a collection reads of the truth. */
  readonly measure: (truth: Snapshot, seconds: number) => Snapshot;
}

/** One day under one policy. */
export function play({ day, rules, measure }: Played, policy: Policy, course: Omit<Course, "seed">): Outcome {
  const { hours, everySeconds, onEth0, cpuMs } = course;
  const settings = policy.settings(course.settings);
  const decide = policy.decide(settings);
  const spent = { all: 0, longest: 0 };
  const replay = new Replay({
    rules,
    serving: policy.serving ?? [],
    settings,
    everySeconds: policy.everySeconds ?? everySeconds,
    load: { cpus: link.cpus, eth0Kb: onEth0 ? link.bytesPerSecond / 1024 : 0 },
    measure,
    means: true,
    duration: ({ memoryBytes }, sharing) =>
      ((memoryBytes ?? 0) * dirtyFactor * (1 + sharing)) / link.bytesPerSecond,
    decide: (input) => {
      const began = cpuMs();
      const decision = decide(input);
      const took = cpuMs() - began;
      spent.all += took;
      spent.longest = Math.max(spent.longest, took);
      return decision;
    },
  });
  for (let minute = 0; minute <= hours * 60; minute++) {
    replay.see({ seconds: minute * 60, snapshot: day.minute(minute), complete: true });
  }
  return { figures: replay.figures(), cpuMs: spent.all, longestMs: spent.longest };
}
