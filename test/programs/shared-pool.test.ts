/** The way to the pool's master as the programs go it: members, redirects, passwords, certificates, sessions. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { startWorld, type World } from "../support/world.ts";
import { makeCertificate } from "../xapi/support/certificates.ts";
import { startRecordingServer } from "../xapi/support/recordingTls.ts";
import { masterScript, password, startMember } from "../xapi/support/scriptedMember.ts";
import { failure } from "../xapi/support/xapiText.ts";
import { rowsOf } from "./collectPool.ts";

const nobody = "http://127.0.0.1:1";

describe("over plain http, written out", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ pool: { builtin: "thesis" } });
  });
  afterEach(() => {
    // Whatever happened: no run leaves a session behind.
    expect(world.pool.db.all("session")).toEqual([]);
    vi.restoreAllMocks();
    runCommand(world.pool, "end-faults");
  });
  afterAll(() => world?.stop());

  const collect = (change: Readonly<Record<string, string>>) => world.run("xcp-collect", [], { change });
  const stored = async () => Number((await rowsOf(world, "SELECT COUNT(*) AS n FROM Collection"))[0]?.["n"]);

  it("F20: a slave's address is followed to the master", async () => {
    const slave = world.simulator.hosts[1]?.httpUrl ?? "";
    expect(slave).not.toBe(world.simulator.masterUrl);
    // Whom the last collection names, or the settings, is no stranger.
    expect((await collect({})).code).toBe(0);
    expect(await collect({ XenHost: slave })).toMatchObject({ code: 0, stderr: "" });
  });

  it("members that are dead or still starting are passed over", async () => {
    const { masterUrl, hosts } = world.simulator;
    expect(await collect({ XenHost: `${nobody},${masterUrl}` })).toMatchObject({ code: 0, stderr: "" });
    const starting = hosts[1];
    world.pool.model.outages.set(starting?.ref ?? "", {
      goneUntilMs: 0,
      startingUntilMs: Number.POSITIVE_INFINITY,
    });
    expect(await collect({ XenHost: `${starting?.httpUrl},${masterUrl}` })).toMatchObject({
      code: 0,
      stderr: "",
    });
    world.pool.model.outages.clear();
  });

  it("no member at all ends with 1 and every member's reason", async () => {
    const result = await collect({ XenHost: `${nobody},http://127.0.0.1:2` });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain("no member of the pool serves as its master");
    expect(result.stderr).toMatch(/127\.0\.0\.1:1: .*refused[\s\S]*127\.0\.0\.1:2: .*refused/);
  });

  it("a wrong password ends with 1, is not tried at another member, and stands in no output", async () => {
    const asked = vi.spyOn(world.pool, "authenticate");
    const before = await stored();
    const members = world.simulator.hosts.map((host) => host.httpUrl).join(",");
    const result = await collect({ XenHost: members, XenPass: "canary-wrong-password" });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain('does not accept the password of user "root"; check XenUsr and XenPass');
    expect(result.stderr).not.toContain("canary-wrong-password");
    expect(asked).toHaveBeenCalledTimes(1);
    expect(await stored()).toBe(before);
  });

  it("another pool than XenPoolUuid says is refused", async () => {
    const result = await collect({ XenPoolUuid: "00000000-0000-4000-8000-000000000000" });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain("XenPoolUuid");
  });

  it.each(["garbage", "close", "http-500"])(
    "F25: a pool that answers with %s ends the run with 1",
    async (fault) => {
      const before = await stored();
      runCommand(world.pool, `${fault} VM.get_all_records* times=always`);
      const result = await collect({});
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toContain("VM.get_all_records");
      expect(result.stderr).not.toContain("internal error");
      expect(await stored()).toBe(before);
    },
  );

  it("F24: a session that the pool forgets in mid-run is renewed", async () => {
    const logins = vi.spyOn(world.pool, "authenticate");
    const original = world.pool.beforeAnswer.bind(world.pool);
    let forgotten = false;
    vi.spyOn(world.pool, "beforeAnswer").mockImplementation(async (host, method) => {
      if (method.startsWith("VM.get_all_records") && !forgotten) {
        forgotten = true;
        for (const session of world.pool.db.all("session")) world.pool.db.destroy("session", session);
      }
      return original(host, method);
    });
    expect(await collect({})).toMatchObject({ code: 0, stderr: "" });
    expect(logins).toHaveBeenCalledTimes(2);
  });

  it("a pool that refuses to show its objects ends the run with 1 and its code", async () => {
    // All of them refuse: they are asked at the same time, and the first refusal is the one that is told.
    const classes = [
      "host_metrics",
      "VM_guest_metrics",
      "VM_group",
      "VBD",
      "VDI",
      "SR",
      "PBD",
      "VIF",
      "PIF",
      "network",
    ];
    const answers = Object.fromEntries(
      classes
        .flatMap((name) => [`${name}.get_all_records`, `${name}.get_all_records_where`])
        .map((method) => [method, failure("RBAC_PERMISSION_DENIED", method)]),
    );
    await using member = await startMember(masterScript(answers));
    const result = await collect({ XenHost: member.url, XenPass: password });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/^xcp-collect: http:\S+ refuses to be read: .*RBAC_PERMISSION_DENIED/);
    expect(member.methods()).toContain("session.logout");
  });
});

describe("over https", () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ pool: { builtin: "thesis" }, server: { http: false, https: true } });
  });
  afterAll(() => world?.stop());

  const collect = (change: Readonly<Record<string, string>>) => world.run("xcp-collect", [], { change });

  it("an unknown certificate ends with 1 and shows the line to add, which then works without a scheme too", async () => {
    const refused = await collect({});
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    const fingerprint = world.simulator.hosts[0]?.fingerprint256 ?? "";
    expect(refused.stderr).toContain("Nothing was sent to it");
    const line = /^xcp-collect: +XenFingerprint=(.+)$/m.exec(refused.stderr);
    expect(line?.[1]).toBe(fingerprint);
    // The master's alone is enough to collect; what is said of the others is in case-certificates.
    expect((await collect({ XenFingerprint: line?.[1] ?? "" })).code).toBe(0);
    const bare = world.simulator.masterUrl.replace("https://", "");
    expect((await collect({ XenHost: bare, XenFingerprint: fingerprint })).code).toBe(0);
    expect(world.pool.db.all("session")).toEqual([]);
  });

  it("F21: a slave is followed when both certificates are pinned, and not when the master's is not", async () => {
    const [master, slave] = world.simulator.hosts;
    const both = `${master?.fingerprint256},${slave?.fingerprint256}`;
    const XenHost = slave?.httpsUrl ?? "";
    expect(await collect({ XenHost, XenFingerprint: both })).toMatchObject({ code: 0, stderr: "" });
    const result = await collect({ XenHost, XenFingerprint: slave?.fingerprint256 ?? "" });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`XenFingerprint=${slave?.fingerprint256},${master?.fingerprint256}`);
  });

  it.each(["system", "pinned"])("a wrong certificate sees no byte of a request (%s trust)", async (trust) => {
    const certificate = await makeCertificate({ ip: "127.0.0.1" });
    await using server = await startRecordingServer(certificate);
    const pin = { XenFingerprint: world.simulator.hosts[0]?.fingerprint256 ?? "" };
    const result = await collect({ XenHost: server.url, ...(trust === "pinned" ? pin : {}) });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(certificate.fingerprint);
    expect((await server.received()).length).toBe(0);
  });

  it("xcp-control, too, refuses a wrong password and a wrong certificate before it moves anything", async () => {
    const XenFingerprint = world.simulator.hosts[0]?.fingerprint256 ?? "";
    expect((await collect({ XenFingerprint })).code).toBe(0);
    const rule = await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 25"]);
    expect(rule.code).toBe(0);
    const wrong = { XenFingerprint, XenPass: "canary-wrong-password" };
    const denied = await world.run("xcp-control", [], { change: wrong });
    expect(denied.code).toBe(1);
    expect(denied.stderr).toContain("check XenUsr and XenPass");
    expect(denied.stdout + denied.stderr).not.toContain("canary");

    const certificate = await makeCertificate({ ip: "127.0.0.1" });
    await using server = await startRecordingServer(certificate);
    const fooled = await world.run("xcp-control", [], { change: { XenFingerprint, XenHost: server.url } });
    expect(fooled.code).toBe(1);
    expect(fooled.stderr).toContain(certificate.fingerprint);
    expect((await server.received()).length).toBe(0);
    expect(world.pool.db.all("task")).toEqual([]);
    expect(world.pool.db.all("session")).toEqual([]);
  });
});
