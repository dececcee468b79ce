/** Why a pair stays broken: each VM of the host with what keeps it there, and the one limit that decides. Pure. */
import { isSource, subjectFacts } from "../../domain/rule.ts";
import { bytes, plural } from "../../text/format.ts";
import type { Proof, Refusal, RefusalCode } from "../plan.ts";
import { type Problem, weightOn } from "../problem.ts";
import { aimOf, limitOf, type State } from "../state.ts";
import { amount, measured, rounded, ruleName, subjectName } from "./figures.ts";

/** What is proved of the pair. */
export interface Proved {
  readonly proof: Proof | null;
  /** Of the pair itself, not only of how many are left. */
  readonly alone: boolean;
  /** Because there is no room elsewhere. */
  readonly noRoom: boolean;
}

export interface BreachReason {
  readonly reason: string;
  readonly refusals: readonly Refusal[];
}

/** What keeps the pair of host `h` and rule `r` broken in `state`. */
export function explain(
  state: State,
  h: number,
  r: number,
  absent: readonly Refusal["host"][],
  proved: Proved,
): BreachReason {
  const { problem } = state;
  const refusals: Refusal[] = [];
  for (const { vm, host, code, reason } of problem.stuck) {
    if (host === h) refusals.push({ vm: vm.uuid, host: null, code, reason });
  }
  for (let v = 0; v < problem.V; v++) {
    if (state.at[v] === h) refusals.push(...vmRefusals(state, v, h, r, absent));
  }
  return { reason: summary(problem, h, r, proved, refusals), refusals };
}

function vmRefusals(
  state: State,
  v: number,
  h: number,
  r: number,
  absent: readonly Refusal["host"][],
): Refusal[] {
  const { problem } = state;
  const vm = problem.vms[v]?.uuid;
  if (vm === undefined) return [];
  const { first, end } = problem;
  const hasPart = problem.weight.subarray(v * problem.R + (first[r] ?? 0), v * problem.R + (end[r] ?? 0));
  if (!hasPart.some((weight) => weight > 0)) {
    const reason = `it has no part in ${subjectName(problem, r)}${whyNone(problem, v, h, r)}`;
    return [{ vm, host: null, code: "no part", reason }];
  }
  const found = new Map<RefusalCode, number[]>();
  for (let d = 0; d < problem.H; d++) {
    if (d === h) continue;
    const code = obstacle(state, v, d);
    const hosts = found.get(code);
    if (hosts === undefined) found.set(code, [d]);
    else hosts.push(d);
  }
  return [
    ...absentRefusals(vm, absent),
    ...[...found].flatMap(([code, hosts]) => perHost(state, v, code, hosts, aimOf)),
  ];
}

/** That no VM comes to a host that takes no part. */
export function absentRefusals(vm: Refusal["vm"], absent: readonly Refusal["host"][]): readonly Refusal[] {
  return absent.map((host) => ({ vm, host, code: "absent", reason: "the host takes no part" }));
}

/** ": none of its interfaces ...", where one reason holds for all subjects of the rule's terms. */
function whyNone({ vms, hosts, terms, first, end }: Problem, v: number, h: number, r: number): string {
  const vm = vms[v];
  if (vm === undefined) return "";
  const eth0 = hosts[h]?.eth0 ?? "eth0";
  const subjects = terms.slice(first[r], end[r]).flatMap((term) => term.subjects);
  const reasons = subjects.map((subject) =>
    isSource(subject) ? null : (subjectFacts[subject].whyNone?.(vm, eth0) ?? null),
  );
  const [reason] = reasons;
  return reason && reasons.every((each) => each === reason) ? `: ${reason}` : "";
}

/** One refusal a host; where many hosts refuse for the same kind of reason, one for all with the first as example. */
export function perHost(
  state: State,
  v: number,
  code: RefusalCode,
  hosts: readonly number[],
  limit: LimitFigure,
): Refusal[] {
  const { problem } = state;
  const vm = problem.vms[v]?.uuid;
  const [first] = hosts;
  if (vm === undefined || first === undefined) return [];
  if (hosts.length > most) {
    return [
      {
        vm,
        host: null,
        code,
        reason: `${plural(hosts.length, "host")}, as: ${describe(state, v, first, code, limit)}`,
      },
    ];
  }
  return hosts.flatMap((d) => {
    const host = problem.hosts[d];
    return host === undefined
      ? []
      : [{ vm, host: host.uuid, code, reason: describe(state, v, d, code, limit) }];
  });
}

/** By what a destination is measured: what plans aim at (`aimOf`), or what the rule itself allows (`limitOf`). */
export type LimitFigure = typeof aimOf;

/** Hosts that are named one by one. */
const most = 8;

/** What keeps `v` from `d` as things stand. */
export function obstacle(state: State, v: number, d: number): RefusalCode {
  return obstacleBesideRules(state, v, d) ?? (state.fit(v, d) < 0 ? "rule" : "not enough");
}

/** What keeps `v` from `d` whatever the rules say of it; null where nothing does. */
export function obstacleBesideRules(state: State, v: number, d: number): RefusalCode | null {
  const { problem } = state;
  if (problem.shut.length > 0 && problem.shut[v * problem.H + d] === 1) {
    return problem.closed.get(v * problem.H + d)?.code ?? "bar";
  }
  const free = state.free[d] ?? 0;
  if (free === Number.NEGATIVE_INFINITY) return "unknown";
  if (free < (problem.need[v] ?? 0)) return "memory";
  if (state.fullGroup(v, d) >= 0) return "apart";
  return state.isSpent(v, d) ? "spent" : null;
}

/** The obstacle in words, with its figures. */
export function describe(
  state: State,
  v: number,
  d: number,
  code: RefusalCode,
  limit: LimitFigure = aimOf,
): string {
  const { problem } = state;
  switch (code) {
    case "memory": {
      const headroom = (problem.hosts[d]?.placementFreeBytes ?? 0) - (problem.free[d] ?? 0);
      const has = bytes((state.free[d] ?? 0) + headroom, "MB");
      return `not enough memory: needs ${bytes(problem.need[v] ?? 0, "MB")} + ${bytes(headroom, "MB")} headroom, has ${has}`;
    }
    case "unknown":
      return problem.blind[d] ?? "the memory it needs or the host has free is unknown";
    case "apart":
      return `the host holds a VM of anti-affinity group ${problem.groups.names[state.fullGroup(v, d)]}`;
    case "rule":
      return ruleObstacle(state, v, d, limit);
    case "spent":
      return `the host takes part in as many moves as it may for now, ${problem.movesLeft[d]}`;
    case "not enough":
      return "it fits there, but with all that may move the host would still break the rule";
    default:
      return problem.closed.get(v * problem.H + d)?.reason ?? code;
  }
}

function ruleObstacle(state: State, v: number, d: number, limit: LimitFigure): string {
  const { problem } = state;
  const { R, inverse, hosts, end } = problem;
  const more = (r: number) => weightOn(problem, v, d, r) * (inverse[d * R + r] ?? 0);
  const after = (r: number) => (state.load[d * R + r] ?? 0) + more(r);
  for (let lead = 0; lead < R; lead = end[lead] ?? R) {
    const own = Array.from({ length: (end[lead] ?? R) - lead }, (_, i) => lead + i);
    const lifted = own.find((r) => more(r) > 0);
    // One term of a chain that is kept keeps the rule.
    if (lifted === undefined || !own.every((r) => after(r) > limit(problem, d * R + r, state.floor[r] ?? 0)))
      continue;
    const name = hosts[d]?.name || hosts[d]?.uuid;
    const verb = state.isOver(d * R + lead) ? "would break worse" : "would break";
    const all = own.map((r) => excessWords(state, d * R + r, after(r), limit));
    return `${name} ${verb} ${ruleName(problem, lead)}: ${all.join(" and ")}`;
  }
  return "it would lower the pool's mean so far that another host breaks a rule";
}

/**
 * "12.3 % above the mean, allowed 10"; of several terms each with its subject. Where a plan keeps below what the rule allows
 * that is told beside it, so that two figures are never taken for two rules.
 */
function excessWords(state: State, pair: number, value: number, limit: LimitFigure): string {
  const { problem } = state;
  const { R, allowed, ceiling, terms, first, end, sign } = problem;
  const [r, floor] = [pair % R, state.floor[pair % R] ?? 0];
  const subject = (end[r] ?? 0) - (first[r] ?? 0) > 1 ? `${subjectName(problem, r)} ` : "";
  const [most, aimed] = [limitOf(problem, pair, floor), limit(problem, pair, floor)];
  const least = sign[r] === -1 ? "at least " : "";
  const isRelative = (ceiling[pair] ?? 0) < aimed && terms[r]?.condition === "more than mean";
  const [base, told] = isRelative
    ? [floor, (each: number) => rounded(each)]
    : [0, (each: number) => rounded(measured(problem, r, each))];
  const target =
    aimed < most ? `, of which plans use ${told(aimed - base)} at most (ControlTargetPercent)` : "";
  if (isRelative) {
    return `${subject}${amount(problem, r, value - floor)} above the mean, allowed ${rounded(allowed[r] ?? 0)}${target}`;
  }
  return `${subject}${amount(problem, r, measured(problem, r, value))}, allowed ${least}${told(most)}${target}`;
}

/** What VMs do that an obstacle keeps: "3 find no memory". */
const words: Readonly<Record<RefusalCode, string>> = {
  immovable: "cannot be moved",
  banned: "are left alone by this run",
  together: "stay with their companions",
  unknown: "have an unknown measure",
  light: "take less than the noise of the measure",
  "no part": "have no part in it",
  absent: "could only go to hosts that take no part",
  bar: "are barred from the other hosts",
  memory: "find no memory",
  apart: "are kept apart from others",
  rule: "would break a rule elsewhere",
  spent: "could only go to hosts that take part in as many moves as they may",
  "not enough": "could move but that is not enough",
};

/** One sentence: how many VMs there are and what keeps most of them. */
function summary(
  problem: Problem,
  h: number,
  r: number,
  proved: Proved,
  refusals: readonly Refusal[],
): string {
  const { vms, parts } = counted(refusals);
  const subject = subjectName(problem, r);
  if (vms === 0) return `${verdict(proved)}: the host has no VM that could be moved`;
  const size = `of its ${plural(vms, "VM")} ${parts.join(", ")}`;
  const largest = largestStaying(problem, h, r);
  const most = largest === null ? "" : `; the largest part of ${subject} is that of ${largest}`;
  return `${verdict(proved)}: ${size}${most}`;
}

/** How many VMs are refused, and what keeps how many of them, the most common first. */
export function counted(refusals: readonly Refusal[]): {
  readonly vms: number;
  readonly parts: readonly string[];
} {
  const ofVm = new Map<string, RefusalCode>();
  for (const { vm, code } of refusals) {
    // Of several hosts the one that comes nearest to taking the VM speaks for it.
    const known = ofVm.get(vm);
    if (known === undefined || nearness.indexOf(code) > nearness.indexOf(known)) ofVm.set(vm, code);
  }
  const counts = new Map<RefusalCode, number>();
  for (const code of ofVm.values()) counts.set(code, (counts.get(code) ?? 0) + 1);
  const parts = [...counts].sort((a, b) => b[1] - a[1]).map(([code, count]) => `${count} ${words[code]}`);
  return { vms: ofVm.size, parts };
}

function verdict({ proof, alone, noRoom }: Proved): string {
  if (proof === null) return "no way was found";
  if (noRoom) return "nothing can clear it, the other hosts have no room for what would have to leave";
  if (proof === "impossible") return "nothing can clear it";
  const what = alone ? "clears it" : "leaves fewer hosts breaking a rule";
  return `no order of moves that never makes a rule worse ${what}`;
}

/** From far to near: the last is closest to a move. */
const nearness: readonly RefusalCode[] = [
  "immovable",
  "banned",
  "together",
  "unknown",
  "no part",
  "absent",
  "bar",
  "memory",
  "apart",
  "rule",
  "spent",
  "not enough",
];

/** Name and figure of the VM of `h` that weighs most on the rule. */
function largestStaying(problem: Problem, h: number, r: number): string | null {
  const { R, weight, inverse, home, vms } = problem;
  let [largest, most] = [-1, 0];
  home.forEach((origin, v) => {
    const part = (weight[v * R + r] ?? 0) * (inverse[h * R + r] ?? 0);
    if (origin === h && part > most) [largest, most] = [v, part];
  });
  const vm = vms[largest];
  return vm === undefined ? null : `${vm.name || vm.uuid}, ${amount(problem, r, most)}`;
}
