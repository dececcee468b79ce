/** What a host's round-robin archives hold: which archive answers a request, and its rows. */
import type { MeasureStore, SourceSample } from "../objects/contract.ts";

export type Consolidation = "AVERAGE" | "MIN" | "MAX";

/** A round-robin archive: rows of `step` seconds, the newest `rows` of them. */
export interface Archive {
  readonly step: number;
  readonly rows: number;
}

/** Every RRD has these, finest first. */
export const archives: readonly Archive[] = [
  { step: 5, rows: 120 },
  { step: 60, rows: 120 },
  { step: 3600, rows: 168 },
  { step: 86_400, rows: 366 },
];

const finest: Archive = { step: 5, rows: 120 };

/** Whose measures a column shows. */
export interface Subject {
  readonly owner: "host" | "vm";
  readonly ref: string;
  readonly uuid: string;
  /** Whether its coarse archives keep the least and the greatest value beside the mean. */
  readonly minMax: boolean;
}

export interface UpdatesQuery {
  /** Seconds since 1970. */
  readonly start: number;
  /** The least step that is wanted, in seconds. */
  readonly interval: number;
  /** Null for all that the archive keeps. */
  readonly cf: Consolidation | null;
  /** Whether a subject's sources come in alphabetical order, or in the order they are measured. */
  readonly sorted: boolean;
}

/** The answer to /rrd_updates before it is text; rows newest first, times in seconds since 1970. */
export interface RrdTable {
  readonly start: number;
  readonly step: number;
  readonly end: number;
  readonly legend: readonly string[];
  readonly rows: readonly { readonly t: number; readonly values: readonly number[] }[];
}

/**
 * The archive that answers: the finest with at least the wanted step that reaches back to `start`, else the
 * one that reaches back furthest. `newest` is the end of the newest 5-second point, in seconds.
 */
export function chooseArchive(
  query: Pick<UpdatesQuery, "start" | "interval">,
  newest: number,
  kept: readonly Archive[] = archives,
): Archive {
  const fits = kept.find(
    ({ step, rows }) => step >= query.interval && query.start > lastRow(newest, step) - step * rows,
  );
  return fits ?? kept.at(-1) ?? finest;
}

/** End of the newest complete row of an archive. */
function lastRow(newest: number, step: number): number {
  return Math.floor(newest / step) * step;
}

/** The rows that `subjects` have since `start`; null where there is nothing to report, which xapi cannot answer. */
export function updatesTable(
  store: MeasureStore,
  subjects: readonly Subject[],
  query: UpdatesQuery,
): RrdTable | null {
  const first = subjects[0];
  if (first === undefined) return null;
  const newest = store.newestMs() / 1000;
  // The first subject's archives decide for all. MIN and MAX are kept by coarse archives only.
  const kept = query.cf === null || query.cf === "AVERAGE" ? archives : first.minMax ? archives.slice(1) : [];
  if (kept.length === 0) return null;
  const { step, rows: most } = chooseArchive(query, newest, kept);
  const groups = subjects.map((subject) => columnsOf(store, subject, step, query));
  const end = lastRow(newest, step);
  const rows = [];
  for (let count = 0, t = end; count < most && t >= query.start; count += 1, t -= step) {
    rows.push({ t, values: groups.flatMap((group) => rowOf(store, group, t, step)) });
  }
  const legend = groups.flatMap(({ subject, names, cfs }) =>
    cfs.flatMap((cf) => names.map((name) => `${cf}:${subject.owner}:${subject.uuid}:${name}`)),
  );
  return { start: (Math.floor(query.start / step) + 1) * step, step, end, legend, rows };
}

/** A subject's columns. */
export interface ColumnGroup {
  readonly subject: Subject;
  readonly names: readonly string[];
  /** Where each name was among the sources of the newest point, which is where to look for it first. */
  readonly places: readonly number[];
  readonly cfs: readonly Consolidation[];
}

/** The sources a subject has now, with what the archive keeps of each. */
export function columnsOf(
  store: MeasureStore,
  subject: Subject,
  step: number,
  query: Pick<UpdatesQuery, "cf" | "sorted">,
): ColumnGroup {
  const sources = samplesOf(store, subject, store.newestMs()).map(({ name }, place) => ({ name, place }));
  if (query.sorted) sources.sort((a, b) => (a.name < b.name ? -1 : 1));
  const kept: Consolidation[] = subject.minMax && step > 5 ? ["AVERAGE", "MIN", "MAX"] : ["AVERAGE"];
  return {
    subject,
    names: sources.map(({ name }) => name),
    places: sources.map(({ place }) => place),
    cfs: kept.filter((cf) => query.cf === null || cf === query.cf),
  };
}

/** A subject's values in the row that ends at `t` seconds, by cf and then by name. */
export function rowOf(store: MeasureStore, group: ColumnGroup, t: number, step: number): number[] {
  const points = pointsOf(t, step).map((at) => aligned(group, samplesOf(store, group.subject, at * 1000)));
  const [only] = points;
  if (points.length === 1 && only !== undefined) return group.cfs.flatMap(() => only);
  return group.cfs.flatMap((cf) =>
    group.names.map((_, index) =>
      consolidate(
        cf,
        points.map((point) => point[index] ?? Number.NaN),
      ),
    ),
  );
}

/**
 * The 5-second points that a row is made of. Rows of an hour or a day are made of three, spread over their
 * time: all 720 would cost too much, and nobody can tell by the mean.
 */
function pointsOf(t: number, step: number): number[] {
  const count = step <= 60 ? step / 5 : 3;
  const apart = step / count;
  return Array.from({ length: count }, (_, index) => Math.floor((t - index * apart) / 5) * 5);
}

function samplesOf(store: MeasureStore, subject: Subject, slotEndMs: number): readonly SourceSample[] {
  return subject.owner === "host"
    ? store.hostSources(subject.ref, slotEndMs)
    : store.vmSources(subject.ref, slotEndMs);
}

function aligned({ names, places }: ColumnGroup, samples: readonly SourceSample[]): number[] {
  return names.map((name, index) => {
    const expected = samples[places[index] ?? 0];
    const sample = expected?.name === name ? expected : samples.find((source) => source.name === name);
    return sample?.value ?? Number.NaN;
  });
}

/** Unknown points are left out; a row of which more than half is unknown is unknown. */
function consolidate(cf: Consolidation, values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length * 2 < values.length) return Number.NaN;
  if (cf === "MIN") return Math.min(...known);
  if (cf === "MAX") return Math.max(...known);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
