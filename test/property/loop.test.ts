/**
 * The closed loop in short: pools that live through hours of virtual time, decided by control's own code. Counted, not
 * timed. `npm run bench -- loop` is the long form.
 */
import { describe, expect, it } from "vitest";
import { evaluate, termExcess } from "../../src/domain/deviation.ts";
import type { Host, Snapshot } from "../../src/domain/pool.ts";
import { type Rule, termsOf } from "../../src/domain/rule.ts";
import { asControl } from "../../src/rehearse/decide.ts";
import { Replay, type ReplayFigures } from "../../src/rehearse/replay.ts";
import { type Course, controlSettings, live, type Outcome } from "../support/loop/live.ts";
import { policies } from "../support/loop/policies.ts";
import { worlds } from "../support/loop/world.ts";
import { generate, type Kind } from "../support/plan/pools.ts";

const settings = controlSettings(["ControlPlanMilliseconds=40"]);

function day(policy: string, seed: number): Outcome {
  const [world] = worlds.filter(({ name }) => name === "4x40, CPU 12");
  const [named] = policies.filter(({ name }) => name === policy);
  if (world === undefined || named === undefined) throw new Error(`no world, or no policy ${policy}`);
  const course: Omit<Course, "seed"> = {
    hours: 24,
    everySeconds: 300,
    settings,
    onEth0: false,
    cpuMs: () => 0,
  };
  return live(world, named, { ...course, seed });
}

describe("a day of noisy load on 4 hosts and 40 VMs", () => {
  const seeds = [1, 2];
  const sum = (outcomes: readonly Outcome[], read: (figures: ReplayFigures) => number) =>
    outcomes.reduce((total, { figures }) => total + read(figures), 0);
  const sustained = ({ rules }: ReplayFigures) => rules.reduce((all, each) => all + each.sustainedMinutes, 0);
  const ours = seeds.map((seed) => day("**ours**", seed));
  const thesis = seeds.map((seed) => day("thesis", seed));
  const off = seeds.map((seed) => day("off", seed));

  it("takes ours at most half the migrations and a quarter of the memory of the thesis' trigger", () => {
    const migrations = ({ migrations: count }: ReplayFigures) => count;
    expect(sum(thesis, migrations)).toBeGreaterThan(50);
    expect(sum(ours, migrations)).toBeGreaterThan(0);
    expect(sum(ours, migrations)).toBeLessThanOrEqual(0.5 * sum(thesis, migrations));
    expect(sum(ours, ({ bytes }) => bytes)).toBeLessThanOrEqual(0.25 * sum(thesis, ({ bytes }) => bytes));
  });

  it("brings no VM back within the hour more than once a day", () => {
    for (const { figures } of ours) expect(figures.flapsInHour).toBeLessThanOrEqual(1);
  });

  it("leaves hosts above the threshold for long no more than one and a half times as much as the thesis' trigger", () => {
    expect(sum(off, sustained)).toBeGreaterThan(500);
    expect(sum(ours, sustained)).toBeLessThanOrEqual(1.5 * sum(thesis, sustained));
    expect(sum(ours, sustained)).toBeLessThanOrEqual(0.25 * sum(off, sustained));
  });
});

const kinds: readonly Kind[] = [
  { name: "2x6", hosts: 2, vms: 6, unequal: false, fill: 0.7, rules: 1, strict: 0.3, hard: false },
  { name: "4x20", hosts: 4, vms: 20, unequal: true, fill: 0.8, rules: 2, strict: 0.3, hard: true },
  { name: "8x60", hosts: 8, vms: 60, unequal: false, fill: 0.9, rules: 4, strict: 0.5, hard: true },
];

interface Steady {
  readonly hosts: readonly (readonly Host[])[];
  readonly figures: ReplayFigures;
  readonly startMinutes: readonly number[];
}

/** A pool whose load never changes, for `hours`; control every five minutes. */
function steady({ snapshot, rules }: { snapshot: Snapshot; rules: readonly Rule[] }, hours: number): Steady {
  const hosts: (readonly Host[])[] = [];
  const replay = new Replay({
    rules,
    settings,
    decide: asControl(settings),
    everySeconds: 300,
    // Nothing but the VMs' own load: what is above the threshold is so for good.
    load: { cpus: 0, eth0Kb: 0 },
    duration: ({ memoryBytes }) => (memoryBytes ?? 0) / 110_000_000,
    measure: (truth) => {
      hosts.push(truth.hosts);
      return truth;
    },
  });
  // A control domain without any load may have figures that stand still.
  const idle = { ...snapshot, hosts: snapshot.hosts.map((host) => ({ ...host, dom0LoadAvg: 0 })) };
  for (let seconds = 0; seconds <= hours * 3600; seconds += 60)
    replay.see({ seconds, snapshot: idle, complete: true });
  const figures = replay.figures();
  return {
    hosts,
    figures,
    startMinutes: figures.log.map(({ plannedAt }) => plannedAt.getTime() / 60_000),
  };
}

/** Pairs above the threshold, and by how much of it the worst is. */
function imbalance(hosts: readonly Host[], rules: readonly Rule[]): { broken: number; worst: number } {
  const verdicts = rules.flatMap((rule) => {
    const { means, verdicts: all } = evaluate(hosts, rule);
    return all.map(({ value, term }) => {
      const decisive = termsOf(rule)[term];
      return decisive === undefined ? 0 : termExcess(decisive, value, means[term] ?? null) / decisive.amount;
    });
  });
  return { broken: verdicts.filter((over) => over > 0).length, worst: Math.max(0, ...verdicts) };
}

describe("a pool under constant load", () => {
  const pools = kinds.flatMap((kind) =>
    Array.from({ length: 5 }, (_, n) => ({
      name: `${kind.name}, seed ${n + 1}`,
      pool: generate(kind, n + 1),
    })),
  );
  const runs = pools.map(({ name, pool }) => ({ name, rules: pool.rules, ...steady(pool, 6) }));

  it("I5: is never less balanced when a plan is done than before", () => {
    expect(runs.filter(({ figures }) => figures.migrations > 0).length).toBeGreaterThan(pools.length / 2);
    for (const { name, hosts, rules } of runs) {
      const [before, after] = [imbalance(hosts[0] ?? [], rules), imbalance(hosts.at(-1) ?? [], rules)];
      expect(after.broken, name).toBeLessThanOrEqual(before.broken);
      if (after.broken === before.broken) expect(after.worst, name).toBeLessThanOrEqual(before.worst + 1e-6);
    }
  });

  it("I6: has nothing to move once VMs have rested, for as long as it is looked at, and no VM ever comes back", () => {
    // A VM that was moved rests for an hour; with it in reach again there may be one more plan.
    for (const { name, startMinutes, figures } of runs) {
      expect(Math.max(0, ...startMinutes), name).toBeLessThan(120);
      expect(figures.flaps, name).toBe(0);
    }
  });
});
