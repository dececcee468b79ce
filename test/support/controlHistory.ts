/** Records what a pool and its database saw of control's runs, for the invariants. */

import { asUuid } from "../../src/domain/pool.ts";
import type { Rule } from "../../src/domain/rule.ts";
import type { ControlSettings } from "../../src/settings/types.ts";
import type { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import type { Database } from "../../src/store/connection.ts";
import { listExclusions } from "../../src/store/exclusions.ts";
import { leaseStatus } from "../../src/store/lease.ts";
import { findMigrations } from "../../src/store/migrationRecord.ts";
import { listRuns } from "../../src/store/runs.ts";
import { loadSnapshot } from "../../src/store/snapshot.ts";
import type { CollectedState, Contents, History, PoolMigration } from "./invariants.ts";

/** The pool's own record of the migrations that it began, in order. */
export class PoolRecord {
  readonly #migrations: { readonly key: unknown; entry: PoolMigration }[] = [];
  /** As "vm -> host". */
  readonly texts: string[] = [];
  #moment = 0;

  constructor(pool: SimulatedPool) {
    pool.db.journal.onChange(() => this.#look(pool));
  }

  get migrations(): readonly PoolMigration[] {
    return this.#migrations.map(({ entry }) => entry);
  }

  #look({ db, model }: SimulatedPool): void {
    this.#moment++;
    const running = new Set<unknown>(model.migrations.values());
    for (const known of this.#migrations) {
      if (known.entry.endedAt === null && !running.has(known.key))
        known.entry = { ...known.entry, endedAt: this.#moment };
    }
    for (const [vm, migration] of model.migrations) {
      if (this.#migrations.some(({ key }) => key === migration)) continue;
      const uuid = (cls: string, ref: string) => asUuid(db.text(cls, ref, "uuid"));
      const name = (cls: string, ref: string) => db.text(cls, ref, "name_label");
      const text = `${name("VM", vm)} -> ${name("host", migration.targetRef)}`;
      const entry = {
        vm: uuid("VM", vm),
        source: uuid("host", migration.sourceRef),
        destination: uuid("host", migration.targetRef),
        beganAt: this.#moment,
        endedAt: null,
      };
      this.#migrations.push({ key: migration, entry });
      this.texts.push(text);
    }
  }
}

/** Notes the state after each collection, and reads the rest when it is asked for. */
export class HistoryRecorder {
  readonly #pool: SimulatedPool;
  readonly #db: Database;
  readonly #record: PoolRecord;
  readonly #settings: ControlSettings;
  readonly #states: CollectedState[] = [];

  constructor(pool: SimulatedPool, db: Database, record: PoolRecord, settings: ControlSettings) {
    this.#pool = pool;
    this.#db = db;
    this.#record = record;
    this.#settings = settings;
  }

  /** To be called right after a collection, with nothing in flight. */
  async collected(rules: readonly Rule[]): Promise<void> {
    const stored = await loadSnapshot(this.#db);
    if (stored === null) throw new Error("nothing is stored");
    this.#states.push({
      collectionId: stored.collection.id,
      startedAt: stored.collection.startedAt,
      snapshot: stored.snapshot,
      rules,
      excluded: (await listExclusions(this.#db)).map(({ uuid }) => uuid),
      tables: await this.#tables(),
      pool: contentsOf(this.#pool),
    });
  }

  async history(): Promise<History> {
    const { maxMigrationsInPool, maxMovesPerHour, maxMovesPerRun, snapshotMaxAgeSeconds } = this.#settings;
    return {
      migrations: (await findMigrations(this.#db, "", 1000)).toReversed(),
      runs: await listRuns(this.#db, "xcp-control", 1000),
      leaseToken: (await leaseStatus(this.#db)).token,
      pool: this.#record.migrations,
      states: this.#states,
      tablesAtEnd: await this.#tables(),
      limits: {
        inPool: maxMigrationsInPool,
        perHour: maxMovesPerHour,
        perRun: maxMovesPerRun,
        collectionSeconds: snapshotMaxAgeSeconds,
      },
    };
  }

  async #tables(): Promise<Contents> {
    return this.#db.read(async (reader) => {
      const texts = async (sql: string) => (await reader.tuples(sql)).map(([text]) => String(text));
      return {
        hosts: await texts("SELECT UUID FROM Host"),
        vms: await texts("SELECT CONCAT(UUID, ' ', PowerState) FROM Vm"),
        places: await texts("SELECT CONCAT(VmUuid, ' > ', HostUuid) FROM Map"),
      };
    });
  }
}

function contentsOf({ db }: SimulatedPool): Contents {
  const machines = db
    .all("VM")
    .filter((vm) => db.get("VM", vm, "is_a_template") !== true && db.get("VM", vm, "is_a_snapshot") !== true);
  const placed = machines.filter((vm) => ["Running", "Paused"].includes(db.text("VM", vm, "power_state")));
  return {
    hosts: db.all("host").map((host) => db.text("host", host, "uuid")),
    vms: machines.map((vm) => `${db.text("VM", vm, "uuid")} ${db.text("VM", vm, "power_state")}`),
    places: placed.map((vm) => {
      const host = db.text("host", db.text("VM", vm, "resident_on"), "uuid");
      return `${db.text("VM", vm, "uuid")} > ${host}`;
    }),
  };
}
