/** Time that passes in the database only: everything that was stored happened so much longer ago. */
import { asRoot } from "./database.ts";

const columns: readonly (readonly [table: string, ...columns: string[]])[] = [
  ["Collection", "StartedAt", "FinishedAt"],
  ["CollectionPicture", "CollectedAt"],
  ["HostSample", "CollectedAt"],
  ["Migration", "PlannedAt", "SubmittedAt", "FinishedAt"],
  ["HostSight", "ChangedAt"],
  ["HostRest", "Since", "ProgressAt"],
  ["HostRestEvent", "HappenedAt"],
];

/** Moves all times in `database` back by `seconds`. */
export async function later(database: string, seconds: number): Promise<void> {
  await asRoot(
    columns.map(
      ([table, ...names]) =>
        `UPDATE ${table} SET ${names.map((name) => `${name} = TIMESTAMPADD(SECOND, -${seconds}, ${name})`).join(", ")}`,
    ),
    database,
  );
}
