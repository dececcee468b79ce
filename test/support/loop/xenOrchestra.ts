/** Xen Orchestra's load balancer in the loop, restated: a pass a minute, by averages of its own. */
import type { DecisionInput } from "../../../src/decide/assess.ts";
import type { Snapshot, Uuid } from "../../../src/domain/pool.ts";
import type { Decide } from "../../../src/rehearse/decide.ts";
import { xenOrchestraPass } from "../plan/others.ts";
import type { Policy } from "./policies.ts";

const historyMinutes = 30;
const cooldownSeconds = 30 * 60;

/** What it judges by: three parts of the last minute, one of the last half hour. */
function blended(snapshots: readonly Snapshot[]): Snapshot | null {
  const [newest] = snapshots;
  if (newest === undefined) return null;
  const hosts = snapshots.map((each) => new Map(each.hosts.map((host) => [host.uuid, host.cpuAverage])));
  const vms = snapshots.map((each) => new Map(each.vms.map((vm) => [vm.uuid, vm.vcpuAverage])));
  const blend = (now: number | null, history: readonly ReadonlyMap<Uuid, number | null>[], uuid: Uuid) => {
    const values = history.flatMap((each) => each.get(uuid) ?? []);
    const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    return now === null ? null : 0.75 * now + 0.25 * mean;
  };
  return {
    ...newest,
    hosts: newest.hosts.map((host) => ({ ...host, cpuAverage: blend(host.cpuAverage, hosts, host.uuid) })),
    vms: newest.vms.map((vm) => ({ ...vm, vcpuAverage: blend(vm.vcpuAverage, vms, vm.uuid) })),
  };
}

function decideLike(preventive: boolean): Decide {
  const history: { readonly snapshot: Snapshot; readonly at: number }[] = [];
  return ({ stored, controlState, rules }: DecisionInput) => {
    if (stored === null) return { moves: [], gate: null, fired: [] };
    const at = stored.collection.startedAt.getTime() / 60_000;
    history.unshift({ snapshot: stored.snapshot, at });
    while ((history.at(-1)?.at ?? at) <= at - historyMinutes) history.pop();
    const snapshot = blended(history.map((each) => each.snapshot));
    if (snapshot === null) return { moves: [], gate: null, fired: [] };
    const now = new Map(stored.snapshot.hosts.map(({ uuid, cpuAverage }) => [uuid, cpuAverage ?? 0]));
    const resting = new Set(
      controlState.recent
        .filter(({ finishedSecondsAgo }) => (finishedSecondsAgo ?? 0) < cooldownSeconds)
        .map(({ vm }) => vm),
    );
    const lastMinute = (host: Uuid) => now.get(host) ?? 0;
    const moves = xenOrchestraPass({ snapshot, preventive, lastMinute, resting });
    return {
      moves: moves.map((move, index) => ({ ...move, rule: null, after: index < 2 ? [] : [index - 2] })),
      gate: null,
      fired: moves.length > 0 ? rules : [],
    };
  };
}

const unlimited = {
  snapshotMaxAgeSeconds: Number.POSITIVE_INFINITY,
  maxMovesPerRun: Number.POSITIVE_INFINITY,
  maxMovesPerHour: Number.POSITIVE_INFINITY,
};

/** Its performance plan without and with the option "preventive". */
export const xenOrchestraPolicies: readonly Policy[] = [false, true].map((preventive) => ({
  name: `Xen Orchestra, ${preventive ? "preventive" : "performance"}`,
  settings: (settings) => ({ ...settings, ...unlimited }),
  decide: () => decideLike(preventive),
  everySeconds: 60,
}));
