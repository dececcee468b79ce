/** The migrations of a span of time for a report, and what they did to the pool's balance. Read only. */
import { asSingle, isSingle, type Rule, type Subject, termsOf } from "../../domain/rule.ts";
import { isThesisSubject } from "../../domain/subject.ts";
import type { MigrationFact, Shift } from "../../report/facts.ts";
import type { Reader, Row } from "../connection.ts";
import { migrationColumns, migrationFrom } from "../migrations.ts";
import { highestDeviation, sqlSeconds } from "./reportLoads.ts";

/** The most that a picture can show, and a page should carry. */
const mostMigrations = 4000;

/** Runs whose effect is measured: the newest. */
const mostShifts = 30;

/** Collections before and after the migrations of a run that are measured. */
const measuredCollections = 10;

export interface MigrationsRead {
  /** Oldest first. */
  readonly migrations: readonly MigrationFact[];
  readonly counts: Readonly<Record<string, number>>;
}

/** The newest of the span, and how many of each state there were in all. */
export async function migrationsBetween(reader: Reader, from: number, to: number): Promise<MigrationsRead> {
  const span = [sqlSeconds(from), sqlSeconds(to)];
  const counts = await reader.rows(
    "SELECT State AS state, COUNT(*) AS count_ FROM Migration WHERE PlannedAt >= ? AND PlannedAt < ? GROUP BY State",
    span,
  );
  const rows = await reader.rows(
    `SELECT ${migrationColumns} FROM Migration WHERE PlannedAt >= ? AND PlannedAt < ?
      ORDER BY PlannedAt DESC, Id LIMIT ${mostMigrations}`,
    span,
  );
  return {
    migrations: rows.map(factFrom).reverse(),
    counts: Object.fromEntries(counts.map((row) => [String(row["state"]), Number(row["count_"])])),
  };
}

function factFrom(row: Row): MigrationFact {
  const {
    id,
    runId,
    vm,
    source,
    destination,
    rule,
    cause,
    reason,
    state,
    seconds,
    memoryBytes,
    error,
    ...rest
  } = migrationFrom(row);
  return {
    id,
    runId,
    vm,
    source,
    destination,
    rule,
    cause,
    reason,
    state,
    seconds,
    memoryBytes,
    error,
    at: (rest.submittedAt ?? rest.plannedAt).getTime() / 1000,
    endedAt: rest.finishedAt === null ? null : rest.finishedAt.getTime() / 1000,
    expectedSeconds: expectedIn(String(row["Figures"] ?? "")),
  };
}

/** How long it was expected to take, by the figures that it was decided by. */
function expectedIn(figures: string): number | null {
  try {
    const value: unknown = JSON.parse(figures);
    if (typeof value !== "object" || value === null || !("expectedSeconds" in value)) return null;
    return typeof value.expectedSeconds === "number" ? value.expectedSeconds : null;
  } catch {
    return null;
  }
}

interface RunMoves {
  readonly at: number;
  readonly subject: Subject;
  readonly threshold: number;
  moves: number;
  before: number;
  after: number;
}

/** The runs that migrated for a rule and have collections before and after; oldest first. */
export async function shiftsBetween(reader: Reader, from: number, to: number): Promise<readonly Shift[]> {
  const rows = await reader.rows(
    `SELECT ${migrationColumns} FROM Migration
      WHERE PlannedAt >= ? AND PlannedAt < ? AND State = 'succeeded' AND COALESCE(Cause, 'rules') = 'rules'
        AND CollectionsAtEnd IS NOT NULL
      ORDER BY PlannedAt DESC, Id LIMIT 1000`,
    [sqlSeconds(from), sqlSeconds(to)],
  );
  const runs = new Map<string, RunMoves>();
  for (const { runId, rule, plannedAt, collectionId, collectionsAtEnd } of rows.map(migrationFrom)) {
    const compared = rule === null ? null : comparedBy(rule);
    if (compared === null || collectionsAtEnd === null) continue;
    const at = plannedAt.getTime() / 1000;
    const known = runs.get(runId);
    if (known === undefined) {
      if (runs.size === mostShifts) break;
      runs.set(runId, { at, ...compared, moves: 1, before: collectionId, after: collectionsAtEnd });
      continue;
    }
    known.moves++;
    known.before = Math.min(known.before, collectionId);
    known.after = Math.max(known.after, collectionsAtEnd);
  }
  const shifts: Shift[] = [];
  for (const { at, subject, threshold, moves, ...ids } of [...runs.values()].reverse()) {
    const before = await highestDeviation(reader, subject, ids.before - measuredCollections + 1, ids.before);
    const after = await highestDeviation(reader, subject, ids.after + 1, ids.after + measuredCollections);
    if (before !== null && after !== null) shifts.push({ at, subject, threshold, moves, before, after });
  }
  return shifts;
}

/** The subject and threshold of a rule that compares one kept measure with the mean. */
function comparedBy(rule: Rule): { readonly subject: Subject; readonly threshold: number } | null {
  const single = isSingle(rule) ? rule : asSingle(rule);
  if (single !== null) return { subject: single.subject, threshold: single.threshold };
  const [term] = termsOf(rule);
  const [subject, second] = term?.subjects ?? [];
  if (term?.condition !== "more than mean" || subject === undefined || second !== undefined) return null;
  return isThesisSubject(subject) ? { subject, threshold: term.amount } : null;
}
