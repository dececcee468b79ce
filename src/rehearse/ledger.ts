/** The log of simulated migrations, and what it says at a moment: the same shapes as the store's. Pure. */

import { guestCounts } from "../decide/suspicion.ts";
import type { ControlState, Exclusion, HostObservation, LastEnd } from "../domain/controlState.ts";
import { type EndState, isOpen, type Migration } from "../domain/migration.ts";
import { CostBook, type CostSample } from "../domain/migrationCost.ts";
import type { Snapshot, Uuid } from "../domain/pool.ts";
import type { Rule } from "../domain/rule.ts";

/** What is to be moved, and why. */
export interface RehearsedMove {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
  readonly rule: Rule | null;
  readonly memoryBytes: number | null;
}

/** A row with its times as seconds since 1970. */
interface LedgerRow extends RehearsedMove {
  readonly id: string;
  readonly runId: string;
  readonly collectionId: number;
  readonly plannedAt: number;
  state: Migration["state"];
  finishedAt: number | null;
  seconds: number | null;
  collectionsAtEnd: number | null;
}

interface Sight extends Omit<HostObservation, "changedSecondsAgo"> {
  readonly changedAt: number | null;
}

const daySeconds = 86_400;
/** Migrations that costs are learnt from, as the store has it. */
const newestCosts = 500;

export class Ledger {
  readonly #entries: LedgerRow[] = [];
  readonly #costs: CostSample[];
  readonly #exclusions: readonly Exclusion[];
  readonly #observations = new Map<Uuid, Sight>();
  #book: CostBook;
  #lastEnded: LedgerRow | null = null;
  /** The first entry that is younger than a day. */
  #recentFrom = 0;

  /** `costs` are what was known before the first of these migrations. */
  constructor(exclusions: readonly Exclusion[], costs: readonly CostSample[]) {
    this.#exclusions = exclusions;
    this.#costs = [...costs];
    this.#book = new CostBook(this.#costs);
  }

  /** Begins a row; the pool takes the request at once. */
  begin(intent: RehearsedMove, runId: string, collectionId: number, now: number): string {
    const id = `${this.#entries.length}`;
    const end = { finishedAt: null, seconds: null, collectionsAtEnd: null };
    this.#entries.push({ ...intent, id, runId, collectionId, plannedAt: now, state: "running", ...end });
    return id;
  }

  /** Ends it; `collections` is the number of the newest collection. */
  close(id: string, state: EndState, now: number, collections: number): void {
    const entry = this.#entries[Number(id)];
    if (entry === undefined) throw new Error(`no migration ${id}`);
    entry.state = state;
    entry.finishedAt = now;
    entry.collectionsAtEnd = collections;
    this.#lastEnded = entry;
    if (state !== "succeeded") return;
    entry.seconds = now - entry.plannedAt;
    const { source, destination, memoryBytes, seconds } = entry;
    if (memoryBytes === null) return;
    this.#costs.push({ source, destination, memoryBytes, seconds });
    if (this.#costs.length > newestCosts) this.#costs.shift();
    this.#book = new CostBook(this.#costs);
  }

  /** Migrations that were begun within the last hour. */
  startedLastHour(now: number): number {
    return this.#recent(now).filter(({ plannedAt }) => now - plannedAt < 3600).length;
  }

  /** All rows, oldest first, as of `now`. */
  migrations(now: number): readonly Migration[] {
    return this.#entries.map((entry) => rowOf(entry, now));
  }

  /** What control reads of all this. `arrived` are VMs that the newest collection saw on their host for the first time. */
  controlState(now: number, arrived: ReadonlySet<Uuid>): ControlState {
    const recent = this.#recent(now).map((entry) => rowOf(entry, now));
    const last = this.#lastEnded;
    return {
      pause: null,
      breaker: {
        open: false,
        trips: 0,
        openedAt: null,
        openUntil: null,
        closesInSeconds: null,
        reason: null,
      },
      startedLastHour: this.startedLastHour(now),
      exclusions: this.#exclusions,
      open: recent.filter(({ state }) => isOpen(state)),
      recent,
      lastEnd: last === null ? null : lastEndOf(last, now),
      unsettled: recent
        .filter(({ state, finishedSecondsAgo }) => state === "succeeded" && (finishedSecondsAgo ?? 0) < 3600)
        .map(({ vm }) => vm)
        .filter((vm) => arrived.has(vm)),
      observations: [...this.#observations.values()].map(({ changedAt, ...observation }) => ({
        ...observation,
        changedSecondsAgo: changedAt === null ? null : now - changedAt,
      })),
      handled: new Map(),
      costs: this.#book,
    };
  }

  /** Remembers what a collection that control looked at says of each host. */
  look(snapshot: Snapshot, collectionId: number, now: number): void {
    const counts = guestCounts(snapshot);
    for (const { uuid, enabled, live } of snapshot.hosts) {
      const known = this.#observations.get(uuid);
      const changed = known !== undefined && (known.enabled !== enabled || known.live !== live);
      this.#observations.set(uuid, {
        host: uuid,
        poolUuid: snapshot.pool.uuid,
        collectionId,
        guests: counts.get(uuid) ?? 0,
        before: known === undefined ? null : { collectionId: known.collectionId, guests: known.guests },
        enabled,
        live,
        changedAt: changed ? now : (known?.changedAt ?? null),
      });
    }
  }

  #recent(now: number): readonly LedgerRow[] {
    while (now - (this.#entries[this.#recentFrom]?.plannedAt ?? now) >= daySeconds) this.#recentFrom++;
    return this.#entries.slice(this.#recentFrom);
  }
}

function lastEndOf({ collectionsAtEnd, finishedAt }: LedgerRow, now: number): LastEnd {
  return { collectionsAtEnd: collectionsAtEnd ?? 0, secondsAgo: now - (finishedAt ?? now) };
}

function rowOf(entry: LedgerRow, now: number): Migration {
  const { plannedAt, finishedAt } = entry;
  return {
    ...entry,
    cause: "rules",
    reason: "simulated",
    plannedAt: new Date(plannedAt * 1000),
    submittedAt: new Date(plannedAt * 1000),
    finishedAt: finishedAt === null ? null : new Date(finishedAt * 1000),
    taskRef: null,
    error: null,
    failure: null,
    plannedSecondsAgo: now - plannedAt,
    finishedSecondsAgo: finishedAt === null ? null : now - finishedAt,
  };
}
