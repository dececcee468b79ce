/** A whole world that nothing is wrong with, for doctor: three settings files side by side, and the report on them. */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { diagnose } from "../../src/doctor/diagnose.ts";
import { settingsPlaces } from "../../src/doctor/places.ts";
import {
  type Area,
  areas as allAreas,
  type CheckResult,
  type DoctorReport,
  type Finding,
} from "../../src/doctor/report.ts";
import { type PrivateServer, removeServerFolder } from "../../src/privateServer/privateServer.ts";
import { startProjectServer, workFolder } from "../../src/privateServer/projectServer.ts";
import { asRoot, type DatabaseServer } from "./database.ts";
import { temporaryFolder } from "./programs.ts";
import { poolPassword, startWorld, type World } from "./world.ts";

export type ProgramOfFile = "collect" | "manager" | "control";

const scenario = `
pool "Lab"
host alpha master cpus=8 memory=16384
host beta cpus=8 memory=16384
host gamma cpus=8 memory=16384
vm web on=alpha vcpus=2 memory=1024 cpu=30% tools
vm db on=beta vcpus=4 memory=2048 cpu=20% tools
vm mail on=gamma vcpus=2 memory=1024 cpu=10% tools
user reader password="${poolPassword}" role=read-only
user mover password="${poolPassword}" role=vm-power-admin
`;

export interface DoctorWorld extends World {
  /** Its own server, so that a test may set what the whole server has. */
  readonly server: DatabaseServer;
  /** The settings of a program that nothing is wrong with. */
  readonly well: (program: ProgramOfFile) => Record<string, string>;
  /** Writes the three files, with what a test changes in them; a text stands for a whole file. */
  readonly write: (
    changes?: Partial<Record<ProgramOfFile, Readonly<Record<string, string | undefined>> | string>>,
  ) => Promise<SettingsFolder>;
  /** The report on settings with such changes. */
  readonly report: (changes?: Parameters<DoctorWorld["write"]>[0]) => Promise<DoctorReport>;
  readonly asRoot: (...statements: readonly string[]) => Promise<void>;
}

export interface SettingsFolder {
  readonly folder: string;
  readonly file: (program: ProgramOfFile) => string;
  readonly report: (areas?: readonly Area[]) => Promise<DoctorReport>;
}

export async function startDoctorWorld(): Promise<DoctorWorld> {
  const name = `test-${process.pid}-doctor`;
  const own: PrivateServer = await startProjectServer({ name, say: () => {} });
  const server: DatabaseServer = {
    host: own.host,
    port: own.port,
    user: own.rootUser,
    password: own.rootPassword,
  };
  const world = await startWorld({
    pool: { scenario },
    startMs: Date.now(),
    server: { http: true, https: true },
    databaseServer: server,
  });
  const pins = world.simulator.hosts.map(({ fingerprint256 = "" }) => fingerprint256).join(",");
  const members = world.simulator.hosts.map(({ httpsUrl = "" }) => httpsUrl).join(",");
  const users = { collect: "reader", control: "mover" };
  const well: DoctorWorld["well"] = (program) => ({
    ...world.settings(program),
    ...(program === "manager" ? {} : { XenHost: members, XenUsr: users[program], XenFingerprint: pins }),
  });
  const write: DoctorWorld["write"] = async (changes = {}) => {
    const folder = path.join(await temporaryFolder(), "Lab");
    await mkdir(folder, { mode: 0o700 });
    const file = (program: ProgramOfFile) => path.join(folder, `${program}.settings`);
    for (const program of ["collect", "manager", "control"] as const) {
      const change = changes[program] ?? {};
      const text = typeof change === "string" ? change : textOf({ ...well(program), ...change });
      await writeFile(file(program), text);
      await chmod(file(program), 0o600);
    }
    return { folder, file, report: (areas) => reportOn(file("manager"), areas) };
  };
  return {
    ...world,
    server,
    well,
    write,
    report: async (changes) => (await write(changes)).report(),
    asRoot: (...statements) => asRoot(statements, world.database.admin.database, server),
    stop: async () => {
      await world.stop();
      await own.stop();
      await removeServerFolder(path.join(workFolder, name));
    },
  };
}

export function reportOn(settings: string, areas: readonly Area[] = allAreas): Promise<DoctorReport> {
  const places = settingsPlaces({ settings });
  return diagnose({ places, nodeVersion: process.version, signal: AbortSignal.timeout(60_000), areas });
}

/** As an operator writes it: what dotenv would read otherwise stands in quotes. */
export function textOf(values: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value = ""]) => `${key}=${/[#'" ]/.test(value) ? `'${value}'` : value}\n`)
    .join("");
}

export function checkOf(report: DoctorReport, name: string): CheckResult {
  const check = report.checks.find((each) => each.name === name);
  if (check === undefined) throw new Error(`there is no check ${name}`);
  return check;
}

/** What is not well, a line each: for messages of tests that fail, and to say that nothing is. */
export function complaints(report: DoctorReport): string[] {
  return report.checks.flatMap(({ name, findings }) =>
    findings
      .filter(({ state }) => state !== "ok")
      .map(({ state, says, fix }) => `${state} ${name}: ${says} [${fix.join(" ; ")}]`),
  );
}

export type { Finding };
