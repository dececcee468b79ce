/** Reads what a run decides on: the newest snapshot and those before it, the rules, and what stands against acting. */

import { type Assessment, assess, type DecisionInput } from "../../decide/assess.ts";
import { sampleWish } from "../../decide/sampling.ts";
import type { ControlSettings } from "../../settings/types.ts";
import type { Database } from "../connection.ts";
import { readRules } from "../rules.ts";
import { loadSamples } from "../samples.ts";
import { loadSnapshot } from "../snapshot.ts";
import { loadControlState } from "./controlState.ts";

/** Reads and assesses everything that a plan hangs on. `poolUuid` is the pool that the settings mean. */
export async function loadAssessment(
  db: Database,
  settings: ControlSettings,
  poolUuid: string | null,
): Promise<Assessment> {
  return assess(await loadDecisionInput(db, settings), settings, poolUuid);
}

/** Reads everything that a plan hangs on. */
export async function loadDecisionInput(db: Database, settings: ControlSettings): Promise<DecisionInput> {
  const stored = await loadSnapshot(db);
  const { rules, serving, unknown } = await readRules(db);
  const controlState = await loadControlState(db);
  const samples =
    stored === null ? [] : await loadSamples(db, stored.collection, sampleWish(settings, rules, serving));
  return { stored, samples, rules, serving, unknown, controlState };
}
