/** What a command of the simulated pool is. */
import type { PoolModel } from "../metrics/model.ts";

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
