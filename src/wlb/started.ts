/**
 * VMs that were asked for since the collection: by now they may run where they were advised to, and no collection tells.
 * Who is asked for next must not be sent beside one of its own group because of that, nor into memory that is taken. Pure.
 */
import type { Snapshot, Uuid, Vm } from "../domain/pool.ts";
import { companyOf } from "../planner/place/company.ts";
import type { RankOptions } from "../planner/place/ranking.ts";
import { bytes, plural } from "../text/format.ts";
import type { HostStars } from "../wlbProtocol/answer.ts";

/** Where a VM was advised to start. */
export interface AdvisedStart {
  readonly vm: Vm;
  readonly host: Uuid;
}

/** The host that a pool starts the VM on by these stars: the one that has most; null where none has any. */
export function advisedHost(stars: readonly HostStars[]): Uuid | null {
  const best = stars.reduce<HostStars | null>((a, b) => (a !== null && a.stars >= b.stars ? a : b), null);
  return best === null || best.stars <= 0 ? null : best.host;
}

/** What is left of stars where a group is crowded or parted, as PLACE VM has it: from 31 to 45 of 100. */
const crowdedLeast = 1.55;
const crowdedSpan = 0.7 / 5;

/** The stars of `vm` with the starts made; hosts that none of them concerns keep theirs. */
export function starsBeside(
  stars: readonly HostStars[],
  vm: Vm,
  starts: readonly AdvisedStart[],
  snapshot: Snapshot,
  tags: Pick<RankOptions, "affinityTags" | "antiAffinityTags">,
): readonly HostStars[] {
  const others = starts.filter((start) => start.vm.uuid !== vm.uuid);
  if (others.length === 0) return stars;
  const started = others.map(({ vm: { uuid }, host }) => ({ vmUuid: uuid, hostUuid: host }));
  const hosts = new Map(snapshot.hosts.map((host) => [host.uuid.toLowerCase(), host]));
  const isSingle = vm.antiAffinityGroups.length === 0 && vm.tags.length === 0;
  const placements = isSingle ? [] : [...lowered(snapshot.placements), ...started];
  const company = companyOf({ ...snapshot, placements }, vm, tags);
  return stars.map((each): HostStars => {
    if (each.stars <= 0) return each;
    const here = others.filter(({ host }) => host === each.host);
    const taken = here.reduce((sum, other) => sum + (other.vm.placementBytes ?? 0), 0);
    const free = (hosts.get(each.host)?.placementFreeBytes ?? Number.POSITIVE_INFINITY) - taken;
    if (here.length > 0 && free < (vm.placementBytes ?? 0)) {
      const [needs, has] = [bytes(vm.placementBytes ?? 0, "MB"), bytes(Math.max(0, free), "MB")];
      const who = `${plural(here.length, "VM")} that ${here.length === 1 ? "was" : "were"} just asked for`;
      return {
        host: each.host,
        stars: 0,
        reason: `not enough memory: needs ${needs}, has ${has} free beside ${who}`,
      };
    }
    const { groups, parted } = company(each.host);
    const isApart = parted.length === 0 && !groups.some(({ crowded }) => crowded);
    return isApart ? each : { ...each, stars: Math.min(each.stars, crowdedLeast + crowdedSpan * each.stars) };
  });
}

/** As stars name hosts. */
function lowered(placements: Snapshot["placements"]): Snapshot["placements"] {
  return placements.map(({ vmUuid, hostUuid }) => ({ vmUuid, hostUuid: hostUuid.toLowerCase() as Uuid }));
}
