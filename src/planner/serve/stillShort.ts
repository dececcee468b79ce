/**
 * Why hosts stay short of CPUs when the plan is made: what each of their VMs could save elsewhere, and what keeps it. Told
 * by what the moves were chosen by (`serve.ts`), so that neither can contradict the other; it decides nothing. Pure.
 */
import type { Uuid } from "../../domain/pool.ts";
import type { Refusal, RefusalCode, ServeOffer, StillShort } from "../plan.ts";
import { limitOf, type State } from "../state.ts";
import { absentRefusals, describe, obstacleBesideRules, perHost } from "../tell/explain.ts";
import { easiestFirst, rate, type ServedHosts, savedMinutes, triedHosts } from "./serve.ts";

/** CPU-minutes that count: less is rounding. */
export const noticeable = 0.05;

const gibibyte = 1024 ** 3;

/** What there is to know beside the sums and the state, both of which stand behind the moves that serve. */
export interface Circumstances {
  /** Hosts that take no part. */
  readonly absent: readonly Uuid[];
  /** That no more moves may be made. */
  readonly limited: boolean;
}

/** The hosts that are short, the worst first, each with the reasons. */
export function stillShort(
  state: State,
  sums: ServedHosts,
  { absent, limited }: Circumstances,
): readonly StillShort[] {
  const { H, hosts } = state.problem;
  const easiest = easiestFirst(sums, H);
  const short = Array.from({ length: H }, (_, h) => h).filter((h) => sums.shortage(h) >= noticeable);
  return short
    .sort((a, b) => sums.shortage(b) - sums.shortage(a) || a - b)
    .flatMap((h) => {
      const host = hosts[h];
      return host === undefined
        ? []
        : [
            {
              host: host.uuid,
              minutes: sums.shortage(h),
              limited,
              ...reasons(state, sums, h, easiest, absent),
            },
          ];
    });
}

function reasons(
  state: State,
  sums: ServedHosts,
  h: number,
  easiest: readonly number[],
  absent: readonly Uuid[],
): Pick<StillShort, "offers" | "forbidden" | "refusals"> {
  const offers: ServeOffer[] = [];
  let forbidden: StillShort["forbidden"] = null;
  const refusals: Refusal[] = state.problem.stuck.flatMap(({ vm, host, code, reason }) =>
    host === h && !vm.isControlDomain ? [{ vm: vm.uuid, host: null, code, reason }] : [],
  );
  for (let v = state.first(h); v >= 0; v = state.after(v)) {
    const vm = state.problem.vms[v]?.uuid;
    if (vm === undefined) continue;
    const obstacle = whyFixed(state, sums, v, h);
    if (obstacle !== null) {
      refusals.push({ vm, host: null, ...obstacle });
      continue;
    }
    const found = destinations(state, sums, v, h, easiest);
    if (found.best !== null) offers.push(found.best);
    for (const [code, hosts] of found.refused) refusals.push(...perHost(state, v, code, hosts, limitOf));
    refusals.push(...absentRefusals(vm, absent));
    if (found.forbidden === null) continue;
    const { code, to, ...offer } = found.forbidden;
    if (forbidden === null || offer.perGigabyte > forbidden.perGigabyte)
      forbidden = { ...offer, code, reason: describe(state, v, to, code, limitOf) };
  }
  return { offers: offers.sort((a, b) => b.perGigabyte - a.perGigabyte), forbidden, refusals };
}

/** What keeps the VM from every host alike; null where nothing does. */
function whyFixed(
  state: State,
  sums: ServedHosts,
  v: number,
  h: number,
): Pick<Refusal, "code" | "reason"> | null {
  const { home, movesLeft } = state.problem;
  if (home[v] !== h) return { code: "banned", reason: "the plan has just moved it" };
  if (sums.problem.vms[v] === null)
    return { code: "unknown", reason: "it is not known what it wants of the CPUs" };
  if ((state.taken[h] ?? 0) < (movesLeft[h] ?? 0)) return null;
  return {
    code: "spent",
    reason: `its host takes part in as many moves as it may for now, ${movesLeft[h]} (ControlMaxMovesPerHost)`,
  };
}

interface Destinations {
  readonly best: ServeOffer | null;
  readonly forbidden: (ServeOffer & { readonly code: RefusalCode; readonly to: number }) | null;
  readonly refused: ReadonlyMap<RefusalCode, readonly number[]>;
}

/** The VM's best move, the best of those that are not possible but would be worth it, and who refuses it for what. */
function destinations(
  state: State,
  sums: ServedHosts,
  v: number,
  h: number,
  easiest: readonly number[],
): Destinations {
  const relief = sums.shortage(h) - sums.after(h, v, -1);
  const refused = new Map<RefusalCode, number[]>();
  const best = { to: -1, saves: Number.NEGATIVE_INFINITY };
  const forbidden = { to: -1, saves: sums.problem.worth, code: "rule" as RefusalCode };
  const gigabytes = gigabytesOf(state, v);
  // No destination makes more of it than this, but for rounding.
  const most = rate({ minutes: relief + noticeable, gigabytes }, sums.problem);
  let tried = 0;
  for (const to of easiest) {
    if (to === h) continue;
    const code = stepObstacle(state, v, to);
    if (code === null) {
      if (++tried > triedHosts) continue;
    } else {
      const others = refused.get(code);
      if (others === undefined) refused.set(code, [to]);
      else others.push(to);
      if (most <= sums.problem.worth) continue;
    }
    const saves = rate({ minutes: savedMinutes(sums, v, h, to, relief), gigabytes }, sums.problem);
    if (code === null) {
      if (best.to < 0 || saves > best.saves) Object.assign(best, { to, saves });
    } else if (saves > forbidden.saves) Object.assign(forbidden, { to, saves, code });
  }
  const offer = (to: number) => offerOf(state, sums, v, h, to, relief);
  const { to, code } = forbidden;
  return {
    best: best.to < 0 ? null : offer(best.to),
    forbidden: to < 0 ? null : { ...offer(to), code, to },
    refused,
  };
}

function offerOf(
  state: State,
  sums: ServedHosts,
  v: number,
  from: number,
  to: number,
  relief: number,
): ServeOffer {
  const { vms, hosts } = state.problem;
  const [vm, host] = [vms[v], hosts[to]];
  if (vm === undefined || host === undefined) throw new Error("a step of no VM or host");
  const saved = savedMinutes(sums, v, from, to, relief);
  const gigabytes = gigabytesOf(state, v);
  return {
    vm: vm.uuid,
    destination: host.uuid,
    savedMinutes: saved,
    gigabytes,
    overheadGigabytes: sums.problem.overheadGigabytes,
    perGigabyte: rate({ minutes: saved, gigabytes }, sums.problem),
  };
}

function gigabytesOf({ problem: { cost } }: State, v: number): number {
  return (cost[v] ?? 0) / gibibyte;
}

/** What forbids this one step, by the rules themselves; null where it may be made. */
function stepObstacle(state: State, v: number, d: number): RefusalCode | null {
  return obstacleBesideRules(state, v, d) ?? (state.stepFits(v, d) ? null : "rule");
}
