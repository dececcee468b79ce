/** SHOW OBSERVED: what xcp-control would have done while it only observes. Read only. */

import type { ObservedAction } from "../../domain/observed.ts";
import { listObserved, type ObservingRuns, observingRuns } from "../../store/observed.ts";
import { plural, span } from "../../text/format.ts";
import type { Names } from "../../text/names.ts";
import { namesIn } from "../collected.ts";
import { type Command, command } from "../command.ts";
import { readCount } from "../forms.ts";
import { inMegabytes, listEntry, timestamp } from "../layout.ts";
import { type ShownTable, tableOf } from "../table.ts";

/** Newest first. */
export interface Observed {
  readonly actions: readonly ObservedAction[];
  readonly names: Names;
  /** Runs that observed; null where there was none. */
  readonly runs: ObservingRuns | null;
}

export const showObserved: Command<number, Observed> = command({
  words: "SHOW OBSERVED",
  usage: "SHOW OBSERVED [N]",
  help: [
    ["SHOW OBSERVED [N]", "what xcp-control would have done in observe mode (20 newest, or N)"],
    "SHOW OBSERVED 100",
  ],
  read: (rest) => readCount(rest, "observed moves"),
  run: async ({ db }, count) => ({
    actions: await listObserved(db, count),
    names: await namesIn(db),
    runs: await observingRuns(db),
  }),
  text: ({ actions }) => actions.map(observedItem),
  json: ({ actions, names }) => actions.map((each) => observedObject(each, names)),
  table: observedTable,
  hints: ({ actions, runs }) => (actions.length === 0 ? [nothingObserved(runs)] : []),
});

/** Whether nobody looked, or there was nothing to be done. */
function nothingObserved(runs: ObservingRuns | null): string {
  if (runs === null) {
    return "Nothing was observed, for no run did: xcp-control does that with ControlMode=observe in its settings.";
  }
  const { count, lastAt, lastOutcome } = runs;
  return `${plural(count, "run")} observed and none would have done anything; the last one, ${timestamp(lastAt)}, ended as "${lastOutcome}". SHOW PLAN says why.`;
}

function observedTable({ actions, names }: Observed): ShownTable {
  return tableOf(
    {
      First: ({ firstAt }) => firstAt,
      Last: ({ lastAt }) => lastAt,
      Runs: ({ runs }) => runs,
      What: ({ kind }) => kind,
      Object: ({ object }) => names.of(object),
      From: ({ source }) => (source === null ? null : names.of(source)),
      To: ({ destination }) => (destination === null ? null : names.of(destination)),
      "Memory MB": ({ memoryBytes }) => inMegabytes(memoryBytes),
      Rule: ({ rule, cause }) => rule ?? cause,
      Reason: ({ reason }) => reason,
    },
    actions,
  );
}

/** When, in how many runs, what, and why. */
function observedItem({ firstAt, firstSecondsAgo, lastSecondsAgo, runs, reason }: ObservedAction): string {
  const lasted = runs === 1 ? "1 run" : `${plural(runs, "run")} in ${span(firstSecondsAgo - lastSecondsAgo)}`;
  return listEntry(timestamp(firstAt), lasted, reason);
}

/** With the names beside the uuids. */
function observedObject(action: ObservedAction, names: Names): object {
  const exact = (uuid: ObservedAction["source"]) => (uuid === null ? null : names.exact(uuid));
  return {
    ...action,
    objectName: exact(action.object),
    sourceName: exact(action.source),
    destinationName: exact(action.destination),
  };
}
