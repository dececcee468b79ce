/** SHOW COLLECTION: when xcp-collect ran last, by the database's clock, and what it could read. Read only. */

import type { StoredSnapshot } from "../../domain/pool.ts";
import { lastCollected, notCollected } from "../collected.ts";
import { type Command, command } from "../command.ts";
import { bare } from "../forms.ts";
import { line, timestamp } from "../layout.ts";

type Collected = Pick<StoredSnapshot, "collection" | "ageSeconds">;

export const showCollection: Command<null, Collected> = command({
  ...bare("SHOW COLLECTION"),
  help: [["SHOW COLLECTION", "when xcp-collect ran last, and what it could read"]],
  run: async ({ db }) => {
    const { collection, ageSeconds } = await lastCollected(db);
    if (collection.id === 0) throw notCollected();
    return { collection, ageSeconds };
  },
  text: collectionLines,
  json: ({ collection, ageSeconds }) => ({ ...collection, ageSeconds }),
});

function collectionLines({ collection, ageSeconds }: Collected): string[] {
  return [
    line("Collection", collection.id),
    line("Started", timestamp(collection.startedAt)),
    line("Finished", timestamp(collection.finishedAt)),
    line("Age (s)", Math.round(ageSeconds)),
    line("Duration (ms)", collection.durationMs),
    line("Pool's clock ahead (s)", collection.clockSkewSeconds),
    line("Hosts read", collection.hostsRead),
    line("Hosts unread", collection.hostsUnread),
    line("VMs, with control domains", collection.vms),
    line("Complete", collection.complete),
    line("Pool", collection.poolUuid),
  ];
}
