/** A plan as a page, for whoever approves changes: what, why, from where to where, by what, and how it is done. Pure. */

import type { Evaluation } from "../../domain/deviation.ts";
import { gateName } from "../../domain/gate.ts";
import { placedGuests } from "../../domain/pool.ts";
import { isServe, type Rule, type ServeRule, termsOf } from "../../domain/rule.ts";
import { limitReached, openLine, unknownRuleLines, unresolvedLines } from "../../explain/report.ts";
import { minutesText, stillShortLines } from "../../explain/serving.ts";
import type { HostForecast, Move, ServeForecast } from "../../planner/plan.ts";
import { ahead } from "../../planner/serve/planServing.ts";
import { describeOptions, ruleTitle, ruleWords } from "../../rules/print.ts";
import { limitsText, unitOfTerm } from "../../rules/words.ts";
import { bytes, figure, grouped, plural, span } from "../../text/format.ts";
import { Names } from "../../text/names.ts";
import { type Content, html, type Markup } from "../html.ts";
import { pageText } from "../page.ts";
import { type ReportSection, sectionMarkup } from "../section.ts";
import { shortFigure } from "../svg.ts";
import { pageTable } from "../tables.ts";
import { exactText } from "../times.ts";
import { hostBars } from "./hostBars.ts";
import type { PlanFacts, PlanPageMaker } from "./planFacts.ts";

/** The file's text. */
export function planPage(facts: PlanFacts, { version, by, at }: PlanPageMaker): string {
  const { title, assessment, plan } = facts;
  const { pool } = assessment.stored.snapshot;
  const name = pool.name === "" ? pool.uuid : pool.name;
  const names = new Names(assessment.stored.snapshot);
  const sections = [
    moveSection(plan.moves, names),
    plan.serve === undefined ? null : serveSection(plan.serve, names),
    ...plan.before.map((before, index) => ruleSection(before, plan.after[index], index, facts, names)),
    remarksSection(facts, names),
    madeFromSection(facts, names),
    applySection(facts),
  ].filter((section) => section !== null);
  return pageText(`${title}, pool ${name}`, [
    html`<header><h1>${title}</h1><p class="lead">Pool ${name}, from collection ${assessment.stored.collection.id} of ${exactText(assessment.stored.collection.startedAt.getTime() / 1000)}</p></header>`,
    tiles(facts),
    held(facts),
    sections.map(sectionMarkup),
    html`<footer>Made ${exactText(at)} by ${by} with ${version}, by xcp-control --dry-run: neither the pool nor the database saw a change. All times are UTC. The file needs no network and runs no script.</footer>`,
  ]);
}

function tiles({ plan, findings }: PlanFacts): Markup {
  const copied = plan.moves.reduce((sum, { copyBytes }) => sum + (copyBytes ?? 0), 0);
  const broken = (all: readonly Evaluation[]) =>
    new Set(
      all.flatMap(({ verdicts }) => verdicts.filter((each) => each.broken).map(({ hostUuid }) => hostUuid)),
    ).size;
  const shown: readonly (readonly [string, string, string])[] = [
    ["Migrations", grouped(plan.moves.length), plural(new Set(plan.moves.map(({ vm }) => vm)).size, "VM")],
    ["To copy", bytes(copied), "memory, what guests write meanwhile left out"],
    [
      "Time",
      plan.moves.length === 0 ? "-" : span(plan.seconds),
      "about, as the pool's earlier migrations went",
    ],
    ["Past a limit", `${broken(plan.before)} → ${broken(plan.after)}`, "hosts before and after"],
  ];
  return html`<div class="tiles">${shown.map(
    ([name, value, beside]) =>
      html`<div class="tile"><span class="name">${name}</span><b>${value}</b><span>${beside}</span></div>`,
  )}</div>${findings.length === 0 ? null : html`<section aria-label="In short">${findings.map((line) => html`<p>${line}</p>`)}</section>`}`;
}

/** What would keep a run from carrying it out now. */
function held({ assessment: { blocked } }: PlanFacts): Content {
  if (blocked === null) return null;
  return html`<section aria-label="What stands against it"><p><b>A run would be refused now</b>: ${gateName(blocked)}: ${blocked.measured}, limit ${blocked.limit}; ${blocked.advice}</p></section>`;
}

function moveSection(moves: readonly Move[], names: Names): ReportSection {
  const numbers = new Map(moves.map((move, index) => [move, index + 1]));
  const waits = moves.some(({ after }) => after.length > 0);
  return {
    id: "moves",
    title: "Migrations",
    finding:
      moves.length === 0
        ? "Nothing is to be migrated."
        : "In an order that can be carried out; each is checked against the pool once more right before it starts.",
    body:
      moves.length === 0
        ? null
        : pageTable<Move>(
            plural(moves.length, "migration"),
            [
              { title: "No.", kind: "figure", cell: (move) => numbers.get(move) ?? 0 },
              { title: "VM", kind: "name", cell: ({ vm }) => names.of(vm) },
              { title: "From", kind: "name", cell: (move) => endOf(move, "source", names) },
              { title: "To", kind: "name", cell: (move) => endOf(move, "destination", names) },
              { title: "Why", kind: "long", cell: ({ reason }) => reason },
              {
                title: "Copy",
                kind: "figure",
                cell: ({ copyBytes }) => (copyBytes === null ? "-" : bytes(copyBytes)),
              },
              {
                title: "Starts",
                kind: "figure",
                cell: ({ startSeconds }) => (startSeconds < 0.5 ? "at once" : span(startSeconds)),
              },
              { title: "Takes", kind: "figure", cell: ({ seconds }) => span(seconds) },
              ...(waits
                ? [
                    {
                      title: "After no.",
                      kind: "figure",
                      cell: ({ after }: Move) => after.map((each) => each + 1).join(", "),
                    } as const,
                  ]
                : []),
            ],
            moves,
          ),
  };
}

/** A host of the move, and what it has of the rule's subject before and after. */
function endOf(move: Move, side: "source" | "destination", names: Names): Content {
  const { rule, term } = move;
  const name = names.of(move[side]);
  if (rule === null) return name;
  const [before, after] =
    side === "source"
      ? [move.sourceBefore, move.sourceAfter]
      : [move.destinationBefore, move.destinationAfter];
  return html`${name}<span class="change">${shortFigure(before)} → ${shortFigure(after)} ${unitOfTerm(rule, term)}</span>`;
}

function ruleSection(
  before: Evaluation,
  after: Evaluation | undefined,
  index: number,
  { assessment }: PlanFacts,
  names: Names,
): ReportSection {
  const { rule, verdicts } = before;
  const broken = verdicts.filter((each) => each.broken);
  const left = after?.verdicts.filter((each) => each.broken).length ?? 0;
  const tolerated = broken.flatMap(({ hostUuid }) => {
    const reason = assessment.suppressed(hostUuid, rule);
    return reason === null ? [] : [`${names.of(hostUuid)}: ${reason}. `];
  });
  const missing = before.missing.map((host) => `${names.of(host)} has no value and is left out. `);
  return {
    id: `rule-${index + 1}`,
    title: `Hosts by ${ruleTitle(rule)}`,
    finding: [
      html`<b>${plural(broken.length, "host")}</b> of ${verdicts.length} past the limit before, <b>${left}</b> after. Before the plan: ${limitsText(before)}${after === undefined ? "" : `; after it: ${limitsText(after)}`}. `,
      tolerated,
      missing,
    ],
    body:
      verdicts.length === 0
        ? null
        : termsOf(rule).map((_, place) =>
            hostBars({ id: `bars-${index + 1}-${place + 1}`, before, after, place, names }),
          ),
  };
}

/** What VMs are expected to want of the hosts and not to get, before the plan and after it. */
function serveSection({ rule, before, after, hosts }: ServeForecast, names: Names): ReportSection {
  const change = (was: number, is: number, decimals: number) => {
    const [first, second] = [figure(was, decimals), figure(is, decimals)];
    return first === second ? first : `${first} → ${second}`;
  };
  return {
    id: "serve",
    title: `Hosts by ${ruleTitle(rule)}`,
    finding: html`<b>${minutesText(before)}</b> of waiting for CPUs expected in the next ${ahead(rule.overMinutes)} by what VMs wanted in the last hour, <b>${minutesText(after)}</b> after the plan.`,
    body:
      hosts.length === 0
        ? null
        : pageTable<HostForecast>(
            "Hosts that are expected to lack CPUs",
            [
              { title: "Host", kind: "name", cell: ({ host }) => names.of(host) },
              { title: "CPUs", kind: "figure", cell: ({ cpus }) => figure(cpus) },
              {
                title: "CPUs wanted, before → after",
                kind: "figure",
                cell: (host) => change(host.wantedBefore, host.wantedAfter, 1),
              },
              {
                title: "give or take",
                kind: "figure",
                cell: (host) => change(host.spreadBefore, host.spreadAfter, 1),
              },
              {
                title: "CPU-minutes short, before → after",
                kind: "figure",
                cell: (host) => change(host.shortageBefore, host.shortageAfter, 1),
              },
            ],
            hosts,
          ),
  };
}

/** What is not done, and what else there is to know. */
function remarksSection({ plan, remarks, assessment }: PlanFacts, names: Names): ReportSection | null {
  const lines = [
    ...remarks,
    ...(plan.limited ? [`More migrations would follow; ${limitReached(plan, names)}`] : []),
    ...(plan.serve === undefined ? [] : stillShortLines(plan.serve, names)),
    ...unresolvedLines(plan.unresolved, names),
    ...plan.absent.map(({ host, reason }) => `${names.of(host)} is left out of means and moves: ${reason}`),
    ...assessment.controlState.open.map((migration) => openLine(migration, names)),
    ...unknownRuleLines(assessment.unknown),
    ...assessment.inactive.map(({ rule, reason }) => `${ruleTitle(rule)} does nothing now: ${reason}`),
  ];
  if (lines.length === 0) return null;
  return {
    id: "remarks",
    title: "What is not done, and why",
    finding: null,
    body: html`<ul class="lines">${lines.map((line) => html`<li class="${line.startsWith("  ") ? "inner" : ""}">${line.trim()}</li>`)}</ul>`,
  };
}

function madeFromSection({ assessment, plan, settings }: PlanFacts, names: Names): ReportSection {
  const { collection, snapshot, ageSeconds } = assessment.stored;
  const { samples, spanSeconds } = assessment.sampling;
  const rules: readonly (Rule | ServeRule)[] = [
    ...(plan.serve === undefined ? [] : [plan.serve.rule]),
    ...plan.before.map(({ rule }) => rule),
  ];
  const facts: readonly (readonly [string, string])[] = [
    [
      "Collection",
      `${collection.id}, begun ${exactText(collection.startedAt.getTime() / 1000)}, ${span(ageSeconds)} old when the plan was made`,
    ],
    [
      "Pool",
      `${plural(snapshot.hosts.length, "host")}, ${plural(placedGuests(snapshot), "running VM")}; ${snapshot.pool.uuid}`,
    ],
    [
      "Measures",
      samples > 1
        ? `averaged over ${plural(samples, "sample")} of ${span(spanSeconds)}`
        : "of this collection alone",
    ],
    [
      "Excluded",
      assessment.controlState.exclusions.map(({ uuid }) => names.of(uuid)).join(", ") || "nothing",
    ],
  ];
  return {
    id: "made-from",
    title: "What it was made from",
    finding: null,
    body: [
      list(facts),
      rules.length === 0
        ? null
        : pageTable(
            "Rules",
            [
              { title: "Kind", cell: (rule) => (isServe(rule) ? "SERVE" : "HOST") },
              {
                title: "Rule, as CREATE RULE takes it",
                kind: "long",
                cell: (rule) => html`<code>${ruleWords(rule)}</code>`,
              },
              { title: "", cell: (rule) => ("enabled" in rule ? describeOptions(rule) : "") },
            ],
            rules,
          ),
      html`<h3>Settings that shape it</h3><dl class="settings">${settings.map(
        ([key, value]) => html`<dt><code>${key}</code></dt><dd>${value}</dd>`,
      )}</dl>`,
    ],
  };
}

function list(entries: readonly (readonly [string, string])[]): Markup {
  return html`<dl>${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function applySection({ apply: { text, commands }, plan }: PlanFacts): ReportSection | null {
  if (plan.moves.length === 0) return null;
  return {
    id: "apply",
    title: "How it is carried out",
    finding: text,
    body: html`<pre>${commands.map((command) => html`${command}\n`)}</pre>`,
  };
}
