/**
 * Rule sets side by side over the same record: with the migrations that control would have made, and with none. Pure.
 */

import type { Exclusion } from "../domain/controlState.ts";
import type { Migration } from "../domain/migration.ts";
import { CostBook, type CostSample } from "../domain/migrationCost.ts";
import type { Uuid } from "../domain/pool.ts";
import type { Rule, ServeRule } from "../domain/rule.ts";
import type { ControlSettings } from "../settings/types.ts";
import { asControl } from "./decide.ts";
import { type Moment, Replay, type ReplayFigures } from "./replay.ts";
import { type IsControls, Shadow } from "./shadow.ts";
import { type Hour, longestSeconds, Tally, type Violations } from "./tally.ts";

/** Rules under the name that they are shown by. */
export interface RuleSet {
  readonly name: string;
  readonly rules: readonly Rule[];
  /** Those that serve VMs. */
  readonly serving: readonly ServeRule[];
}

export interface RehearsalOptions {
  readonly sets: readonly RuleSet[];
  readonly settings: ControlSettings;
  /** Seconds from one run of control to the next. */
  readonly everySeconds: number;
  readonly exclusions: readonly Exclusion[];
  /** What the pool's own migrations took. */
  readonly costs: readonly CostSample[];
  readonly isControls: IsControls;
}

/** What became of the pool where nothing was moved. */
export interface Untouched {
  readonly violations: readonly Violations[];
  readonly worstHour: Hour | null;
  /** CPU-minutes that VMs wanted of hosts that did not have them. */
  readonly shortMinutes: number;
}

export interface SetResult extends RuleSet {
  readonly moved: ReplayFigures;
  readonly untouched: Untouched;
}

export interface RehearsalResult {
  /** Seconds since 1970 of the first and the last collection. */
  readonly from: number;
  readonly to: number;
  readonly collections: number;
  /** Hours that the collections tell of. */
  readonly hours: number;
  readonly everySeconds: number;
  readonly bytesPerSecond: number;
  /** Migrations that the rate was learnt from; 0 where it is assumed. */
  readonly measuredMigrations: number;
  readonly sets: readonly SetResult[];
}

/** CPUs that a transfer keeps busy on each of its hosts; its network is taken to be one of its own. */
const transferLoad = { cpus: 0.4, eth0Kb: 0 };

/** Takes the moments of the record one after the other. */
export class Rehearsal {
  readonly #options: RehearsalOptions;
  readonly #book: CostBook;
  readonly #replays: readonly Replay[];
  readonly #untouched: Shadow;
  readonly #tallies: readonly Tally[];
  #from: number | null = null;
  #to = Number.NEGATIVE_INFINITY;
  #collections = 0;
  #hours = 0;

  constructor(options: RehearsalOptions) {
    const { sets, settings, everySeconds, exclusions, costs, isControls } = options;
    this.#options = options;
    this.#book = new CostBook(costs);
    this.#replays = sets.map(
      ({ rules, serving }) =>
        new Replay({
          rules,
          serving,
          settings,
          everySeconds,
          exclusions,
          costs,
          isControls,
          decide: asControl(settings),
          load: transferLoad,
          duration: ({ source, destination, memoryBytes }) =>
            this.#book.seconds(source, destination, memoryBytes) ?? 0,
        }),
    );
    this.#untouched = new Shadow(isControls, transferLoad);
    this.#tallies = sets.map(({ rules }) => new Tally(rules, { timeZone: settings.timeZone }));
  }

  /** Collections that lie closer together than samples do tell nothing more: they are passed over. */
  see(moment: Moment): void {
    const passed = moment.seconds - this.#to;
    if (passed < 0.75 * this.#options.settings.sampleSeconds) return;
    this.#from ??= moment.seconds;
    if (Number.isFinite(passed)) this.#hours += Math.min(passed, longestSeconds) / 3600;
    this.#to = moment.seconds;
    this.#collections++;
    const untouched = this.#untouched.at(moment.snapshot, moment.seconds);
    for (const tally of this.#tallies) tally.add(untouched, moment.seconds);
    for (const replay of this.#replays) replay.see(moment);
  }

  /** Null before the first moment. */
  result(): RehearsalResult | null {
    if (this.#from === null) return null;
    const { bytesPerSecond, samples } = this.#book.pool;
    return {
      from: this.#from,
      to: this.#to,
      collections: this.#collections,
      hours: this.#hours,
      everySeconds: this.#options.everySeconds,
      bytesPerSecond,
      measuredMigrations: samples,
      sets: this.#options.sets.map((set, index) => this.#resultOf(set, index)),
    };
  }

  #resultOf(set: RuleSet, index: number): SetResult {
    const [replay, tally] = [this.#replays[index], this.#tallies[index]];
    if (replay === undefined || tally === undefined) throw new Error(`no rule set ${index}`);
    const { shortMinutes } = tally;
    const untouched = { violations: tally.violations(), worstHour: tally.worstHour(), shortMinutes };
    return { ...set, moved: replay.figures(), untouched };
  }
}

/** Arrivals are recorded some time after they were control's doing: by the next collections. */
const recordedWithinSeconds = 900;

/** Tells which of the recorded moves were control's own. */
export function controlsMoves(migrations: readonly Migration[]): IsControls {
  const byVm = new Map<Uuid, Migration[]>();
  for (const migration of migrations) {
    if (migration.state === "refused") continue;
    const own = byVm.get(migration.vm);
    if (own === undefined) byVm.set(migration.vm, [migration]);
    else own.push(migration);
  }
  return (vm, destination, seconds) =>
    (byVm.get(vm) ?? []).some((row) => {
      const end = row.finishedAt === null ? Number.POSITIVE_INFINITY : row.finishedAt.getTime() / 1000;
      const begun = row.plannedAt.getTime() / 1000 <= seconds;
      return row.destination === destination && begun && seconds <= end + recordedWithinSeconds;
    });
}
