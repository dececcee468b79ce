/** How far hosts were above the mean, against what the rules allow. Pure. */
import { area, curveStepAfter, line } from "d3-shape";
import { subjectFacts, unitOf } from "../../domain/rule.ts";
import { grouped, plural } from "../../text/format.ts";
import type { LimitStep, ReportFacts, SubjectLoad } from "../facts.ts";
import { type Content, html, type Markup } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import {
  label,
  legend,
  picture,
  pictureWidth,
  shortFigure,
  timeAxis,
  timeScale,
  valueAxis,
  valueScale,
  xOf,
} from "../svg.ts";
import { momentText, periodText } from "../times.ts";
import { signedFigure } from "./load.ts";

/** Up to so many hosts have a line each. */
const mostLines = 8;

const left = 74;
const top = 14;
const bottom = 250;

export function deviationSection({ facts, id }: SectionInput): ReportSection | null {
  const ruled = facts.loads.filter(isRuled);
  const shown = ruled.length === 0 ? facts.loads.slice(0, 1) : ruled;
  if (shown.every(({ hosts }) => hosts.size === 0)) return null;
  return {
    id: `${id}-deviation`,
    title: "Above the mean, and what the rules allow",
    finding:
      ruled.length === 0
        ? "No rule compares hosts with the mean of a measure that is kept: nothing is allowed or forbidden here."
        : ruled.map((load) => html`${shareSentence(facts, load)} `),
    body: shown.map((load) => [
      shown.length === 1 ? null : html`<h3>${load.subject}</h3>`,
      deviationPicture(facts, load, `${id}-dev-${load.subject}`),
      deviationLegend(load),
    ]),
  };
}

/** Whether a rule limits it, or did at some time of the span. */
export function isRuled({ limits }: SubjectLoad): boolean {
  return limits.some(({ limit }) => limit !== null);
}

/** In how many collections some host was past the limit of their time, and what that limit was. */
function shareSentence({ slices }: ReportFacts, load: SubjectLoad): Content {
  const { subject, limits, past, ruled } = load;
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  const [all, over] = [sum(ruled), sum(past)];
  const others = sum(slices.map(({ collections }) => collections)) - all;
  if (all === 0)
    return html`<b>${subject}</b>: nothing was collected while there was a rule (${limitWords(load)}).`;
  const unruled = others <= 0 ? "" : `; at the time of ${grouped(others)} more there was no rule`;
  const known = new Set(limits.map(({ limit }) => limit).filter((limit) => limit !== null));
  const what =
    known.size === 1 && limits.at(-1)?.limit !== null
      ? `more than ${shortFigure([...known][0] ?? 0)} ${unitOf(subject)} above the mean`
      : `further above the mean than the rule of that time allowed (${limitWords(load)})`;
  const share = over === 0 ? "none" : sharePercent(over / all);
  return html`<b>${subject}</b>: in <b>${share}</b> of ${plural(all, "collection", "collections", grouped(all))} a host was ${what}${unruled}.`;
}

/** "25 %, from 29 Nov 10:00 on 10 %, from 29 Nov 10:04 on 25 %"; of many changes the range and what holds now. */
function limitWords({ subject, limits }: SubjectLoad): string {
  const words = (limit: number | null) =>
    limit === null ? "no rule" : `${shortFigure(limit)} ${unitOf(subject)}`;
  if (limits.length <= shownLimits) {
    return limits
      .map(({ at, limit }, index) =>
        index === 0 ? words(limit) : `from ${momentText(at)} on ${words(limit)}`,
      )
      .join(", ");
  }
  const known = limits.map(({ limit }) => limit).filter((limit) => limit !== null);
  return `between ${words(Math.min(...known))} and ${words(Math.max(...known))}, now ${words(limits.at(-1)?.limit ?? null)}`;
}

/** Changes of a limit that a sentence names one by one. */
const shownLimits = 5;

export function sharePercent(share: number): string {
  const percent = share * 100;
  return percent > 0 && percent < 0.1 ? "less than 0.1 %" : `${shortFigure(Math.round(percent * 10) / 10)} %`;
}

function deviationPicture(facts: ReportFacts, load: SubjectLoad, id: string): Markup {
  const { slices, names } = facts;
  const unit = unitOf(load.subject);
  const withLines = load.hosts.size <= mostLines;
  const right = withLines ? pictureWidth - 132 : pictureWidth - 10;
  const scale = timeScale(facts.from, facts.to, left, right);
  const limits = load.limits.map(({ limit }) => limit).filter((limit) => limit !== null);
  const highest = Math.max(
    ...load.mostAbove.map((each) => (withLines ? 0 : (each ?? 0))),
    ...load.above.map((each) => each ?? 0),
    ...limits.map((each) => each * 1.25),
  );
  const lowest = Math.max(...load.below.map((each) => each ?? 0));
  const most = subjectFacts[load.subject].highest;
  const values = valueScale(-lowest, Math.min(highest === 0 ? 1 : highest, most), bottom, top);
  const [low = 0, high = 0] = values.domain();
  const steps = stepsOf(facts, load);
  const allowed = area<LimitStep>()
    .defined(({ limit }) => limit !== null)
    .x(({ at }) => xOf(scale, at))
    .y0(values(0))
    .y1(({ limit }) => values(Math.min(limit ?? 0, high)))
    .curve(curveStepAfter)
    .digits(1);
  const beyond = area<LimitStep>()
    .defined(({ limit }) => limit !== null)
    .x(({ at }) => xOf(scale, at))
    .y0(({ limit }) => values(Math.min(limit ?? 0, high)))
    .y1(values(high))
    .curve(curveStepAfter)
    .digits(1);
  const limitLine = line<LimitStep>()
    .defined(({ limit }) => limit !== null)
    .x(({ at }) => xOf(scale, at))
    .y(({ limit }) => values(Math.min(limit ?? 0, high)))
    .curve(curveStepAfter)
    .digits(1);
  const lastLimit = load.limits.at(-1)?.limit ?? null;
  const past = load.past.reduce((sum, count) => sum + count, 0);
  const body: Content = [
    html`<path class="beyond" d="${beyond(steps) ?? ""}"/><path class="band" d="${allowed(steps) ?? ""}"/>`,
    valueAxis(values, left, right, { unit, signed: true }),
    timeAxis(scale, bottom, bottom),
    html`<line class="zero" x1="${left}" x2="${right}" y1="${values(0)}" y2="${values(0)}"/>`,
    withLines ? hostLines(facts, load, scale, values, right) : envelope(facts, load, scale, values),
    html`<path class="limit" d="${limitLine(steps) ?? ""}"/>`,
    lastLimit === null
      ? null
      : label(
          right - 6,
          values(Math.min(lastLimit, high)) - 7,
          `limit now ${signedFigure(lastLimit, unit)}`,
          {
            anchor: "end",
            kind: "past",
          },
        ),
    spots(facts, load, scale, { top, bottom }),
  ];
  return picture({
    id,
    height: bottom + 28,
    title: `${load.subject}: deviation of hosts from the pool's mean`,
    description: `From ${shortFigure(low)} to ${shortFigure(high)} ${unit} around the mean of ${plural(load.hosts.size, "host")}, over ${plural(slices.length, "span", "spans")} of time. ${lastLimit === null ? "No rule limits it now." : `The rules allow ${shortFigure(lastLimit)} ${unit} above the mean now.`} ${plural(past, "collection was", "collections were")} past the limit of their time.${withLines ? ` Hosts: ${[...load.hosts.keys()].map((host) => names.of(host)).join(", ")}.` : ""}`,
    body,
  });
}

/** The limit from each change of it on, and at the end. */
function stepsOf({ to }: ReportFacts, { limits }: SubjectLoad): readonly LimitStep[] {
  return [...limits, { at: to, limit: limits.at(-1)?.limit ?? null }];
}

type DrawnTime = ReturnType<typeof timeScale>;
type DrawnValues = ReturnType<typeof valueScale>;

/** A line a host, with its name at the end. */
function hostLines(
  { slices, names }: ReportFacts,
  load: SubjectLoad,
  scale: DrawnTime,
  values: DrawnValues,
  right: number,
): Content {
  const hosts = [...load.hosts].sort((a, b) => (names.of(a[0]) < names.of(b[0]) ? -1 : 1));
  const ends = hosts.map(([host, figures], index) => {
    const points = slices.map((slice, at) => {
      const [value, mean] = [figures[at] ?? null, load.mean[at] ?? null];
      return {
        x: xOf(scale, (slice.from + slice.to) / 2),
        value: value === null || mean === null ? null : value - mean,
      };
    });
    const drawn = line<(typeof points)[number]>()
      .defined(({ value }) => value !== null)
      .x(({ x }) => x)
      .y(({ value }) => values(value ?? 0))
      .digits(1);
    const end = points.findLast(({ value }) => value !== null)?.value ?? 0;
    return { name: names.of(host), index, path: drawn(points) ?? "", y: values(end) };
  });
  const placed = spread(ends.map(({ y }) => y));
  return ends.map(
    ({ name, index, path }, place) =>
      html`<path class="l${index}" d="${path}"><title>${name}</title></path><path class="l${index}" d="M${right + 4} ${placed[place] ?? 0}h20"/>${shortName(right + 28, (placed[place] ?? 0) + 4, name)}`,
  );
}

function shortName(x: number, y: number, name: string): Markup {
  const shown = [...name].length > 14 ? `${[...name].slice(0, 13).join("")}…` : name;
  return html`<text class="ink" x="${x}" y="${y}"><title>${name}</title>${shown}</text>`;
}

/** The heights, moved apart so that no two labels stand on each other. */
function spread(heights: readonly number[]): readonly number[] {
  const order = heights.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y);
  const step = 15;
  const placed = order.map(({ y }) => y);
  for (let i = 1; i < placed.length; i++) {
    placed[i] = Math.max(placed[i] ?? 0, (placed[i - 1] ?? 0) + step);
  }
  const overflow = Math.max(0, (placed.at(-1) ?? 0) - bottom);
  for (let i = placed.length - 1; i >= 0 && overflow > 0; i--) {
    const most = i === placed.length - 1 ? bottom : (placed[i + 1] ?? 0) - step;
    placed[i] = Math.min(placed[i] ?? 0, most);
  }
  const result: number[] = [];
  for (const [place, { index }] of order.entries()) result[index] = placed[place] ?? 0;
  return result;
}

/** Many hosts: their range, the highest of them, and the highest of any one collection. */
function envelope(
  { slices }: ReportFacts,
  load: SubjectLoad,
  scale: DrawnTime,
  values: DrawnValues,
): Content {
  const [, high = 0] = values.domain();
  const points = slices.map((slice, index) => ({
    x: xOf(scale, (slice.from + slice.to) / 2),
    above: load.above[index] ?? null,
    below: load.below[index] ?? null,
    most: load.mostAbove[index] ?? null,
  }));
  type Point = (typeof points)[number];
  const range = area<Point>()
    .defined(({ above }) => above !== null)
    .x(({ x }) => x)
    .y0(({ below }) => values(-(below ?? 0)))
    .y1(({ above }) => values(above ?? 0))
    .digits(1);
  const highest = line<Point>()
    .defined(({ above }) => above !== null)
    .x(({ x }) => x)
    .y(({ above }) => values(above ?? 0))
    .digits(1);
  const peak = line<Point>()
    .defined(({ most }) => most !== null)
    .x(({ x }) => x)
    .y(({ most }) => values(Math.min(most ?? 0, high)))
    .digits(1);
  return html`<path class="range" d="${range(points) ?? ""}"/><path class="topline" d="${highest(points) ?? ""}"/><path class="peakline" d="${peak(points) ?? ""}"/>`;
}

/** What each span of time was like, for whoever points at it. */
function spots(
  { slices }: ReportFacts,
  load: SubjectLoad,
  scale: DrawnTime,
  place: { readonly top: number; readonly bottom: number },
): Content {
  const unit = unitOf(load.subject);
  return slices.map((slice, index) => {
    const above = load.above[index] ?? null;
    if (above === null) return null;
    const x = xOf(scale, slice.from);
    const text = `${periodText(slice.from, slice.to)}: mean ${shortFigure(load.mean[index] ?? 0)} ${unit}, the highest host ${signedFigure(above, unit)} on average and ${signedFigure(load.mostAbove[index] ?? above, unit)} at most; past the limit in ${load.past[index] ?? 0} of ${plural(slice.collections, "collection")}`;
    return html`<rect class="spot" x="${x}" y="${place.top}" width="${xOf(scale, slice.to) - x}" height="${place.bottom - place.top}"><title>${text}</title></rect>`;
  });
}

function deviationLegend(load: SubjectLoad): Markup {
  const band: readonly (readonly [string, string])[] = isRuled(load)
    ? [
        ["band", "allowed by the rules of the time"],
        ["beyond", "past the limit"],
      ]
    : [];
  return legend(
    load.hosts.size <= mostLines
      ? band
      : [
          ...band,
          ["topline", "highest host, mean of the span"],
          ["peakline", "highest of any collection"],
          ["range", "all hosts"],
        ],
  );
}
