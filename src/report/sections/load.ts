/** How loaded the hosts were: the pool's mean, and below it each host as a line of coloured cells. Pure. */
import { area, line } from "d3-shape";
import type { Uuid } from "../../domain/pool.ts";
import { unitOf } from "../../domain/rule.ts";
import { figure } from "../../text/format.ts";
import type { ReportFacts, Slice, SliceFigures, SubjectLoad } from "../facts.ts";
import { type Content, html, type Markup } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import { heatLevels } from "../style.ts";
import {
  label,
  nameLabel,
  picture,
  pictureWidth,
  shortFigure,
  type TimeScale,
  timeAxis,
  timeScale,
  valueAxis,
  valueScale,
  xOf,
} from "../svg.ts";
import { periodText } from "../times.ts";

const left = 150;
const right = pictureWidth - 62;
const meanTop = 12;
const meanBottom = 104;

export function loadSection({ facts, id }: SectionInput): ReportSection | null {
  const load = facts.loads.find(({ subject }) => subject === "CpuAverage");
  if (load === undefined || load.hosts.size === 0) return null;
  const rows = hostsByMean(load);
  const hottest = hottestCell(load, facts.slices);
  const [first] = rows;
  const last = rows.at(-1);
  const mean = meanOf(load.mean);
  return {
    id: `${id}-load`,
    title: "Load of the hosts",
    finding: html`CPU over all hosts: <b>${figure(mean ?? 0, 1)} %</b> on average${
      first === undefined || last === undefined || first === last
        ? null
        : html`, from ${facts.names.of(last.host)} with ${figure(last.mean, 1)} % to <b>${facts.names.of(first.host)}</b> with ${figure(first.mean, 1)} %`
    }${hottest === null ? null : html`; the hottest time was ${facts.names.of(hottest.host)} on ${periodText(hottest.slice.from, hottest.slice.to)} with ${figure(hottest.value, 0)} %`}.`,
    body: [heatMap(facts, load, rows, `${id}-heat`), heatLegend()],
  };
}

interface HostMean {
  readonly host: Uuid;
  readonly mean: number;
}

function hostsByMean({ hosts }: SubjectLoad): HostMean[] {
  return [...hosts]
    .flatMap(([host, values]) => {
      const mean = meanOf(values);
      return mean === null ? [] : [{ host, mean }];
    })
    .sort((a, b) => b.mean - a.mean || (a.host < b.host ? -1 : 1));
}

export function meanOf(values: SliceFigures): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function hottestCell(
  { hosts }: SubjectLoad,
  slices: readonly Slice[],
): { readonly host: Uuid; readonly slice: Slice; readonly value: number } | null {
  let found: { host: Uuid; slice: Slice; value: number } | null = null;
  for (const [host, values] of hosts) {
    for (const [index, value] of values.entries()) {
      const slice = slices[index];
      if (value === null || slice === undefined || (found !== null && value <= found.value)) continue;
      found = { host, slice, value };
    }
  }
  return found;
}

function heatMap(facts: ReportFacts, load: SubjectLoad, rows: readonly HostMean[], id: string): Markup {
  const { from, to, slices, names } = facts;
  const rowHeight = Math.max(12, Math.min(30, Math.floor(520 / rows.length)));
  const gap = rowHeight > 16 ? 2 : 1;
  const top = meanBottom + 30;
  const bottom = top + rows.length * rowHeight;
  const scale = timeScale(from, to, left, right);
  const body: Content = [
    meanChart(facts, load, scale),
    label(left - 8, top - 8, "host", { anchor: "end" }),
    label(pictureWidth, top - 8, "mean", { anchor: "end" }),
    rows.map(({ host, mean }, index) => {
      const y = top + index * rowHeight;
      const name = names.of(host);
      return html`<g>${nameLabel(left - 8, y + rowHeight / 2 + 4, name, rowHeight)}<rect class="none" x="${left}" y="${y}" width="${right - left}" height="${rowHeight - gap}"/>${cells(load, host, name, { slices, scale, y, height: rowHeight - gap })}${label(pictureWidth, y + rowHeight / 2 + 4, `${figure(mean, 0)} %`, { anchor: "end", kind: rowHeight < 14 ? "ink tight" : "ink" })}</g>`;
    }),
    timeAxis(scale, bottom, bottom),
  ];
  const [highest] = rows;
  return picture({
    id,
    height: bottom + 26,
    title: "CPU of each host over time",
    description: `One line of cells for each of ${rows.length} hosts, the most loaded first, darker (at night brighter) where its CPUs were busier; above them the pool's mean with the range of the hosts.${highest === undefined ? "" : ` The highest mean is that of ${names.of(highest.host)} with ${figure(highest.mean, 1)} %.`}`,
    body,
  });
}

/** The mean of the hosts, in the range from the least to the most loaded one. */
function meanChart({ slices }: ReportFacts, load: SubjectLoad, scale: TimeScale): Markup {
  const values = valueScale(0, 100, meanBottom, meanTop);
  const unit = unitOf(load.subject);
  const points = slices.map((slice, index) => ({
    x: xOf(scale, (slice.from + slice.to) / 2),
    mean: load.mean[index] ?? null,
    above: load.above[index] ?? 0,
    below: load.below[index] ?? 0,
    slice,
  }));
  type Point = (typeof points)[number];
  const range = area<Point>()
    .defined(({ mean }) => mean !== null)
    .x(({ x }) => x)
    .y0(({ mean, below }) => values(Math.max(0, (mean ?? 0) - below)))
    .y1(({ mean, above }) => values((mean ?? 0) + above))
    .digits(1);
  const middle = line<Point>()
    .defined(({ mean }) => mean !== null)
    .x(({ x }) => x)
    .y(({ mean }) => values(mean ?? 0))
    .digits(1);
  return html`${valueAxis(values, left, right, { unit, ticks: 3 })}${label(pictureWidth, meanTop + 4, "pool", { anchor: "end" })}<path class="range" d="${range(points) ?? ""}"/><path class="meanline" d="${middle(points) ?? ""}"/>${points.map(
    ({ mean, above, below, slice }) =>
      mean === null
        ? null
        : html`<rect class="spot" x="${xOf(scale, slice.from)}" y="${meanTop}" width="${xOf(scale, slice.to) - xOf(scale, slice.from)}" height="${meanBottom - meanTop}"><title>${periodText(slice.from, slice.to)}: mean ${figure(mean, 1)} ${unit}, hosts from ${figure(Math.max(0, mean - below), 1)} to ${figure(mean + above, 1)}</title></rect>`,
  )}`;
}

interface CellPlace {
  readonly slices: readonly Slice[];
  readonly scale: TimeScale;
  readonly y: number;
  readonly height: number;
}

interface CellRun {
  readonly level: number;
  readonly from: number;
  to: number;
  readonly values: number[];
  peak: number;
}

/** Neighbours of one level are one cell. */
function cells(
  { hosts, peaks }: SubjectLoad,
  host: Uuid,
  name: string,
  { slices, scale, y, height }: CellPlace,
): Content {
  const runs: CellRun[] = [];
  const values = hosts.get(host) ?? [];
  for (const [index, slice] of slices.entries()) {
    const value = values[index] ?? null;
    if (value === null) continue;
    const peak = peaks.get(host)?.[index] ?? value;
    const level = Math.max(0, Math.min(heatLevels - 1, Math.floor(value / (100 / heatLevels))));
    const last = runs.at(-1);
    if (last !== undefined && last.level === level && last.to === slice.from) {
      last.to = slice.to;
      last.values.push(value);
      last.peak = Math.max(last.peak, peak);
    } else runs.push({ level, from: slice.from, to: slice.to, values: [value], peak });
  }
  return runs.map(({ level, from, to, values: all, peak }) => {
    const x = xOf(scale, from);
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    return html`<rect class="h${level}" x="${x}" y="${y}" width="${xOf(scale, to) - x + 0.3}" height="${height}"><title>${name}, ${periodText(from, to)}: ${figure(mean, 0)} %, at most ${figure(peak, 0)} %</title></rect>`;
  });
}

function heatLegend(): Markup {
  const size = 26;
  const steps = Array.from({ length: heatLevels }, (_, level) => level);
  return html`<ul class="legend"><li><svg viewBox="0 0 ${heatLevels * size} 12" width="${heatLevels * size}" height="12" role="img" aria-label="Ten steps from 0 to 100 % CPU">${steps.map((level) => html`<rect class="h${level}" x="${level * size}" y="0" width="${size}" height="12"/>`)}</svg>0 to 100 % CPU, in steps of 10</li><li><svg viewBox="0 0 26 12" width="26" height="12" aria-hidden="true"><rect class="none" width="26" height="12"/></svg>not known: asleep, off or unread</li><li><svg class="key" viewBox="0 0 26 12" width="26" height="12" aria-hidden="true"><path class="meanline" d="M1 6H25"/></svg>mean of the hosts</li><li><svg class="key" viewBox="0 0 26 12" width="26" height="12" aria-hidden="true"><path class="range" d="M1 6H25"/></svg>from the least to the most loaded host</li></ul>`;
}

/** "+31 %" with the subject's unit. */
export function signedFigure(value: number, unit: string): string {
  return `${value > 0 ? "+" : ""}${shortFigure(value)}${unit === "" ? "" : ` ${unit}`}`;
}
