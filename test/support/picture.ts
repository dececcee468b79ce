/**
 * What collect keeps in the database, read as an outsider reads it: every row of every table that it writes, in one
 * transaction; and a simulated pool that looks different in each of them whenever it is told to change.
 */
import mysql from "mysql2/promise";
import type { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import type { World } from "./world.ts";

/** Rows of a table as texts, sorted. */
type Rows = readonly string[];

export interface Stored {
  /** The tables that show the pool, by name. */
  readonly picture: Readonly<Record<string, Rows>>;
  /** Numbers of all collections, in order. */
  readonly collections: readonly number[];
  readonly startedId: number;
  readonly storedId: number;
}

/** Tables that collect writes to and that show no pool: the order of collections, and each program's runs. */
const beside = "'Collection', 'CollectionHead', 'ProgramRun', 'RunCount', 'Told'";

/** Reads the database from beside the programs; reconnects when its server was started anew. */
export class Onlooker {
  readonly #world: World;
  #connection: mysql.Connection | null = null;
  #tables: Promise<{ picture: string[]; ofCollections: string[] }> | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  async query(sql: string): Promise<Readonly<Record<string, unknown>>[]> {
    const { servers, user, password, database } = this.#world.database.admin;
    this.#connection ??= await mysql.createConnection({
      ...servers[0],
      user,
      password,
      database,
      charset: "utf8mb4",
      timezone: "Z",
    });
    const [rows] = await this.#connection.query<mysql.RowDataPacket[]>(sql);
    return rows;
  }

  /** Forgets the connection: its server is gone. */
  disconnect(): void {
    this.#connection?.destroy();
    this.#connection = null;
  }

  /** Waits until the server has noticed that the programs' connections are gone, and undone what they left open. */
  async settled(): Promise<void> {
    const user = this.#world.database.collect.user;
    for (let look = 0; look < 400; look++) {
      const [row] = await this.query(
        `SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE USER = '${user}'`,
      );
      if (Number(row?.["n"]) === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error("a connection of collect's is still open");
  }

  async stored(): Promise<Stored> {
    this.#tables ??= this.#findTables();
    const { picture, ofCollections } = await this.#tables;
    await this.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
    try {
      const [head] = await this.query("SELECT StartedId, StoredId FROM CollectionHead");
      const collections = (await this.query("SELECT Id FROM Collection ORDER BY Id")).map((row) =>
        Number(row["Id"]),
      );
      for (const table of ofCollections) await this.#checkOfCollections(table, collections);
      const rows: Record<string, Rows> = {};
      for (const table of picture) {
        rows[table] = (await this.query(`SELECT * FROM ${table}`)).map((row) => JSON.stringify(row)).sort();
      }
      return {
        picture: rows,
        collections,
        startedId: Number(head?.["StartedId"]),
        storedId: Number(head?.["StoredId"]),
      };
    } finally {
      await this.query("COMMIT");
    }
  }

  /** The tables that collect may insert into: what shows the pool, and what belongs to single collections. */
  async #findTables(): Promise<{ picture: string[]; ofCollections: string[] }> {
    const { collect, admin } = this.#world.database;
    const granted = await this.query(
      `SELECT TABLE_NAME AS name FROM information_schema.TABLE_PRIVILEGES
        WHERE TABLE_SCHEMA = '${admin.database}' AND PRIVILEGE_TYPE = 'INSERT'
          AND GRANTEE LIKE '''${collect.user}''@%' AND TABLE_NAME NOT IN (${beside})`,
    );
    const marked = await this.query(
      `SELECT TABLE_NAME AS name FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = '${admin.database}' AND COLUMN_NAME = 'CollectionId'`,
    );
    const names = granted.map((row) => String(row["name"])).sort();
    const ofCollections = marked.map((row) => String(row["name"])).filter((name) => names.includes(name));
    return { picture: names.filter((name) => !ofCollections.includes(name)), ofCollections };
  }

  /** Rows that belong to a collection come and go with it. */
  async #checkOfCollections(table: string, collections: readonly number[]): Promise<void> {
    const rows = await this.query(`SELECT DISTINCT CollectionId AS id FROM ${table}`);
    const ids = rows.map((row) => Number(row["id"])).sort((a, b) => a - b);
    if (ids.join() !== collections.join())
      throw new Error(`${table} has rows of the collections ${ids}, but there are ${collections}`);
  }

  close(): void {
    this.disconnect();
  }
}

/** A small pool with everything that fills a table: infeasible pairs by local storage, tags, a halted VM, one without tools. */
export function changingScenario(hosts: number, vms: number): string {
  const lines = Array.from(
    { length: hosts },
    (_, n) => `host h${n} ${n === 0 ? "master " : ""}cpus=4 memory=65536 base-cpu=noise(20%,10%) rx=5 tx=3`,
  );
  const guests = Array.from({ length: vms }, (_, n) => {
    const bound = n % 4 === 1 ? " disk=local" : "";
    return `vm v${n} on=h${n % hosts} vcpus=2 memory=256 cpu=noise(40%,30%) tools rx=noise(90,40) tags=t${bound}`;
  });
  return [
    `pool "Lab" product=XCP-ng version=8.3`,
    `sr "Shared" type=nfs`,
    `network "LAN" device=eth0`,
    ...lines,
    ...guests,
    "vm spare halted vcpus=2 memory=256",
    "",
  ].join("\n");
}

/**
 * Changes the pool so that its picture differs in every table, and time by `passMs`: names, tags, modes and the text
 * of infeasible pairs carry `mark`, a third of the guests without local disks move to the next host.
 */
export async function changePool(pool: SimulatedPool, mark: string, passMs = 15_000): Promise<void> {
  const { db } = pool;
  const hosts = db.all("host");
  db.set("pool", db.all("pool")[0] ?? "", "name_label", `pool mark ${mark}`);
  for (const sr of db.all("SR")) db.set("SR", sr, "name_label", `storage mark ${mark}`);
  for (const [n, host] of hosts.entries()) {
    db.update("host", host, { name_label: `h${n} mark ${mark}`, power_on_mode: `mark ${mark}` });
  }
  for (const [n, vm] of guestsOf(pool).entries()) {
    db.update("VM", vm, { name_label: `v${n} mark ${mark}`, tags: [`mark ${mark}`] });
    if (n % 3 !== 0 || db.get("VM", vm, "power_state") !== "Running") continue;
    if (db.list("VM", vm, "VBDs").some((vbd) => isLocal(pool, vbd))) continue;
    const next = hosts[(hosts.indexOf(db.text("VM", vm, "resident_on")) + 1) % hosts.length] ?? "";
    runCommand(pool, `halt ${db.text("VM", vm, "uuid")}`);
    runCommand(pool, `start ${db.text("VM", vm, "uuid")} on=${db.text("host", next, "uuid")}`);
  }
  await pool.clock.advance(passMs);
}

/** The marks that stand in any table: one of them where the tables show one picture. */
export function marksIn({ picture }: Stored): string[] {
  const marks = Object.values(picture).flatMap((rows) => rows.flatMap((row) => row.match(/mark \d+/g) ?? []));
  return [...new Set(marks)];
}

/** Refs of the VMs that are no templates, snapshots or control domains. */
export function guestsOf(pool: SimulatedPool): string[] {
  const is = (vm: string, field: string) => pool.db.get("VM", vm, field) === true;
  return pool.db
    .all("VM")
    .filter((vm) => !is(vm, "is_a_template") && !is(vm, "is_a_snapshot") && !is(vm, "is_control_domain"));
}

function isLocal(pool: SimulatedPool, vbd: string): boolean {
  const vdi = pool.db.text("VBD", vbd, "VDI");
  if (!pool.db.has("VDI", vdi)) return false;
  return pool.db.get("SR", pool.db.text("VDI", vdi, "SR"), "shared") !== true;
}
