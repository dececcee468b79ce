/** VMs that stay together: those of one host that share an affinity tag move to the same host. Pure. */

import type { Vm } from "../domain/pool.ts";
import type { Problem } from "../planner/problem.ts";

/**
 * The movable VMs (as indices) in bundles, by their first; a VM without companions is a bundle of its own. A companion of a VM that cannot move does not move.
 */
export function bundlesOf(
  { vms, home, V, stuck }: Problem,
  tags: readonly string[],
  movable: (v: number) => boolean,
): readonly (readonly number[])[] {
  const bundle = new Map<number, number[]>();
  const byTag = new Map<string, number[]>();
  const bundles: number[][] = [];
  const keysOf = (vm: Vm | undefined, host: number | undefined): string[] =>
    (vm?.tags ?? []).filter((tag) => tags.includes(tag)).map((tag) => `${host}>${tag}`);
  const blocked = new Set(stuck.flatMap(({ vm, host }) => keysOf(vm, host)));
  for (let v = 0; v < V; v++) {
    if (!movable(v)) continue;
    const keys = keysOf(vms[v], home[v]);
    if (keys.some((key) => blocked.has(key))) continue;
    const joined = [...new Set(keys.flatMap((key) => byTag.get(key) ?? []))];
    const own = [v];
    for (const list of new Set(joined.map((u) => bundle.get(u) ?? []))) {
      own.push(...list);
      bundles.splice(bundles.indexOf(list), 1);
    }
    own.sort((a, b) => a - b);
    for (const u of own) bundle.set(u, own);
    bundles.push(own);
    for (const key of keys) byTag.set(key, [...(byTag.get(key) ?? []), v]);
  }
  return bundles.sort(([a = 0], [b = 0]) => a - b);
}
