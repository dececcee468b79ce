/** What control would have done while it only observes; a row for as long as run after run would do the same. */
import type { ObservedAction, ObservedKind } from "../../domain/observed.ts";
import { type ColumnType, computed, named, type Table, table } from "../columns.ts";
import {
  count,
  date,
  json,
  openWord,
  optionalNumber,
  optionalText,
  optionalUuid,
  text,
  uuid,
  word,
} from "../columnTypes.ts";
import { ageSeconds } from "../values.ts";

const cause: ColumnType<ObservedAction["cause"]> = word(["rules", "green"], "rules");

const stored = json<object>();
const figures: ColumnType<object> = { write: stored.write, read: (value) => stored.read(value) ?? {} };

export const observedActionTable: Table<ObservedAction> = table("ObservedAction", ["id"], {
  id: text,
  kind: openWord<ObservedKind>(),
  object: named("ObjectUuid", uuid),
  source: named("SourceUuid", optionalUuid),
  destination: named("DestinationUuid", optionalUuid),
  cause,
  rule: optionalText,
  reason: text,
  figures,
  memoryBytes: optionalNumber,
  firstCollectionId: count,
  collectionId: count,
  firstAt: date,
  lastAt: date,
  runs: count,
  lastRunId: text,
  firstSecondsAgo: computed(ageSeconds("FirstAt"), count),
  lastSecondsAgo: computed(ageSeconds("LastAt"), count),
});
