/** What --timestamps adds to what a run says. Pure. */

/** "2026-03-01 08:00:00 UTC  Starting Migration ..." */
export function stampedLine(line: string, now: Date): string {
  return `${now.toISOString().slice(0, 19).replace("T", " ")} UTC  ${line}`;
}

/** An event with the time as `at`; anything else, a plan for one, as it is. */
export function stampedEvent(value: unknown, now: Date): unknown {
  if (typeof value !== "object" || value === null || !("event" in value)) return value;
  return { ...value, at: now.toISOString() };
}
