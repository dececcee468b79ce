/** How long migrations were expected to take, and how long they took. Pure. */
import { scaleLog } from "d3-scale";
import { figure, plural, span } from "../../text/format.ts";
import type { MigrationFact, ReportFacts } from "../facts.ts";
import { html, type Markup } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import { label, picture } from "../svg.ts";
import { momentText } from "../times.ts";

const height = 280;
const right = 800;
const left = 66;
const top = 12;

interface Measured extends MigrationFact {
  readonly seconds: number;
  readonly expectedSeconds: number;
}

export function predictionSection({ facts, id }: SectionInput): ReportSection | null {
  const measured = facts.migrations.filter(isMeasured);
  const ended = facts.migrations.filter(({ state, seconds }) => state === "succeeded" && seconds !== null);
  if (ended.length === 0) return null;
  const head = { id: `${id}-prediction`, title: "Expected and measured seconds" };
  if (measured.length === 0) {
    return {
      ...head,
      finding: `The ${plural(ended.length, "migration")} of this time ${ended.length === 1 ? "was" : "were"} made by a version that did not write down how long it expected them to take.`,
      body: null,
    };
  }
  const ratios = measured
    .map(({ seconds, expectedSeconds }) => seconds / expectedSeconds)
    .sort((a, b) => a - b);
  const middle = quantile(ratios, 0.5);
  const near = ratios.filter((ratio) => ratio >= 0.5 && ratio <= 2).length;
  return {
    ...head,
    finding: html`Of ${plural(measured.length, "migration")}, the middle one took <b>${figure(middle)} times</b> as long as expected; ${near} of ${measured.length} took from half as long to twice as long. Above the line it took longer.`,
    body: scatter(facts, measured, `${id}-seconds`, middle),
  };
}

function isMeasured(each: MigrationFact): each is Measured {
  const { state, seconds, expectedSeconds } = each;
  return (
    state === "succeeded" &&
    seconds !== null &&
    seconds > 0 &&
    expectedSeconds !== null &&
    expectedSeconds > 0
  );
}

/** Of sorted values. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function scatter({ names }: ReportFacts, measured: readonly Measured[], id: string, middle: number): Markup {
  const all = measured.flatMap(({ seconds, expectedSeconds }) => [seconds, expectedSeconds]);
  const domain = [Math.max(0.1, Math.min(...all) / 1.5), Math.max(...all) * 1.5];
  const x = scaleLog().domain(domain).range([left, right]);
  const y = scaleLog()
    .domain(domain)
    .range([top + height, top]);
  const [low = 0.1, high = 1] = x.domain();
  const bottom = top + height;
  const ticks = niceSeconds.filter((value) => value >= low && value <= high);
  const half = (factor: number) => {
    const from = Math.max(low, low / factor);
    const to = Math.min(high, high / factor);
    return html`<line class="axis" x1="${x(from)}" y1="${y(from * factor)}" x2="${x(to)}" y2="${y(to * factor)}" stroke-dasharray="3 4" stroke="currentColor" stroke-opacity=".35"/>`;
  };
  const longest = measured.reduce((most, each) => (each.seconds > most.seconds ? each : most));
  return picture({
    id,
    height: bottom + 44,
    title: "Expected and measured seconds of migrations",
    description: `A point for each of ${plural(measured.length, "migration")}: how long it was expected to take against how long it took, on scales of powers. The middle one took ${figure(middle)} times as long as expected; the longest took ${span(longest.seconds)}.`,
    body: [
      html`<g class="axis">${ticks.map(
        (value) =>
          html`<line x1="${x(value)}" x2="${x(value)}" y1="${top}" y2="${bottom}"/><line x1="${left}" x2="${right}" y1="${y(value)}" y2="${y(value)}"/>${label(x(value), bottom + 17, span(value), { anchor: "middle" })}${label(left - 8, y(value) + 4, span(value), { anchor: "end" })}`,
      )}</g>`,
      half(2),
      half(0.5),
      html`<line class="zero" x1="${x(low)}" y1="${y(low)}" x2="${x(high)}" y2="${y(high)}"/>`,
      label(right + 14, y(high) + 16, "as expected"),
      label(right + 14, y(high) + 32, "dashed: half and"),
      label(right + 14, y(high) + 47, "twice as long"),
      measured.map(
        (each) =>
          html`<circle class="dot" cx="${x(each.expectedSeconds)}" cy="${y(each.seconds)}" r="4"><title>${momentText(each.at)}, ${names.of(each.vm)}: expected ${span(each.expectedSeconds)}, took ${span(each.seconds)}</title></circle>`,
      ),
      label((left + right) / 2, bottom + 36, "expected", { anchor: "middle", kind: "ink" }),
      label(left + 6, top + 12, "measured", { kind: "ink" }),
    ],
  });
}

const niceSeconds: readonly number[] = [
  0.1, 0.5, 1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1200, 3600, 7200, 18_000, 36_000, 86_400,
];
