/** Reads what a run decides on: the newest snapshot and those before it, the rules, and what stands against acting. */

import { type Assessment, assess, type DecisionInput } from "../../decide/assess.ts";
import { sampleWish } from "../../decide/sampling.ts";
import {
  configuredExclusions,
  configuredRules,
  connectedWlb,
  withConfiguration,
} from "../../decide/workloadBalancing.ts";
import { withoutOwnWlb } from "../../domain/workloadBalancing.ts";
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
  const found = await loadSnapshot(db);
  const { rules, serving, unknown, ruleRevision } = await readRules(db);
  const controlState = await loadControlState(db);
  const wlb = connectedWlb(found?.snapshot.pool ?? null, controlState);
  const stored = found === null ? null : { ...found, snapshot: withoutOwnWlb(found.snapshot, wlb) };
  const exclusions = [...controlState.exclusions, ...configuredExclusions(wlb)];
  const all = [...rules, ...configuredRules(wlb)];
  const wish = sampleWish(withConfiguration(settings, wlb), all, serving);
  const samples = stored === null ? [] : await loadSamples(db, stored.collection, wish);
  return {
    stored,
    samples,
    rules: all,
    serving,
    unknown,
    ruleRevision,
    controlState: { ...controlState, exclusions },
  };
}
