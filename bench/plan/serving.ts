/**
 * CPU time of a decision of SERVE, from an hour of collections to the plan: the demands of all VMs, and the moves. Hosts'
 * CPUs are so few that some of them are short.
 */
import { assess, forecastOf } from "../../src/decide/assess.ts";
import { chooseSamples, sampleWish } from "../../src/decide/sampling.ts";
import type { Snapshot } from "../../src/domain/pool.ts";
import { aControlState } from "../../test/support/fixtures.ts";
import { controlSettings } from "../../test/support/loop/live.ts";
import { serveRule } from "../../test/support/loop/recordedPolicies.ts";
import { SharedCpus } from "../../test/support/loop/shared.ts";
import { Day } from "../../test/support/loop/world.ts";

const sizes = [
  { hosts: 8, vms: 160 },
  { hosts: 64, vms: 2_400 },
  { hosts: 500, vms: 20_000 },
] as const;

/** Decisions of each size, each of another pool. */
const rounds = 5;

/** Where half of the day's curves are at their peak. */
const minute = 12 * 60;

/** A line of the table for each size that has `only` in its name. */
export function* serving(only: string, seed: number, cpuMs: () => number): Generator<string> {
  for (const { hosts, vms } of sizes.filter((size) => `${size.hosts}x${size.vms}`.includes(only))) {
    const spent: number[] = [];
    let [moves, short] = [0, 0];
    for (let round = 0; round < rounds; round++) {
      const input = hourOf(hosts, vms, seed + round);
      const settings = controlSettings([`ControlMaxMovesPerRun=${Math.max(10, hosts / 4)}`]);
      const began = cpuMs();
      const { plan } = forecastOf(assess(input, settings, null), settings);
      spent.push(cpuMs() - began);
      moves += plan?.moves.length ?? 0;
      short += plan?.serve?.hosts.length ?? 0;
    }
    const sorted = spent.sort((a, b) => a - b);
    const median = sorted[Math.floor(rounds / 2)] ?? 0;
    yield [
      `${hosts}x${vms}`,
      (short / rounds).toFixed(1),
      (moves / rounds).toFixed(1),
      median.toFixed(0),
      Math.max(...spent).toFixed(0),
    ].join(" | ");
  }
}

/** As from the store: texts that were read, and not put together of parts. */
function asRead(snapshot: Snapshot): Snapshot {
  return JSON.parse(JSON.stringify(snapshot)) as Snapshot;
}

/** What a run reads: the newest collection and those of the hour before it. */
function hourOf(hosts: number, vms: number, seed: number) {
  const day = new Day({ name: "", hosts, vms, cpus: Math.round((0.9 * vms) / hosts), rules: [] }, seed);
  const settings = controlSettings();
  const cpus = new SharedCpus(0.4, "waits");
  const wish = sampleWish(settings, [], [serveRule]);
  const all = Array.from({ length: 60 }, (_, n) => {
    const at = minute - 59 + n;
    const wanted = n >= 55 || n % 5 === 4 ? day.minute(at) : null;
    return wanted === null
      ? []
      : [{ snapshot: asRead(cpus.see(wanted, at * 60)), collectionId: n, secondsBefore: (59 - n) * 60 }];
  })
    .flat()
    .reverse();
  const [newest, ...earlier] = all;
  if (newest === undefined) throw new Error("no collection");
  const { snapshot } = newest;
  return {
    stored: {
      snapshot,
      ageSeconds: 5,
      collection: {
        id: 60,
        startedAt: new Date(minute * 60_000),
        finishedAt: new Date(minute * 60_000 + 1000),
        poolUuid: snapshot.pool.uuid,
        hostsRead: hosts,
        hostsUnread: 0,
        vms,
        complete: true,
        durationMs: 1000,
        clockSkewSeconds: 0,
      },
    },
    samples: chooseSamples(earlier, wish),
    rules: [],
    serving: [serveRule],
    unknown: [],
    controlState: aControlState(),
  };
}
