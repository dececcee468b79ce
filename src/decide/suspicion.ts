/**
 * Which hosts of a snapshot are not believed: figures that cannot be, or guests that vanished or appeared by the
 * dozen. Pure. A suspect host is out of the mean and neither gives nor takes; where too much is suspect nothing moves.
 */

import { takesPart } from "../domain/deviation.ts";
import { InTurn } from "../domain/inTurn.ts";
import type { Host, Snapshot, Uuid } from "../domain/pool.ts";
import { plural } from "../text/format.ts";

/** How many guests a host should have: as many as at the last look, with what was moved since. */
export type ExpectedGuests = ReadonlyMap<Uuid, number>;

/** What is wrong with a snapshot. */
export interface Suspicion {
  readonly hosts: ReadonlyMap<Uuid, string>;
  /** What is wrong with the whole snapshot, with the limit; null where nothing is. */
  readonly pool: { readonly measured: string; readonly limit: string } | null;
}

/** A host whose count of guests changed by more than this share, and by at least so many, is suspect. */
const hostChange = { share: 0.5, guests: 5 };

/** A pool that lost more than this share of its guests, and at least so many, is suspect. */
const poolLoss = { share: 0.2, guests: 3 };

/** More suspects than this share of the hosts that take part stop everything. */
const suspectShare = 1 / 3;

/** Measures that stood still in so many samples, this one counted, are not believed. */
const stillSamples = 3;

/**
 * Assesses `snapshot` by itself, by what is expected and by `earlier` samples, newest first; `guests` are the running
 * guests of each host.
 */
export function suspicionOf(
  snapshot: Snapshot,
  guests: ReadonlyMap<Uuid, number>,
  expected: ExpectedGuests,
  earlier: readonly Snapshot[] = [],
): Suspicion {
  const hosts = new Map<Uuid, string>();
  const candidates = snapshot.hosts.filter(takesPart);
  const still = standingStill(candidates, earlier.slice(0, stillSamples - 1));
  for (const host of candidates) {
    const count = guests.get(host.uuid) ?? 0;
    const reason =
      impossible(host, count) ??
      changed(count, expected.get(host.uuid)) ??
      (still.has(host.uuid) ? frozen : null);
    if (reason !== null) hosts.set(host.uuid, reason);
  }
  return { hosts, pool: lost(guests, expected) ?? tooMany(hosts.size, candidates.length) };
}

/** The snapshot with its suspects out of every mean and every move. */
export function withoutSuspects(snapshot: Snapshot, { hosts }: Suspicion): Snapshot {
  if (hosts.size === 0) return snapshot;
  return {
    ...snapshot,
    hosts: snapshot.hosts.map((host) => (hosts.has(host.uuid) ? { ...host, read: false } : host)),
  };
}

function impossible(host: Host, guests: number): string | null {
  const { cpuNum, cpuAverage, memoryTotalMb, memoryFreeMb, doubt } = host;
  if (doubt !== undefined) return `suspect: ${doubt}`;
  if (cpuNum === null || !(cpuNum > 0)) return `suspect: it reports ${cpuNum ?? "no number of"} CPUs`;
  if (cpuAverage !== null && !(cpuAverage >= 0 && cpuAverage <= 100.5))
    return `suspect: it reports a CPU use of ${cpuAverage} %`;
  if (memoryTotalMb !== null && !(memoryTotalMb > 0))
    return `suspect: it reports ${memoryTotalMb} MB of memory`;
  if (
    memoryTotalMb !== null &&
    memoryFreeMb !== null &&
    !(memoryFreeMb >= 0 && memoryFreeMb <= memoryTotalMb)
  )
    return `suspect: it reports ${memoryFreeMb} MB free of ${memoryTotalMb} MB`;
  return guests > 0 && isAllZero(host) ? "suspect: all its load is 0, though VMs run on it" : null;
}

/** Nothing at all is done on it, not even by the control domain. */
function isAllZero(host: Host): boolean {
  const { cpuAverage, dom0LoadAvg, pifEth0RxKb, pifEth0TxKb, pifLoRxKb, pifLoTxKb } = host;
  const others = [dom0LoadAvg, pifEth0RxKb, pifEth0TxKb, pifLoRxKb, pifLoTxKb];
  const known = others.filter((value) => value !== null);
  return cpuAverage === 0 && known.length > 0 && known.every((value) => value === 0);
}

const frozen = `suspect: all its figures stood still in the last ${stillSamples} samples, while other hosts' went on`;

/**
 * Hosts of which no measure has changed in the last bit. Where nothing changes anywhere the pool is a quiet or a
 * simulated one, and a control domain without any load may rest.
 */
function standingStill(candidates: readonly Host[], earlier: readonly Snapshot[]): ReadonlySet<Uuid> {
  if (earlier.length < stillSamples - 1) return new Set();
  const before = earlier.map(({ hosts }) => new Map(hosts.map((host) => [host.uuid, host])));
  const still = candidates.filter((host) =>
    before.every((hosts) => {
      const past = hosts.get(host.uuid);
      return (
        past !== undefined && takesPart(past) && restless.every((measure) => past[measure] === host[measure])
      );
    }),
  );
  if (still.length === candidates.length) return new Set();
  return new Set(still.filter(({ dom0LoadAvg }) => (dom0LoadAvg ?? 0) > 0).map(({ uuid }) => uuid));
}

/** Measures that change from sample to sample on a host that lives. */
const restless = ["cpuAverage", "dom0LoadAvg", "pifEth0RxKb", "pifEth0TxKb", "memoryFreeMb"] as const;

function changed(count: number, expected: number | undefined): string | null {
  if (expected === undefined) return null;
  const change = Math.abs(count - expected);
  if (change < hostChange.guests || change <= expected * hostChange.share) return null;
  return `suspect: it has ${count} guests, ${expected} were expected from the collection before`;
}

function lost(guests: ReadonlyMap<Uuid, number>, expected: ExpectedGuests): Suspicion["pool"] {
  const before = sum(expected.values());
  const now = sum(guests.values());
  if (before - now < poolLoss.guests || before - now <= before * poolLoss.share) return null;
  return {
    measured: `${now} guests run where ${before} ran at the collection before`,
    limit: `${Math.round(poolLoss.share * 100)} % fewer`,
  };
}

function tooMany(suspects: number, candidates: number): Suspicion["pool"] {
  if (suspects === 0 || suspects <= candidates * suspectShare) return null;
  return {
    measured: `${suspects} of ${plural(candidates, "host")} ${suspects === 1 ? "is" : "are"} suspect`,
    limit: "a third of them",
  };
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** Running VMs of each host, control domains not counted. */
export function guestCounts({ hosts, vms, placements }: Snapshot): ReadonlyMap<Uuid, number> {
  const places = new InTurn(vms);
  const counts = new Map(hosts.map((host) => [host.uuid, 0]));
  for (const { hostUuid, vmUuid } of placements) {
    if (vms[places.placeOf(vmUuid)]?.isControlDomain === false)
      counts.set(hostUuid, (counts.get(hostUuid) ?? 0) + 1);
  }
  return counts;
}
