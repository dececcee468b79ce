/**
 * Reads the XML answer of /rrd_updates: which sources of which objects, and their newest values. Pure.
 * The XML form is the same from XCP 1.x to today; the JSON form is not even JSON on most of them.
 */
import { createHash } from "node:crypto";
import { AppError } from "../domain/errors.ts";
import { ownText, SharedTexts } from "./sharedTexts.ts";

/** Columns that stand side by side in the answer, each a data source of one host or VM. */
export interface RrdColumns {
  /** AVERAGE, MIN, MAX or LAST. */
  readonly cf: string;
  readonly kind: "host" | "vm" | "sr" | (string & {});
  readonly uuid: string;
  /** One a column; they may themselves hold colons and slashes. */
  readonly sources: readonly string[];
}

/** What the columns of an answer are; to be kept, so it holds nothing of the answer's text. */
export interface RrdLegend {
  /** Of the text that it was read from: the same for the same text only. */
  readonly digest: string;
  readonly width: number;
  readonly columns: readonly RrdColumns[];
}

export interface RrdUpdates {
  /** Seconds between two rows. */
  readonly step: number;
  /** Time of the newest row, by the host's clock in seconds since 1970; older than `start` when there are none. */
  readonly end: number;
  readonly legend: RrdLegend;
  /** Newest first; NaN and infinities as they came. */
  readonly rows: readonly { readonly time: number; readonly values: readonly number[] }[];
}

/** Thrown when the text is no such answer. */
export class RrdFormatError extends AppError {
  constructor(message: string) {
    super("pool", message);
  }
}

/** More columns or rows than a host can have: a garbled answer must not fill the memory. */
const mostColumns = 1_000_000;
const mostRows = 2_000;

/**
 * The answer in `xml`; `known`: the legend of an earlier one of the same host, which is most often the same.
 * @throws RrdFormatError when it is cut short, is something else, or its rows do not fit its legend.
 */
export function parseRrdUpdates(xml: string, known?: RrdLegend): RrdUpdates {
  const document = /^\s*(?:<\?xml[^>]*\?>)?\s*<xport>([\s\S]*)<\/xport>\s*$/.exec(xml)?.[1];
  if (document === undefined) throw new RrdFormatError("it is no <xport> document, or cut short");
  const meta = between(document, "meta");
  const text = between(meta, "legend");
  const digest = createHash("sha256").update(text).digest("base64");
  const legend = known?.digest === digest ? known : parseLegend(text, digest);
  const rows = elements(between(document, "data"), "row", mostRows).map((row) => {
    const values = elements(row, "v", mostColumns).map(parseNumber);
    if (values.length !== legend.width) {
      throw new RrdFormatError(`a row has ${values.length} values for ${legend.width} columns`);
    }
    return { time: parseNumber(between(row, "t")), values };
  });
  const [step, end] = [parseNumber(between(meta, "step")), parseNumber(between(meta, "end"))];
  return { step, end, legend, rows };
}

/** A number as any era writes it: "0.5000", "3.436e+10", "NaN", "nan", "Infinity", "-inf". */
export function parseNumber(text: string): number {
  const word = text.trim();
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word)) return Number(word);
  if (/^[+-]?nan$/i.test(word)) return Number.NaN;
  if (/^\+?inf(inity)?$/i.test(word)) return Number.POSITIVE_INFINITY;
  if (/^-inf(inity)?$/i.test(word)) return Number.NEGATIVE_INFINITY;
  throw new RrdFormatError(`"${word.slice(0, 40)}" is no number`);
}

function parseLegend(text: string, digest: string): RrdLegend {
  const texts = new SharedTexts();
  const entries = elements(text, "entry", mostColumns);
  const columns: { cf: string; kind: string; uuid: string; sources: string[] }[] = [];
  for (const entry of entries) {
    const [cf, kind, uuid, ...rest] = unescapeXml(entry).split(":");
    if (cf === undefined || kind === undefined || uuid === undefined || rest.length === 0) {
      throw new RrdFormatError(`"${entry.slice(0, 80)}" is no column name`);
    }
    const source = texts.text(rest.join(":"));
    const last = columns.at(-1);
    if (last?.cf === cf && last.kind === kind && last.uuid === uuid) last.sources.push(source);
    else columns.push({ cf: texts.text(cf), kind: texts.text(kind), uuid: ownText(uuid), sources: [source] });
  }
  const shared = columns.map((each) => ({ ...each, sources: texts.list("sources", each.sources) }));
  return { digest, width: entries.length, columns: shared };
}

/** The text of the first element `name`, which must be there; an empty one may be written <name/>. */
function between(text: string, name: string): string {
  const start = text.indexOf(`<${name}>`);
  const end = text.indexOf(`</${name}>`, start);
  if (start !== -1 && end !== -1) return text.slice(start + name.length + 2, end);
  if (text.includes(`<${name}/>`)) return "";
  throw new RrdFormatError(`it has no <${name}>`);
}

/** The texts of all elements `name` in `text`, which holds nothing else. */
function elements(text: string, name: string, most: number): string[] {
  const open = `<${name}>`;
  const close = `</${name}>`;
  const found: string[] = [];
  // A row begins with its <t>, before the values.
  let at = text.indexOf(open);
  while (at !== -1) {
    const end = text.indexOf(close, at);
    if (end === -1 || found.length === most) throw new RrdFormatError(`its <${name}> elements do not end`);
    found.push(text.slice(at + open.length, end));
    at = text.indexOf(open, end);
  }
  return found;
}

function unescapeXml(text: string): string {
  if (!text.includes("&")) return text;
  const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
  return text.replace(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => entities[name] ?? "");
}

/** The newest values of every column of `cf`, by object: "host" or "vm" and uuid, then source name. */
export function newestValues(
  updates: RrdUpdates,
  cf: string,
): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const byObject = new Map<string, Map<string, number>>();
  const [newest] = updates.rows;
  if (newest === undefined) return byObject;
  let index = 0;
  for (const { cf: own, kind, uuid, sources } of updates.legend.columns) {
    const key = objectKey(kind, uuid);
    const values = byObject.get(key) ?? new Map<string, number>();
    for (const source of sources) {
      const value = newest.values[index++];
      if (own === cf && value !== undefined && Number.isFinite(value)) values.set(source, value);
    }
    if (values.size > 0) byObject.set(key, values);
  }
  return byObject;
}

/** The key of `newestValues`. */
export function objectKey(kind: string, uuid: string): string {
  return `${kind}:${uuid}`;
}
