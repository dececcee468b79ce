/** The server when something fails inside it that nobody foresaw: the pool gets an answer that it understands, the operator the cause. */
import { Buffer } from "node:buffer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { runProgram } from "../support/programs.ts";
import {
  collectRecorded,
  connectedTo,
  mysqlSettings,
  poolUuid,
  recordedPool,
  withDatabase,
} from "../support/wlb/recordedPool.ts";
import { parameters, startWlb } from "../support/wlb/serve.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await collectRecorded(database, recordedPool(connectedTo("localhost")));
});
afterAll(() => database.drop());

/** Loaded before the program: what hashes passwords fails as often as it says, and then works. */
function failingHashes(times: number): string {
  const text = `
    import crypto from "node:crypto";
    import { syncBuiltinESMExports } from "node:module";
    const { scrypt } = crypto;
    let left = ${times};
    crypto.scrypt = (...given) => {
      if (left-- > 0) throw new Error("the lab's own failure");
      return scrypt(...given);
    };
    syncBuiltinESMExports();`;
  return `--import data:text/javascript;base64,${Buffer.from(text).toString("base64")}`;
}

describe("a failure inside the server", () => {
  it("before a method is known is a fault that the pool reads, with the cause for the operator alone; then it goes on", async () => {
    const server = await startWlb(mysqlSettings(database), [], 60_000, {
      NODE_OPTIONS: failingHashes(2),
    });
    for (let n = 0; n < 2; n++) {
      expect(await server.verdict("GetDiagnostics", "")).toEqual({
        error: "WLB_INTERNAL_ERROR",
        parameters: ["Exception:", "xcp-wlb could not answer; see its log"],
      });
    }
    expect(server.program.output.stderr.match(/the lab's own failure/g)).toHaveLength(2);
    const text = JSON.stringify(await server.verdict("GetDiagnostics", ""));
    expect(text).toContain("xcp-wlb ");
    // Nobody was locked out for it.
    expect(server.program.output.stdout).not.toMatch(/refused|locked out/);
    await server.stop();
  });

  it("while a method is answered has code and text, and the log its cause", async () => {
    const server = await startWlb(mysqlSettings(database));
    const joining = parameters({
      Password: "pool secret",
      PoolUuid: poolUuid,
      UserName: "balancer",
      XenServerUrl: "http://192.0.2.10:80/",
    });
    expect(await server.verdict("AddXenServer", joining)).toMatchObject({ result: expect.anything() });
    await withDatabase(database, (db) => db.write((writer) => writer.run("DROP TABLE Migration")));
    const report =
      "<ReportName>vm_movement_history</ReportName><ReportParms><ReportParameter><ParameterName>PoolID</ParameterName>" +
      `<ParameterValue>${poolUuid}</ParameterValue></ReportParameter></ReportParms>`;
    expect(await server.verdict("ExecuteReport", report)).toEqual({
      error: "WLB_INTERNAL_ERROR",
      parameters: ["4014", "xcp-wlb could not answer; see its log"],
    });
    expect(server.program.output.stdout).toMatch(/ExecuteReport from 127\.0\.0\.1 failed: .*Migration/);
    await server.stop();
  });
});

describe("a hash that no password can be held against", () => {
  it.each(["scrypt:16383:8:1", "scrypt:16777216:8:1", "scrypt:1:8:1", "scrypt:16384:8:999"])(
    "is refused at the start: %s",
    async (cost) => {
      const { code, stderr } = await runProgram("xcp-wlb", [], {
        settings: {
          ...mysqlSettings(database),
          WlbListen: "127.0.0.1:0",
          WlbUsr: "wlb",
          WlbPassHash: `${cost}:${"a".repeat(22)}:${"b".repeat(43)}`,
        },
      });
      expect([code, stderr]).toEqual([1, expect.stringMatching(/WlbPassHash: is no hash/)]);
    },
  );
});
