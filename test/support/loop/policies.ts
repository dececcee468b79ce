/** Who decides about moves: nobody, the thesis' trigger, ours at once, ours. */

import type { DecisionInput } from "../../../src/decide/assess.ts";
import { asSingle, type ServeRule } from "../../../src/domain/rule.ts";
import { asControl, asOff, type Decide } from "../../../src/rehearse/decide.ts";
import type { ControlSettings } from "../../../src/settings/types.ts";
import { thesis } from "../plan/others.ts";

export interface Policy {
  readonly name: string;
  /** The settings it acts by, from those of ours. */
  readonly settings: (settings: ControlSettings) => ControlSettings;
  readonly decide: (settings: ControlSettings) => Decide;
  /** Seconds from one run to the next, where it has its own mind. */
  readonly everySeconds?: number;
  /** Rules that serve VMs. */
  readonly serving?: readonly ServeRule[];
}

const asTheyAre = (settings: ControlSettings) => settings;

/** The thesis knows no caps, and no collection that is too old. */
const unlimited = {
  snapshotMaxAgeSeconds: Number.POSITIVE_INFINITY,
  maxMovesPerRun: Number.POSITIVE_INFINITY,
  maxMovesPerHour: Number.POSITIVE_INFINITY,
};

export const policies: readonly Policy[] = [
  { name: "off", settings: asTheyAre, decide: asOff },
  { name: "thesis", settings: (settings) => ({ ...settings, ...unlimited }), decide: () => asThesis },
  {
    name: "ours, --instant",
    settings: (settings) => ({ ...settings, sampleCount: 1, breaches: 1 }),
    decide: asControl,
  },
  { name: "**ours**", settings: asTheyAre, decide: asControl },
];

/**
 * The newest collection alone; the most loaded host, its VM nearest to the excess, the least loaded host; one migration
 * after the other, whatever was moved before. It is never run twice at once, which the thesis leaves to its user.
 */
function asThesis({ stored, rules }: DecisionInput): ReturnType<Decide> {
  const moves =
    stored === null
      ? []
      : thesis({ snapshot: stored.snapshot, rules: rules.flatMap((rule) => asSingle(rule) ?? []) });
  return {
    moves: moves.map((move, index) => ({
      ...move,
      rule: rules[0] ?? null,
      after: index === 0 ? [] : [index - 1],
    })),
    gate: null,
    fired: moves.length > 0 ? rules : [],
  };
}
