/**
 * What hosts had of a subject over a span of time, as means and peaks of its slices. The history is read slice by slice, by
 * the numbers of its collections, and added up by the server: what comes back is as little for a month as for a day.
 */
import type { Uuid } from "../../domain/pool.ts";
import { asUuid } from "../../domain/pool.ts";
import { type Subject, subjectFacts } from "../../domain/rule.ts";
import type { LimitStep, Slice, SubjectLoad } from "../../report/facts.ts";
import { limitAt } from "../../report/thresholds.ts";
import type { Reader } from "../connection.ts";
import { number } from "../values.ts";

/** A slice with the numbers of its collections. */
export interface NumberedSlice extends Slice {
  /** Null where there was none. */
  readonly ids: { readonly first: number; readonly last: number } | null;
}

/** Columns that the pictures have, about; the slices are of a round length. */
const wantedSlices = 170;
const roundSeconds: readonly number[] = [
  60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400,
];

/**
 * How long a slice of a span is: the shortest round length that leaves no more than `wantedSlices` and a few of them, and
 * that is well above the usual time from one collection to the next, so that no slice in between has none.
 */
export function sliceSeconds(seconds: number, collectedEverySeconds: number): number {
  const least = Math.max(seconds / (wantedSlices * 1.1), 1.5 * collectedEverySeconds);
  return roundSeconds.find((each) => each >= least) ?? 7 * 86_400;
}

/** The slices between two times (seconds since 1970); their borders stand at round times, the first and last are cut. */
export async function slicesIn(
  reader: Reader,
  poolUuid: string,
  from: number,
  to: number,
): Promise<readonly NumberedSlice[]> {
  const size = sliceSeconds(to - from, await usualGap(reader, poolUuid, from, to));
  const origin = Math.floor(from / size) * size;
  const rows = await reader.rows(
    `SELECT TIMESTAMPDIFF(SECOND, ?, StartedAt) DIV ${size} AS slice, MIN(Id) AS first_, MAX(Id) AS last_, COUNT(*) AS collections
       FROM Collection WHERE StartedAt >= ? AND StartedAt < ? AND PoolUuid = ? GROUP BY slice`,
    [sqlSeconds(origin), sqlSeconds(from), sqlSeconds(to), poolUuid],
  );
  const found = new Map(rows.map((row) => [Number(row["slice"]), row]));
  return Array.from({ length: Math.ceil((to - origin) / size) }, (_, index) => {
    const row = found.get(index);
    const begin = origin + index * size;
    return {
      from: Math.max(from, begin),
      to: Math.min(to, begin + size),
      collections: Number(row?.["collections"] ?? 0),
      ids: row === undefined ? null : { first: Number(row["first_"]), last: Number(row["last_"]) },
    };
  });
}

/** Seconds from one collection to the next, on average; 0 where there are no two. */
async function usualGap(reader: Reader, poolUuid: string, from: number, to: number): Promise<number> {
  const [row = []] = await reader.tuples(
    `SELECT TIMESTAMPDIFF(SECOND, MIN(StartedAt), MAX(StartedAt)) / (COUNT(*) - 1) FROM Collection
      WHERE StartedAt >= ? AND StartedAt < ? AND PoolUuid = ? HAVING COUNT(*) > 1`,
    [sqlSeconds(from), sqlSeconds(to), poolUuid],
  );
  return number(row[0]) ?? 0;
}

/** A time as columns hold it. */
export function sqlSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace("T", " ").replace("Z", "");
}

type Writable<T> = { -readonly [F in keyof T]: T[F] };

/** A load that is being filled, slice by slice. */
interface GrowingLoad
  extends Writable<Pick<SubjectLoad, "subject" | "limits">>,
    Record<"mean" | "above" | "below" | "mostAbove", (number | null)[]> {
  readonly hosts: Map<Uuid, (number | null)[]>;
  readonly peaks: Map<Uuid, (number | null)[]>;
  readonly past: number[];
  readonly ruled: number[];
}

/** What each of the subjects was compared with, and when. */
export type Limits = ReadonlyMap<Subject, readonly LimitStep[]>;

/** The loads of the subjects that `limits` names. */
export async function loadsIn(
  reader: Reader,
  slices: readonly NumberedSlice[],
  limits: Limits,
): Promise<readonly SubjectLoad[]> {
  const loads = [...limits].map(([subject, steps]) => emptyLoad(subject, steps, slices.length));
  for (const [index, slice] of slices.entries()) {
    if (slice.ids !== null) {
      await addHosts(reader, loads, index, slices.length, slice.ids);
      await addPool(reader, loads, index, slice, slice.ids);
    }
  }
  return loads;
}

function emptyLoad(subject: Subject, limits: readonly LimitStep[], length: number): GrowingLoad {
  const nothing = () => Array.from<number | null>({ length }).fill(null);
  const none = () => Array.from<number>({ length }).fill(0);
  return {
    subject,
    limits,
    hosts: new Map(),
    peaks: new Map(),
    mean: nothing(),
    above: nothing(),
    below: nothing(),
    mostAbove: nothing(),
    past: none(),
    ruled: none(),
  };
}

type Ids = NonNullable<NumberedSlice["ids"]>;

/** Every host's mean and peak in a slice. */
async function addHosts(
  reader: Reader,
  loads: readonly GrowingLoad[],
  index: number,
  length: number,
  { first, last }: Ids,
): Promise<void> {
  const columns = loads.flatMap(({ subject }) => {
    const value = columnOf(subject);
    return [`AVG(${value})`, `MAX(${value})`];
  });
  const rows = await reader.tuples(
    `SELECT HostUuid, ${columns.join(", ")} FROM HostSample WHERE CollectionId BETWEEN ? AND ? GROUP BY HostUuid`,
    [first, last],
  );
  for (const [uuid, ...figures] of rows) {
    const host = asUuid(String(uuid));
    for (const [place, load] of loads.entries()) {
      const mean = number(figures[2 * place]);
      if (mean === null) continue;
      put(load.hosts, host, index, length, mean);
      put(load.peaks, host, index, length, number(figures[2 * place + 1]) ?? mean);
    }
  }
}

function put(
  into: Map<Uuid, (number | null)[]>,
  host: Uuid,
  index: number,
  length: number,
  value: number,
): void {
  let figures = into.get(host);
  if (figures === undefined) {
    figures = Array.from<number | null>({ length }).fill(null);
    into.set(host, figures);
  }
  figures[index] = value;
}

/** Columns a subject that are read below. */
const perSubject = 6;

/** The mean and the deviations of a slice's collections, each against the limit of its own time. */
async function addPool(
  reader: Reader,
  loads: readonly GrowingLoad[],
  index: number,
  slice: Slice,
  { first, last }: Ids,
): Promise<void> {
  const inner = loads.flatMap(({ subject }, place) => {
    const value = columnOf(subject);
    return [
      `AVG(${value}) AS mean${place}`,
      `MAX(${value}) - AVG(${value}) AS above${place}`,
      `AVG(${value}) - MIN(${value}) AS below${place}`,
    ];
  });
  const limits = loads.map((load) => limitThen(load.limits, slice));
  const outer = limits.flatMap(({ sql }, place) => [
    `AVG(mean${place})`,
    `AVG(above${place})`,
    `AVG(below${place})`,
    `MAX(above${place})`,
    `SUM(above${place} > ${sql})`,
    `SUM(${sql} < ${noLimit})`,
  ]);
  const [figures = []] = await reader.tuples(
    `SELECT ${outer.join(", ")} FROM (
       SELECT CollectionId, MIN(CollectedAt) AS at_, ${inner.join(", ")} FROM HostSample
        WHERE CollectionId BETWEEN ? AND ? GROUP BY CollectionId
     ) AS each_`,
    [...limits.flatMap(({ values }) => [...values, ...values]), first, last],
  );
  for (const [place, load] of loads.entries()) {
    const own = figures.slice(perSubject * place, perSubject * (place + 1)).map(number);
    load.mean[index] = own[0] ?? null;
    load.above[index] = own[1] ?? null;
    load.below[index] = own[2] ?? null;
    load.mostAbove[index] = own[3] ?? null;
    load.past[index] = own[4] ?? 0;
    load.ruled[index] = own[5] ?? 0;
  }
}

/** The limit at the time `at_` of a collection of the slice, as SQL with its values. */
function limitThen(
  steps: readonly LimitStep[],
  { from, to }: Slice,
): { readonly sql: string; readonly values: readonly (string | number)[] } {
  const within = steps.filter(({ at }) => at > from && at < to).reverse();
  const values = within.flatMap(({ at, limit }) => [sqlSeconds(at), pastFrom(limit)]);
  const begin = pastFrom(limitAt(steps, from));
  if (within.length === 0) return { sql: "?", values: [begin] };
  const cases = within.map(() => "WHEN at_ >= CAST(? AS DATETIME(6)) THEN ?").join(" ");
  return { sql: `(CASE ${cases} ELSE ? END)`, values: [...values, begin] };
}

/** Rounding is no breach, as in the domain; nothing is past a limit that was not there. */
function pastFrom(threshold: number | null): number {
  return threshold === null ? 10 * noLimit : threshold + 1e-6 * Math.max(1, threshold);
}

/** What no threshold comes near. */
const noLimit = 1e200;

/** The subject in columns of HostSample. */
function columnOf(subject: Subject): string {
  return subjectFacts[subject].sampled ?? "NULL";
}

/**
 * The mean, over the collections between two numbers, of the highest deviation from the mean; null where there is none.
 */
export async function highestDeviation(
  reader: Reader,
  subject: Subject,
  first: number,
  last: number,
): Promise<number | null> {
  const value = columnOf(subject);
  const [row = []] = await reader.tuples(
    `SELECT AVG(above) FROM (
       SELECT CollectionId, MAX(${value}) - AVG(${value}) AS above FROM HostSample
        WHERE CollectionId BETWEEN ? AND ? GROUP BY CollectionId
     ) AS each_`,
    [first, last],
  );
  return number(row[0]);
}
