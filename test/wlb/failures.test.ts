/** The server when something fails inside it that nobody foresaw: the pool gets an answer that it understands, the operator the cause. */
import { Buffer } from "node:buffer";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificateWarnings } from "../../src/wlb/welcome.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { runProgram, temporaryFolder, writeSettings } from "../support/programs.ts";
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

describe("what an administrator gets wrong", () => {
  const settings = {
    WlbListen: "127.0.0.1:0",
    WlbUsr: "wlb",
    WlbPassHash: `scrypt:16384:8:1:${"a".repeat(22)}:${"b".repeat(43)}`,
  };

  it("a port that is taken is told with the setting, and is no wrong usage", async () => {
    const server = await startWlb(mysqlSettings(database));
    const { code, stderr } = await runProgram("xcp-wlb", [], {
      settings: { ...mysqlSettings(database), ...settings, WlbListen: `127.0.0.1:${server.port}` },
    });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^xcp-wlb: cannot listen to 127\.0\.0\.1:\d+: .*EADDRINUSE.*; set WlbListen to/),
    ]);
    await server.stop();
  });

  it("one database for two pools is refused, and no port is opened", async () => {
    const other = join(await temporaryFolder(), "other");
    await mkdir(other, { mode: 0o700 });
    await writeSettings(other, mysqlSettings(database));
    const { code, stdout, stderr } = await runProgram(
      "xcp-wlb",
      ["-s", "settings", "-s", join(other, "settings")],
      { settings: { ...mysqlSettings(database), ...settings } },
    );
    expect([code, stdout, stderr]).toEqual([
      1,
      "",
      expect.stringMatching(
        /^xcp-wlb: settings and \S+\/other\/settings name one database, \S+ at \S+; name each/,
      ),
    ]);
  });

  it("a certificate without its key, and a key without its certificate, are told with what to do", async () => {
    const folder = join(await temporaryFolder(), "wlb");
    const run = () =>
      runProgram("xcp-wlb", [], { settings: { ...mysqlSettings(database), ...settings, WlbFolder: folder } });
    await (await startWlb({ ...mysqlSettings(database), WlbFolder: folder })).stop();
    await rename(join(folder, "key.pem"), join(folder, "away.pem"));
    expect(await run()).toMatchObject({
      code: 1,
      stderr: `xcp-wlb: ${folder}/certificate.pem is there without ${folder}/key.pem; lay that beside it, or remove it: both are made anew then\n`,
    });
    await rename(join(folder, "away.pem"), join(folder, "key.pem"));
    await rename(join(folder, "certificate.pem"), join(folder, "away.pem"));
    expect(await run()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/key\.pem is there without .*certificate\.pem; lay that/),
    });
  });

  it("WlbNames that the certificate does not have are named at the start: nothing else would tell", async () => {
    const folder = join(await temporaryFolder(), "wlb");
    const own = { ...mysqlSettings(database), WlbFolder: folder };
    const first = await startWlb({ ...own, WlbNames: "wlb.example.org" });
    expect(first.program.output.stderr).toBe("");
    await first.stop();
    const second = await startWlb({ ...own, WlbNames: "wlb.example.org, balance.example.org" });
    expect(second.program.output.stderr).toMatch(
      /is for wlb\.example\.org, not for balance\.example\.org \(WlbNames\): remove .*key\.pem and .*certificate\.pem/,
    );
    await second.stop();
  });

  it("a certificate that has ended is named, with when", () => {
    const certificate = { names: ["a.example.org"], file: "/k/certificate.pem", validTo: new Date(0) };
    const warnings = certificateWarnings(certificate, { names: [], folder: "/k" }, new Date());
    expect(warnings).toEqual([expect.stringMatching(/^the certificate \S+ ended on 1970-01-01: remove/)]);
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
