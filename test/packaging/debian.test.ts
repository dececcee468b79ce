/**
 * The Debian package, installed by dpkg into a root of its own: what is where, and whose; a unit's program run as the unit's
 * user with the unit's environment; an upgrade; a purge. A whole Debian is tried by `npm run package -- try`.
 */
import { execFileSync, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectFolder, readManifest } from "../../packaging/commandTree.ts";
import { makeDebian } from "../../packaging/debianPackage.ts";
import { settingsTemplate } from "../../packaging/settingsTemplates.ts";
import { readUnit, unitEnvironment } from "../../packaging/unit.ts";
import { packedInto } from "../support/npmPackage.ts";
import { temporaryFolder } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";

const units = join(projectFolder, "packaging", "files", "systemd");
const canInstall = process.getuid?.() === 0 && spawnSync("dpkg", ["--version"]).status === 0;
if (!canInstall) console.warn("no root or no dpkg here: the tests of the Debian package are skipped");

describe.skipIf(spawnSync("systemd-analyze", ["--version"]).status !== 0)("the units", () => {
  it.each(["xcp-collect", "xcp-control", "xcp-wlb"])(
    "%s@ are hardened: at most 1.5 of 10 exposed",
    (name) => {
      const args = ["security", "--offline=yes", "--no-pager", join(units, `${name}@.service`)];
      const { stdout } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
      const score = /Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1];
      expect(Number(score)).toBeLessThanOrEqual(1.5);
    },
  );

  it("have what Node needs at its start, and a timer each that systemd understands", () => {
    for (const name of ["xcp-collect", "xcp-control"]) {
      const text = readFileSync(join(units, `${name}@.service`), "utf8");
      expect(text).toContain("\nSystemCallFilter=@system-service @pkey\n");
      expect(text).toContain("\nSystemCallErrorNumber=EPERM\n");
      expect(text).not.toMatch(/^MemoryDenyWriteExecute/m);
      const timer = readFileSync(join(units, `${name}@.timer`), "utf8");
      const when = /^OnCalendar=(.*)$/m.exec(timer)?.[1] ?? "";
      expect(spawnSync("systemd-analyze", ["calendar", when]).status).toBe(0);
    }
    const files = readdirSync(units).map((file) => join(units, file));
    const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", ...files], { encoding: "utf8" });
    // That the programs are not installed here is no news.
    expect(stderr.split("\n").filter((line) => line !== "" && !/is not executable/.test(line))).toEqual([]);
  });
});

it("the templates of settings have the keys that each program needs", () => {
  expect(settingsTemplate("collect")).toMatch(
    /^XenHost=[\s\S]*^MysqlUsr=xcp_collect$[\s\S]*^#CollectMethod=/m,
  );
  expect(settingsTemplate("control")).toMatch(
    /^XenHost=[\s\S]*^MysqlUsr=xcp_control$[\s\S]*^#ControlHeadroomMb=/m,
  );
  expect(settingsTemplate("manager")).toMatch(/^MysqlUsr=xcp_manager$[\s\S]*^#ControlHeadroomMb=/m);
  expect(settingsTemplate("wlb")).toMatch(/^MysqlUsr=xcp_wlb$[\s\S]*^#WlbListen=/m);
  expect(settingsTemplate("manager")).not.toMatch(/^XenPass=/m);
  expect(settingsTemplate("control")).not.toMatch(/^#CollectMethod=/m);
});

it("docs/install.md prints the cron lines that the package has: with a PATH, quiet, one at a time", () => {
  const cron = readFileSync(join(projectFolder, "packaging", "files", "cron"), "utf8");
  const page = readFileSync(join(projectFolder, "docs", "install.md"), "utf8");
  const lines = cron.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(lines).toHaveLength(4);
  for (const line of lines) expect(page).toContain(`    ${line}\n`);
  for (const line of lines.slice(2))
    expect(line).toMatch(/^[\d/*]+ [* ]+ xcp-balance .*flock -n \S+ xcp-\w+ -q /);
  expect(cron).toMatch(/^PATH=\S*\/usr\/bin/m);
});

describe.skipIf(!canInstall)("the Debian package", () => {
  let world: World;
  let root: string;
  let older: string;
  let newer: string;
  let before: readonly string[];

  beforeAll(async () => {
    world = await startWorld({ pool: { builtin: "thesis" } });
    const work = await temporaryFolder();
    const npmPackage = await packedInto(work);
    const workFolder = join(work, "files");
    const common = { npmPackage, workFolder, destination: work, uncompressed: true };
    newer = makeDebian(common);
    // A version before it. Its template was another one: the administrator's file is kept although a new text comes.
    older = join(work, "older.deb");
    const { version } = readManifest();
    change(join(workFolder, "DEBIAN/control"), `Version: ${version}-1`, "Version: 0.0.1-1");
    change(
      join(workFolder, "usr/lib/xcp-balance/package.json"),
      `"version": "${version}"`,
      '"version": "0.0.1"',
    );
    appendFileSync(join(workFolder, "etc/xcp-balance/control.settings"), "# as it was\n");
    execFileSync("dpkg-deb", ["--root-owner-group", "-Znone", "--build", workFolder, older]);
    root = await emptySystem();
    before = filesOf(root);
    dpkg("--install", older);
  }, 240_000);

  afterAll(() => world?.stop());

  const dpkg = (...args: readonly string[]): string =>
    execFileSync(
      "dpkg",
      // Node is this machine's.
      [
        `--root=${root}`,
        "--force-script-chrootless",
        "--force-depends",
        "--force-confdef",
        "--force-unsafe-io",
        ...args,
      ],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
  const at = (path: string) => join(root, path);
  const account = (): { uid: number; gid: number } => {
    const [, , uid, gid] =
      /^xcp-balance:.*$/m.exec(readFileSync(at("/etc/passwd"), "utf8"))?.[0].split(":") ?? [];
    return { uid: Number(uid), gid: Number(gid) };
  };

  it("brings programs, pages, completion, units and settings, each where Debian has it", () => {
    for (const path of [
      ...Object.keys(readManifest().bin).flatMap((program) => [
        `/usr/bin/${program}`,
        `/usr/share/man/man1/${program}.1.gz`,
        `/usr/share/bash-completion/completions/${program}`,
        `/usr/share/zsh/vendor-completions/_${program}`,
        `/usr/share/fish/vendor_completions.d/${program}.fish`,
      ]),
      ...readdirSync(units).map((unit) => `/usr/lib/systemd/system/${unit}`),
      "/usr/lib/sysusers.d/xcp-balance.conf",
      "/usr/lib/tmpfiles.d/xcp-balance.conf",
      "/etc/logrotate.d/xcp-balance",
      "/usr/share/doc/xcp-balance/examples/cron",
      "/usr/share/doc/xcp-balance/examples/accounts.sql",
      "/usr/share/doc/xcp-balance/docs/install.md",
      "/usr/share/doc/xcp-balance/monitoring/alerts.yml",
      "/usr/share/doc/xcp-balance/monitoring/grafana-dashboard.json",
      "/usr/share/doc/xcp-balance/monitoring/hooks/mail.sh",
    ]) {
      expect(existsSync(at(path)), path).toBe(true);
    }
    const hook = at("/usr/share/doc/xcp-balance/monitoring/hooks/mail.sh");
    expect(statSync(hook).mode & 0o111).toBe(0o111);
    expect(existsSync(at("/usr/lib/xcp-balance/dist/demo"))).toBe(false);
  });

  it("has an account of its own, whose group reads the settings and nobody writes them but root", () => {
    const { gid } = account();
    expect(gid).toBeGreaterThan(0);
    for (const [path, mode] of [
      ["/etc/xcp-balance", 0o750],
      ["/etc/xcp-balance/collect.settings", 0o640],
      ["/etc/xcp-balance/manager.settings", 0o640],
      ["/etc/xcp-balance/control.settings", 0o640],
    ] as const) {
      const status = statSync(at(path));
      expect([path, status.mode & 0o777, status.uid, status.gid]).toEqual([path, mode, 0, gid]);
    }
  });

  it("has whoever made it as its maintainer; else an address that can be nobody's", () => {
    expect(dpkg("--status", "xcp-balance")).toMatch(
      process.env["DEBEMAIL"] === undefined
        ? /^Maintainer: .* <nobody@xcp-balance\.invalid>$/m
        : /^Maintainer: /m,
    );
  });

  it("tells its commit, also where there is no git", () => {
    const { stdout } = spawnSync(process.execPath, [realpathSync(at("/usr/bin/xcp-sim")), "--version"], {
      encoding: "utf8",
    });
    expect(stdout).toMatch(/^xcp-sim 0\.0\.1, schema \d+, commit (?:[0-9a-f]{7}|unknown)/);
  });

  it("runs each unit's program as the unit's user, with credentials as systemd gives them", async () => {
    const rule = await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 25"]);
    expect(rule).toMatchObject({ code: 0 });
    for (const name of ["xcp-collect", "xcp-control"] as const) {
      addPool(name.slice("xcp-".length) as "collect" | "control");
      expect(await runUnit(name)).toEqual({ code: 0, stderr: "" });
    }
    const { uid, gid } = account();
    // By hand, as somebody in the group: straight from the file in /etc, with a password in it.
    const args = [realpathSync(at("/usr/bin/xcp-collect")), "-q", "--settings", "collect.settings"];
    const cwd = at("/etc/xcp-balance/main");
    expect(await run(args, { cwd, uid, gid })).toEqual({ code: 0, stderr: "" });
  });

  it("upgrades to the next version with the administrator's settings as they are", async () => {
    appendFileSync(at("/etc/xcp-balance/control.settings"), "ControlMaxMovesPerRun=1\n");
    dpkg("--install", newer);
    expect(readFileSync(at("/etc/xcp-balance/control.settings"), "utf8")).toMatch(
      /^ControlMaxMovesPerRun=1$/m,
    );
    expect(dpkg("--status", "xcp-balance")).toContain(`Version: ${readManifest().version}-1`);
    expect(statSync(at("/etc/xcp-balance/control.settings"))).toMatchObject({ gid: account().gid });
    expect(await runUnit("xcp-collect")).toEqual({ code: 0, stderr: "" });
  });

  it("leaves the settings when it is removed, and nothing at all when it is purged", () => {
    mkdirSync(at("/etc/systemd/system/timers.target.wants"), { recursive: true });
    writeFileSync(at("/etc/systemd/system/timers.target.wants/xcp-collect@main.timer"), "");
    dpkg("--remove", "xcp-balance");
    expect(existsSync(at("/usr/lib/xcp-balance"))).toBe(false);
    expect(existsSync(at("/etc/xcp-balance/main/collect.settings"))).toBe(true);
    dpkg("--purge", "xcp-balance");
    expect(filesOf(root)).toEqual(before);
    expect(readFileSync(at("/etc/passwd"), "utf8")).not.toContain("xcp-balance");
    expect(readFileSync(at("/etc/group"), "utf8")).not.toContain("xcp-balance");
  });

  /** /etc/xcp-balance/main, as docs/install.md says. */
  function addPool(program: "collect" | "control"): void {
    const folder = at("/etc/xcp-balance/main");
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o750);
    chownSync(folder, 0, account().gid);
    const file = join(folder, `${program}.settings`);
    const lines = Object.entries(world.settings(program)).map(([key, value]) => `${key}='${value}'\n`);
    writeFileSync(file, lines.join(""));
    chmodSync(file, 0o640);
    chownSync(file, 0, account().gid);
  }

  async function runUnit(name: string): Promise<Ended> {
    const unit = readUnit(name, readFileSync(at(`/usr/lib/systemd/system/${name}@.service`), "utf8"), "main");
    expect([unit.user, unit.group]).toEqual(["xcp-balance", "xcp-balance"]);
    const { uid, gid } = account();
    const credentials = at(unit.credentialsFolder);
    mkdirSync(credentials, { recursive: true });
    for (const [called, file] of unit.credentials) {
      const credential = join(credentials, called);
      cpSync(at(file), credential);
      chmodSync(credential, 0o400);
      chownSync(credential, uid, gid);
    }
    const [program = "", ...args] = unit.command;
    const inRoot = args.map((word) => (word.startsWith("/") ? at(word) : word));
    const env = { ...unitEnvironment(unit), CREDENTIALS_DIRECTORY: credentials };
    const words = [realpathSync(at(program)), ...inRoot];
    const ended = await run(words, { cwd: at(unit.workingDirectory), env, uid, gid });
    rmSync(at("/run/credentials"), { recursive: true });
    return ended;
  }
});

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** Runs Node to its end, while this process serves the simulated pool. */
async function run(words: readonly string[], options: SpawnOptions): Promise<Ended> {
  const child = spawn(process.execPath, words, { ...options, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, stderr };
}

function change(file: string, from: string, to: string): void {
  const text = readFileSync(file, "utf8");
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}

/** What dpkg needs of a system, and the accounts' files. */
async function emptySystem(): Promise<string> {
  const root = await temporaryFolder();
  chmodSync(root, 0o755);
  for (const folder of [
    "var/lib/dpkg/info",
    "var/lib/dpkg/updates",
    "var/lib/dpkg/triggers",
    "etc",
    "run",
    "var/log",
  ])
    mkdirSync(join(root, folder), { recursive: true });
  for (const file of ["var/lib/dpkg/status", "var/lib/dpkg/available", "etc/shadow", "etc/gshadow"])
    writeFileSync(join(root, file), "");
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\n");
  cpSync("/etc/login.defs", join(root, "etc/login.defs"));
  return root;
}

/** Every file and folder, but what dpkg and the system's account tools keep for themselves. */
function filesOf(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter(
      (file) =>
        !/^var\/lib\/dpkg\/|^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-?$|^etc\/systemd/.test(file),
    )
    .sort();
}
