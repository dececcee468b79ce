/** PLACE VM: the hosts by how good a place they would be for a VM, each with the reason. Read only. */

import { assessAsked, rankPlaces, withLastUse } from "../../decide/placing.ts";
import { type PlacingContext, placingJson, placingLines } from "../../explain/placing.ts";
import type { RankedHost, Ranking, RefusedHost } from "../../planner/place/ranking.ts";
import { loadLastUse } from "../../store/lastUse.ts";
import { loadDecisionInput } from "../../store/load/decisionInput.ts";
import { findNamed } from "../../text/find.ts";
import { megabytes } from "../../text/format.ts";
import { Names } from "../../text/names.ts";
import { printable } from "../../text/text.ts";
import { notCollected } from "../collected.ts";
import { type Command, command, type ManagerContext } from "../command.ts";
import { nameOnly, type WantedObject } from "../forms.ts";
import { type ShownTable, tableOf } from "../table.ts";

interface Placing {
  readonly context: PlacingContext;
  readonly ranking: Ranking;
}

export const placeVm: Command<WantedObject, Placing> = command({
  ...nameOnly("PLACE VM", "VM"),
  help: [
    [
      "PLACE VM uuid|name",
      "the hosts by how good a place they would be for this VM, running or halted, and why",
    ],
    "PLACE VM VM1 - Debian",
  ],
  run: place,
  text: ({ context, ranking }) => placingLines(context, ranking).map(printable),
  json: ({ context, ranking }) => placingJson(context, ranking),
  table: placingTable,
});

/** Throws AppError not-found or ambiguous. */
async function place({ db, control }: ManagerContext, { wanted }: WantedObject): Promise<Placing> {
  const assessment = assessAsked(await loadDecisionInput(db, control), control, null);
  const { stored, gate } = assessment;
  if (stored === null) throw notCollected();
  const { snapshot } = stored;
  const found = findNamed("VM", wanted, snapshot.vms);
  const lastUse = await loadLastUse(db, stored, found, control);
  const vm = withLastUse(found, lastUse);
  const ranking = rankPlaces({ ...assessment, snapshot }, control, vm, lastUse);
  return { context: { snapshot, stored, vm, lastUse, gate }, ranking };
}

function placingTable({ context, ranking }: Placing): ShownTable {
  const names = new Names(context.snapshot);
  return tableOf<RankedHost | RefusedHost>(
    {
      Rank: (each) => ("rank" in each ? each.rank : null),
      Host: ({ host }) => names.of(host),
      Uuid: ({ host }) => host,
      Score: (each) => ("score" in each ? each.score : null),
      "Free MB": (each) => ("rank" in each ? megabytes(each.freeBytesAfter) : null),
      "CPU %": (each) => ("rank" in each ? each.cpuPercentAfter : null),
      Why: (each) => ("reasons" in each ? each.reasons.join("; ") : `cannot: ${each.reason}`),
    },
    [...ranking.places, ...ranking.refused],
  );
}
