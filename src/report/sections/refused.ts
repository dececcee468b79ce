/** What was not done, and why: runs that a gate kept from acting, migrations that were refused or failed. Pure. */
import { gateName } from "../../domain/gate.ts";
import { grouped, plural } from "../../text/format.ts";
import { longest, shorten } from "../../text/text.ts";
import type { MigrationFact, ReportFacts, RunGroup } from "../facts.ts";
import { type Content, html, type Markup } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import { pageTable } from "../tables.ts";
import { momentText } from "../times.ts";
import { endKind } from "./migrations.ts";

/** Rows of each table. */
const shownGroups = 25;

export function refusedSection({ facts, id }: SectionInput): ReportSection {
  const { closed, runs, migrations, powerTroubles } = facts;
  const held = runs.filter(({ outcome }) => ["refused", "failed", "partly"].includes(outcome));
  const troubled = troubledMigrations(migrations);
  const now =
    closed === null
      ? null
      : html` <b>Now a run would be refused</b>: ${gateName(closed)}, ${closed.measured} (limit ${closed.limit}); ${closed.advice}.`;
  const nothing = held.length === 0 && troubled.length === 0 && powerTroubles.length === 0;
  return {
    id: `${id}-refused`,
    title: "Refused, failed, and why",
    finding: [nothing ? "Nothing was refused and nothing failed." : countsSentence(runs, troubled), now],
    body: nothing
      ? null
      : [
          held.length === 0 ? null : runTable(held),
          troubled.length === 0 ? null : migrationTable(troubled),
          powerTroubles.length === 0 ? null : powerTable(facts),
        ],
  };
}

function countsSentence(runs: readonly RunGroup[], troubled: readonly TroubleGroup[]): Content {
  const all = sumOf(runs);
  const refused = sumOf(runs.filter(({ outcome }) => outcome === "refused"));
  const failed = sumOf(runs.filter(({ outcome }) => outcome === "failed" || outcome === "partly"));
  const ends = sumOf(troubled);
  const ofRuns =
    all === 0
      ? "No run of xcp-control is remembered."
      : html`Of <b>${plural(all, "run", "runs", grouped(all))}</b> of xcp-control <b>${grouped(refused)}</b> were refused by a gate, and ${grouped(failed)} failed or did a part only.`;
  return [
    ofRuns,
    ends === 0
      ? null
      : html` <b>${plural(ends, "migration")}</b> did not come to ${ends === 1 ? "its" : "their"} end.`,
  ];
}

function sumOf(groups: readonly { readonly count: number }[]): number {
  return groups.reduce((sum, { count }) => sum + count, 0);
}

function runTable(groups: readonly RunGroup[]): Markup {
  const shown = groups.slice(0, shownGroups);
  return pageTable<RunGroup>(
    shown.length < groups.length
      ? `Runs of xcp-control: the ${shown.length} most frequent reasons of ${groups.length}`
      : "Runs of xcp-control",
    [
      { title: "Outcome", cell: ({ outcome }) => outcome },
      { title: "Why", cell: ({ what }) => shorten(what, longest.error) },
      {
        title: "In its own words, the last time",
        kind: "long",
        cell: ({ example }) => shorten(example, longest.error),
      },
      { title: "Times", kind: "figure", cell: ({ count }) => grouped(count) },
      { title: "First", kind: "time", cell: ({ first }) => momentText(first) },
      { title: "Last", kind: "time", cell: ({ last }) => momentText(last) },
    ],
    shown,
  );
}

interface TroubleGroup {
  readonly state: MigrationFact["state"];
  readonly why: string;
  readonly count: number;
  readonly last: MigrationFact;
}

/** Migrations that did not come to their end, by how and why. */
function troubledMigrations(migrations: readonly MigrationFact[]): readonly TroubleGroup[] {
  const groups = new Map<string, TroubleGroup>();
  for (const each of migrations) {
    const kind = endKind(each.state);
    if (kind !== "failed" && kind !== "refused") continue;
    const why = each.error ?? "no reason is written down";
    const key = `${each.state} ${why}`;
    groups.set(key, { state: each.state, why, count: (groups.get(key)?.count ?? 0) + 1, last: each });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || b.last.at - a.last.at);
}

function migrationTable(groups: readonly TroubleGroup[]): Markup {
  const shown = groups.slice(0, shownGroups);
  const caption =
    shown.length < groups.length
      ? `Migrations: the ${shown.length} most frequent reasons of ${groups.length}`
      : "Migrations";
  return pageTable<TroubleGroup>(
    caption,
    [
      { title: "Result", cell: ({ state }) => html`<span class="state ${endKind(state)}">${state}</span>` },
      { title: "Why", kind: "long", cell: ({ why }) => shorten(why, longest.error) },
      { title: "Times", kind: "figure", cell: ({ count }) => count },
      { title: "Last", kind: "time", cell: ({ last }) => momentText(last.at) },
    ],
    shown,
  );
}

function powerTable({ powerTroubles, names }: ReportFacts): Markup {
  return pageTable(
    "Hosts that were to sleep or to wake",
    [
      { title: "Time (UTC)", kind: "time", cell: ({ at }) => momentText(at) },
      { title: "Host", kind: "name", cell: ({ host }) => names.of(host) },
      { title: "Step", cell: ({ kind }) => kind },
      { title: "Why", kind: "long", cell: ({ reason }) => shorten(reason, longest.error) },
    ],
    powerTroubles,
  );
}
