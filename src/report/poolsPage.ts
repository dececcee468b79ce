/** Several pools on a page: a line on each, with a link to its own report. Pure. */
import type { ListedPool } from "../domain/poolOverview.ts";
import { plural, span } from "../text/format.ts";
import type { ReportFacts } from "./facts.ts";
import { type Content, html } from "./html.ts";
import { pageText } from "./page.ts";
import type { ReportMaker } from "./report.ts";
import { inBrief } from "./sections/glance.ts";
import { type PageColumn, pageTable } from "./tables.ts";
import { exactText } from "./times.ts";

export interface PoolOnPage {
  readonly listed: ListedPool;
  /** Its own report: the file's name, in the same folder; null where none could be drawn. */
  readonly report: { readonly file: string; readonly facts: ReportFacts } | null;
}

/** The file's text. */
export function poolsPage(pools: readonly PoolOnPage[], { version, by, at }: ReportMaker): string {
  const missing = pools.filter(({ report }) => report === null).length;
  const lead =
    missing === 0
      ? `All ${pools.length} have a report.`
      : `${plural(missing, "of them has", "of them have")} no report; the last column says why.`;
  const title = `Report of ${plural(pools.length, "pool")}`;
  return pageText(title, [
    html`<header><h1>${title}</h1><p class="lead">${lead}</p></header>`,
    html`<section>${pageTable("The pools of this machine", columns, pools)}</section>`,
    html`<footer>Made ${exactText(at)} by ${by} with ${version}. The reports lie beside this file: take them along. The file needs no network and runs no script.</footer>`,
  ]);
}

const columns: readonly PageColumn<PoolOnPage>[] = [
  { title: "Pool", cell: nameCell, kind: "name" },
  { title: "Name", cell: ({ listed }) => listed.overview?.name ?? "-", kind: "name" },
  { title: "Hosts", cell: ({ listed }) => listed.overview?.hosts ?? "-", kind: "figure" },
  { title: "VMs", cell: ({ listed }) => listed.overview?.vms ?? "-", kind: "figure" },
  { title: "CPU", cell: brief("cpu"), kind: "figure" },
  { title: "Past a limit", cell: brief("past"), kind: "figure" },
  { title: "Migrations", cell: brief("migrations") },
  { title: "State", cell: stateCell, kind: "long" },
];

function nameCell({ listed, report }: PoolOnPage): Content {
  if (report === null) return listed.pool;
  // Behind "./" no name of a file is taken for a scheme.
  return html`<a href="./${encodeURIComponent(report.file)}">${listed.pool}</a>`;
}

function brief(which: keyof ReturnType<typeof inBrief>): (pool: PoolOnPage) => Content {
  return ({ report }) => (report === null ? "-" : (inBrief(report.facts)[which] ?? "-"));
}

function stateCell({ listed: { overview, problem } }: PoolOnPage): Content {
  if (overview === null) return `cannot be asked: ${problem}`;
  const { state, ageSeconds } = overview;
  return ageSeconds === null ? state : `${state}, collected ${span(ageSeconds, "rough")} ago`;
}
