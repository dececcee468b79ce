/** Times of day in which a rule acts, in the pool's time zone. Pure: whoever asks brings the time. */
import type { Hours } from "./rule.ts";

const minutesOfDay = 24 * 60;

/** Minutes since midnight that "22:00" writes, or null. */
export function parseTime(text: string): number | null {
  const parts = /^(\d{1,2}):(\d{2})$/.exec(text);
  const [hours, minutes] = [Number(parts?.[1]), Number(parts?.[2])];
  return hours < 24 && minutes < 60 ? hours * 60 + minutes : null;
}

/** "06:05" */
export function timeText(minute: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** Whether the minute of the day lies in the hours, which may pass midnight. */
export function isWithin({ from, to }: Hours, minute: number): boolean {
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

/** Whether there is a minute of the day in both; null is the whole day. */
export function overlap(a: Hours | null, b: Hours | null): boolean {
  if (a === null || b === null) return true;
  return isWithin(a, b.from) || isWithin(b, a.from);
}

/** Minutes since midnight of `time` in the zone. Throws RangeError where there is no such zone. */
export function minuteOfDay(time: Date, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(time);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return (of("hour") * 60 + of("minute")) % minutesOfDay;
}

/** Whether there is a time zone of that name: "UTC", "Europe/Rome". */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
