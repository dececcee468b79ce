/**
 * How long a rehearsal takes: an hour of a pool is stored as xcp-collect stores it, a collection a minute, copied until
 * it makes a week, and rehearsed by the code behind REHEARSE. `npm run bench -- rehearse [--hosts N] [--vms N] [--days N]`
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import mysql from "mysql2/promise";
import { commandList } from "../../src/manager/commands/index.ts";
import { rehearsal } from "../../src/manager/commands/rehearse.ts";
import type { PrivateServer } from "../../src/privateServer/privateServer.ts";
import { startProjectServer } from "../../src/privateServer/projectServer.ts";
import { type Database, openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { createHostRule } from "../../src/store/ruleChanges.ts";

import { installSchema } from "../../src/store/schema/schema.ts";
import { beginCollection, saveSnapshot } from "../../src/store/snapshot.ts";
import { controlSettings } from "../../test/support/loop/live.ts";
import { Day, sensed } from "../../test/support/loop/world.ts";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "64" },
    vms: { type: "string", default: "2400" },
    days: { type: "string", default: "7" },
    seed: { type: "string", default: "1001" },
  },
});
const [hosts, vms, days] = [Number(values.hosts), Number(values.vms), Number(values.days)];
const stored = 60;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const server = await startProjectServer({ name: `bench-rehearse-${process.pid}`, say: () => {} });
  try {
    const options: StoreOptions = {
      servers: [{ host: server.host, port: server.port }],
      user: server.rootUser,
      password: server.rootPassword,
      database: "Xen",
      connectTimeoutMs: 5_000,
      statementTimeoutMs: 120_000,
    };
    await installSchema(options);
    const db = await openDatabase(options);
    try {
      await store(db);
      await copy(server);
      await measure(db);
    } finally {
      await db.close();
    }
  } finally {
    await server.stop();
  }
}

/** From 9 to 10 in the morning. */
async function store(db: Database): Promise<void> {
  const day = new Day({ name: "rehearse", hosts, vms, cpus: 64, rules: [] }, Number(values.seed));
  const read = sensed(Number(values.seed));
  for (let minute = 0; minute < stored; minute++) {
    const snapshot = read(day.minute(540 + minute), 60 * minute);
    await saveSnapshot(db, await beginCollection(db), snapshot, { complete: true });
  }
}

async function copy({ host, port, rootUser: user, rootPassword: password }: PrivateServer): Promise<void> {
  const admin = await mysql.createConnection({ host, port, user, password, database: "Xen" });
  try {
    const columns =
      "Token, FinishedAt, PoolUuid, HostsRead, HostsUnread, Vms, Complete, DurationMs, Imported";
    await admin.query(
      "UPDATE Collection SET StartedAt = TIMESTAMPADD(MINUTE, Id, '2026-01-05'), FinishedAt = StartedAt",
    );
    for (let from = stored; from < days * 1440; from += stored) {
      await admin.query(
        `INSERT INTO Collection (Id, StartedAt, ${columns})
         SELECT Id + ${from}, TIMESTAMPADD(MINUTE, ${from}, StartedAt), ${columns.replace("Token", "UUID()")}
           FROM Collection WHERE Id <= ${stored}`,
      );
      await admin.query(
        `INSERT INTO CollectionPicture (CollectionId, BaseId, CollectedAt, Format, Picture)
         SELECT CollectionId + ${from}, BaseId + ${from}, CollectedAt, Format, Picture
           FROM CollectionPicture WHERE CollectionId <= ${stored}`,
      );
    }
    await admin.query("UPDATE CollectionHead SET StoredId = (SELECT MAX(Id) FROM Collection)");
  } finally {
    await admin.end();
  }
}

async function measure(db: Database): Promise<void> {
  await createHostRule(db, { subject: "CpuAverage", threshold: 12 }, "");
  const folder = mkdtempSync(join(tmpdir(), "rehearse-"));
  try {
    process.chdir(folder);
    writeFileSync("new.xcp", "CREATE RULE HOST CpuAverage > 8\n");
    for (const files of [[], ["new.xcp"]]) await measureOne(db, files);
  } finally {
    process.chdir("/");
    rmSync(folder, { recursive: true });
  }
}

async function measureOne(db: Database, files: readonly string[]): Promise<void> {
  const wish = { sinceSeconds: days * 86_400, everySeconds: 300, files };
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const result = await rehearsal({ db, control: controlSettings(), commands: commandList }, wish);
  const used = process.cpuUsage(cpu);
  for (const line of result.lines) say(line);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  say(
    `${hosts}x${vms}, ${days} days, rule sets: ${files.length + 1}; ${seconds} s, CPU ${((used.user + used.system) / 1e6).toFixed(1)} s`,
  );
}

await main();
