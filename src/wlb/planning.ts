/**
 * What takes time: the plan of a collection, and where the VMs of a host would go. Reads the database itself, so that it
 * can run in a thread of its own, beside the one that answers pools.
 */
import { type Assessment, type DecisionInput, forecastOf } from "../decide/assess.ts";
import { assessEvacuation, forecastEvacuation } from "../decide/evacuation.ts";
import type { LastUse } from "../decide/placing.ts";
import type { GreenForecast } from "../decide/power.ts";
import { connectedWlb } from "../decide/workloadBalancing.ts";
import { gateName } from "../domain/gate.ts";
import { occupiesHost, type Uuid } from "../domain/pool.ts";
import { hostsWith } from "../domain/workloadBalancing.ts";
import { greenMoves } from "../explain/power.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { Database } from "../store/connection.ts";
import { loadLastUses } from "../store/lastUse.ts";
import { loadAssessment, loadDecisionInput } from "../store/load/decisionInput.ts";
import { loadGreenForecast } from "../store/load/powerInput.ts";
import { loadSnapshot } from "../store/snapshot.ts";
import { balancingSteps, consolidatingSteps, type PlannedAdvice, severityOf } from "./advice.ts";

/** Where the VMs of a host would go, or why nothing is said. */
export type EvacuationOutcome =
  | {
      readonly moves: readonly { readonly vm: Uuid; readonly to: Uuid }[];
      readonly complete: boolean;
    }
  | { readonly refused: "hostExcluded" | "noCurrentMetrics" | "invalidArgument"; readonly why: string };

export interface WlbPlanner {
  /** The plan of the newest collection. */
  plan(): Promise<PlannedAdvice>;
  evacuate(host: Uuid): Promise<EvacuationOutcome>;
  /** What VMs used when they last ran, of those that do not run. */
  lastUses(): Promise<ReadonlyMap<Uuid, LastUse>>;
  close(): Promise<void>;
}

/** Plans where it is called. */
export class DirectPlanner implements WlbPlanner {
  readonly #db: Database;
  readonly #control: ControlSettings;
  #lastUses: ReadonlyMap<Uuid, LastUse> = new Map();
  #lookedUp: ReadonlySet<Uuid> = new Set();

  constructor(db: Database, control: ControlSettings) {
    this.#db = db;
    this.#control = control;
  }

  async plan(): Promise<PlannedAdvice> {
    const assessment = await loadAssessment(this.#db, this.#control, null);
    return adviceFrom(
      assessment,
      this.#control,
      await loadGreenForecast(this.#db, this.#control, assessment),
    );
  }

  async evacuate(host: Uuid): Promise<EvacuationOutcome> {
    return evacuationFrom(await loadDecisionInput(this.#db, this.#control), this.#control, host);
  }

  async lastUses(): Promise<ReadonlyMap<Uuid, LastUse>> {
    const stored = await loadSnapshot(this.#db);
    if (stored === null) return this.#lastUses;
    const idle = stored.snapshot.vms.filter(({ powerState }) => !occupiesHost(powerState));
    // What is known of a VM stays true until it has run again; of what the history does not tell nothing is new.
    const known = new Map(idle.map(({ uuid }) => [uuid, this.#lastUses.get(uuid) ?? null] as const));
    const unknown = idle.filter(({ uuid }) => !this.#lookedUp.has(uuid));
    const found = await loadLastUses(this.#db, stored, unknown, this.#control);
    this.#lookedUp = new Set(idle.map(({ uuid }) => uuid));
    this.#lastUses = new Map(
      [...known].flatMap(([uuid, use]) => {
        const last = found.get(uuid) ?? use;
        return last === null ? [] : [[uuid, last] as const];
      }),
    );
    return this.#lastUses;
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}

/** What a run would do next by `assessment`, as recommendations; nothing where a gate keeps it from that. */
export function adviceFrom(
  assessment: Assessment,
  control: ControlSettings,
  green: GreenForecast | null,
): PlannedAdvice {
  const { stored } = assessment;
  const { plan, gate } = forecastOf(assessment, control);
  const nothing = { collectionId: stored?.collection.id ?? 0, severity: "Low", steps: [] } as const;
  if (stored === null || gate !== null || plan === null) {
    return { ...nothing, gate: gate === null ? null : `${gateName(gate)}: ${gate.measured}` };
  }
  const { hosts } = stored.snapshot;
  const { moves: gathering, power } =
    green === null
      ? { moves: [], power: [] }
      : consolidatingSteps(green.decision, greenMoves(green.decision), stored.snapshot);
  // As a run does it: what gathers goes first, and what balances waits for it.
  const moves = gathering.length > 0 ? gathering : balancingSteps(plan.moves);
  const receivers = new Set(moves.map(({ to }) => to));
  const switched = power.filter(({ host, reason }) => reason === "PowerOn" || !receivers.has(host));
  const steps = [...moves, ...switched];
  return { collectionId: stored.collection.id, severity: severityOf(steps, hosts), steps, gate: null };
}

const onlyOfHost = "in an evacuation by the pool itself no move can wait for another";

/** Where the VMs of `wanted`, a uuid in lower case, would go. */
export function evacuationFrom(
  input: DecisionInput,
  control: ControlSettings,
  wanted: Uuid,
): EvacuationOutcome {
  const { stored, controlState } = input;
  const known = stored?.snapshot.hosts.find(({ uuid }) => uuid.toLowerCase() === wanted);
  if (stored === null || known === undefined) {
    return { refused: "invalidArgument", why: `the collected pool has no host ${wanted}` };
  }
  const wlb = connectedWlb(stored.snapshot.pool, controlState);
  if (wlb !== null && hostsWith(wlb, "ExcludeFromEvacuationRecommendations").has(wanted)) {
    return { refused: "hostExcluded", why: `${known.name} is excluded from evacuation recommendations` };
  }
  if (stored.snapshot.hosts.length === 1) return { moves: [], complete: false };
  const assessment = assessEvacuation(input, control, null, known.uuid);
  if (!("host" in assessment)) return refusedBy(assessment.gate);
  const { placements } = stored.snapshot;
  const here = new Set(
    placements.flatMap(({ vmUuid, hostUuid }) => (hostUuid === known.uuid ? [vmUuid] : [])),
  );
  // The pool does the moves in an order of its own, several at once: none may wait for another.
  const others = placements.filter(({ vmUuid }) => !here.has(vmUuid));
  const vms = new Map([...others.map(({ vmUuid }) => [vmUuid, onlyOfHost] as const), ...assessment.bans.vms]);
  const alone = { ...assessment, bans: { ...assessment.bans, vms } };
  const { plan, gate } = forecastEvacuation(alone, control);
  if (plan === null) return gate === null ? { moves: [], complete: false } : refusedBy(gate);
  const ends = new Map(plan.moves.map(({ vm, destination }) => [vm, destination]));
  const leaving = [...ends].filter(([vm, to]) => here.has(vm) && to !== known.uuid);
  return { moves: leaving.map(([vm, to]) => ({ vm, to })), complete: plan.stays.length === 0 };
}

function refusedBy(gate: Parameters<typeof gateName>[0] & { readonly measured: string }): EvacuationOutcome {
  return { refused: "noCurrentMetrics", why: `${gateName(gate)}: ${gate.measured}` };
}
