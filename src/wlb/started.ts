/**
 * VMs that were asked for since the collection: by now they may run where they were advised to, and no collection tells.
 * Who is asked for next must not be sent beside one of its own group because of that, nor into memory that is taken, nor
 * all to the one host that was the best before the first of them came. Pure.
 */
import type { Host, Snapshot, Uuid, Vm } from "../domain/pool.ts";
import { companyOf } from "../planner/place/company.ts";
import type { RankOptions } from "../planner/place/ranking.ts";
import { cpusOf } from "../planner/serve/hostDemands.ts";
import { bytes, plural } from "../text/format.ts";
import type { HostStars } from "../wlbProtocol/answer.ts";
import { fewestStars } from "./placement.ts";

/** Where a VM was advised to start. */
export interface AdvisedStart {
  readonly vm: Vm;
  readonly host: Uuid;
  /** CPUs that it wanted when it last ran, in those of the pool's fastest host; 0 where nobody knows. */
  readonly cpus: number;
}

/** The host that a pool starts the VM on by these stars: the one that has most; null where none has any. */
export function advisedHost(stars: readonly HostStars[]): Uuid | null {
  const best = stars.reduce<HostStars | null>((a, b) => (a !== null && a.stars >= b.stars ? a : b), null);
  return best === null || best.stars <= 0 ? null : best.host;
}

/** From a full host to an idle one, where the VM breaks nothing: 61 to 100 of what PLACE VM has. */
const starsOfHost = 1.95;
/** What is left of stars where a group is crowded or parted, or less than the headroom free: from 31 to 45 of 100. */
const crowdedLeast = 1.55;
const crowdedSpan = 0.7 / 5;
/** As fine as stars are told. */
const tick = 0.01;

type BesideOptions = Pick<RankOptions, "affinityTags" | "antiAffinityTags" | "headroomBytes">;

/**
 * The stars of `vm` with the starts made; hosts that none of them concerns keep theirs. A host on which some were advised to
 * start has fewer by the part of its memory or its CPUs that they take, whichever is more: so much less is left of it.
 */
export function starsBeside(
  stars: readonly HostStars[],
  vm: Vm,
  starts: readonly AdvisedStart[],
  snapshot: Snapshot,
  options: BesideOptions,
): readonly HostStars[] {
  const others = starts.filter((start) => start.vm.uuid !== vm.uuid);
  if (others.length === 0) return stars;
  const started = others.map(({ vm: { uuid }, host }) => ({ vmUuid: uuid, hostUuid: host }));
  const hosts = new Map(snapshot.hosts.map((host) => [host.uuid.toLowerCase(), host]));
  const startsOn = startsByHost(others);
  const isSingle = vm.antiAffinityGroups.length === 0 && vm.tags.length === 0;
  const placements = isSingle ? [] : [...lowered(snapshot.placements), ...started];
  const company = companyOf({ ...snapshot, placements }, vm, options);
  const beside = stars.map((each): HostStars => {
    const [host, taken] = [hosts.get(each.host), startsOn.get(each.host)];
    if (each.stars <= 0 || host === undefined) return each;
    const { groups, parted } = company(each.host);
    const isApart = parted.length === 0 && !groups.some(({ crowded }) => crowded);
    const left = taken === undefined ? each : leftOf(each, vm, host, taken, options);
    return isApart ? left : { ...left, stars: crowdedStars(left.stars) };
  });
  return withOneFirst(beside);
}

/** What was advised to start on one host takes, in all. */
interface StartsOnHost {
  readonly vms: number;
  readonly bytes: number;
  readonly cpus: number;
}

function startsByHost(starts: readonly AdvisedStart[]): ReadonlyMap<Uuid, StartsOnHost> {
  const sums = new Map<Uuid, StartsOnHost>();
  for (const { vm, host, cpus } of starts) {
    const sum = sums.get(host) ?? { vms: 0, bytes: 0, cpus: 0 };
    sums.set(host, {
      vms: sum.vms + 1,
      bytes: sum.bytes + (vm.placementBytes ?? 0),
      cpus: sum.cpus + cpus,
    });
  }
  return sums;
}

function leftOf(
  each: HostStars,
  vm: Vm,
  host: Host,
  taken: StartsOnHost,
  { headroomBytes }: BesideOptions,
): HostStars {
  const need = vm.placementBytes ?? 0;
  const free = (host.placementFreeBytes ?? Number.POSITIVE_INFINITY) - taken.bytes;
  if (free < need) {
    const [needs, has] = [bytes(need, "MB"), bytes(Math.max(0, free), "MB")];
    const who = `${plural(taken.vms, "VM")} that ${taken.vms === 1 ? "was" : "were"} just asked for`;
    return {
      host: each.host,
      stars: 0,
      reason: `not enough memory: needs ${needs}, has ${has} free beside ${who}`,
    };
  }
  const part = Math.max(
    share(taken.bytes, (host.memoryTotalMb ?? 0) * 1024 ** 2),
    share(taken.cpus, cpusOf(host)),
  );
  const stars = Math.max(fewestStars, each.stars - starsOfHost * part);
  return { ...each, stars: free - need < headroomBytes ? crowdedStars(stars) : stars };
}

function share(taken: number, whole: number): number {
  return whole > 0 ? taken / whole : 0;
}

function crowdedStars(stars: number): number {
  return Math.min(stars, stars <= 0 ? 0 : crowdedLeast + crowdedSpan * stars);
}

/** Of hosts with as many stars a pool takes any: the first of them has more. */
function withOneFirst(stars: readonly HostStars[]): readonly HostStars[] {
  const first = advisedHost(stars);
  const most = stars.find(({ host }) => host === first)?.stars ?? 0;
  return stars.map((each) =>
    each.host === first || each.stars <= most - tick ? each : { ...each, stars: Math.max(0, most - tick) },
  );
}

/** As stars name hosts. */
function lowered(placements: Snapshot["placements"]): Snapshot["placements"] {
  return placements.map(({ vmUuid, hostUuid }) => ({ vmUuid, hostUuid: hostUuid.toLowerCase() as Uuid }));
}
