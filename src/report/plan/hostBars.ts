/** What hosts have of a rule's subject before a plan and after it, against what the rule allows. Pure. */
import { type Evaluation, termExcess, termLimit, type Verdict } from "../../domain/deviation.ts";
import type { Uuid } from "../../domain/pool.ts";
import { sumText, type Term, termUnit } from "../../domain/rule.ts";
import { termOf } from "../../rules/words.ts";
import { plural } from "../../text/format.ts";
import type { Names } from "../../text/names.ts";
import { type Content, html, type Markup } from "../html.ts";
import { label, legend, nameLabel, picture, pictureWidth, shortFigure, valueScale } from "../svg.ts";

const left = 160;
const right = pictureWidth - 178;
const top = 34;

export interface HostBars {
  readonly id: string;
  readonly before: Evaluation;
  readonly after: Evaluation | undefined;
  /** Which term of the rule. */
  readonly place: number;
  readonly names: Names;
}

/** A pair of bars a host, the highest first. */
export function hostBars({ id, before, after, place, names }: HostBars): Markup {
  const term = termOf(before.rule, place);
  const unit = termUnit(term);
  const rows = rowsOf(before, after, place);
  const meanBefore = before.means[place] ?? null;
  const meanAfter = after?.means[place] ?? meanBefore;
  const limit = termLimit(term, meanAfter);
  const rowHeight = rows.length > 40 ? 15 : rows.length > 16 ? 20 : 28;
  const bottom = top + rows.length * rowHeight;
  const scale = valueScale(0, Math.max(limit, ...rows.flatMap(({ was, is }) => [was, is])), left, right);
  const [, most = 0] = scale.domain();
  const allowed = term.condition === "below" ? [limit, most] : [0, limit];
  const x = (value: number) => scale(Math.max(0, Math.min(most, value)));
  const shown = picture({
    id,
    height: bottom + 28,
    title: `${sumText(term)} of each host before and after the plan`,
    description: `${plural(rows.length, "host")}: ${rows.map(({ host, was, is }) => `${names.of(host)} ${shortFigure(was)} to ${shortFigure(is)}`).join(", ")}. After the plan the limit is ${shortFigure(limit)} ${unit}.`,
    body: [
      html`<rect class="band" x="${x(allowed[0] ?? 0)}" y="${top - 8}" width="${x(allowed[1] ?? 0) - x(allowed[0] ?? 0)}" height="${bottom - top + 8}"/>`,
      html`<g class="axis">${scale.ticks(6).map((value) => html`<line x1="${scale(value)}" x2="${scale(value)}" y1="${top - 8}" y2="${bottom + 4}"/>${label(scale(value), bottom + 18, `${shortFigure(value)} ${unit}`, { anchor: "middle" })}`)}</g>`,
      rows.map((row, index) =>
        barRow(row, {
          y: top + index * rowHeight,
          rowHeight,
          term,
          meanBefore,
          meanAfter,
          x,
          unit,
          name: names.of(row.host),
        }),
      ),
      html`<line class="limit" x1="${x(limit)}" x2="${x(limit)}" y1="${top - 8}" y2="${bottom}"/>`,
      label(
        x(limit) + (term.condition === "below" ? -4 : 4),
        top - 14,
        `limit after ${shortFigure(limit)} ${unit}`,
        { anchor: term.condition === "below" ? "end" : "start", kind: "past" },
      ),
      meanAfter === null
        ? null
        : html`<line class="zero" x1="${x(meanAfter)}" x2="${x(meanAfter)}" y1="${top - 8}" y2="${bottom}"/>${label(x(meanAfter) - 4, top - 14, `mean after ${shortFigure(meanAfter)} ${unit}`, { anchor: "end" })}`,
    ],
  });
  const key = legend([
    ["barkey was", "before"],
    ["barkey", "after"],
    ["barkey over", "past the limit"],
    ["band", "allowed after the plan"],
  ]);
  return html`${shown}${key}`;
}

interface BarRow {
  readonly host: Uuid;
  readonly was: number;
  readonly is: number;
}

function rowsOf(before: Evaluation, after: Evaluation | undefined, place: number): readonly BarRow[] {
  const later = new Map(after?.verdicts.map((verdict): [Uuid, Verdict] => [verdict.hostUuid, verdict]));
  return before.verdicts
    .map(({ hostUuid, values }) => {
      const was = values[place] ?? 0;
      return { host: hostUuid, was, is: later.get(hostUuid)?.values[place] ?? was };
    })
    .sort((a, b) => Math.max(b.was, b.is) - Math.max(a.was, a.is) || (a.host < b.host ? -1 : 1));
}

interface BarPlace {
  readonly y: number;
  readonly rowHeight: number;
  readonly term: Term;
  readonly meanBefore: number | null;
  readonly meanAfter: number | null;
  readonly x: (value: number) => number;
  readonly unit: string;
  readonly name: string;
}

function barRow(
  { was, is }: BarRow,
  { y, rowHeight, term, meanBefore, meanAfter, x, unit, name }: BarPlace,
): Content {
  const half = (rowHeight - 5) / 2;
  const over = (value: number, mean: number | null) => (termExcess(term, value, mean) > 0 ? " over" : "");
  const changed = was !== is;
  const text = changed ? `${shortFigure(was)} → ${shortFigure(is)} ${unit}` : `${shortFigure(was)} ${unit}`;
  return html`<g><title>${name}: ${text}</title>${nameLabel(left - 8, y + rowHeight / 2 + 4, name, rowHeight)}<rect class="bar was${over(was, meanBefore)}" x="${left}" y="${y + 2}" width="${x(was) - left}" height="${half}"/><rect class="bar${over(is, meanAfter)}" x="${left}" y="${y + 2 + half}" width="${x(is) - left}" height="${half}"/>${label(right + 12, y + rowHeight / 2 + 4, text, { kind: changed ? "strong" : "" })}</g>`;
}
