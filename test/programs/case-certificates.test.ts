/** Case certificates: one message with one line to paste, or --trust; a missing pin is told also with -q. */
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";
import { rowsOf } from "./collectPool.ts";

const hosts = 8;
const scenario = `pool "Eight"\nnetwork "LAN" device=eth0\n${Array.from(
  { length: hosts },
  (_, index) => `host h${index + 1}${index === 0 ? " master" : ""} memory=8192\n`,
).join("")}vm a on=h2 memory=512 tools\n`;

let world: World;
let prints: string[];

beforeAll(async () => {
  world = await startWorld({ pool: { scenario }, server: { http: false, https: true } });
  prints = world.simulator.hosts.map(({ fingerprint256 }) => fingerprint256 ?? "");
  expect(new Set(prints).size).toBe(hosts);
}, 180_000);

afterAll(() => world?.stop());

const collect = (args: readonly string[], change: Readonly<Record<string, string>> = {}, stdin = "") =>
  world.run("xcp-collect", args, { change, stdin, deadlineMs: 60_000 });
const lineIn = (text: string) =>
  [...text.matchAll(/^xcp-\w+: +XenFingerprint=(.+)$/gm)].map(([, line]) => line ?? "");
const unread = async () => rowsOf(world, "SELECT UUID FROM Host WHERE MemoryTotalMb IS NULL");

/** In seconds since 1970, by a handshake of the test's own. */
async function endOfCertificate(url: string): Promise<number> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { valid_to } = socket.getPeerCertificate();
  socket.destroy();
  return Date.parse(valid_to) / 1000;
}

describe("case certificates", () => {
  it("all members of XenHost are in one message, with one line that then works", async () => {
    const XenHost = world.simulator.hosts.map(({ httpsUrl }) => httpsUrl).join(",");
    const refused = await collect(["-q"], { XenHost });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    const [line = "", ...more] = lineIn(refused.stderr);
    expect(more).toEqual([]);
    expect(line.split(",").sort()).toEqual([...prints].sort());
    for (const { httpsUrl } of world.simulator.hosts) expect(refused.stderr).toContain(`${httpsUrl} shows `);
    expect(await collect(["-q"], { XenHost, XenFingerprint: line })).toMatchObject({ code: 0, stderr: "" });
  });

  it("with the master's alone the others are one warning, also with -q, and SHOW STATUS says it", async () => {
    const pinned = { XenFingerprint: prints[0] ?? "" };
    const quiet = await collect(["-q"], pinned);
    expect(quiet).toMatchObject({ code: 0, stdout: "" });
    expect(quiet.stderr).toContain("7 of 8 hosts read value by value, which is slow");
    const [line = "", ...more] = lineIn(quiet.stderr);
    expect(more).toEqual([]);
    expect(line.split(",").sort()).toEqual([...prints].sort());
    expect(await unread()).toEqual([]);
    // Where no other way is allowed each host is unread, its reason in lines of which one is to paste.
    const refused = await collect(["-q"], { ...pinned, CollectMethod: "rrd" });
    expect(refused.code).toBe(3);
    expect(refused.stderr).not.toContain("\\u{");
    expect(lineIn(refused.stderr).map((each) => each.split(",").length)).toEqual(Array(7).fill(2));
    expect((await collect(["-q"], pinned)).code).toBe(0);
    const status = await world.run("xcp-manager", ["-e", "SHOW STATUS"]);
    expect(status.stdout).toMatch(/xcp-collect.*7 of 8 hosts read value by value/);

    expect(await collect(["-q"], { XenFingerprint: line })).toMatchObject({ code: 0, stderr: "" });
    const well = await world.run("xcp-manager", ["-e", "SHOW STATUS"]);
    expect(well.stdout).not.toContain("value by value");
  });

  it("metrics have the end of each host's certificate, also of those that are not trusted", async () => {
    const CollectMetricsFile = join(await temporaryFolder(), "c.prom");
    const ends = new Map<string, number>();
    for (const { ref, httpsUrl = "" } of world.simulator.hosts)
      ends.set(world.pool.db.text("host", ref, "uuid"), await endOfCertificate(httpsUrl));
    for (const XenFingerprint of [prints.join(","), prints[0] ?? ""]) {
      expect((await collect(["-q"], { XenFingerprint, CollectMetricsFile })).code).toBe(0);
      const lines = readFileSync(CollectMetricsFile, "utf8").matchAll(
        /^xcp_balance_host_certificate_end_timestamp_seconds\{pool="[^"]+",host="([^"]+)"\} (\S+)$/gm,
      );
      expect(new Map([...lines].map(([, host = "", end]) => [host, Number(end)]))).toEqual(ends);
    }
  });

  it("--trust shows all members, asks, and writes what collect then goes by", async () => {
    const file = join(await temporaryFolder(), "fingerprints");
    const change = { XenFingerprintFile: file };
    expect(await collect(["-q"], change)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/XenFingerprintFile: cannot use the file it names/),
    });

    const no = await collect(["--trust"], change, "no\n");
    expect(no).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("not trusted, and not written down"),
    });
    expect((await collect(["--trust"], change)).code).toBe(2);
    expect(existsSync(file)).toBe(false);
    expect(world.pool.db.all("session")).toEqual([]);

    const yes = await collect(["--trust"], change, "yes\ny\n");
    expect(yes).toMatchObject({ code: 0, stderr: "" });
    for (const print of prints) expect(yes.stdout.split(print)).toHaveLength(2);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    const written = readFileSync(file, "utf8").match(/^[0-9A-F:]{95}(?= {2}# )/gm) ?? [];
    expect(written.sort()).toEqual([...prints].sort());
    expect(await collect(["-q"], change)).toMatchObject({ code: 0, stderr: "" });
    // Nothing is new: nothing is asked.
    expect(await collect(["--trust"], change)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("8 fingerprints are trusted"),
    });
  });

  it("--trust keeps what was trusted when the rest is not, and the password goes to nobody before", async () => {
    const file = join(await temporaryFolder(), "fingerprints");
    const change = { XenFingerprintFile: file };
    const half = await collect(["--trust"], change, "yes\nno\n");
    expect(half.code).toBe(2);
    expect(readFileSync(file, "utf8").match(/^[0-9A-F:]{95}/gm)).toEqual([prints[0]]);
    expect((await collect(["-q"], change)).stderr).toContain("7 of 8 hosts read value by value");
    const wrong = await collect(["--trust"], { ...change, XenPass: "canary-wrong" }, "yes\nyes\n");
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("check XenUsr and XenPass") });
    expect(wrong.stdout + wrong.stderr).not.toContain("canary");
  });

  it("a file of fingerprints is read line by line, and its mistakes are named", async () => {
    const file = join(await temporaryFolder(), "fingerprints");
    writeFileSync(file, `# mine\n\n${prints[0]}  # h1\nnonsense\n`, { mode: 0o600 });
    const result = await collect(["-q"], { XenFingerprintFile: file });
    expect(result).toMatchObject({ code: 1 });
    expect(result.stderr).toMatch(/XenFingerprintFile: line 4 of the file must be a SHA-256 fingerprint/);
    expect(await collect(["--trust"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("add XenFingerprintFile=fingerprints"),
    });
  });

  it("http:// on the port of https says so", async () => {
    const XenHost = world.simulator.masterUrl.replace("https:", "http:");
    for (const program of ["xcp-collect"] as const) {
      const result = await world.run(program, ["-q"], { change: { XenHost } });
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toContain(
        `this port speaks TLS, and http:// is plain: write ${world.simulator.masterUrl}`,
      );
    }
  });
});
