/** What the last collection found, for the commands that speak of it. Read only. */

import { AppError } from "../domain/errors.ts";
import type { StoredSnapshot } from "../domain/pool.ts";
import type { Database } from "../store/connection.ts";
import { loadSnapshot } from "../store/snapshot.ts";
import { Names } from "../text/names.ts";

/** The last collection. Throws AppError not-found before the first one. */
export async function lastCollected(db: Database): Promise<StoredSnapshot> {
  const stored = await loadSnapshot(db);
  if (stored !== null) return stored;
  throw notCollected();
}

/** What cannot be answered before the first collection. */
export function notCollected(): AppError {
  return new AppError("not-found", "Nothing has been collected yet. Run xcp-collect first.");
}

/** Names as the last collection has them; none before the first one. */
export async function namesIn(db: Database): Promise<Names> {
  return new Names((await loadSnapshot(db))?.snapshot ?? null);
}
