/** The commands of a running simulated pool, one entry each. */

import { hostCommands } from "./commandsOfHosts.ts";
import { loadCommands } from "./commandsOfLoad.ts";
import { outageCommands } from "./commandsOfOutages.ts";
import { powerCommands } from "./commandsOfPower.ts";
import { recordCommands } from "./commandsOfRecords.ts";
import type { PoolCommand } from "./poolCommand.ts";

export const commandList: Readonly<Record<string, PoolCommand>> = {
  ...powerCommands,
  ...outageCommands,
  ...recordCommands,
  ...hostCommands,
  ...loadCommands,
};
