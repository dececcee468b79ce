/** Case redirect: the password and the session id follow a host's word only to members that are known otherwise. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";
import { makeCertificate } from "../xapi/support/certificates.ts";
import { type Member, masterScript, slaveScript, startMember } from "../xapi/support/scriptedMember.ts";
import { rowsOf } from "./collectPool.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
}, 120_000);

afterAll(() => world?.stop());

const stranger = (): Promise<Member> => startMember(masterScript(), { host: "127.0.0.66" });
/** A host in a member's place, on the port of whom it names. */
const liar = ({ port }: Member, tls?: { key: string; cert: string }): Promise<Member> =>
  startMember(
    slaveScript(() => "127.0.0.66"),
    { host: "127.0.0.65", port, ...(tls === undefined ? {} : { tls }) },
  );

describe("case redirect", () => {
  it.each([
    ["xcp-collect", ["-q"]],
    ["xcp-collect", ["--export", "-", "--no-store"]],
  ] as const)("%s %j tells an unknown address nothing, and names it", async (program, args) => {
    await using named = await stranger();
    await using slave = await liar(named);
    const result = await world.run(program, args, { change: { XenHost: slave.url } });
    expect(named.calls).toEqual([]);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(
      `it names ${named.url}, which neither XenHost nor the last collection knows`,
    );
    expect(result.stderr).toContain("--allow-redirect 127.0.0.66");
  });

  it("a member of the settings is no stranger, by its address or with its port, nor one of XenAddressMap", async () => {
    const slave = world.simulator.hosts[1]?.httpUrl ?? "";
    const other = await world.run("xcp-collect", ["-q"], {
      change: { XenHost: `${slave},${world.simulator.masterUrl}` },
    });
    expect(other).toMatchObject({ code: 0, stderr: "" });
    const ip = new URL(world.simulator.masterUrl).hostname;
    const mapped = { XenHost: slave, XenAddressMap: `${ip}=${ip}` };
    expect(await world.run("xcp-collect", ["-q"], { change: mapped })).toMatchObject({ code: 0, stderr: "" });
  });

  it("over https with the system's trust likewise", async () => {
    // Node takes no authorities from a test's folder but by this variable.
    const certificate = await makeCertificate({ ip: "127.0.0.65" });
    await using named = await stranger();
    await using slave = await liar(named, certificate);
    const file = join(await temporaryFolder(), "ca.pem");
    writeFileSync(file, certificate.cert);
    const env = { NODE_EXTRA_CA_CERTS: file };
    const result = await world.run("xcp-collect", ["-q"], { change: { XenHost: slave.url }, env });
    expect(named.calls).toEqual([]);
    expect(named.connections()).toBe(0);
    expect(slave.methods()).toEqual(["session.login_with_password"]);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining("--allow-redirect 127.0.0.66") });
  });

  it("--allow-redirect vouches for one address, and the last collection for the pool's own", async () => {
    const other = await startWorld({ pool: { builtin: "thesis" } });
    try {
      const slave = other.simulator.hosts[1]?.httpUrl ?? "";
      const master = new URL(other.simulator.masterUrl).hostname;
      const run = (program: "xcp-collect" | "xcp-control", ...args: string[]) =>
        other.run(program, args, { change: { XenHost: slave } });
      const first = await run("xcp-collect", "-q");
      expect(first).toMatchObject({ code: 1, stderr: expect.stringContaining(`--allow-redirect ${master}`) });
      expect((await run("xcp-collect", "-q", "--allow-redirect", "192.0.2.9")).code).toBe(1);
      expect(await run("xcp-collect", "-q", "--allow-redirect", master)).toMatchObject({
        code: 0,
        stderr: "",
      });
      expect(await run("xcp-collect", "-q")).toMatchObject({ code: 0, stderr: "" });
      await other.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 10"]);
      const control = await run("xcp-control", "--instant");
      expect(control.stderr).not.toContain("--allow-redirect");
      expect([0, 3]).toContain(control.code);
    } finally {
      await other.stop();
    }
  });

  it("the session id goes to no address that the last collection does not know", async () => {
    expect((await world.run("xcp-collect", ["-q"])).code).toBe(0);
    await using named = await startMember(masterScript(), {
      host: "127.0.0.66",
      port: Number(new URL(world.simulator.masterUrl).port),
    });
    const { pool } = world;
    const host = pool.db.all("host")[1] ?? "";
    const address = pool.db.text("host", host, "address");
    pool.db.set("host", host, "address", "127.0.0.66");
    try {
      const result = await world.run("xcp-collect");
      expect(named.calls).toEqual([]);
      expect(result.stdout).toContain(`${named.url} is new: the session goes there only when`);
      expect(result.code).toBe(0);
      // It was read all the same, by the master.
      expect((await rowsOf(world, "SELECT COUNT(*) AS n FROM Host WHERE CpuAverage IS NULL"))[0]?.["n"]).toBe(
        0,
      );
    } finally {
      pool.db.set("host", host, "address", address);
    }
  });
});
