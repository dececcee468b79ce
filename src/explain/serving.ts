/** What VMs are expected to want of the CPUs, and why nothing more is done where that is too much: in words. Pure. */
import type { Uuid } from "../domain/pool.ts";
import { amountText, type ServeRule } from "../domain/rule.ts";
import type { HostForecast, ServeForecast, ServeOffer, StillShort } from "../planner/plan.ts";
import { ahead, minutesFigure } from "../planner/serve/planServing.ts";
import { counted } from "../planner/tell/explain.ts";
import { ruleHead } from "../rules/words.ts";
import { bytes, figure, plural } from "../text/format.ts";
import type { Names } from "../text/names.ts";

/** The pool, and each host that lacks some, before and after the plan. */
export function serveLines({ rule, before, after, hosts }: ServeForecast, names: Names): string[] {
  const expected = `about ${minutesText(before)} of waiting expected in the next ${ahead(rule.overMinutes)}`;
  const source = hosts.length === 0 ? "" : " by what VMs wanted in the last hour";
  const later = after === before ? "" : `, ${minutesText(after)} after these moves`;
  return [
    `${ruleHead(rule)}: ${expected}${source}${later}`,
    ...hosts.map(
      (host) =>
        `  ${names.of(host.host)}: ${wantedText(host)}, ${minutesText(host.shortageBefore)} short` +
        (host.wantedAfter === host.wantedBefore
          ? ""
          : ` -> ${figure(host.wantedAfter, 1)} wanted, ${minutesText(host.shortageAfter)} short`),
    ),
  ];
}

/** "5 of its 8 CPUs wanted, give or take 2.1" */
export function wantedText({ wantedBefore, cpus, spreadBefore }: HostForecast): string {
  const spread = spreadBefore < 0.05 ? "" : `, give or take ${figure(spreadBefore, 1)}`;
  return `${figure(wantedBefore, 1)} of its ${figure(cpus)} CPUs wanted${spread}`;
}

export function minutesText(minutes: number): string {
  return plural(Number(minutesFigure(minutes)), "CPU-minute");
}

/** Hosts, and refusals of each, that are told one by one; JSON has all. */
const shownHosts = 8;
const shownRefusals = 5;

/** Why hosts stay short: a sentence each, and what keeps their VMs; nothing where none is. */
export function stillShortLines({ rule, short }: ServeForecast, names: Names): string[] {
  const lines = short.slice(0, shownHosts).flatMap((each) => {
    const head = `${names.of(each.host)} stays ${minutesText(each.minutes)} short: ${whyShort(each, rule, names)}`;
    return [head, ...refusalLines(each, names)];
  });
  if (short.length <= shownHosts) return lines;
  return [...lines, `${short.length - shownHosts} more hosts stay short; --json has each with its reasons`];
}

/** What keeps the VMs of a host that has no better reason. */
function refusalLines({ host, offers, forbidden, refusals }: StillShort, names: Names): string[] {
  if (offers.length > 0 || forbidden !== null) return [];
  const more = refusals.length - shownRefusals;
  const told = more === 1 ? refusals : refusals.slice(0, shownRefusals);
  return [
    ...told.map(({ vm, host: where, reason }) =>
      where === null
        ? `  ${names.of(vm)} stays: ${reason}`
        : `  ${names.of(vm)} not to ${names.of(where)}: ${reason}`,
    ),
    ...(more > 1 ? [`  and ${more} more reasons: EXPLAIN HOST ${names.of(host)}`] : []),
  ];
}

/** The one reason that decides, with its figures. */
export function whyShort(
  { offers: [best], limited, forbidden, refusals }: StillShort,
  rule: ServeRule,
  names: Names,
): string {
  if (best !== undefined && best.perGigabyte > rule.worth) {
    return `moving ${whereTo(best, names)} ${worthText(best, rule, limited)}`;
  }
  const barred =
    forbidden === null
      ? ""
      : `moving ${whereTo(forbidden, names)} would save ${savesText(forbidden)}, but ${forbiddenText(forbidden)}`;
  if (best === undefined) {
    if (barred !== "") return barred;
    const { vms, parts } = counted(refusals);
    return vms === 0
      ? "it has no VM that could be moved"
      : `no host can take any of its VMs: of ${vms} ${parts.join(", ")}`;
  }
  const possible = `${barred === "" ? "" : "of what is possible "}the best move, ${whereTo(best, names)}, ${worthText(best, rule, limited)}`;
  return barred === "" ? possible : `${barred}; ${possible}`;
}

/** What forbids the move; of another rule that it goes before this one. */
export function forbiddenText({ code, reason }: NonNullable<StillShort["forbidden"]>): string {
  return code === "rule"
    ? `${reason} (no move that serves VMs breaks another rule or makes it worse)`
    : reason;
}

/** "would save 3 CPU-minutes for 4096 MB: 0.33 for each of the 9 GB that it counts for, ...; the rule wants more than 1" */
export function worthText(offer: ServeOffer, { worth }: ServeRule, limited: boolean): string {
  if (offer.savedMinutes < 0.05)
    return "would save nothing: as much would be waited for there, or while it is copied";
  const saves = `would save ${savesText(offer)}`;
  if (offer.perGigabyte > worth) {
    return `${saves}, but ${limited ? "the limit of one run is reached (ControlMaxMovesPerRun)" : "not beside the plan's other moves"}`;
  }
  const counts = offer.gigabytes + offer.overheadGigabytes;
  const beside =
    offer.overheadGigabytes > 0
      ? ` that it counts for, ${amountText(offer.overheadGigabytes)} of them as any migration`
      : "";
  return `${saves}: ${figure(offer.perGigabyte)} for each of the ${figure(counts, 1)} GB${beside}; the rule wants more than ${amountText(worth)} (WORTH)`;
}

/** "3 CPU-minutes for 4 GB" */
export function savesText({ savedMinutes, gigabytes }: ServeOffer): string {
  return `${minutesText(savedMinutes)} for ${bytes(gigabytes * 1024 ** 3, "MB")}`;
}

function whereTo({ vm, destination }: ServeOffer, names: Names): string {
  return `${names.of(vm)} to ${names.of(destination)}`;
}

/** What is expected of `host`, and why nothing more is done about it; null where the forecast does not know it. */
export interface HostServing {
  readonly figures: HostForecast;
  readonly still: StillShort | null;
}

/** What the forecast says of one host. */
export function servingOf({ hosts, calm, short }: ServeForecast, host: Uuid): HostServing | null {
  const figures = [...hosts, ...calm].find((each) => each.host === host);
  if (figures === undefined) return null;
  return { figures, still: short.find((each) => each.host === host) ?? null };
}
