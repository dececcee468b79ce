/**
 * How good a host is for a VM, as one number. Pure.
 *
 * The grade comes first: what breaks a rule is never better than what crowds a group, that never better than what leaves
 * VMs short of CPUs, and that never better than what does neither. Within a grade those come first that do not; of those
 * that do, the ones where the VM adds least to what is short. Then a VM's home server, where it has one that takes part;
 * then the hosts with fewest members of its anti-affinity groups; then the host that has most left of what it is shortest of.
 */
import { termScale } from "../../domain/deviation.ts";
import type { Uuid } from "../../domain/pool.ts";
import { isMeasuredOnHosts, termsOf } from "../../domain/rule.ts";
import { allowedText, calledRule, inUnit, termOf } from "../../rules/words.ts";
import { bytes, figure, plural } from "../../text/format.ts";
import type { Harm } from "../evacuate/harm.ts";
import { ahead, minutesFigure } from "../serve/planServing.ts";
import { noticeable } from "../serve/stillShort.ts";
import type { Grade, HostServe, RankedHost, RankedRule, RankedServe } from "./ranking.ts";

/** Lowest and highest score of each grade, where no rule serves VMs and where one does. */
const bands: Readonly<Record<"alone" | "serving", Readonly<Record<Grade, readonly [number, number]>>>> = {
  alone: { keeps: [61, 100], short: [46, 60], crowds: [31, 60], breaks: [1, 30] },
  serving: { keeps: [61, 100], short: [46, 60], crowds: [31, 45], breaks: [1, 30] },
};

/** CPU-minutes that the host is expected to lack more because the VM is there; 0 where nothing is known. */
export function addedMinutes(serve: HostServe | null): number {
  return serve === null ? 0 : Math.max(0, serve.shortageAfter - serve.shortageBefore);
}

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
    | "serve"
    | "groups"
    | "companions"
    | "parted"
  > {
  /** Part of the host's memory that is left, 0 to 1; null where unknown. */
  readonly memoryShare: number | null;
  /** Whether the VM has a home server among the hosts that take part. */
  readonly hasHomeServer: boolean;
  readonly headroomBytes: number;
  /** Null where no rule serves VMs. */
  readonly serving: RankedServe | null;
  /** The least of all places' `addedMinutes`. */
  readonly leastAdded: number;
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
  const shares = [...slacks.map(({ share }) => share), ...servedShare(scored)];
  const least = Math.min(1, ...shares);
  const mean = shares.length === 0 ? 1 : shares.reduce((sum, share) => sum + share, 0) / shares.length;
  // What is shortest decides; the rest tells hosts apart that are short of the same.
  const fit = 0.9 * least + 0.1 * mean;
  const [low, high] = bands[scored.serving === null ? "alone" : "serving"][grade];
  const part = served(scored, grade, preferred(scored, fit));
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

/** The place in the band, 0 to 1, by what is short first; `part` is what it is by all else. */
function served({ serve, serving, leastAdded }: Scored, grade: Grade, part: number): number {
  if (serving === null || grade === "keeps") return part;
  const { toleratedMinutes } = serving;
  const isMixed = grade !== "short";
  const added = addedMinutes(serve);
  if (added < toleratedMinutes) return isMixed ? 0.5 + 0.5 * part : part;
  // Against the best place: where all are short, twice as short is half as good.
  const beside = (leastAdded + toleratedMinutes) / (added + toleratedMinutes);
  return (isMixed ? 0.5 : 1) * (0.9 * beside + 0.1 * part);
}

/** How far the VM is from making a host short, 0 (it does) to 1 (nothing is short because of it). */
function servedShare({ serve, serving }: Scored): readonly number[] {
  if (serve === null || serving === null) return [];
  return [Math.max(0, 1 - addedMinutes(serve) / serving.toleratedMinutes)];
}

function gradeOf({ harms, groups, parted, isTight, serve, serving }: Scored): Grade {
  if (harms.some(({ kind }) => kind !== "unknown")) return "breaks";
  if (isTight || parted.length > 0 || groups.some(({ crowded }) => crowded)) return "crowds";
  return serving !== null && addedMinutes(serve) >= serving.toleratedMinutes ? "short" : "keeps";
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
function against(scored: Scored): string[] {
  const { host, harms, groups, parted, isTight, freeBytesAfter, headroomBytes } = scored;
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
    ...shortWords(scored),
  ];
}

/** "40 CPU-minutes short in the next hour with it there, 25 of them because of it (SERVE CPU)" */
function shortWords({ serve, serving }: Scored): string[] {
  if (serve === null || serving === null || serve.shortageAfter < noticeable) return [];
  const { overMinutes } = serving.rule;
  const [added, all] = [addedMinutes(serve), serve.shortageAfter];
  const because =
    added >= noticeable && all - added >= noticeable ? `, ${minutesFigure(added)} of them because of it` : "";
  const who = added >= noticeable ? "with it there" : "with it there or not";
  return [
    `${minutesFigure(all)} CPU-minutes short in the next ${ahead(overMinutes)} ${who}${because} (SERVE CPU)`,
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
  {
    isHere,
    isHomeServer,
    freeBytesAfter,
    cpuPercentAfter,
    companions,
    harms,
    rules,
    groups,
    serve,
    serving,
  }: Scored,
  shortest: Slack | null,
): string[] {
  const cpu = cpuPercentAfter === null ? "" : `, CPU at ${figure(cpuPercentAfter, 0)} %`;
  const isClean = harms.length === 0 && rules.length > 0;
  return [
    ...(isHomeServer ? ["it is the VM's home server"] : []),
    ...(isHere ? ["it runs there now"] : []),
    ...companions.map((tag) => `the VMs of tag ${tag} run there`),
    ...(isClean ? [`${rules.some(({ broken }) => broken) ? "no rule gets worse" : "keeps every rule"}`] : []),
    ...(serving !== null && serve !== null && serve.shortageAfter < noticeable
      ? [`no CPUs are expected to be short in the next ${ahead(serving.rule.overMinutes)}`]
      : []),
    ...groups
      .filter(({ crowded }) => !crowded)
      .map(({ name, members }) => `${plural(members, "VM")} of anti-affinity group ${name} there`),
    `${bytes(freeBytesAfter)} would be free${cpu}`,
    ...(shortest === null ? [] : [`shortest of ${shortest.of}: ${figure(shortest.share * 100, 0)} % left`]),
  ];
}
