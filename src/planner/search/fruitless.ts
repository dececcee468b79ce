/**
 * Searches that found nothing, remembered from run to run: where the same rules ask the same of the same pool again, what
 * was searched through in vain is not searched whole again. Pure.
 *
 * The same pool: rules, settings, which hosts break which rule, places, memory, pairs that are barred or banned and all
 * else that allows or forbids a migration are equal to the letter, and no host's and no VM's load by the rules differs by
 * more than a part of the largest host's. Whatever differs more is searched whole; so is everything after an hour, since
 * loads that wander within that part may open a way all the same. And even then a tenth of the search is made, of the pool
 * as it is now: the first plans and the proofs are made in any case.
 */
import type { FruitlessSearch, Searched } from "../../domain/controlState.ts";
import { withDerived } from "../../domain/derived.ts";
import { evaluate, takesPart, termValue } from "../../domain/deviation.ts";
import { InTurn } from "../../domain/inTurn.ts";
import type { Host, Snapshot, Vm } from "../../domain/pool.ts";
import { type Rule, type Term, termsOf } from "../../domain/rule.ts";
import { termCapacity, termWeight } from "../../domain/weight.ts";
import { printRule } from "../../rules/print.ts";
import { immovability } from "../facts.ts";
import type { Plan, PlanOptions, SearchBefore } from "../plan.ts";
import { byUuid } from "../problem.ts";

/** When a search that was in vain is not made whole again, and what of it is. */
export const inVain = {
  /** How much loads may differ, as a part of the largest host's. */
  loads: 0.02,
  /** After so long it is searched whole again. */
  seconds: 3600,
  /** Part of the budget that is spent. */
  budget: 0.1,
};

/** Whether the plan was searched for and moves nothing though something stays broken that is not proved to. */
export function isFruitless({ moves, unresolved, searched }: Plan): boolean {
  return moves.length === 0 && searched && unresolved.some(({ proof }) => proof === null);
}

/** What a search of `snapshot` hangs on. */
export function searchedOf(snapshot: Snapshot, rules: readonly Rule[], options: PlanOptions): Searched {
  const hosts = withDerived(snapshot).hosts.toSorted(byUuid);
  const vms = snapshot.vms.toSorted(byUuid);
  const homes = new Map(hosts.map((host) => [host.uuid, host]));
  const places = new InTurn(vms);
  const placed = snapshot.placements
    .flatMap(({ vmUuid, hostUuid }) => {
      const vm = vms[places.placeOf(vmUuid)];
      return vm === undefined ? [] : [{ uuid: vmUuid, vm, host: homes.get(hostUuid) }];
    })
    .sort(byUuid);
  const text = [
    ...rules.map((rule) => ruleText(rule, hosts, options)),
    settingsText(options),
    ...hosts.map((host) => hostText(host, options)),
    ...placed.map(({ vm, host }) => vmText(vm, host, options)),
    ...snapshot.infeasiblePairs.map(({ vmUuid, hostUuid }) => `${vmUuid}>${hostUuid}`).sort(),
    "banned",
    ...[...options.bannedPairs.keys()].sort(),
  ].join("\n");
  const loads = rules
    .flatMap(termsOf)
    .map((term) => [
      ...hosts.map((host) => (takesPart(host) ? rounded(termValue(host, term)) : null)),
      ...placed.map(({ vm, host }) => rounded(partOf(vm, host, term))),
    ]);
  return { digest: digestOf(text), loads };
}

/**
 * What of `wholeMs` is to be spent on a search that `known` tells to be in vain; null where it is to be made whole.
 */
export function searchBefore(
  known: FruitlessSearch | null | undefined,
  snapshot: Snapshot,
  rules: readonly Rule[],
  options: PlanOptions,
  wholeMs: number,
): SearchBefore | null {
  if (known === null || known === undefined || known.secondsAgo >= inVain.seconds) return null;
  const now = searchedOf(snapshot, rules, options);
  if (now.digest !== known.digest || !areAlike(now.loads, known.loads, snapshot.hosts.length)) return null;
  return {
    secondsAgo: known.secondsAgo,
    milliseconds: Math.ceil(inVain.budget * wholeMs),
    wholeMilliseconds: wholeMs,
  };
}

type TermLoads = Searched["loads"];

function areAlike(now: TermLoads, then: TermLoads, hosts: number): boolean {
  if (now.length !== then.length) return false;
  return now.every((values, term) => {
    const before = then[term] ?? [];
    if (before.length !== values.length) return false;
    const most = before.slice(0, hosts).reduce<number>((sum, each) => Math.max(sum, Math.abs(each ?? 0)), 0);
    return values.every((value, place) => {
      const old = before[place] ?? null;
      return value === null || old === null ? value === old : Math.abs(value - old) <= inVain.loads * most;
    });
  });
}

function ruleText(rule: Rule, hosts: readonly Host[], { suppressed, floors }: PlanOptions): string {
  const { verdicts } = evaluate(hosts, rule);
  const broken = verdicts.flatMap(({ hostUuid, broken }) =>
    broken ? [`${hostUuid}${suppressed?.(hostUuid, rule) ? " not yet" : ""}`] : [],
  );
  return [printRule(rule), ...termsOf(rule).map((_, place) => floors?.(rule, place)), ...broken.sort()].join(
    " ",
  );
}

function settingsText(options: PlanOptions): string {
  const { maxMoves, headroomBytes, seed, budgetMs, targetFraction, noisePercent, momentaryWorsening } =
    options;
  const { affinityTags, antiAffinityTags } = options;
  return JSON.stringify([
    [maxMoves, headroomBytes, seed, budgetMs, targetFraction, noisePercent, momentaryWorsening],
    [affinityTags, antiAffinityTags],
  ]);
}

function hostText(host: Host, { movesLeftOf }: PlanOptions): string {
  const { uuid, cpuNum, cpuSpeed, memoryTotalMb, placementFreeBytes } = host;
  const left = movesLeftOf?.(uuid);
  return JSON.stringify([uuid, takesPart(host), cpuNum, cpuSpeed, memoryTotalMb, placementFreeBytes, left]);
}

function vmText(vm: Vm, host: Host | undefined, { bannedVms }: PlanOptions): string {
  const { uuid, vcpuNum, placementBytes, copyBytes, isControlDomain, tags, antiAffinityGroups } = vm;
  const stays = immovability(vm) !== null || bannedVms.has(uuid);
  const figures = [vcpuNum, placementBytes, copyBytes, isControlDomain, stays];
  return JSON.stringify([uuid, host?.uuid, figures, tags, antiAffinityGroups]);
}

/** What of the host's value is the VM's; of one that is nowhere, nothing. */
function partOf(vm: Vm, host: Host | undefined, term: Term): number | null {
  const size = host === undefined ? null : termCapacity(host, term);
  const weight = termWeight(vm, term);
  return size === null || weight === null ? null : weight / size;
}

/** To four digits: ten thousand VMs are then some 100 KB. */
function rounded(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(4));
}

/** 128 bits of four FNV-1a sums of 32 bits each, which begin differently; of accidents alone two texts never share them. */
function digestOf(text: string): string {
  const sums = Uint32Array.of(0x811c9dc5, 0x1b873593, 0xcc9e2d51, 0x9e3779b9);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    for (let n = 0; n < 4; n++) sums[n] = Math.imul((sums[n] ?? 0) ^ (code + n), 0x01000193 + 2 * n);
  }
  return [...sums].map((sum) => sum.toString(16).padStart(8, "0")).join("");
}
