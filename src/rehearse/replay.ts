/**
 * Plays recorded collections through what control decides by, with simulated migrations: what rules would have done.
 * Pure: it asks neither the pool nor the clock.
 */

import { flapsOf } from "../decide/flaps.ts";
import type { Sample } from "../decide/sampling.ts";
import { chooseSamples, type SampleWish, sampleWish } from "../decide/sampling.ts";
import { ignoreUnsettled, type LastPlaces, type Settled } from "../decide/settling.ts";
import type { Exclusion } from "../domain/controlState.ts";
import { gateName } from "../domain/gate.ts";
import { isOpen, type Migration } from "../domain/migration.ts";
import type { CostSample } from "../domain/migrationCost.ts";
import type { Collection, Snapshot } from "../domain/pool.ts";
import type { Rule, ServeRule } from "../domain/rule.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { Decide } from "./decide.ts";
import { Ledger } from "./ledger.ts";
import { type IsControls, Shadow, type TransferLoad } from "./shadow.ts";
import { type Hour, Tally, type Violations } from "./tally.ts";
import { type Duration, RehearsedTransfers } from "./transfers.ts";

/** A collection as it was recorded. */
export interface Moment {
  /** When it began, in seconds since 1970. */
  readonly seconds: number;
  readonly snapshot: Snapshot;
  readonly complete: boolean;
}

export interface ReplayOptions {
  readonly rules: readonly Rule[];
  /** Rules that serve VMs. */
  readonly serving?: readonly ServeRule[];
  readonly settings: ControlSettings;
  readonly decide: Decide;
  /** Seconds from one run of control to the next, at least. */
  readonly everySeconds: number;
  readonly duration: Duration;
  readonly load: TransferLoad;
  readonly isControls?: IsControls;
  readonly exclusions?: readonly Exclusion[];
  /** Migrations whose cost was known before. */
  readonly costs?: readonly CostSample[];
  /** Count minutes by ten-minute means, too. */
  readonly means?: boolean;
  /** What a collection reads of the truth; default: the truth. */
  readonly measure?: (truth: Snapshot, seconds: number) => Snapshot;
}

/** How often a rule had a reason to act, and what it did. */
export interface ReplayedRule extends Violations {
  readonly firedRuns: number;
  readonly migrations: number;
}

export interface ReplayFigures {
  readonly collections: number;
  /** Hours that the collections tell of, gaps left out. */
  readonly hours: number;
  readonly runs: number;
  readonly rules: readonly ReplayedRule[];
  readonly migrations: number;
  readonly bytes: number;
  /** Hours that migrations took, one after the other. */
  readonly migrationHours: number;
  /** Back within the hour, and within a day. */
  readonly flapsInHour: number;
  readonly flaps: number;
  readonly worstHour: Hour | null;
  /** CPU-minutes that VMs wanted of hosts that did not have them. */
  readonly shortMinutes: number;
  /** Runs that had a reason to act and did not, by the gate that kept them from it. */
  readonly gates: ReadonlyMap<string, number>;
  readonly log: readonly Migration[];
}

/** A run sees a collection some seconds after it began. */
const lagSeconds = 5;

/** Runs come by the minute, and not to the second. */
const slackSeconds = 15;

interface Seen {
  readonly id: number;
  readonly seconds: number;
  readonly snapshot: Snapshot;
}

export class Replay {
  readonly #options: ReplayOptions;
  readonly #shadow: Shadow;
  readonly #ledger: Ledger;
  readonly #tally: Tally;
  readonly #seen: Seen[] = [];
  readonly #fired = new Map<Rule, number>();
  readonly #gates = new Map<string, number>();
  #places: LastPlaces | null = null;
  #placements: Snapshot["placements"] | null = null;
  #current: RehearsedTransfers | null = null;
  #collections = 0;
  #runs = 0;
  #lastRun = Number.NEGATIVE_INFINITY;
  #now = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#shadow = new Shadow(options.isControls ?? (() => false), options.load);
    this.#ledger = new Ledger(options.exclusions ?? [], options.costs ?? []);
    this.#tally = new Tally(options.rules, {
      timeZone: options.settings.timeZone,
      means: options.means === true,
    });
  }

  /** The next moment of the record; moments come in order. */
  see(moment: Moment): void {
    const { seconds } = moment;
    this.#current?.goOn(seconds, this.#collections);
    const truth = this.#shadow.at(moment.snapshot, seconds);
    this.#tally.add(truth, seconds);
    const { measure } = this.#options;
    const settled = this.#ignoreUnsettled(measure === undefined ? truth : measure(truth, seconds), seconds);
    this.#collections++;
    this.#keep(settled, seconds);
    this.#now = seconds;
    if (this.#isDue(seconds)) this.#run(moment, settled);
  }

  #ignoreUnsettled(snapshot: Snapshot, seconds: number): Settled {
    // The same array: nobody has moved, and nobody had just come.
    if (snapshot.placements === this.#placements && this.#places?.settling.size === 0)
      return { snapshot, settling: [] };
    const settled = ignoreUnsettled(snapshot, this.#places, seconds);
    this.#placements = snapshot.placements;
    this.#places = {
      poolUuid: snapshot.pool.uuid,
      hostOf: new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid])),
      settling: new Map(settled.settling.map((settlingVm) => [settlingVm.vmUuid, settlingVm])),
    };
    return settled;
  }

  #keep({ snapshot }: Settled, seconds: number): void {
    this.#seen.unshift({ id: this.#collections, seconds, snapshot });
    // Older ones are never chosen where those after them are enough.
    const { count, further } = this.#wish();
    if (further !== undefined) {
      const oldest = seconds - further.until - further.seconds;
      while ((this.#seen.at(-1)?.seconds ?? seconds) < oldest) this.#seen.pop();
      return;
    }
    while (this.#seen.length >= count && this.#samples(seconds, this.#seen.slice(0, -1)).length === count - 1)
      this.#seen.pop();
  }

  #isDue(seconds: number): boolean {
    if (this.#current?.active === true) return false;
    return seconds - this.#lastRun >= this.#options.everySeconds - slackSeconds;
  }

  #run(moment: Moment, { snapshot, settling }: Settled): void {
    const { settings, rules, serving, decide, duration } = this.#options;
    const now = moment.seconds + lagSeconds;
    this.#lastRun = moment.seconds;
    this.#runs++;
    const controlState = this.#ledger.controlState(now, new Set(settling.map(({ vmUuid }) => vmUuid)));
    this.#ledger.look(snapshot, this.#collections, now);
    const collection = this.#collection(moment, snapshot);
    const { moves, gate, fired } = decide({
      stored: { snapshot, collection, ageSeconds: lagSeconds },
      samples: this.#samples(moment.seconds, this.#seen),
      rules,
      ...(serving === undefined ? {} : { serving }),
      unknown: [],
      controlState,
    });
    for (const rule of fired) this.#fired.set(rule, (this.#fired.get(rule) ?? 0) + 1);
    if (gate !== null && fired.length > 0) {
      const name = gateName(gate);
      this.#gates.set(name, (this.#gates.get(name) ?? 0) + 1);
    }
    const origin = {
      runId: `${this.#runs}`,
      collectionId: this.#collections,
      collectedAt: moment.seconds,
    };
    const parts = { shadow: this.#shadow, ledger: this.#ledger, duration };
    this.#current = new RehearsedTransfers(moves, origin, settings, parts);
    this.#current.start(now);
  }

  #samples(seconds: number, seen: readonly Seen[]): readonly Sample[] {
    const earlier = seen
      .slice(1)
      .map(({ id, snapshot, seconds: at }) => ({ snapshot, collectionId: id, secondsBefore: seconds - at }));
    return chooseSamples(earlier, this.#wish());
  }

  #wish(): SampleWish {
    const { settings, rules, serving } = this.#options;
    return sampleWish(settings, rules, serving);
  }

  #collection({ seconds, complete }: Moment, { hosts, vms, pool }: Snapshot): Collection {
    const hostsRead = hosts.filter(({ read }) => read).length;
    return {
      id: this.#collections,
      startedAt: new Date(seconds * 1000),
      finishedAt: new Date((seconds + 1) * 1000),
      poolUuid: pool.uuid,
      hostsRead,
      hostsUnread: hosts.length - hostsRead,
      vms: vms.length,
      complete,
      durationMs: 1000,
      clockSkewSeconds: 0,
    };
  }

  figures(): ReplayFigures {
    const log = this.#ledger.migrations(this.#now);
    const done = log.filter(({ state }) => !isOpen(state));
    return {
      collections: this.#collections,
      hours: this.#tally.hours,
      runs: this.#runs,
      rules: this.#tally.violations().map((violations) => ({
        ...violations,
        firedRuns: this.#fired.get(violations.rule) ?? 0,
        migrations: log.filter(({ rule }) => rule === violations.rule).length,
      })),
      migrations: log.length,
      bytes: log.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0),
      migrationHours: done.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) / 3600,
      flapsInHour: flapsOf(log, 3600).length,
      flaps: flapsOf(log).length,
      worstHour: this.#tally.worstHour(),
      shortMinutes: this.#tally.shortMinutes,
      gates: this.#gates,
      log,
    };
  }
}
