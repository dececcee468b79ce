/** Tables of a page. Pure. */
import { type Content, html, type Markup } from "./html.ts";

export interface PageColumn<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Content;
  /** Figures stand to the right; names and long texts have room before they are broken. */
  readonly kind?: "figure" | "time" | "name" | "long";
}

/** A table with its caption, which screen readers tell first. */
export function pageTable<Row>(
  caption: string,
  columns: readonly PageColumn<Row>[],
  rows: readonly Row[],
): Markup {
  return html`<div class="table"><table><caption>${caption}</caption><thead><tr>${columns.map(
    ({ title, kind = "" }) => html`<th scope="col" class="${kind}">${title}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (row) =>
      html`<tr>${columns.map(({ cell, kind = "" }) => html`<td class="${kind}">${cell(row)}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}
