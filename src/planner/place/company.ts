/** Which VMs a VM would meet on a host: those that it is kept apart from, and those that it stays with. Pure. */
import { takesPart } from "../../domain/deviation.ts";
import type { Snapshot, Uuid, Vm } from "../../domain/pool.ts";
import type { RankedGroup, RankOptions } from "./ranking.ts";

export interface Company {
  readonly groups: readonly RankedGroup[];
  readonly companions: readonly string[];
  readonly parted: readonly string[];
}

/** The company of `vm` on `host`; itself is not counted, wherever it runs. */
export function groupSpread(
  snapshot: Snapshot,
  vm: Vm,
  host: Uuid,
  { affinityTags = [], antiAffinityTags = [] }: RankOptions,
): Company {
  const others = runningOthers(snapshot, vm);
  const remaining = Math.max(1, snapshot.hosts.filter(takesPart).length);
  const groups = groupsOf(vm, antiAffinityTags).map((name): RankedGroup => {
    const members = others.filter((each) => groupsOf(each.vm, antiAffinityTags).includes(name));
    const there = members.filter((each) => each.host === host).length;
    const most = Math.max(1, Math.ceil((members.length + 1) / remaining));
    return { name, members: there, crowded: there + 1 > most };
  });
  const tags = vm.tags.filter((tag) => affinityTags.includes(tag));
  const isThere = (tag: string) => others.some((each) => each.host === host && each.vm.tags.includes(tag));
  const isAnywhere = (tag: string) => others.some((each) => each.vm.tags.includes(tag));
  return {
    groups,
    companions: tags.filter(isThere),
    parted: tags.filter((tag) => !isThere(tag) && isAnywhere(tag)),
  };
}

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
