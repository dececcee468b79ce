/** Time that passes in a private database only: everything that was stored happened so much longer ago. Pure. */

const times: readonly (readonly [table: string, ...columns: string[]])[] = [
  ["Collection", "StartedAt", "FinishedAt"],
  ["CollectionPicture", "CollectedAt"],
  ["HostSample", "CollectedAt"],
  ["Migration", "PlannedAt", "SubmittedAt", "FinishedAt"],
  ["HostSight", "ChangedAt"],
  ["HostRest", "Since", "ProgressAt"],
  ["HostRestEvent", "HappenedAt"],
  ["WlbAdvice", "IssuedAt", "LastAt", "AppliedAt"],
  ["WlbHostAdvice", "IssuedAt", "LastAt", "AppliedAt"],
];

/** The statements that move all times of a database back by `seconds`. */
export function laterStatements(seconds: number): readonly string[] {
  const microseconds = Math.round(seconds * 1e6);
  return times.map(
    ([table, ...columns]) =>
      `UPDATE ${table} SET ${columns.map((name) => `${name} = TIMESTAMPADD(MICROSECOND, -${microseconds}, ${name})`).join(", ")}`,
  );
}
