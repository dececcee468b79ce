/** collect() as xcp-collect runs it, with the time that passes in the database. */

import { collect } from "../../src/collect/collect.ts";
import type { CollectSettings, XenSettings } from "../../src/settings/types.ts";
import type { Database } from "../../src/store/connection.ts";

export interface OursResult {
  readonly collectMs: number;
  readonly databaseMs: number;
  readonly hosts: number;
  readonly vms: number;
}

/** Collects once. Throws when anything could not be read: then the time says nothing. */
export async function collectTimed(
  db: Database,
  settings: { readonly xen: XenSettings; readonly collect: CollectSettings },
): Promise<OursResult> {
  const clock = { databaseMs: 0 };
  const startedMs = performance.now();
  const { snapshot, unread, skipped } = await collect(timed(db, clock), {
    ...settings,
    signal: new AbortController().signal,
  });
  const collectMs = performance.now() - startedMs;
  if (unread.length + skipped.length > 0) throw new Error(JSON.stringify({ unread, skipped }));
  return { collectMs, ...clock, hosts: snapshot.hosts.length, vms: snapshot.vms.length };
}

/** `db` that adds the time of its transactions up. */
function timed(db: Database, clock: { databaseMs: number }): Database {
  const measure = async <T>(work: () => Promise<T>): Promise<T> => {
    const startedMs = performance.now();
    try {
      return await work();
    } finally {
      clock.databaseMs += performance.now() - startedMs;
    }
  };
  return {
    server: db.server,
    version: db.version,
    name: db.name,
    user: db.user,
    exposed: db.exposed,
    read: (work) => measure(() => db.read(work)),
    write: (work, options) => measure(() => db.write(work, options)),
    close: () => db.close(),
    abandon: () => db.abandon(),
  };
}
