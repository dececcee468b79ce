/** The report: what the pools were like and what was done, as one page. Pure; its facts come from the store. */
import type { ReportFacts } from "./facts.ts";
import { type Content, html, type Markup } from "./html.ts";
import { pageText } from "./page.ts";
import { type ReportSection, type SectionInput, sectionMarkup } from "./section.ts";
import { asleepSection } from "./sections/asleep.ts";
import { deviationSection } from "./sections/deviation.ts";
import { glance } from "./sections/glance.ts";
import { imbalanceSection } from "./sections/imbalance.ts";
import { loadSection } from "./sections/load.ts";
import { migrationsSection } from "./sections/migrations.ts";
import { observedSection } from "./sections/observed.ts";
import { predictionSection } from "./sections/prediction.ts";
import { refusedSection } from "./sections/refused.ts";
import { rulesSection } from "./sections/rules.ts";
import { shortageSection } from "./sections/shortage.ts";
import { runningText, topVmsSection } from "./sections/topVms.ts";
import { exactText, lengthText } from "./times.ts";

/** In the order of the page; null where a pool has nothing of the kind. */
const sections: readonly ((input: SectionInput) => ReportSection | null)[] = [
  loadSection,
  deviationSection,
  shortageSection,
  observedSection,
  migrationsSection,
  imbalanceSection,
  predictionSection,
  asleepSection,
  topVmsSection,
  refusedSection,
  rulesSection,
];

export interface ReportMaker {
  /** "xcp-balance 1.2.0" */
  readonly version: string;
  /** Who had it made, "ann@desk7", and when (seconds since 1970). */
  readonly by: string;
  readonly at: number;
}

/** The file's text: a part for each pool, one after the other. */
export function reportPage(pools: readonly ReportFacts[], { version, by, at }: ReportMaker): string {
  const [only] = pools;
  const title =
    pools.length === 1 && only !== undefined
      ? `Report of pool ${poolName(only)}`
      : `Report of ${pools.length} pools`;
  return pageText(title, [
    pools.length > 1 ? overview(pools) : null,
    pools.map((facts, index) => poolPart(facts, `p${index + 1}`)),
    html`<footer>Made ${exactText(at)} by ${by} with ${version}. All times are UTC, by the database's clock. Means of a span of time are over the collections of it; a host that was off, asleep or unread has no figure then and counts in no mean. The file needs no network and runs no script.</footer>`,
  ]);
}

/** Links to the parts of several pools. */
function overview(pools: readonly ReportFacts[]): Markup {
  return html`<header><h1>Report of ${pools.length} pools</h1><nav aria-label="Pools">${pools.map(
    (facts, index) => html`<a href="#p${index + 1}">${poolName(facts)}</a>`,
  )}</nav></header>`;
}

function poolPart(facts: ReportFacts, id: string): Content {
  const parts = sections.flatMap((make) => make({ facts, id }) ?? []);
  return html`<header id="${id}"><h1>Pool ${poolName(facts)}</h1><p class="lead">${exactText(facts.from)} to ${exactText(facts.to)}, ${lengthText(facts.to - facts.from)}${shorter(facts)}; now ${runningText(facts)}</p><nav aria-label="Sections">${parts.map(
    (part) => html`<a href="#${part.id}">${part.title}</a>`,
  )}</nav></header>
${glance(facts)}
${parts.map(sectionMarkup)}`;
}

/** That less is stored than was asked for; "" where it is not. */
function shorter({ from, to, askedFrom }: ReportFacts): string {
  return from - askedFrom < 60
    ? ""
    : ` of the ${lengthText(to - askedFrom)} that were asked for: nothing was collected before`;
}

function poolName({ pool: { name, uuid } }: ReportFacts): string {
  return name === "" ? uuid : name;
}
