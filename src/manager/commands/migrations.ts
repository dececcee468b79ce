/** SHOW MIGRATIONS, SHOW MIGRATION and SHOW FLAPS: what xcp-control did. Read only. */

import { type Flap, flapsOf, flapWindowSeconds } from "../../decide/flaps.ts";
import { AppError } from "../../domain/errors.ts";
import type { Database } from "../../store/connection.ts";
import { findMigrations } from "../../store/migrationRecord.ts";
import { listMigrations, recentMigrationsIn } from "../../store/migrations.ts";
import { loadSnapshot } from "../../store/snapshot.ts";
import { Names } from "../../text/names.ts";
import type { Result } from "../result.ts";
import { quote } from "../words.ts";

/** The newest `count` migrations, newest first. */
export async function showMigrations(db: Database, count: number): Promise<Result> {
  const migrations = await listMigrations(db, count);
  return { kind: "migrations", migrations, names: await namesIn(db) };
}

/** The migration whose id begins with `start`. Throws AppError not-found or ambiguous. */
export async function showMigration(db: Database, start: string): Promise<Result> {
  const found = await findMigrations(db, start);
  const [only, another] = found;
  if (only === undefined) {
    throw new AppError("not-found", `There is no migration ${quote(start)}. SHOW MIGRATIONS lists them.`);
  }
  if (another !== undefined) {
    const ids = found.map(({ id }) => id).join(", ");
    throw new AppError("ambiguous", `${quote(start)} begins several ids: ${ids}. Write more of it.`);
  }
  return { kind: "migration", found: only, names: await namesIn(db) };
}

/** How far SHOW FLAPS looks back. */
const shownDays = 7;

/** The flaps of the last days, newest first. */
export async function showFlaps(db: Database): Promise<Result> {
  const flaps = await flapsWithin(db, shownDays * 86_400);
  return { kind: "flaps", flaps: flaps.toReversed(), days: shownDays, names: await namesIn(db) };
}

/** The flaps that were completed within the last `seconds`, oldest first. */
export async function flapsWithin(db: Database, seconds: number): Promise<readonly Flap[]> {
  // The migration that took a VM away may be as much older as a flap lasts, and took a while itself.
  const since = seconds + 2 * flapWindowSeconds;
  const migrations = await db.read((reader) => recentMigrationsIn(reader, since));
  return flapsOf(migrations).filter(({ backSecondsAgo }) => backSecondsAgo <= seconds);
}

/** Names as the last collection has them; none before the first one. */
export async function namesIn(db: Database): Promise<Names> {
  return new Names((await loadSnapshot(db))?.snapshot ?? null);
}
