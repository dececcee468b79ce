/** What doctor says of the set-up of xcp-wlb: each misconfiguration seeded into one that is well, and named. */
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { generate } from "selfsigned";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { diagnose } from "../../src/doctor/diagnose.ts";
import { type SettingsPlaces, settingsPlaces } from "../../src/doctor/places.ts";
import type { DoctorReport } from "../../src/doctor/report.ts";
import { serverCertificate } from "../../src/wlb/certificate.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { checkOf, complaints, textOf } from "../support/doctorWorld.ts";
import { temporaryFolder } from "../support/programs.ts";
import { startCannedServer } from "../support/wlb/cannedServer.ts";
import { collectRecorded, mysqlSettings, recordedPool } from "../support/wlb/recordedPool.ts";
import { type RunningWlb, startWlb } from "../support/wlb/serve.ts";

const hash = `scrypt:16384:8:1:${"a".repeat(22)}:${"b".repeat(43)}`;
const names = ["wlb.example.org", "localhost"];

let database: TestDatabase;
let server: RunningWlb;
let home: string;
let wlbFolder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  // Its hosts are here, so that 127.0.0.1 is where they reach it.
  const { hosts, ...rest } = recordedPool();
  await collectRecorded(database, {
    ...rest,
    hosts: hosts.map((host, n) => ({ ...host, ip: `127.0.0.${n + 1}` })),
  });
  home = await temporaryFolder();
  wlbFolder = path.join(home, "wlb");
  server = await startWlb({ ...mysqlSettings(database), WlbFolder: wlbFolder, WlbNames: names.join(",") });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});

const well = (): Record<string, string> => ({
  ...mysqlSettings(database),
  WlbListen: `127.0.0.1:${server.port}`,
  WlbUsr: "wlb",
  WlbPassHash: hash,
  WlbFolder: wlbFolder,
  WlbNames: names.join(","),
});

async function write(change: Readonly<Record<string, string>> = {}, name = "wlb.settings"): Promise<string> {
  const file = path.join(await temporaryFolder(), name);
  await writeFile(file, textOf({ ...well(), ...change }), { mode: 0o600 });
  return file;
}

async function report(change: Readonly<Record<string, string>> = {}): Promise<DoctorReport> {
  return reportOn({ wlb: await write(change) });
}

function reportOn(places: SettingsPlaces): Promise<DoctorReport> {
  return diagnose({
    places,
    nodeVersion: process.version,
    signal: AbortSignal.timeout(60_000),
    areas: ["settings", "database", "network"],
  });
}

const said = (found: DoctorReport, check: string) =>
  checkOf(found, check).findings.map(({ state, says, fix }) => `${state}: ${says} [${fix[0] ?? ""}]`);

describe("doctor on xcp-wlb", () => {
  it("finds nothing wrong with a set-up that is well, looks at it alone, and says what it looked at", async () => {
    const found = await report();
    expect(complaints(found)).toEqual([]);
    const own = ["settings-wlb", "wlb-folder", "wlb-certificate", "wlb-listen", "wlb-addresses"];
    expect(own.map((name) => checkOf(found, name).state)).toEqual(own.map(() => "ok"));
    expect(found.checks.map(({ name }) => name)).not.toContain("settings-collect");
    expect(said(found, "wlb-certificate")[0]).toMatch(/^ok: for wlb\.example\.org, localhost, until 20\d\d/);
    expect(said(found, "wlb-listen")).toEqual([`ok: it answers at 127.0.0.1:${server.port} []`]);
    expect(said(found, "mysql-login")[0]).toMatch(/^ok: xcp-wlb: /);
    expect(said(found, "grants")).toEqual(["ok: they have those of sql/accounts.sql []"]);
  });

  it("is silent of it where it is not set up", async () => {
    const file = await write({}, "settings");
    const { WlbUsr: _, WlbPassHash: __, ...without } = well();
    await writeFile(file, textOf(without), { mode: 0o600 });
    expect(settingsPlaces({ settings: file })).toEqual({ collect: file, manager: file, control: file });
    const found = await reportOn({ manager: file });
    expect(found.checks.filter(({ name }) => name.includes("wlb"))).toEqual([]);
  });

  it("looks at it where the common file holds its login, or a file of its own lies beside the others", async () => {
    const common = await write({}, "settings");
    expect(settingsPlaces({ settings: common })).toMatchObject({ wlb: common });
    const own = await write({}, "wlb.settings");
    const manager = path.join(path.dirname(own), "manager.settings");
    expect(settingsPlaces({ settings: manager })).toMatchObject({ manager, wlb: own });
    expect(settingsPlaces({ settings: "manager.settings", wlb: own })).toMatchObject({ wlb: own });
    expect(settingsPlaces({ settings: "/nowhere/manager.settings" })).not.toHaveProperty("wlb");
    // As the package lays it there.
    await writeFile(own, "#WlbUsr=wlb\nMysqlHost=127.0.0.1\n", { mode: 0o600 });
    expect(settingsPlaces({ settings: manager })).not.toHaveProperty("wlb");
  });

  it("names settings that make no sense, each with its key", async () => {
    const found = await report({ WlbPassHash: "plain", WlbMaxAgeSeconds: "1" });
    expect(said(found, "settings-wlb").join("\n")).toMatch(/WlbPassHash: is no hash.*\n.*WlbMaxAgeSeconds/s);
    expect(checkOf(found, "wlb-folder").state).toBe("not checked");
  });

  it("names addresses that no pool can have, and a port that no pool can reach", async () => {
    expect(
      said(await report({ WlbAllowedAddresses: "192.0.2.1,router.example.org" }), "wlb-addresses"),
    ).toEqual([
      expect.stringMatching(/^failure: WlbAllowedAddresses: router\.example\.org is no IP address/),
    ]);
    await collectRecorded(database, recordedPool());
    try {
      expect(said(await report(), "wlb-addresses")).toEqual([
        expect.stringMatching(/^warning: WlbListen is 127\.0\.0\.1, which the pool's hosts cannot reach/),
      ]);
    } finally {
      const { hosts, ...rest } = recordedPool();
      await collectRecorded(database, {
        ...rest,
        hosts: hosts.map((host, n) => ({ ...host, ip: `127.0.0.${n + 1}` })),
      });
    }
  });

  it("names a port where nobody answers, and one where somebody else does", async () => {
    expect(said(await report({ WlbListen: "127.0.0.1:1" }), "wlb-listen")).toEqual([
      expect.stringMatching(/^warning: nobody answers at 127\.0\.0\.1:1: .*\[systemctl start xcp-wlb@POOL/),
    ]);
    const other = await startCannedServer();
    expect(said(await report({ WlbListen: `127.0.0.1:${other.port}` }), "wlb-listen")).toEqual([
      expect.stringMatching(/^warning: what answers at .* shows another certificate/),
    ]);
    await other.stop();
  });

  it("names other limits than xcp-control's: what is recommended would not be what is done", async () => {
    const control = await write({ XenHost: "192.0.2.10", XenUsr: "root", XenPass: "p" }, "control.settings");
    const wlb = await write({ ControlMaxMovesPerHour: "3" });
    const found = await reportOn({ control, wlb });
    expect(said(found, "settings-agree")).toEqual([
      expect.stringMatching(
        /^warning: the recommendations of xcp-wlb are of another run than xcp-control's: .*\(maxMovesPerHour\)/,
      ),
    ]);
  });

  describe("its folder and certificate", () => {
    let folder: string;
    beforeEach(async () => {
      folder = path.join(await temporaryFolder(), "wlb");
      await mkdir(folder, { mode: 0o700 });
    });
    const at = () => report({ WlbFolder: folder });
    const make = async (days = 365, more: object = {}) => {
      const made = await generate([{ name: "commonName", value: "wlb.example.org" }], {
        keySize: 2048,
        algorithm: "sha256",
        notBeforeDate: new Date(Date.now() - 400 * 86_400_000),
        notAfterDate: new Date(Date.now() + days * 86_400_000),
        extensions: [
          { name: "subjectAltName", altNames: names.map((value) => ({ type: 2 as const, value })) },
        ],
        ...more,
      } as Parameters<typeof generate>[1]);
      await writeFile(path.join(folder, "certificate.pem"), made.cert, { mode: 0o600 });
      await writeFile(path.join(folder, "key.pem"), made.private, { mode: 0o600 });
    };

    it("that are not there yet are made at the first start: nothing is wrong", async () => {
      await rm(folder, { recursive: true });
      const found = await at();
      expect(said(found, "wlb-folder")[0]).toMatch(/^ok: .*makes it at its first start/);
      expect(checkOf(found, "wlb-certificate").state).toBe("ok");
    });

    it("that others can read", async () => {
      await serverCertificate(folder, names, { now: new Date(), unique: "1" });
      await chmod(folder, 0o755);
      await chmod(path.join(folder, "key.pem"), 0o644);
      expect(said(await at(), "wlb-folder")).toEqual([
        expect.stringMatching(/^warning: others can look into .*\(mode 0755\) \[chmod 700 /),
        expect.stringMatching(/^failure: others can read .*key\.pem \(mode 0644\) \[chmod 600 .*key\.pem\]$/),
      ]);
    });

    it.each([
      ["ends soon", 10, {}, /^warning: it ends on 20\d\d-\d\d-\d\d, in (9|10) days \[rm /],
      ["has ended", -3, {}, /^failure: it ended on 20\d\d-\d\d-\d\d \[rm /],
      ["has an EC key", 365, { keyType: "ec" }, /^failure: .*has an EC key: pools accept RSA only/],
      ["has a short key", 365, { keySize: 1024 }, /^failure: .*has an RSA key of 1024 bits/],
    ] as const)("a certificate that %s", async (_, days, more, wanted) => {
      await make(days, more);
      expect(said(await at(), "wlb-certificate")).toEqual([expect.stringMatching(wanted)]);
    });

    it("a certificate without a name that is wanted, or for addresses alone", async () => {
      await make();
      expect(
        said(
          await report({ WlbFolder: folder, WlbNames: "wlb.example.org,new.example.org" }),
          "wlb-certificate",
        ),
      ).toEqual([expect.stringMatching(/^warning: it is for .*, and WlbNames has new\.example\.org too/)]);
      await make(365, {
        extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }],
      });
      const { WlbNames: _, ...without } = well();
      const file = path.join(await temporaryFolder(), "wlb.settings");
      await writeFile(file, textOf({ ...without, WlbFolder: folder }), { mode: 0o600 });
      expect(said(await reportOn({ wlb: file }), "wlb-certificate")).toEqual([
        expect.stringMatching(/^warning: it has no DNS name but localhost: pools that verify look for one/),
      ]);
    });
  });
});
