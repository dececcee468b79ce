/** The frame that all pictures share: size, names for whoever cannot see them, axes. Lengths are of the viewBox. Pure. */
import { type ScaleLinear, type ScaleTime, scaleLinear, scaleUtc } from "d3-scale";
import { figure } from "../text/format.ts";
import { fitWidth, printable } from "../text/text.ts";
import { type Content, html, type Markup } from "./html.ts";
import { clockText, dayText } from "./times.ts";

/** The width of a picture that spans the page. */
export const pictureWidth = 960;

export interface Picture {
  /** Unique in the page. */
  readonly id: string;
  readonly height: number;
  readonly width?: number;
  /** What it shows, in words, and what is to be seen in it. */
  readonly title: string;
  readonly description: string;
  readonly body: Content;
}

/** A picture with its name and description, as screen readers tell them. */
export function picture({ id, width = pictureWidth, height, title, description, body }: Picture): Markup {
  return html`<div class="picture"><svg id="${id}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${description}</desc>${body}</svg></div>`;
}

/** A text in a picture. */
export function label(
  x: number,
  y: number,
  text: string,
  how: { readonly anchor?: "start" | "middle" | "end"; readonly kind?: string } = {},
): Markup {
  const { anchor = "start", kind = "" } = how;
  return html`<text x="${x}" y="${y}" text-anchor="${anchor}" class="${kind}">${text}</text>`;
}

/** A name in a picture: cut to the room that it has, whole when pointed at. */
export function nameLabel(x: number, y: number, name: string, rowHeight: number): Markup {
  const tight = rowHeight < 14;
  const shown = fitWidth(printable(name), tight ? 24 : 21);
  return html`<text class="${tight ? "tight" : ""}" x="${x}" y="${y}" text-anchor="end"><title>${name}</title>${shown}</text>`;
}

export type TimeScale = ScaleTime<number, number>;
export type ValueScale = ScaleLinear<number, number>;

/** Seconds since 1970 to x. */
export function timeScale(from: number, to: number, left: number, right: number): TimeScale {
  return scaleUtc()
    .domain([new Date(from * 1000), new Date(to * 1000)])
    .range([left, right]);
}

export function xOf(scale: TimeScale, seconds: number): number {
  return scale(new Date(seconds * 1000));
}

/** From `low` to `high`, ending at round figures; upwards as y falls. */
export function valueScale(low: number, high: number, bottom: number, top: number): ValueScale {
  return scaleLinear()
    .domain(low === high ? [low, low + 1] : [low, high])
    .nice(5)
    .range([bottom, top]);
}

/** The times below a picture, with lines through it from `top` to `bottom`. */
export function timeAxis(scale: TimeScale, top: number, bottom: number): Markup {
  const ticks = scale.ticks(9).map((date) => date.getTime() / 1000);
  return html`<g class="axis">${ticks.map((at) => {
    const x = xOf(scale, at);
    const isMidnight = at % 86_400 === 0;
    return html`<line x1="${x}" x2="${x}" y1="${top}" y2="${bottom + 4}"/>${label(x, bottom + 17, isMidnight ? dayText(at) : clockText(at), { anchor: "middle" })}`;
  })}</g>`;
}

/** The values at the left of a picture, with lines through it. */
export function valueAxis(
  scale: ValueScale,
  left: number,
  right: number,
  {
    unit,
    ticks = 5,
    signed = false,
  }: { readonly unit: string; readonly ticks?: number; readonly signed?: boolean },
): Markup {
  return html`<g class="axis">${scale.ticks(ticks).map((value) => {
    const y = scale(value);
    const text = `${signed && value > 0 ? "+" : ""}${shortFigure(value)}${unit === "" ? "" : ` ${unit}`}`;
    return html`<line x1="${left}" x2="${right}" y1="${y}" y2="${y}"/>${label(left - 8, y + 4, text, { anchor: "end" })}`;
  })}</g>`;
}

/** "12.5", "340", "64,000" */
export function shortFigure(value: number): string {
  const size = Math.abs(value);
  if (size >= 10_000) return Math.round(value).toLocaleString("en");
  return figure(value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** What a legend says of a mark. */
export function legend(entries: readonly (readonly [mark: string, text: string])[]): Markup {
  return html`<ul class="legend">${entries.map(
    ([mark, text]) =>
      html`<li><svg class="key" viewBox="0 0 26 12" width="26" height="12" aria-hidden="true"><path class="${mark}" d="M1 6H25"/></svg>${text}</li>`,
  )}</ul>`;
}
