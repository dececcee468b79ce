/** SHOW POOLS: a line on each pool whose settings lie on this machine. Read only. */

import type { ListedPool } from "../../domain/poolOverview.ts";
import { type Command, command } from "../command.ts";
import { bare } from "../forms.ts";
import { poolLines, poolTable } from "../pools.ts";

export const showPools: Command<null, readonly ListedPool[]> = command({
  ...bare("SHOW POOLS"),
  help: [
    ["SHOW POOLS", "the pools of this machine: hosts, VMs, age of the data, last run of control, state"],
  ],
  run: ({ tools }) => tools.pools(),
  text: poolLines,
  json: (pools) => pools,
  table: poolTable,
});
