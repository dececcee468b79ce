/** REPORT: the last days of the pool as one page with pictures. Read only, but for the file. */
import { loadReportFacts } from "../../store/load/reportInput.ts";
import { plural, span } from "../../text/format.ts";
import { printable } from "../../text/text.ts";
import { type Command, command } from "../command.ts";
import { timestamp } from "../layout.ts";
import { type WrittenReport, writeReport } from "../reportFile.ts";
import { problem, quote, readQuoted, readSpan, type TextProblem } from "../words.ts";

/** Which file, and how far back. */
export interface ReportWish {
  readonly file: string;
  readonly sinceSeconds: number;
}

const usage = "REPORT TO file [SINCE 7d]";

export const report: Command<ReportWish, WrittenReport> = command({
  words: "REPORT TO",
  usage,
  help: [
    [usage, "the last days as one HTML file with pictures: load, migrations, what was refused and why"],
    "REPORT TO week.html SINCE 7d",
  ],
  read: readWish,
  run: async ({ db, control, operator, tools }, { file, sinceSeconds }) => {
    const facts = await loadReportFacts(db, control, sinceSeconds);
    const written = await writeReport(file, [facts], operator);
    tools.drawn?.({ file, facts });
    return written;
  },
  text: (written) => reportLines(written).map(printable),
  json: ({ from, to, ...written }) => ({
    ...written,
    from: new Date(from * 1000).toISOString(),
    to: new Date(to * 1000).toISOString(),
  }),
});

/** How far back a report goes where nothing is said. */
const reportedSeconds = 7 * 86_400;

/** Shorter spans have no two collections, longer ones are nowhere kept by default. */
const shortest = 600;
const longest = 366 * 86_400;

function readWish(rest: string): ReportWish | TextProblem {
  const quoted = readQuoted(rest);
  const since = /(?:^|\s)SINCE(?:\s+(.*))?$/is.exec(quoted?.behind ?? rest);
  const file = quoted?.text ?? rest.slice(0, since?.index ?? rest.length).trim();
  if (file === "" || (quoted !== null && quoted.behind !== "" && since?.index !== 0)) {
    return problem(`Write ${usage}, not ${quote(`REPORT TO ${rest}`)}.`);
  }
  if (since === null) return { file, sinceSeconds: reportedSeconds };
  const sinceSeconds = readSpan((since[1] ?? "").trim());
  if (typeof sinceSeconds !== "number") return sinceSeconds;
  if (sinceSeconds >= shortest && sinceSeconds <= longest) return { file, sinceSeconds };
  return problem(`${quote(since[1] ?? "")} is not from 10 min to 366 d.`);
}

/** "Report of pool production, 2026-11-22 10:00:00 UTC to ... (7 d): week.html, 412 kB" */
export function reportLines({ file, bytes, from, to, pools }: WrittenReport): readonly string[] {
  const [only] = pools;
  const what =
    pools.length === 1 && only !== undefined
      ? `pool ${only.name === "" ? only.uuid : only.name}`
      : plural(pools.length, "pool");
  const time = `${timestamp(new Date(from * 1000))} to ${timestamp(new Date(to * 1000))} (${span(to - from)})`;
  return [`Report of ${what}, ${time}: ${file}, ${Math.ceil(bytes / 1000)} kB`];
}
