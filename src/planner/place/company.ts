/** Which VMs a VM would meet on a host: those that it is kept apart from, and those that it stays with. Pure. */
import { takesPart } from "../../domain/deviation.ts";
import type { Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import type { RankedGroup, RankOptions } from "./ranking.ts";

export interface Company {
  readonly groups: readonly RankedGroup[];
  readonly companions: readonly string[];
  readonly parted: readonly string[];
}

/** The company of `vm` by host; itself is not counted, wherever it runs. What hosts share is worked out once. */
export function companyOf(
  snapshot: Snapshot,
  vm: Vm,
  { affinityTags = [], antiAffinityTags = [] }: Pick<RankOptions, "affinityTags" | "antiAffinityTags">,
): (host: Uuid) => Company {
  const own = groupsOf(vm, antiAffinityTags);
  const tags = vm.tags.filter((tag) => affinityTags.includes(tag));
  if (own.length === 0 && tags.length === 0) return () => alone;
  const others = runningOthers(snapshot, vm);
  const remaining = Math.max(1, snapshot.hosts.filter(takesPart).length);
  const groups = own.map((name) => {
    const members = others.filter((each) => groupsOf(each.vm, antiAffinityTags).includes(name));
    return { name, members, most: Math.max(1, Math.ceil((members.length + 1) / remaining)) };
  });
  const tagged = tags.map((tag) => ({ tag, members: others.filter((each) => each.vm.tags.includes(tag)) }));
  return (host) => {
    const here = tagged.filter(({ members }) => members.some((each) => each.host === host));
    const elsewhere = tagged.filter((each) => !here.includes(each) && each.members.length > 0);
    return {
      groups: groups.map(({ name, members, most }): RankedGroup => {
        const there = members.filter((each) => each.host === host).length;
        return { name, members: there, crowded: there + 1 > most };
      }),
      companions: here.map(({ tag }) => tag),
      parted: elsewhere.map(({ tag }) => tag),
    };
  };
}

const alone: Company = { groups: [], companions: [], parted: [] };

function runningOthers(
  { vms, placements }: Snapshot,
  { uuid }: Vm,
): readonly { readonly vm: Vm; readonly host: Uuid }[] {
  const known = new Map(vms.map((each) => [each.uuid, each]));
  return placements.flatMap(({ vmUuid, hostUuid }) => {
    const vm = known.get(vmUuid);
    return vm === undefined || vmUuid === uuid ? [] : [{ vm, host: hostUuid }];
  });
}

/** As the planner has them: xapi's groups, and tags that stand for one. */
function groupsOf(vm: Vm, tags: readonly string[]): readonly string[] {
  return [
    ...vm.antiAffinityGroups,
    ...vm.tags.filter((tag) => tags.includes(tag)).map((tag) => `tag ${tag}`),
  ];
}
