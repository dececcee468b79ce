/**
 * How good a host is for a VM, as one number. Pure.
 *
 * The grade comes first: what breaks a rule is never better than what crowds a group, and that never better than what
 * does neither. Within a grade a VM's home server comes first, where it has one that takes part; then the hosts with
 * fewest members of its anti-affinity groups; then the host that has most left of what it is shortest of.
 */
import { termScale } from "../../domain/deviation.ts";
import type { Uuid } from "../../domain/pool.ts";
import { isMeasuredOnHosts, termsOf } from "../../domain/rule.ts";
import { allowedText, calledRule, inUnit, termOf } from "../../rules/words.ts";
import { bytes, figure, plural } from "../../text/format.ts";
import type { Harm } from "../evacuate/harm.ts";
import type { Grade, RankedHost, RankedRule } from "./ranking.ts";

/** Lowest and highest score of each grade. */
const bands: Readonly<Record<Grade, readonly [least: number, most: number]>> = {
  keeps: [61, 100],
  crowds: [31, 60],
  breaks: [1, 30],
};

/** What a score is made of; figures are with the VM on the host. */
export interface Scored
  extends Pick<
    RankedHost,
    | "host"
    | "isHere"
    | "isHomeServer"
    | "freeBytesAfter"
    | "isTight"
    | "cpuPercentAfter"
    | "rules"
    | "harms"
    | "groups"
    | "companions"
    | "parted"
  > {
  /** Part of the host's memory that is left, 0 to 1; null where unknown. */
  readonly memoryShare: number | null;
  /** Whether the VM has a home server among the hosts that take part. */
  readonly hasHomeServer: boolean;
  readonly headroomBytes: number;
}

/** What is short of by how much, 0 (nothing left) to 1. */
interface Slack {
  readonly of: string;
  readonly share: number;
}

export function scoreOf(scored: Scored): Pick<RankedHost, "score" | "grade" | "reasons"> {
  const grade = gradeOf(scored);
  const slacks = slacksOf(scored);
  const shortest = slacks.reduce<Slack | null>((a, b) => (a === null || b.share < a.share ? b : a), null);
  const least = shortest?.share ?? 1;
  const mean = slacks.length === 0 ? 1 : slacks.reduce((sum, { share }) => sum + share, 0) / slacks.length;
  // What is shortest decides; the rest tells hosts apart that are short of the same.
  const fit = 0.9 * least + 0.1 * mean;
  const [low, high] = bands[grade];
  const part = preferred(scored, fit);
  return {
    score: Math.round((low + (high - low) * part) * 10) / 10,
    grade,
    reasons: [...against(scored), ...inFavour(scored, shortest)],
  };
}

/** The place in the band, 0 to 1: the home server, then the fewest of a group, then what fits. */
function preferred({ hasHomeServer, isHomeServer, groups }: Scored, fit: number): number {
  const members = Math.max(0, ...groups.map((group) => group.members));
  // One member more weighs as much as all that fits.
  const apart = groups.length === 0 ? fit : (2 / (1 + members) + fit) / 3;
  return hasHomeServer ? (isHomeServer ? 0.5 : 0) + 0.5 * apart : apart;
}

function gradeOf({ harms, groups, parted, isTight }: Scored): Grade {
  if (harms.some(({ kind }) => kind !== "unknown")) return "breaks";
  return isTight || parted.length > 0 || groups.some(({ crowded }) => crowded) ? "crowds" : "keeps";
}

function slacksOf({ memoryShare, cpuPercentAfter, rules }: Scored): readonly Slack[] {
  return [
    ...(memoryShare === null ? [] : [{ of: "memory", share: Math.min(1, memoryShare) }]),
    ...(cpuPercentAfter === null
      ? []
      : [{ of: "CPU", share: Math.min(1, Math.max(0, 1 - cpuPercentAfter / 100)) }]),
    ...rules.flatMap((ranked) => {
      const share = slackOf(ranked);
      return share === null ? [] : [{ of: calledRule(ranked.rule), share }];
    }),
  ];
}

/** How far a value is from its limit, 0 (at it, or past it) to 1 (as far as it matters); null where it is unknown. */
function slackOf({ rule, term: index, value, mean, limit, broken }: RankedRule): number | null {
  const term = termsOf(rule)[index];
  if (term === undefined || value === null || limit === null) return null;
  if (!term.subjects.some((subject) => isMeasuredOnHosts(subject))) return null;
  if (broken) return 0;
  const room = term.condition === "below" ? value - limit : limit - value;
  // At the mean a host has half of the slack, at one threshold under it all.
  const whole = term.condition === "more than mean" ? 2 * termScale(term, mean) : Math.max(1, limit);
  return Math.min(1, Math.max(0, room / whole));
}

/** What speaks against the host, worst first. */
function against({ host, harms, groups, parted, isTight, freeBytesAfter, headroomBytes }: Scored): string[] {
  return [
    ...harms.map((harm) => harmWords(harm, host)),
    ...groups
      .filter(({ crowded }) => crowded)
      .map(({ name, members }) => `${plural(members, "VM")} of anti-affinity group ${name} would share it`),
    ...parted.map((tag) => `the VMs of tag ${tag}, which stay together, run elsewhere`),
    ...(isTight
      ? [
          `less than the headroom would be free: ${bytes(freeBytesAfter, "MB")} of ${bytes(headroomBytes, "MB")}`,
        ]
      : []),
  ];
}

function harmWords(harm: Harm, host: Uuid): string {
  const { rule, term: place, value, mean, kind } = harm;
  const called = calledRule(rule);
  if (kind === "unknown" || value === null) return `whether it would break ${called} cannot be told`;
  const term = termOf(rule, place);
  const who = harm.host === host ? "it" : "another host";
  const worse = kind === "breaks" ? "" : " worse";
  return `${who} would break ${called}${worse}: ${inUnit(value, term)}, ${allowedText(term, mean ?? 0)}`;
}

function inFavour(
  { isHere, isHomeServer, freeBytesAfter, cpuPercentAfter, companions, harms, rules, groups }: Scored,
  shortest: Slack | null,
): string[] {
  const cpu = cpuPercentAfter === null ? "" : `, CPU at ${figure(cpuPercentAfter, 0)} %`;
  const isClean = harms.length === 0 && rules.length > 0;
  return [
    ...(isHomeServer ? ["it is the VM's home server"] : []),
    ...(isHere ? ["it runs there now"] : []),
    ...companions.map((tag) => `the VMs of tag ${tag} run there`),
    ...(isClean ? [`${rules.some(({ broken }) => broken) ? "no rule gets worse" : "keeps every rule"}`] : []),
    ...groups
      .filter(({ crowded }) => !crowded)
      .map(({ name, members }) => `${plural(members, "VM")} of anti-affinity group ${name} there`),
    `${bytes(freeBytesAfter)} would be free${cpu}`,
    ...(shortest === null ? [] : [`shortest of ${shortest.of}: ${figure(shortest.share * 100, 0)} % left`]),
  ];
}
