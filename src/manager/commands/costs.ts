/** SHOW COSTS: what migrations cost in this pool, as control has measured it and counts with it. Read only. */

import type { Cost, CostBook } from "../../domain/migrationCost.ts";
import { bandwidthOf } from "../../store/bandwidth.ts";
import { figure, megabytes, plural } from "../../text/format.ts";
import type { Names } from "../../text/names.ts";
import { namesIn } from "../collected.ts";
import { type Command, command } from "../command.ts";
import { bare } from "../forms.ts";
import { line, listEntry } from "../layout.ts";

/** The costs of the newest migrations; what is assumed where none was measured. */
export interface Costs {
  readonly costs: CostBook;
  readonly names: Names;
}

export const showCosts: Command<null, Costs> = command({
  ...bare("SHOW COSTS"),
  help: [
    ["SHOW COSTS", "what migrations cost here: rate and dirty factor, of the pool and of pairs of hosts"],
  ],
  run: async ({ db }) => ({ costs: await bandwidthOf(db), names: await namesIn(db) }),
  text: costLines,
  json: ({ costs, names }) => ({
    pool: costs.pool,
    pairs: costs.measuredPairs().map(({ source, destination, cost }) => ({
      source,
      sourceName: names.exact(source),
      destination,
      destinationName: names.exact(destination),
      ...cost,
    })),
  }),
});

/** Of the whole pool, and of each pair of hosts with figures of its own. */
function costLines({ costs, names }: Costs): string[] {
  const pairs = costs.measuredPairs();
  return [
    line("Whole pool", costText(costs.pool)),
    line("Pairs of hosts with figures of their own", pairs.length),
    ...pairs.map(({ source, destination, cost }) =>
      listEntry(`${names.of(source)} -> ${names.of(destination)}`, costText(cost)),
    ),
  ];
}

function costText({ bytesPerSecond, dirtyFactor, samples }: Cost): string {
  const mb = megabytes(bytesPerSecond);
  if (samples === 0) return `${mb} MB/s, assumed: no migration was measured yet`;
  const from = plural(samples, "migration");
  return `${mb} MB/s, dirty factor ${figure(dirtyFactor)}, measured in ${from}`;
}
