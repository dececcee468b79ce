/** A week of a pool of 16 hosts under several policies, minute by minute in virtual time. */

import { density } from "../../../bench/green/density.ts";
import type { HostStates } from "../../../src/domain/hostPower.ts";
import type { Uuid } from "../../../src/domain/pool.ts";
import type { Rule } from "../../../src/domain/rule.ts";
import { planMigrations } from "../../../src/planner/planner.ts";
import { averaged, type TimedSnapshot } from "../../../src/power/load.ts";
import { type GreenOptions, greenDefaults, type Wattage } from "../../../src/power/options.ts";
import { type Decision, decide } from "../../../src/power/policy.ts";
import type { GreenGoal } from "../../../src/power/rule.ts";
import { savingsOf } from "../../../src/power/savings.ts";
import { advance, observe, type PowerStep } from "../../../src/power/states.ts";
import { seededWorld } from "./seeded.ts";
import type { Policy, World } from "./world.ts";

const [hosts, vms] = [16, 320];
export const weekMinutes = 7 * 24 * 60;
export const watts: Wattage = { idleWatts: 160, asleepWatts: 6 };
const transfersPerHost = 2;

export const rule: GreenGoal = {
  limits: [
    { kind: "below", subject: "CpuAverage", value: 70 },
    { kind: "memory free", percent: 10 },
  ],
  spareHosts: 1,
  between: null,
};

export interface Tally {
  asleepMinutes: number;
  /** Host-minutes above the rule's CPU limit, above 90 %, and wanting more than the host has. */
  over: number;
  /** Of those the ones within ten minutes of the arrival of a VM there: by the policy's doing. */
  ours: number;
  hot: number;
  starved: number;
  milliseconds: number;
}

/** Moves that wait for a free slot of both of their hosts. */
export class Queue {
  #waiting: { readonly vm: Uuid; readonly source: Uuid; readonly destination: Uuid }[] = [];

  replace(moves: readonly { readonly vm: Uuid; readonly source: Uuid; readonly destination: Uuid }[]): void {
    this.#waiting = [...moves];
  }

  start(world: World): void {
    this.#waiting = this.#waiting.filter(({ vm, source, destination }) => {
      const free = [source, destination].every(
        (host) => world.transfersOf(world.machine(host)) < transfersPerHost,
      );
      return (
        !(free && world.migrate(vm, destination)) &&
        world.guests.some((each) => each.uuid === vm && each.host.uuid === source && each.to === null)
      );
    });
  }
}

/** The policy of src/power, with a balance rule beside it where one is given; `told` hears why, each minute. */
export function green(balance: readonly Rule[], told?: (now: number, decision: Decision) => void): Policy {
  const queue = new Queue();
  let states: HostStates = new Map();
  const snapshots: TimedSnapshot[] = [];
  const options: GreenOptions = {
    ...greenDefaults,
    headroomBytes: 0,
    bannedVms: new Map(),
    bannedPairs: new Map(),
    canWake: () => true,
    keepOn: new Map(),
    minimumHostsOn: 2,
    balance,
    transfersPerHost,
  };
  const minute = (world: World) => {
    const snapshot = world.snapshot();
    snapshots.push({ at: world.now, snapshot });
    if (snapshots.length > 45) snapshots.shift();
    states = observe(states, snapshot, world.now);
    const minuteOfDay = Math.floor(world.now / 60) % 1440;
    const decision = decide({ now: world.now, minuteOfDay, snapshots, states, hold: null }, rule, options);
    told?.(world.now, decision);
    for (const step of decision.steps) carryOut(world, step);
    states = advance(states, decision.steps, snapshot, world.now);
    const relieving = decision.reliefs.flatMap(({ moves }) => moves);
    const draining = decision.steps.flatMap((step) => (step.kind === "drain" ? step.drain.moves : []));
    const busy = world.guests.some(({ to }) => to !== null);
    const balancing = relieving.length + draining.length > 0 || busy ? [] : balanced(snapshots, balance);
    queue.replace([...relieving, ...draining, ...balancing]);
  };
  return { minute, tick: (world) => queue.start(world) };
}

/** Balance alone, all hosts on. */
function balancing(balance: readonly Rule[]): Policy {
  const queue = new Queue();
  const snapshots: TimedSnapshot[] = [];
  const minute = (world: World) => {
    snapshots.push({ at: world.now, snapshot: world.snapshot() });
    if (snapshots.length > 5) snapshots.shift();
    if (!world.guests.some(({ to }) => to !== null)) queue.replace(balanced(snapshots, balance));
  };
  return { minute, tick: (world) => queue.start(world) };
}

function balanced(snapshots: readonly TimedSnapshot[], balance: readonly Rule[]) {
  const newest = snapshots.at(-1);
  if (newest === undefined || balance.length === 0) return [];
  const pool = averaged(newest.snapshot, snapshots.slice(-5));
  const options = {
    maxMoves: 20,
    headroomBytes: 0,
    bannedVms: new Map(),
    bannedPairs: new Map(),
    budgetMs: 20,
    targetFraction: 0.8,
  };
  return planMigrations(pool, balance, options).moves;
}

function carryOut(world: World, step: PowerStep): void {
  switch (step.kind) {
    case "drain":
      world.machine(step.host).enabled = false;
      return;
    case "take back":
    case "enable":
      world.machine(step.host).enabled = true;
      return;
    case "shut down":
      world.shutDown(step.host);
      return;
    case "wake":
      world.powerOn(step.host);
      return;
    case "note on":
      return;
    case "mark failed":
      throw new Error("every host of this pool wakes");
    default:
      step satisfies never;
  }
}

/** A minute in six parts, so that migrations take the seconds that they take. */
export function step(world: World, policy: Policy): void {
  for (let part = 0; part < 6; part++) {
    policy.tick(world);
    world.pass(10);
  }
}

/** So many minutes of the world under the policy. */
export function live(world: World, policy: Policy, minutes: number): Tally {
  const tally: Tally = { asleepMinutes: 0, over: 0, ours: 0, hot: 0, starved: 0, milliseconds: 0 };
  for (let minute = 0; minute < minutes; minute++) {
    step(world, policy);
    const from = process.cpuUsage();
    policy.minute(world);
    const { user, system } = process.cpuUsage(from);
    tally.milliseconds += (user + system) / 1000;
    for (const machine of world.machines) {
      if (machine.power === "off") tally.asleepMinutes++;
      if (machine.power !== "on") continue;
      const demand = world.demand(machine);
      if (demand > 70) tally.over++;
      if (demand > 70 && world.now - machine.arrivedAt <= 600) tally.ours++;
      if (demand > 90) tally.hot++;
      if (demand > 100) tally.starved++;
    }
  }
  return tally;
}

const policies: readonly (readonly [string, () => Policy])[] = [
  ["all hosts on", () => ({ minute: () => undefined, tick: () => undefined })],
  ["all hosts on, CpuAverage > 20 balanced", () => balancing([{ subject: "CpuAverage", threshold: 20 }])],
  ["green", () => green([])],
  ["green, and CpuAverage > 20 balanced", () => green([{ subject: "CpuAverage", threshold: 20 }])],
  ["Xen Orchestra's density plan", () => density()],
];

export function* weekTable(seed: number): Generator<string> {
  yield "| policy | host-hours asleep | of all | kWh saved | host-minutes > 70 % CPU | soon after an arrival | > 90 % | > 100 % | migrations a day | GiB a day | shutdowns | boots | CPU ms a minute |";
  yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";
  for (const [name, make] of policies) {
    const world = seededWorld(hosts, vms, seed);
    const tally = live(world, make(), weekMinutes);
    const hostPower = [{ host: world.machines[0]?.uuid as Uuid, from: 0, to: tally.asleepMinutes * 60 }];
    const { hoursAsleep, kWh } = savingsOf(
      hostPower,
      world.migratedBytes,
      watts,
      0,
      hosts * weekMinutes * 60,
    );
    const part = (100 * tally.asleepMinutes) / (hosts * weekMinutes);
    yield `| ${name} | ${hoursAsleep.toFixed(0)} | ${part.toFixed(0)} % | ${kWh.toFixed(0)} | ${tally.over} | ${tally.ours} | ${tally.hot} | ${tally.starved} | ${(world.migrations / 7).toFixed(0)} | ${(world.migratedBytes / 1024 ** 3 / 7).toFixed(0)} | ${world.shutdowns} | ${world.boots} | ${(tally.milliseconds / weekMinutes).toFixed(1)} |`;
  }
}

/** What green decides, with the time, for a look at a day. */
export function* story(seed: number, minutes: number): Generator<string> {
  const world = seededWorld(hosts, vms, seed);
  const lines: string[] = [];
  let last = "";
  const policy = green([], (now, { steps, reason }) => {
    if (steps.length === 0 || reason === last) return;
    last = reason;
    const on = world.machines.filter(({ power }) => power === "on").length;
    lines.push(
      `${Math.floor(now / 86_400)} ${String(Math.floor(now / 3600) % 24).padStart(2, "0")}:${String(Math.floor(now / 60) % 60).padStart(2, "0")} ${on} on: ${reason}`,
    );
  });
  for (let minute = 0; minute < minutes; minute++) {
    step(world, policy);
    policy.minute(world);
    yield* lines.splice(0);
  }
}
