/** What a section of a report is. Pure. */

import type { ReportFacts } from "./facts.ts";
import { type Content, html, type Markup } from "./html.ts";

/** Facts with the beginning of all ids in the pool's part of the page. */
export interface SectionInput {
  readonly facts: ReportFacts;
  readonly id: string;
}

export interface ReportSection {
  readonly id: string;
  readonly title: string;
  /** What it says, in a sentence or two: whoever reads nothing else reads this. */
  readonly finding: Content;
  readonly body: Content;
}

export function sectionMarkup({ id, title, finding, body }: ReportSection): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-h"><h2 id="${id}-h">${title}</h2><p class="finding">${finding}</p>${body}</section>
`;
}
