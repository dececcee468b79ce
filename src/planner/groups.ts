/** Anti-affinity groups as counts a host: how many members it holds and how many it may hold. Pure. */
import type { Vm } from "../domain/pool.ts";

export interface Groups {
  readonly names: readonly string[];
  /** Groups of VM v: `members[first[v]]` up to before `first[v + 1]`. */
  readonly first: Int32Array;
  readonly members: Int32Array;
  /** Members on a host at the start and the most it may hold, at group * H + host; immovable members count too. */
  readonly count: Int32Array;
  readonly limit: Int32Array;
  /** Members on a host that cannot move. */
  readonly fixed: Int32Array;
  /** The host that is to be emptied, whose members must go somewhere even where that crowds others; -1 where none is. */
  readonly emptied: number;
}

/**
 * A host may hold one member; where there are more members than hosts, its even share; where it holds more already,
 * as many as now. Beside that no step may make the spread less even: see State.fullGroup.
 */
export function groupsOf(
  placed: readonly { readonly vm: Vm; readonly host: number }[],
  movable: readonly Vm[],
  H: number,
  tags: readonly string[],
): Groups {
  const sizes = new Map<string, number>();
  for (const { vm } of placed) {
    for (const name of namesOf(vm, tags)) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  }
  const names = [...sizes.keys()].filter((name) => (sizes.get(name) ?? 0) > 1);
  const index = new Map(names.map((name, g) => [name, g]));
  const groups = (vm: Vm): number[] =>
    namesOf(vm, tags).flatMap((name) => {
      const g = index.get(name);
      return g === undefined ? [] : [g];
    });
  const count = new Int32Array(names.length * H);
  const fixed = new Int32Array(names.length * H);
  if (names.length === 0)
    return {
      names,
      first: new Int32Array(movable.length + 1),
      members: new Int32Array(0),
      count,
      limit: count,
      fixed,
      emptied: -1,
    };
  const moving = new Set(movable);
  for (const { vm, host } of placed) {
    for (const g of groups(vm)) {
      count[g * H + host] = (count[g * H + host] ?? 0) + 1;
      if (!moving.has(vm)) fixed[g * H + host] = (fixed[g * H + host] ?? 0) + 1;
    }
  }
  const limit = count.map((held, at) => {
    const size = sizes.get(names[Math.floor(at / H)] ?? "") ?? 0;
    return Math.max(held, Math.ceil(size / H), 1);
  });
  const first = new Int32Array(movable.length + 1);
  const members: number[] = [];
  movable.forEach((vm, v) => {
    members.push(...groups(vm));
    first[v + 1] = members.length;
  });
  return { names, first, members: Int32Array.from(members), count, limit, fixed, emptied: -1 };
}

function namesOf(vm: Vm, tags: readonly string[]): string[] {
  if (vm.antiAffinityGroups.length === 0 && tags.length === 0) return [];
  return [
    ...new Set([
      ...vm.antiAffinityGroups,
      ...vm.tags.filter((tag) => tags.includes(tag)).map((tag) => `tag ${tag}`),
    ]),
  ];
}
