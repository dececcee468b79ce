/** What runs did for the pool: the highest deviation before their migrations and after them. Pure. */

import { unitOf } from "../../domain/rule.ts";
import { plural } from "../../text/format.ts";
import type { ReportFacts, Shift } from "../facts.ts";
import { html, type Markup } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import { label, picture, pictureWidth, shortFigure, valueScale } from "../svg.ts";
import { momentText } from "../times.ts";
import { signedFigure } from "./load.ts";
import { quantile } from "./prediction.ts";

const left = 150;
const right = pictureWidth - 150;
const rowHeight = 22;
const top = 30;
const shownShifts = 30;

export function imbalanceSection({ facts, id }: SectionInput): ReportSection | null {
  const { shifts } = facts;
  if (shifts.length === 0) return null;
  const better = shifts.filter(({ before, after }) => after < before).length;
  const kept = shifts.filter(({ after, threshold }) => after <= threshold).length;
  const falls = shifts
    .filter(({ before }) => before > 0)
    .map(({ before, after }) => (before - after) / before)
    .sort((a, b) => a - b);
  const middle = quantile(falls, 0.5);
  const subjects = [...new Set(shifts.map(({ subject }) => subject))];
  return {
    id: `${id}-imbalance`,
    title: "Imbalance before and after",
    finding: html`In <b>${better} of ${plural(shifts.length, "run")}</b> that migrated for a rule the highest host came nearer to the mean; in ${kept} it was within the limit afterwards. In the middle one it ${middle < 0 ? "went up" : "came down"} by <b>${shortFigure(Math.abs(Math.round(middle * 100)))} %</b>. Measured, not predicted: the ten collections before, and the first ten after the last migration.`,
    body: subjects.map((subject) =>
      dumbbells(
        facts,
        shifts.filter((shift) => shift.subject === subject).slice(-shownShifts),
        `${id}-shift-${subject}`,
      ),
    ),
  };
}

function dumbbells(_facts: ReportFacts, shifts: readonly Shift[], id: string): Markup {
  const [first] = shifts;
  const subject = first?.subject ?? "CpuAverage";
  const unit = unitOf(subject);
  const highest = Math.max(...shifts.flatMap(({ before, after, threshold }) => [before, after, threshold]));
  const bottom = top + shifts.length * rowHeight;
  const scale = valueScale(0, highest, left, right);
  const limit = first?.threshold ?? 0;
  const sameLimit = shifts.every(({ threshold }) => threshold === limit);
  return picture({
    id,
    height: bottom + 26,
    title: `${subject}: highest deviation from the mean before and after the migrations of a run`,
    description: `${plural(shifts.length, "run")}, the oldest first; an empty ring before, a full one after. ${shifts.map(({ at, before, after }) => `${momentText(at)}: ${shortFigure(before)} to ${shortFigure(after)}`).join("; ")}.`,
    body: [
      sameLimit
        ? html`<rect class="band" x="${left}" y="${top - 8}" width="${scale(limit) - left}" height="${bottom - top + 8}"/>`
        : null,
      html`<g class="axis">${scale.ticks(6).map((value) => html`<line x1="${scale(value)}" x2="${scale(value)}" y1="${top - 8}" y2="${bottom + 4}"/>${label(scale(value), bottom + 18, signedFigure(value, unit), { anchor: "middle" })}`)}</g>`,
      sameLimit
        ? html`<line class="limit" x1="${scale(limit)}" x2="${scale(limit)}" y1="${top - 8}" y2="${bottom}"/>${label(scale(limit), top - 14, `limit ${signedFigure(limit, unit)}`, { anchor: "middle", kind: "past" })}`
        : null,
      label(0, top - 14, `${subject} above the mean`, { kind: "strong" }),
      shifts.map((shift, index) => row(shift, top + (index + 0.5) * rowHeight, scale, { sameLimit, unit })),
    ],
  });
}

function row(
  { at, before, after, threshold, moves }: Shift,
  y: number,
  scale: ReturnType<typeof valueScale>,
  { sameLimit, unit }: { readonly sameLimit: boolean; readonly unit: string },
): Markup {
  const kind = after > before ? "after worse" : "after";
  const text = `${momentText(at)}: ${plural(moves, "migration")}, highest host ${signedFigure(before, unit)} before and ${signedFigure(after, unit)} after (allowed ${shortFigure(threshold)})`;
  return html`<g><title>${text}</title>${label(left - 8, y + 4, momentText(at), { anchor: "end" })}<line class="join" x1="${scale(before)}" x2="${scale(after)}" y1="${y}" y2="${y}"/>${
    sameLimit
      ? null
      : html`<line class="limit" x1="${scale(threshold)}" x2="${scale(threshold)}" y1="${y - 8}" y2="${y + 8}"/>`
  }<circle class="before" cx="${scale(before)}" cy="${y}" r="5"/><circle class="${kind}" cx="${scale(after)}" cy="${y}" r="5"/>${label(right + 12, y + 4, `${signedFigure(before, unit)} → ${signedFigure(after, unit)}`, { kind: "ink" })}</g>`;
}
