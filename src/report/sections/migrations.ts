/** What was migrated: an arrow for each migration between the lines of its hosts, and the newest of them in a table. Pure. */
import type { MigrationState } from "../../domain/migration.ts";
import type { Uuid } from "../../domain/pool.ts";
import { conditionText } from "../../rules/print.ts";
import { bytes, figure, grouped, plural, span } from "../../text/format.ts";
import type { MigrationFact, ReportFacts } from "../facts.ts";
import { type Content, html, type Markup } from "../html.ts";
import type { ReportSection, SectionInput } from "../section.ts";
import { legend, nameLabel, picture, pictureWidth, timeAxis, timeScale, xOf } from "../svg.ts";
import { pageTable } from "../tables.ts";
import { momentText } from "../times.ts";

const left = 150;
const right = pictureWidth - 12;
const top = 12;

/** Rows of the table; the picture has all. */
const shownRows = 25;

/** From so many on their lines are thin. */
const manyArrows = 150;

/** The four ways in which a migration is drawn. */
export type EndKind = "succeeded" | "failed" | "refused" | "open";

export function endKind(state: MigrationState): EndKind {
  switch (state) {
    case "succeeded":
      return "succeeded";
    case "refused":
    case "overtaken":
      return "refused";
    case "failed":
    case "cancelled":
    case "lost":
      return "failed";
    default:
      return "open";
  }
}

export function migrationsSection({ facts, id }: SectionInput): ReportSection {
  const { migrations, migrationCounts } = facts;
  const all = Object.values(migrationCounts).reduce((sum, count) => sum + count, 0);
  if (migrations.length === 0) {
    return {
      id: `${id}-migrations`,
      title: "Migrations",
      finding: "xcp-control has migrated nothing in this time.",
      body: null,
    };
  }
  return {
    id: `${id}-migrations`,
    title: "Migrations",
    finding: findingOf(facts, all),
    body: [
      arrows(facts, `${id}-arrows`),
      legend([
        ["succeeded", "succeeded"],
        ["failed", "failed, cancelled or lost"],
        ["refused", "never started, or somebody stepped in"],
        ...(migrations.some(({ state }) => endKind(state) === "open")
          ? ([["open", "not ended yet"]] as const)
          : []),
      ]),
      all > migrations.length
        ? html`<p class="note">The newest ${grouped(migrations.length)} of ${grouped(all)} are drawn.</p>`
        : null,
      newestTable(facts),
    ],
  };
}

function findingOf({ migrations, migrationCounts }: ReportFacts, all: number): Content {
  const succeeded = migrationCounts["succeeded"] ?? 0;
  const copied = migrations.reduce(
    (sum, { state, memoryBytes }) => sum + (state === "succeeded" ? (memoryBytes ?? 0) : 0),
    0,
  );
  const others = Object.entries(migrationCounts)
    .filter(([state, count]) => state !== "succeeded" && count > 0)
    .map(([state, count]) => `${count} ${state}`);
  const causes = [
    ["evacuation", "to empty hosts"],
    ["green", "to let hosts sleep"],
  ].flatMap(([cause, words]) => {
    const count = migrations.filter((each) => each.cause === cause).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  return html`<b>${plural(all, "migration", "migrations", grouped(all))}</b>, of which <b>${grouped(succeeded)} succeeded</b>${others.length === 0 ? null : `, ${others.join(", ")}`}; ${bytes(copied)} of memory were copied${causes.length === 0 ? null : `; ${causes.join(", ")}`}.`;
}

function arrows(facts: ReportFacts, id: string): Markup {
  const { migrations, names, from, to } = facts;
  const hosts = laneHosts(facts);
  const laneHeight = Math.max(11, Math.min(34, Math.floor(560 / hosts.length)));
  const bottom = top + hosts.length * laneHeight;
  const scale = timeScale(from, to, left, right);
  const yOf = new Map(hosts.map((host, index) => [host, top + (index + 0.5) * laneHeight]));
  const head = Math.max(2.6, Math.min(4.5, laneHeight / 4));
  return picture({
    id,
    height: bottom + 26,
    title: "Migrations between hosts over time",
    description: `${plural(migrations.length, "arrow")} from the line of the host that a VM left to that of the host that it came to, among ${plural(hosts.length, "host")}. The line's kind tells how it ended; each arrow names the VM, the reason and the result. The table below has the newest.`,
    body: [
      timeAxis(scale, top, bottom),
      hosts.map((host) => {
        const y = yOf.get(host) ?? 0;
        return html`<g>${nameLabel(left - 8, y + 4, names.of(host), laneHeight)}<line class="lane" x1="${left}" x2="${right}" y1="${y}" y2="${y}"/></g>`;
      }),
      html`<g class="${migrations.length > manyArrows ? "many" : "few"}">${migrations.map((each) => {
        const [start, end] = [xOf(scale, each.at), xOf(scale, each.endedAt ?? each.at)];
        const [y1, y2] = [yOf.get(each.source) ?? top, yOf.get(each.destination) ?? top];
        return arrow(each, arrowTitle(each, facts), { start, end, y1, y2, head });
      })}</g>`,
    ],
  });
}

/** All hosts that were measured or moved between, by name. */
function laneHosts({ loads, migrations, names }: ReportFacts): Uuid[] {
  const hosts = new Set<Uuid>(loads[0]?.hosts.keys() ?? []);
  for (const { source, destination } of migrations) hosts.add(source).add(destination);
  const collator = new Intl.Collator("en", { numeric: true });
  return [...hosts].sort((a, b) => collator.compare(names.of(a), names.of(b)) || (a < b ? -1 : 1));
}

interface ArrowPlace {
  readonly start: number;
  readonly end: number;
  readonly y1: number;
  readonly y2: number;
  readonly head: number;
}

function arrow(
  { id, state }: MigrationFact,
  title: string,
  { start, end, y1, y2, head }: ArrowPlace,
): Markup {
  const down = y2 >= y1 ? 1 : -1;
  const neck = y2 - down * head * 1.8;
  const point = (value: number) => Math.round(value * 10) / 10;
  const line = `M${point(start)} ${point(y1)}L${point(end)} ${point(neck)}`;
  const tip = `M${point(end - head)} ${point(neck)}h${point(2 * head)}L${point(end)} ${point(y2)}z`;
  return html`<g class="move ${endKind(state)}" id="m-${id}"><title>${title}</title><path d="${line}"/><path class="head" d="${tip}"/></g>`;
}

function arrowTitle(each: MigrationFact, { names }: ReportFacts): string {
  const { vm, source, destination, state, seconds, error, at } = each;
  const took = seconds === null ? "" : `, ${span(seconds)}`;
  const why = error === null || error === "" ? "" : `: ${error}`;
  return `${momentText(at)}, ${names.of(vm)}: ${names.of(source)} to ${names.of(destination)}. ${state}${took}${why}. ${reasonText(each)}`;
}

/** The rule where there is one: the reason itself says more than has room. */
export function reasonText({ rule, reason, cause }: MigrationFact): string {
  if (cause === "green") return `so that a host can sleep: ${reason}`;
  return rule === null ? reason : conditionText(rule);
}

function newestTable({ migrations, names }: ReportFacts): Markup {
  const shown = migrations.slice(-shownRows).reverse();
  const caption =
    shown.length < migrations.length
      ? `The newest ${shown.length} of them`
      : plural(shown.length, "migration", "migrations");
  return pageTable<MigrationFact>(
    `${caption}, newest first`,
    [
      { title: "Time (UTC)", kind: "time", cell: ({ at }) => momentText(at) },
      { title: "VM", kind: "name", cell: ({ vm }) => names.of(vm) },
      { title: "From", kind: "name", cell: ({ source }) => names.of(source) },
      { title: "To", kind: "name", cell: ({ destination }) => names.of(destination) },
      { title: "Why", kind: "long", cell: reasonText },
      {
        title: "Result",
        kind: "long",
        cell: ({ state, error }) => [
          html`<span class="state ${endKind(state)}">${state}</span>`,
          error === null || error === "" ? null : html` ${error}`,
        ],
      },
      {
        title: "Size",
        kind: "figure",
        cell: ({ memoryBytes }) => (memoryBytes === null ? "-" : bytes(memoryBytes)),
      },
      {
        title: "Seconds",
        kind: "figure",
        cell: ({ seconds }) => (seconds === null ? "-" : figure(seconds, seconds < 10 ? 1 : 0)),
      },
    ],
    shown,
  );
}
