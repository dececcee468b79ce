/**
 * The parameters of a report: whole days relative to today, in the time of whoever asks. They are text that anybody may
 * send; what is none is refused. Pure.
 */
import { asUuid, type Uuid } from "../../domain/pool.ts";
import type { Span } from "../../store/wlbReports.ts";
import { WlbRefusal } from "../../wlbProtocol/methods.ts";

const day = 86_400;
const mostDays = 370;

/** What the time of a report is told by. */
export interface ReportTime {
  /** In seconds since 1970. */
  readonly span: Span;
  /**
   * Seconds that the asker's time is ahead of UTC: 14,400 four hours east of Greenwich, as XenCenter sends it in minutes
   * (WlbReportView.cs: TimeZone.GetUtcOffset).
   */
  readonly offset: number;
}

/** The days from Start to End, both whole: -7 and 0 are the last week and today. `now` in seconds since 1970. */
export function reportTime(parameters: ReadonlyMap<string, string>, now: number): ReportTime {
  const offset = whole(parameters, "UTCOffset", 0, 24 * 60) * 60;
  const start = whole(parameters, "Start", -7, 3650);
  const end = whole(parameters, "End", 0, 3650);
  if (end < start || end - start > mostDays) {
    throw new WlbRefusal("outOfRange", `a report is of at most ${mostDays} days, from Start to End`);
  }
  const today = Math.floor((now + offset) / day) * day;
  return { span: { from: today + start * day - offset, to: today + (end + 1) * day - offset }, offset };
}

function whole(
  parameters: ReadonlyMap<string, string>,
  name: string,
  fallback: number,
  most: number,
): number {
  const text = parameters.get(name)?.trim() ?? "";
  if (text === "") return fallback;
  if (/^[+-]?\d{1,6}$/.test(text) && Math.abs(Number(text)) <= most) return Number(text);
  throw new WlbRefusal(
    "invalidArgument",
    `${name} is no number of ${name === "UTCOffset" ? "minutes" : "days"}`,
  );
}

/** The uuid under one of `names`. @throws WlbRefusal where there is none. */
export function reportUuid(parameters: ReadonlyMap<string, string>, names: readonly string[]): Uuid {
  for (const name of names) {
    const text = parameters.get(name)?.trim().toLowerCase() ?? "";
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return asUuid(text);
  }
  throw new WlbRefusal("invalidArgument", `the report needs ${names[0]}, a uuid`);
}

/** The moment in the asker's time: its day and its hour, and both together, as the layouts want them. */
export function localTime(
  seconds: number,
  { offset }: ReportTime,
): { readonly day: string; readonly hour: string; readonly moment: string } {
  const text = new Date((seconds + offset) * 1000).toISOString();
  return {
    day: `${text.slice(0, 10)}T00:00:00`,
    // Layouts sort it as the text that it is.
    hour: text.slice(11, 13),
    moment: text.slice(0, 19),
  };
}
