/** Databases of pools as xe pool-dump-database writes them: the recorded one of ../shared, and what becomes of it. */
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { temporaryFolder } from "./programs.ts";

/** A XenServer 6.1 with two hosts, dt16 and dt23, and four guests. */
export const recordedDump: URL = new URL(
  "../../../shared/xapi/pools/two-host-pool-xenserver-6.1.state.xml",
  import.meta.url,
);

export const hasRecordedDump: boolean = existsSync(recordedDump);

export function recordedText(): string {
  return readFileSync(recordedDump, "utf8");
}

/** The same database as xapi writes it since October 2017: every space of a value is `%.`. */
export function withDots(xml: string): string {
  return xml.replace(
    /="([^"]*)"/g,
    (_, value: string) => `="${value.replaceAll("%_", "  ").replaceAll(" ", "%.")}"`,
  );
}

/** Without the rows of a table. */
export function withoutRows(xml: string, table: string): string {
  const start = xml.indexOf(`<table name="${table}">`);
  const end = xml.indexOf("</table>", start);
  if (start < 0 || end < 0) throw new Error(`the dump has no rows of ${table}`);
  return `${xml.slice(0, start)}<table name="${table}"/>${xml.slice(end + "</table>".length)}`;
}

/** The row of a table whose text matches, changed; throws where there is none or nothing changed. */
export function changeRow(
  xml: string,
  table: string,
  which: RegExp,
  change: (row: string) => string,
): string {
  const start = xml.indexOf(`<table name="${table}">`);
  const end = xml.indexOf("</table>", start);
  const row = xml
    .slice(start, end)
    .match(/<row [^<]*/g)
    ?.find((text) => which.test(text));
  if (start < 0 || row === undefined) throw new Error(`the dump has no such row of ${table}`);
  const changed = change(row);
  if (changed === row) throw new Error("the row is as it was");
  return xml.slice(0, start) + xml.slice(start, end).replace(row, () => changed) + xml.slice(end);
}

/** A file of that text, in a folder that the test leaves no trace of. */
export async function dumpFile(xml: string): Promise<URL> {
  const file = join(await temporaryFolder(), "pool.xml");
  await writeFile(file, xml);
  return pathToFileURL(file);
}
