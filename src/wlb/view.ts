/**
 * One pool as the server has it in memory: refreshed as collections arrive, so that an answer waits for no database. Where
 * the database is away the last state serves until it is too old.
 */
import type { LastUse, RankingBasis } from "../decide/placing.ts";
import { assessAsked } from "../decide/placing.ts";
import { connectedWlb } from "../decide/workloadBalancing.ts";
import { describeError } from "../domain/errors.ts";
import { asUuid, occupiesHost, type Uuid, type Vm } from "../domain/pool.ts";
import { hostsWith } from "../domain/workloadBalancing.ts";
import { meanWanted } from "../planner/serve/hostDemands.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { Database } from "../store/connection.ts";
import { loadDecisionInput } from "../store/load/decisionInput.ts";
import {
  disconnectWlbPool,
  type NewHostAdvice,
  renewWlbPlan,
  reserveWlbIds,
  storeWlbPlan,
  type WlbStatus,
  wlbStatus,
} from "../store/wlb.ts";
import { type Advice, type HostStars, nextId } from "../wlbProtocol/answer.ts";
import { type PlannedAdvice, sameSteps } from "./advice.ts";
import { starsFor } from "./placement.ts";
import type { EvacuationOutcome, WlbPlanner } from "./planning.ts";
import { type AdvisedStart, advisedHost, starsBeside } from "./started.ts";

/** The plan as it is answered. */
export interface IssuedPlan extends PlannedAdvice {
  readonly planId: number;
  readonly advice: readonly Advice[];
}

export interface ViewOptions {
  readonly db: Database;
  readonly planner: WlbPlanner;
  readonly control: ControlSettings;
  readonly monotonicMs: () => number;
  /** Tells something to the operator. */
  readonly say: (line: string) => void;
}

const idBlock = 100_000;
/** A VM that is being started does not run yet. */
const startingMs = 30_000;

export class PoolView {
  readonly #options: ViewOptions;
  #status: WlbStatus | null = null;
  #readAtMs = 0;
  #basis: RankingBasis | null = null;
  /** VMs of the present collection that do not run, by uuid in lower case. */
  #idle: ReadonlyMap<Uuid, Vm> = new Map();
  #gate: string | null = null;
  #lastUses: ReadonlyMap<Uuid, LastUse> = new Map();
  #plan: IssuedPlan | null = null;
  /** Of the present collection, by VM: worked out ahead for VMs that may be started, and kept. */
  #stars = new Map<Uuid, readonly HostStars[] | null>();
  /** When the present collection began. */
  #beganMs = Number.NEGATIVE_INFINITY;
  /** VMs that did not run and were asked for since then, or shortly before: they may run by now. */
  readonly #asked = new Map<Uuid, { readonly atMs: number; readonly start: AdvisedStart | null }>();
  #loaded = "";
  #ids = { next: 1, left: 0 };
  #trouble: string | null = null;
  /** Refreshes go one after the other: none may put an older state in the place of a newer one. */
  #tail: Promise<void> = Promise.resolve();
  /** A plan of a large pool takes longer than whoever connects or configures it should wait. */
  #isPlanning = false;
  #planAgain = false;
  #isClosed = false;
  /** The pool has taken leave, and is to be forgotten by the next refresh that can. */
  #isLeaving = false;

  constructor(options: ViewOptions) {
    this.#options = options;
  }

  get db(): Database {
    return this.#options.db;
  }

  get control(): ControlSettings {
    return this.#options.control;
  }

  get status(): WlbStatus | null {
    return this.#status;
  }

  /** The pool that its collections are of; null while nothing is collected. */
  get pool(): Uuid | null {
    return this.#status?.collected ?? null;
  }

  get basis(): RankingBasis | null {
    return this.#basis;
  }

  /** Why nothing should be done by the collection; null where it may be. */
  get gate(): string | null {
    return this.#gate;
  }

  get plan(): IssuedPlan | null {
    return this.#plan;
  }

  /** What went wrong at the last refresh; null where it went well. */
  get trouble(): string | null {
    return this.#trouble;
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** The pool's account, its configuration and the advice are forgotten by the next refresh, or the first that can. */
  leaves(): void {
    this.#isLeaving = true;
  }

  /** It is connected anew. */
  stays(): void {
    this.#isLeaving = false;
  }

  /** Seconds since the collection that answers are made by began; infinite where there is none. */
  ageSeconds(): number {
    if (this.#status === null) return Number.POSITIVE_INFINITY;
    return this.#status.ageSeconds + (this.#options.monotonicMs() - this.#readAtMs) / 1000;
  }

  /** How good each live host is for `vm`, a uuid in lower case, which somebody asks for; null where the pool has no such VM. */
  stars(vm: Uuid): readonly HostStars[] | null {
    const [stars, basis, found] = [this.#starsOf(vm), this.#basis, this.#idle.get(vm)];
    if (stars === null || basis === null || found === undefined) return stars;
    const starts = [...this.#asked.values()].flatMap(({ start }) => start ?? []);
    const beside = starsBeside(stars, found, starts, basis.snapshot, this.#options.control);
    const host = advisedHost(beside);
    this.#asked.set(vm, {
      atMs: this.#options.monotonicMs(),
      start: host === null ? null : { vm: found, host, cpus: this.#cpusOf(vm) },
    });
    return beside;
  }

  /** CPUs that it wanted when it last ran; 0 where nobody knows. */
  #cpusOf(vm: Uuid): number {
    const demand = this.#lastUses.get(vm)?.demand ?? null;
    return demand === null ? 0 : meanWanted(demand);
  }

  /** How many VMs may have been started on the host since the collection began. */
  startedOn(host: Uuid): number {
    return [...this.#asked.values()].filter(
      ({ atMs, start }) => atMs >= this.#beganMs && start?.host === host,
    ).length;
  }

  #starsOf(vm: Uuid): readonly HostStars[] | null {
    const found = this.#stars.get(vm);
    if (found !== undefined) return found;
    const basis = this.#basis;
    if (basis === null) return null;
    const { wlb = null } = basis.controlState;
    const excluded = wlb === null ? new Set<string>() : hostsWith(wlb, "ExcludeFromPlacementRecommendations");
    const stars = starsFor(basis, this.#options.control, vm, this.#lastUses.get(vm) ?? null, excluded);
    // Of what the pool has not nothing is kept: anybody may ask for it.
    if (stars !== null) this.#stars.set(vm, stars);
    return stars;
  }

  /** A VM that is started is answered for at once; whoever asks meanwhile has half of the time between two of these. */
  async #workOutAhead(stars: ReadonlyMap<Uuid, unknown>): Promise<void> {
    for (const uuid of this.#idle.keys()) {
      if (this.#stars !== stars || this.#isClosed) return;
      const beganMs = this.#options.monotonicMs();
      this.#starsOf(uuid);
      const spentMs = this.#options.monotonicMs() - beganMs;
      await new Promise((resolve) => setTimeout(resolve, spentMs));
    }
  }

  #forgetStars(): void {
    this.#stars = new Map();
    void this.#workOutAhead(this.#stars);
  }

  /** The first of `count` numbers for answers; none is given twice before two thousand million were. */
  takeIds(count: number): number {
    const first = this.#ids.next;
    for (let i = 0; i < count; i++) this.#ids.next = nextId(this.#ids.next);
    this.#ids.left -= count;
    return first;
  }

  evacuate(host: Uuid): Promise<EvacuationOutcome> {
    return this.#options.planner.evacuate(host);
  }

  /** Looks for news, and takes in what there is. Never rejects: trouble is kept, and told when it changes. */
  refresh(): Promise<void> {
    this.#tail = this.#tail.then(() => this.#tried());
    return this.#tail;
  }

  async #tried(): Promise<void> {
    try {
      await this.#refresh();
      if (this.#trouble !== null) this.#options.say("the database answers again");
      this.#trouble = null;
    } catch (error) {
      if (this.#isClosed) return;
      const said = describeError(error);
      if (said !== this.#trouble) this.#options.say(`cannot refresh, answers come from memory: ${said}`);
      this.#trouble = said;
    }
  }

  async #refresh(): Promise<void> {
    const { db, monotonicMs } = this.#options;
    const { pool } = this;
    if (this.#isLeaving && pool !== null) {
      await disconnectWlbPool(db, pool);
      this.#isLeaving = false;
    }
    const askedAtMs = monotonicMs();
    const status = await wlbStatus(db);
    this.#status = status;
    this.#readAtMs = askedAtMs;
    const { collectionId, ruleChange, bound, configuration } = status;
    const state = JSON.stringify([collectionId, ruleChange, bound?.endpoint ?? null, [...configuration]]);
    if (state === this.#loaded) return;
    if (collectionId > 0) {
      await this.#load();
      if (bound !== null) {
        if (this.#ids.left < idBlock / 10) {
          this.#ids = { next: await reserveWlbIds(db, bound.pool, idBlock), left: idBlock };
        }
        void this.#planSoon(bound.pool);
      }
    }
    this.#loaded = state;
  }

  /** One plan after the other; of those that were asked for meanwhile the last is enough. */
  async #planSoon(pool: Uuid): Promise<void> {
    this.#planAgain = true;
    if (this.#isPlanning) return;
    this.#isPlanning = true;
    try {
      while (this.#planAgain) {
        this.#planAgain = false;
        await this.#replan(pool);
      }
    } catch (error) {
      // The next refresh does it all again, and tells what is wrong if it still is.
      this.#loaded = "";
      if (!this.#isClosed) this.#options.say(`the plan could not be made: ${describeError(error)}`);
    } finally {
      this.#isPlanning = false;
    }
  }

  async #load(): Promise<void> {
    const { db, control } = this.#options;
    const input = await loadDecisionInput(db, control);
    const assessment = assessAsked(input, control, null);
    const { stored, gate } = assessment;
    if (stored === null) return;
    this.#basis = { ...assessment, snapshot: stored.snapshot };
    this.#gate = gate === null ? null : gate.measured;
    const idle = stored.snapshot.vms.filter(({ powerState }) => !occupiesHost(powerState));
    this.#idle = new Map(idle.map((vm) => [asUuid(vm.uuid.toLowerCase()), vm]));
    this.#beganMs = this.#options.monotonicMs() - this.ageSeconds() * 1000;
    for (const [vm, { atMs }] of this.#asked)
      if (atMs < this.#beganMs - startingMs || !this.#idle.has(vm)) this.#asked.delete(vm);
    this.#forgetStars();
    // The history may take longer to read than a pool should wait for: until then, what was known.
    void this.#options.planner.lastUses().then(
      (uses) => {
        if (isSame(this.#lastUses, uses)) return;
        this.#lastUses = uses;
        this.#forgetStars();
      },
      () => {},
    );
  }

  async #replan(pool: Uuid): Promise<void> {
    const { db, planner } = this.#options;
    const planned = await planner.plan();
    const before = this.#plan;
    if (before !== null && sameSteps(before.steps, planned.steps)) {
      this.#plan = { ...before, ...planned, steps: before.steps };
      if (planned.steps.length > 0) await renewWlbPlan(db, pool, before.planId);
      return;
    }
    const moves = planned.steps.flatMap((step) =>
      step.kind === "move"
        ? [{ vm: step.vm, source: step.from, destination: step.to, reason: step.text }]
        : [],
    );
    const hosts = planned.steps.flatMap((step): NewHostAdvice[] =>
      step.kind === "power"
        ? [
            {
              host: step.host,
              switch: step.reason === "PowerOff" ? "off" : "on",
              emptyHost: step.empty,
              reason: step.text,
            },
          ]
        : [],
    );
    const { planId, firstId } = await storeWlbPlan(db, pool, planned.collectionId, moves, hosts);
    this.#plan = { ...planned, planId, advice: numbered(planned, firstId) };
  }

  /** Ends the thread that plans, and the connection, whatever is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#options.planner.close();
    this.#options.db.abandon();
  }

  /** Whether the pool is still connected by what is stored: then its configuration acts. */
  isConnected(): boolean {
    const pool = this.#basis?.snapshot.pool ?? null;
    return this.#basis !== null && connectedWlb(pool, this.#basis.controlState) !== null;
  }
}

function isSame(a: ReadonlyMap<Uuid, LastUse>, b: ReadonlyMap<Uuid, LastUse>): boolean {
  return a.size === b.size && [...a].every(([uuid, use]) => use.at.getTime() === b.get(uuid)?.at.getTime());
}

function numbered({ steps }: PlannedAdvice, firstId: number): readonly Advice[] {
  return steps.map((step, index) =>
    step.kind === "move"
      ? { kind: "move", id: firstId + index, vm: step.vm, from: step.from, to: step.to, reason: step.reason }
      : { kind: "power", id: firstId + index, host: step.host, reason: step.reason },
  );
}
