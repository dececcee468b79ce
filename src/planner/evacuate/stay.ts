/** Why VMs of a drained host stay there: each with one reason and what every other host says. Pure. */
import type { Snapshot, Uuid } from "../../domain/pool.ts";
import type { Plan, Refusal, RefusalCode } from "../plan.ts";
import type { Housing } from "../search/rehouse.ts";
import { State } from "../state.ts";
import { describe, obstacle } from "../tell/explain.ts";
import type { DrainProblem } from "./drain.ts";

/** A VM that an evacuation leaves where it is. */
export interface Stay {
  readonly vm: Uuid;
  readonly code: RefusalCode;
  /** One sentence. */
  readonly reason: string;
  /** True when no plan whatever gets it away. */
  readonly proved: boolean;
  /** One a host; empty where the reason is the VM's own. */
  readonly refusals: readonly Refusal[];
}

/** The VMs that stay when `housing` is carried out, by uuid. */
export function staysOf(
  snapshot: Snapshot,
  drain: DrainProblem,
  housing: Housing,
  hopeless: ReadonlySet<number>,
  absent: Plan["absent"],
): Stay[] {
  const { problem, source, leaving, pinned } = drain;
  const state = new State(problem);
  state.restore(housing.moves);
  const own = pinned.map(({ vm, code, reason }) => ({
    vm: vm.uuid,
    code,
    reason,
    proved: true,
    refusals: [],
  }));
  const homeless = leaving
    .filter((v) => state.at[v] === source)
    .flatMap((v) => stayOf(snapshot, state, source, v, hopeless.has(v), absent));
  return [...own, ...homeless].sort((a, b) => (a.vm < b.vm ? -1 : 1));
}

function stayOf(
  snapshot: Snapshot,
  state: State,
  source: number,
  v: number,
  proved: boolean,
  absent: Plan["absent"],
): Stay[] {
  const { problem } = state;
  const vm = problem.vms[v]?.uuid;
  if (vm === undefined) return [];
  const names = new Map(snapshot.hosts.map(({ uuid, name }) => [uuid, name || uuid]));
  const refusals = problem.hosts.flatMap((host, d): Refusal[] => {
    if (d === source) return [];
    const code = obstacle(state, v, d);
    return [{ vm, host: host.uuid, code, reason: describe(state, v, d, code) }];
  });
  const away = absent.map(({ host, reason }): Refusal => ({ vm, host, code: "absent", reason }));
  const all = [...refusals, ...away];
  const [first] = all;
  return [{ vm, code: first?.code ?? "absent", reason: sentence(all, names), proved, refusals: all }];
}

/** Hosts that are named one by one. */
const named = 3;

function sentence(refusals: readonly Refusal[], names: ReadonlyMap<Uuid, string>): string {
  if (refusals.length === 0) return "there is no other host";
  const each = refusals.map(({ host, reason }) => `${host === null ? "" : `${names.get(host)}: `}${reason}`);
  const more = each.length > named ? `; and ${each.length - named} more hosts` : "";
  return `no host takes it: ${each.slice(0, named).join("; ")}${more}`;
}
