/**
 * The Debian package where it lands: installed into a fresh Debian, set up as docs/install.md says, its units' programs run
 * against a simulated pool, upgraded with an edited file, purged. Everything but systemd itself, which a folder has not.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import mysql from "mysql2/promise";
import { type PrivateServer, removeServerFolder } from "../../src/privateServer/privateServer.ts";
import { startProjectServer, workFolder } from "../../src/privateServer/projectServer.ts";
import { readUnit, unitEnvironment } from "../unit.ts";
import { DebianRoot, ensureBase, type Ran } from "./debianRoot.ts";
import { threeCommands } from "./readme.ts";

export interface Packages {
  /** Of the version before. */
  readonly older: string;
  readonly newer: string;
}

const serverName = "debian-trial-server";

/** Tries it in `folder` and tells each step with its seconds. @throws Error with what went wrong. */
export async function tryDebianPackage(folder: string, packages: Packages): Promise<void> {
  const step = teller();
  const base = join(folder, "base");
  await step("a fresh Debian (debootstrap minbase with nodejs; kept for the next time)", () =>
    ensureBase(base),
  );
  const debian = new DebianRoot(base, join(folder, "trial"));
  // What an earlier trial has left in it is no fresh database.
  await removeServerFolder(join(workFolder, serverName));
  const server = await startProjectServer({ name: serverName, say: tell });
  const simulator: { stop: () => void } = { stop: () => {} };
  try {
    const before = debian.contents();
    const accountsBefore = debian.read("etc/passwd") + debian.read("etc/group");
    for (const file of [packages.older, packages.newer])
      cpSync(file, join(debian.path, "tmp", basename(file)));

    await step("the version before: apt-get install ./xcp-balance.deb", () =>
      install(debian, packages.older),
    );
    const pool = await step("xcp-sim from the package, over https", async () => {
      const running = await startSimulator(debian);
      simulator.stop = running.stop;
      return running;
    });
    await step("schema install, and an account for each program", () => makeDatabase(debian, server));
    await step("the folder of a pool: settings 0640, certificates trusted, read by the group", () =>
      addPool(debian, server, pool.settings),
    );
    await step("xcp-collect@main as systemd would run it", () => mustSucceed(runUnit(debian, "xcp-collect")));
    await step("a rule, and a dry run by somebody in the group", () => {
      manage(debian, "CREATE RULE HOST CpuAverage > 25");
      const dryRun = inPool(["xcp-control", "--settings", "control.settings", "--dry-run"]);
      if (!/^Move 1: /m.test(debian.mustRun(asUser(dryRun)))) throw new Error("the dry run names no move");
    });
    await step("xcp-control@main as systemd would run it: it migrates", () => {
      const ran = runUnit(debian, "xcp-control");
      mustSucceed(ran);
      const migrations = manage(debian, "SHOW MIGRATIONS");
      if (!/\bsucceeded\b/.test(migrations)) throw new Error(`no VM was moved:\n${ran.stdout}${migrations}`);
    });
    await step("xcp-manager doctor finds nothing that has failed", () => {
      debian.mustRun(inPool(["xcp-manager", "doctor", "--settings", "manager.settings"]));
    });
    await step("man pages and completion", () => checkPages(debian));
    await step("an upgrade, with a file of settings that root has edited", () => {
      debian.mustRun(["sh", "-c", "echo ControlMaxMovesPerRun=3 >>/etc/xcp-balance/control.settings"]);
      install(debian, packages.newer);
      if (!debian.read("etc/xcp-balance/control.settings").endsWith("\nControlMaxMovesPerRun=3\n"))
        throw new Error("the edited file was not kept");
    });
    await step("collect and control after the upgrade", () => {
      manage(debian, "SHOW STATUS");
      mustSucceed(runUnit(debian, "xcp-collect"));
      mustSucceed(runUnit(debian, "xcp-control"));
    });
    await step("apt-get purge: nothing is left", () => {
      simulator.stop();
      debian.mustRun(["apt-get", "purge", "--yes", "xcp-balance"]);
      const left = difference(debian.contents(), before);
      if (left.length > 0) throw new Error(`left behind or changed:\n${left.join("\n")}`);
      if (debian.read("etc/passwd") + debian.read("etc/group") !== accountsBefore)
        throw new Error("an account was left behind");
    });
  } finally {
    simulator.stop();
    await server.stop();
    debian.remove();
  }
}

/** README.md's three commands for a Debian, as printed, in another fresh one; only systemd, which starts the server, is lacking. */
export async function tryThreeCommands(folder: string, { newer }: Packages): Promise<void> {
  const step = teller();
  const [install = "", pool = "", report = ""] = threeCommands();
  const debian = new DebianRoot(join(folder, "base"), join(folder, "readme"));
  let stopServer = (): void => {};
  try {
    mkdirSync(join(debian.path, "root", "packages"));
    cpSync(newer, join(debian.path, "root", "packages", basename(newer)));
    // No init here: services that packages would start are left to the next step.
    writeFileSync(join(debian.path, "usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n", { mode: 0o755 });
    debian.mustRun(["apt-get", "update"]);
    await step(install, () => debian.mustRun(["sh", "-ec", `cd /root && ${install}`], { input: "y\n" }));
    await step("what systemd does then: mariadb.service", async () => {
      // As a child of the shell: whoever changes his user is not told any more that his parent has died.
      const command =
        "install -d -o mysql /run/mysqld; mariadbd --user=mysql --skip-networking 2>&1; exit $?";
      const server = debian.start(["sh", "-c", command]);
      server.stdout?.resume();
      stopServer = () => server.kill("SIGKILL");
      const socket = join(debian.path, "run/mysqld/mysqld.sock");
      for (let tries = 0; !existsSync(socket); tries++) {
        if (tries > 60) throw new Error("mariadbd does not start");
        await setTimeout(1000);
      }
    });
    const told = await step(`${pool}; ${report}`, () =>
      debian.mustRun(["sh", "-ec", `cd /root && ${pool} && ${report} && ${pool} remove`]),
    );
    if (/^ +(?:FAILURE|WARNING) /m.test(told) || !/^ +ok +login: /m.test(told))
      throw new Error(`doctor finds something:\n${told}`);
    const page = join(debian.path, "root", /-o (\S+)/.exec(report)?.[1] ?? "");
    if (!existsSync("/usr/bin/chromium")) return tell("there is no Chromium here that could show the report");
    const shown = join(folder, "three-commands.png");
    await step(`the report in Chromium: ${shown}`, () => {
      const size = ["--window-size=900,3200", `--screenshot=${shown}`];
      execFileSync("chromium", ["--headless", "--no-sandbox", "--disable-gpu", ...size, `file://${page}`], {
        stdio: "ignore",
      });
    });
  } finally {
    stopServer();
    debian.remove();
  }
}

/** Tells each step with the seconds that it took. */
export function teller(): <T>(what: string, work: () => T | Promise<T>) => Promise<T> {
  return async (what, work) => {
    const startedMs = performance.now();
    try {
      const result = await work();
      tell(`ok      ${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${what}`);
      return result;
    } catch (error) {
      tell(`FAILED             ${what}`);
      throw error;
    }
  };
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

function install(debian: DebianRoot, file: string): void {
  const keepEdited = ["-o", "Dpkg::Options::=--force-confdef"];
  debian.mustRun(["apt-get", "install", "--yes", ...keepEdited, `/tmp/${basename(file)}`]);
}

interface Simulator {
  /** The lines that it prints to copy: XenHost, XenUsr, XenPass, and a fingerprint. */
  readonly settings: string;
  readonly stop: () => void;
}

async function startSimulator(debian: DebianRoot): Promise<Simulator> {
  const child = debian.start(["xcp-sim", "--https"]);
  let text = "";
  for await (const part of (child.stdout ?? []) as AsyncIterable<Buffer>) {
    text += part.toString();
    if (text.includes("Commands are read")) break;
  }
  const lines = text.split("\n").filter((line) => /^(?:XenHost|XenUsr|XenPass)=/.test(line.trim()));
  if (lines.length < 3) throw new Error(`xcp-sim printed no settings:\n${text}`);
  return { settings: lines.map((line) => `${line.trim()}\n`).join(""), stop: () => child.kill("SIGKILL") };
}

const password = "trial-p4ssword";

async function makeDatabase(debian: DebianRoot, server: PrivateServer): Promise<void> {
  const address = { XCP_MYSQL_HOST: `${server.host}:${server.port}` };
  const account = { XCP_MYSQL_USR: server.rootUser, XCP_MYSQL_PASS: server.rootPassword };
  const env = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", ...address, ...account };
  debian.mustRun(["xcp-manager", "schema", "install"], { env });
  const connection = await mysql.createConnection({
    host: server.host,
    port: server.port,
    user: server.rootUser,
    password: server.rootPassword,
    multipleStatements: true,
  });
  try {
    await connection.query(
      debian
        .read("usr/share/doc/xcp-balance/examples/accounts.sql")
        .replaceAll("{database}", "Xen")
        .replaceAll("{accountHost}", "%")
        .replaceAll(/\{(\w+)User\}/g, "xcp_$1")
        .replaceAll(/\{\w+Password\}/g, password),
    );
  } finally {
    await connection.end();
  }
}

/** As docs/install.md says, with an editor that knows what to write. */
function addPool(debian: DebianRoot, server: PrivateServer, poolLines: string): void {
  const shell = (line: string) => debian.mustRun(["sh", "-ec", line]);
  shell("install -d -m 750 -g xcp-balance /etc/xcp-balance/main");
  shell("install -m 640 -g xcp-balance /etc/xcp-balance/*.settings /etc/xcp-balance/main");
  for (const program of ["collect", "manager", "control"]) {
    const file = `/etc/xcp-balance/main/${program}.settings`;
    const lines = Object.entries({
      MysqlHost: `${server.host}:${server.port}`,
      MysqlUsr: `xcp_${program}`,
      MysqlPass: password,
    }).map(([key, value]) => `${key}=${value}\n`);
    const own =
      program === "manager"
        ? lines.join("")
        : `${poolLines}XenFingerprintFile=fingerprints\n${lines.join("")}`;
    // Written into the file, so that it keeps its owner and mode.
    const edit = `sed -i.was -e '/^Xen/d; /^Mysql/d' ${file} && rm ${file}.was && cat >>${file}`;
    debian.mustRun(["sh", "-ec", edit], { input: own });
    shell(`test "$(stat -c '%a %U:%G' ${file})" = '640 root:xcp-balance'`);
  }
  const trust = inPool(["xcp-collect", "--settings", "collect.settings", "--trust"]);
  debian.mustRun(trust, { input: "yes\nyes\n" });
}

function inPool(command: readonly string[]): readonly string[] {
  return ["env", "--chdir=/etc/xcp-balance/main", ...command];
}

/** As the account xcp-balance, which has no rights but its group's. */
function asUser(command: readonly string[]): readonly string[] {
  const bare = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"];
  return ["setpriv", "--reuid=xcp-balance", "--regid=xcp-balance", "--init-groups", ...bare, ...command];
}

function manage(debian: DebianRoot, command: string): string {
  return debian.mustRun(inPool(["xcp-manager", "--settings", "manager.settings", "-e", command]));
}

/** What the shipped unit says: user, group, folder, credentials, environment, command. */
function runUnit(debian: DebianRoot, name: string): Ran & { readonly success: readonly number[] } {
  const unit = readUnit(name, debian.read(`usr/lib/systemd/system/${name}@.service`), "main");
  const folder = unit.credentialsFolder;
  debian.mustRun(["install", "-d", "-m", "500", "-o", unit.user, folder]);
  for (const [called, file] of unit.credentials)
    debian.mustRun(["install", "-m", "400", "-o", unit.user, file, `${folder}/${called}`]);
  const command = ["env", `--chdir=${unit.workingDirectory}`, ...unit.command];
  const ran = debian.run(asUser(command), { env: unitEnvironment(unit) });
  debian.mustRun(["rm", "-r", "/run/credentials"]);
  return { ...ran, success: [0, ...unit.success] };
}

function mustSucceed({ code, success, stdout, stderr }: Ran & { readonly success: readonly number[] }): void {
  if (!success.includes(code) || code !== 0) throw new Error(`it ended with ${code}:\n${stdout}${stderr}`);
}

function checkPages(debian: DebianRoot): void {
  for (const program of ["xcp-collect", "xcp-manager", "xcp-control", "xcp-sim"]) {
    debian.mustRun(["sh", "-ec", `gzip -dc /usr/share/man/man1/${program}.1.gz | grep -q '^.SH OPTIONS'`]);
    const offered = `source /usr/share/bash-completion/completions/${program}; complete -p ${program}`;
    debian.mustRun(["bash", "-ec", offered]);
  }
}

function difference(now: readonly string[], before: readonly string[]): readonly string[] {
  const [was, is] = [new Set(before), new Set(now)];
  return [...now.filter((line) => !was.has(line)), ...before.filter((line) => !is.has(line))];
}
