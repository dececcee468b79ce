/** What a run decides on: the stored picture, the rules, and what stands against acting on them. */
import { type Bans, bansOf } from "../cooldown.ts";
import type { StoredSnapshot, Uuid } from "../pool.ts";
import type { Rule } from "../rule.ts";
import type { ControlSettings } from "../settings.ts";
import type { Database } from "../store/connection.ts";
import { readRules, type UnknownRule } from "../store/rules.ts";
import { guestCounts } from "../store/sights.ts";
import { loadSnapshot } from "../store/snapshot.ts";
import { loadStanding, type Standing } from "../store/standing.ts";
import { type ExpectedGuests, type Suspicion, suspicionOf, withoutSuspects } from "../suspicion.ts";
import { firstPlan } from "./firstPlan.ts";
import { dataGate, type Gate, heldGate, settledGate } from "./gates.ts";
import type { Plan } from "./plan.ts";

export interface Basis {
  /** As collected, but with suspect hosts out of it; null before the first collection. */
  readonly stored: StoredSnapshot | null;
  readonly rules: readonly Rule[];
  readonly unknown: readonly UnknownRule[];
  readonly standing: Standing;
  readonly suspicion: Suspicion;
  readonly bans: Bans;
  /** Closed by somebody's word or by what control did lately. */
  readonly held: Gate | null;
  /** Closed by the collection. */
  readonly gate: Gate | null;
}

/** Reads and judges everything that a plan hangs on. `poolUuid` is the pool that the settings mean. */
export async function loadBasis(
  db: Database,
  settings: ControlSettings,
  poolUuid: string | null,
): Promise<Basis> {
  const stored = await loadSnapshot(db);
  const { rules, unknown } = await readRules(db);
  const standing = await loadStanding(db);
  const limits = { ...settings, poolUuid };
  const suspicion = stored === null ? unsuspected : judge(stored, standing);
  return {
    stored: stored === null ? null : { ...stored, snapshot: withoutSuspects(stored.snapshot, suspicion) },
    rules,
    unknown,
    standing,
    suspicion,
    bans:
      stored === null
        ? { vms: new Map(), hosts: new Map() }
        : bansOf(stored.snapshot, standing.exclusions, standing.recent, settings),
    held: heldGate(standing, limits),
    gate: dataGate(stored, standing, suspicion, limits),
  };
}

/** The plan, with the true reason why suspect hosts take no part. */
export function planOf(basis: Basis, stored: StoredSnapshot, settings: ControlSettings): Plan {
  const plan = firstPlan(stored.snapshot, basis.rules, settings, basis.bans);
  const absent = plan.absent.map(({ host, reason }) => ({
    host,
    reason: basis.suspicion.hosts.get(host) ?? reason,
  }));
  return { ...plan, absent };
}

/** The plan, null where the collection allows none; and the gate that keeps the next run from it, null where none does. */
export interface Forecast {
  readonly plan: Plan | null;
  readonly gate: Gate | null;
}

/** What the next run would do, but for what holds it by somebody's word or by what control did lately. */
export function forecastOf(basis: Basis, settings: ControlSettings): Forecast {
  const { stored, gate, standing } = basis;
  if (gate !== null || stored === null) return { plan: null, gate };
  const plan = planOf(basis, stored, settings);
  return { plan, gate: plan.moves.length === 0 ? null : settledGate(standing) };
}

const unsuspected: Suspicion = { hosts: new Map(), pool: null };

function judge(stored: StoredSnapshot, standing: Standing): Suspicion {
  return suspicionOf(stored.snapshot, guestCounts(stored.snapshot), expectedGuests(stored, standing));
}

/** The guests of the collection that was looked at before this one, with what control itself has moved since. */
function expectedGuests({ collection, snapshot }: StoredSnapshot, standing: Standing): ExpectedGuests {
  const expected = new Map<Uuid, number>();
  for (const sight of standing.sights) {
    if (sight.poolUuid.toLowerCase() !== snapshot.pool.uuid.toLowerCase()) continue;
    const base = sight.collectionId === collection.id ? sight.before : sight;
    if (base === null) continue;
    const moved = standing.recent.filter(
      ({ state, collectionsAtEnd }) =>
        state === "succeeded" && collectionsAtEnd !== null && collectionsAtEnd >= base.collectionId,
    );
    const came = moved.filter(({ destination }) => destination === sight.host).length;
    const went = moved.filter(({ source }) => source === sight.host).length;
    expected.set(sight.host, Math.max(0, base.guests + came - went));
  }
  return expected;
}
