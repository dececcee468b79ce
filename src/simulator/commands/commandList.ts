/** The commands of a running simulated pool, one entry each. */

import type { PoolModel } from "../metrics/model.ts";
import { hostCommands } from "./commandsOfHosts.ts";
import { loadCommands } from "./commandsOfLoad.ts";
import { outageCommands } from "./commandsOfOutages.ts";
import { powerCommands } from "./commandsOfPower.ts";

export interface PoolCommand {
  /** Its words; settings in the form `[key=VALUE]`. */
  readonly usage: string;
  readonly help: string;
  /** How many words it takes besides its name. */
  readonly least: number;
  readonly most: number;
  /** Does it and says what was done. */
  readonly run: (model: PoolModel, words: readonly string[], settings: ReadonlyMap<string, string>) => string;
}

export const commandList: Readonly<Record<string, PoolCommand>> = {
  ...powerCommands,
  ...outageCommands,
  ...hostCommands,
  ...loadCommands,
};
