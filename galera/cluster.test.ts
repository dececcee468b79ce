/** Collect and the store on a Galera cluster whose nodes die, are cut off and come back. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installSchema, schemaStatus } from "../src/store/schema/schema.ts";
import {
  type CrashWorld,
  collectWell,
  countEvents,
  crashRound,
  holdsLock,
  spread,
  startCrashWorld,
} from "../test/support/crashes.ts";
import { asRoot } from "../test/support/database.ts";
import type { Stored } from "../test/support/picture.ts";
import { Cluster } from "./cluster.ts";

const cluster = new Cluster();
/** Root looks from the second node; the programs begin with the first. */
const server = cluster.server(2);
const rounds = Number(process.env["XCP_TEST_GALERA_KILLS"] ?? 20);

let crash: CrashWorld;
beforeAll(async () => {
  crash = await startCrashWorld({ databaseServer: server });
});
afterAll(() => crash?.stop());

/** The picture as one node has it, in the form of `Stored`. */
async function pictureOn(number: number, like: Stored): Promise<Stored["picture"]> {
  const picture: Record<string, string[]> = {};
  for (const table of Object.keys(like.picture)) {
    const rows = await cluster.query(number, `SELECT * FROM ${table}`, crash.world.database.admin.database);
    picture[table] = rows.map((row) => JSON.stringify(row)).sort();
  }
  return picture;
}

describe("a schema", () => {
  it("is installed from three nodes at once, and there on each of them", async () => {
    const database = `Xen${process.pid}galera`;
    const options = [1, 2, 3].map((number) => {
      const { user, password, host, port } = cluster.server(number);
      const limits = { connectTimeoutMs: 10_000, statementTimeoutMs: 20_000 };
      return { servers: [{ host, port }], user, password, database, ...limits };
    });
    try {
      await Promise.all(options.map((each) => installSchema(each)));
      for (const each of options) {
        const status = await schemaStatus(each);
        expect(status).toMatchObject({ found: "ours", pending: [] });
      }
    } finally {
      await asRoot(`DROP DATABASE IF EXISTS ${database}`, undefined, server);
    }
  });
});

describe("a node that is cut off from the others", () => {
  it("is passed over at connect: the run goes to the next one", async () => {
    await cluster.isolate(1, true);
    try {
      await crash.change();
      const { collections } = await collectWell(crash);
      expect(crash.wire.mysql[1]?.events).toBeGreaterThan(20);
      expect(collections.length).toBeGreaterThan(0);
    } finally {
      await cluster.isolate(1, false);
    }
  });

  it("in the midst of a transaction (1047) costs a retry on the next one", async () => {
    const isHolder = holdsLock();
    let cutOff = Promise.resolve();
    const before = await crash.onlooker.stored();
    const round = await crashRound(
      crash,
      before,
      (event, running) => {
        if (!isHolder(event)) return null;
        running.child.kill("SIGSTOP");
        cutOff = cluster.isolate(1, true).then(() => void running.child.kill("SIGCONT"));
        return "pass";
      },
      async () => {
        await cutOff;
        await cluster.isolate(1, false);
      },
    );
    expect(round.ended).toMatchObject({ code: 0, stderr: "" });
    expect(round.left).toBe("new");
    expect(await pictureOn(1, round.after)).toEqual(round.after.picture);
  });

  it("because it is the last one ends the run with what is wrong, and serves when it is made the cluster", async () => {
    const last = await startCrashWorld({ databaseServer: cluster.server(1, [1]) });
    try {
      const before = await last.onlooker.stored();
      cluster.kill(2);
      cluster.kill(3);
      await cluster.until(1, "wsrep_ready", "OFF");
      const cut = await (await last.start()).ended;
      expect(cut.code).toBe(1);
      expect(cut.stderr).toMatch(/this Galera node is cut off from its cluster/);
      await cluster.query(1, "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'");
      await cluster.until(1, "wsrep_ready", "ON");
      expect((await last.onlooker.stored()).picture).toEqual(before.picture);
      await last.change();
      await collectWell(last);
    } finally {
      crash.onlooker.disconnect();
      await cluster.restart(2);
      await cluster.restart(3);
      await last.stop();
    }
  }, 120_000);
});

describe("kill -9 of a node", () => {
  it(
    `at ${rounds} events of a run that writes there: the run goes on elsewhere, all survivors show one picture`,
    async () => {
      const total = await countEvents(crash);
      let stored = await crash.onlooker.stored();
      const outcomes = { retried: 0, failed: 0, old: 0, new: 0 };
      for (const number of spread(total - 6, rounds)) {
        const round = await crashRound(crash, stored, (event) => {
          if (event.number !== number) return null;
          cluster.kill(1);
          return "pass";
        });
        // Before there is a connection, or when it has done its work, nobody notices.
        expect(round.event?.number).toBe(number);
        outcomes[round.left]++;
        outcomes[round.ended.code === 0 ? "retried" : "failed"]++;
        expect(await pictureOn(3, round.after)).toEqual(round.after.picture);
        await cluster.restart(1);
        expect(await pictureOn(1, round.after)).toEqual(round.after.picture);
        stored = round.after;
      }
      console.info(`${rounds} kills of ${total} events: ${JSON.stringify(outcomes)}`);
      expect(outcomes).toEqual({ retried: rounds, failed: 0, old: 0, new: rounds });
    },
    rounds * 60_000,
  );

  it("that the run does not write to holds it up for a moment only", async () => {
    const isHolder = holdsLock();
    const began = performance.now();
    const round = await crashRound(crash, await crash.onlooker.stored(), (event) => {
      if (!isHolder(event)) return null;
      cluster.kill(3);
      return "pass";
    });
    expect(round.ended).toMatchObject({ code: 0, stderr: "" });
    expect(performance.now() - began).toBeLessThan(20_000);
    await cluster.restart(3);
    expect(await pictureOn(3, round.after)).toEqual(round.after.picture);
  });
});
