/**
 * Case settings-by-root: who may read and who may change the files that hold passwords and say whom to trust. The
 * shipped unit runs as a user of its own with settings that belong to root.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram, temporaryFolder, writeSettings } from "../support/programs.ts";
import { poolPassword, startWorld, type World } from "../support/world.ts";

/** As systemd does with DynamicUser=yes. */
const asNobody = 'exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"';
const isRoot = process.getuid?.() === 0;

let world: World;

beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
}, 120_000);

afterAll(() => world?.stop());

/** A folder that everybody may read, with settings that name no password. */
async function openFolder(change: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await temporaryFolder();
  chmodSync(folder, 0o755);
  const { XenPass: _, MysqlPass: __, ...rest } = world.settings("collect");
  chmodSync(await writeSettings(folder, { ...rest, ...change }), 0o644);
  return folder;
}

/** systemd's folder: its files show the mode of their access list. */
async function credentials(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(await temporaryFolder(), "credentials");
  chmodSync(join(folder, ".."), 0o755);
  mkdirSync(folder, { mode: 0o755 });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o444);
  }
  return folder;
}

const passwords = () => ({ XenPass: poolPassword, MysqlPass: world.database.collect.password });

describe("case settings-by-root", () => {
  it.skipIf(!isRoot)("root's settings without a password are read by a unit's own user", async () => {
    const cwd = await openFolder();
    const env = { CREDENTIALS_DIRECTORY: await credentials(passwords()) };
    const result = await runProgram("xcp-collect", ["-q"], { cwd, env, through: asNobody });
    expect(result).toMatchObject({ code: 0, stderr: "" });
  });

  it.skipIf(!isRoot)("the whole settings file may come as a credential, passwords and all", async () => {
    const cwd = await temporaryFolder();
    chmodSync(cwd, 0o755);
    const lines = Object.entries(world.settings("collect")).map(([key, value]) => `${key}='${value}'\n`);
    const env = { CREDENTIALS_DIRECTORY: await credentials({ settings: lines.join("") }) };
    const result = await runProgram("xcp-collect", ["-q"], { cwd, env, through: asNobody });
    expect(result).toMatchObject({ code: 0, stderr: "" });
  });

  it("a password in settings that others can read is refused, also one under a misspelt key", async () => {
    for (const line of ["XenPass=canary\n", "MysqlPas=canary\n", "XenPass 'canary'\n"]) {
      const cwd = await openFolder();
      writeFileSync(join(cwd, "settings"), line);
      const result = await runProgram("xcp-collect", [], { cwd });
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toContain("others can read it (mode 0644); run: chmod 600");
      expect(result.stderr).not.toContain("canary");
    }
  });

  it.skipIf(!isRoot)("root may let a group of its own choice read a password, and nobody else", async () => {
    const cwd = await openFolder({ XenPass: poolPassword, MysqlPass: world.database.collect.password });
    const file = join(cwd, "settings");
    const inGroup = 'exec setpriv --reuid=65534 --regid=4711 --clear-groups "$@"';
    const run = (through: string) => runProgram("xcp-collect", ["-q"], { cwd, through });
    chownSync(file, 0, 4711);
    chmodSync(file, 0o640);
    expect(await run(inGroup)).toMatchObject({ code: 0, stderr: "" });
    expect((await run(asNobody)).stderr).toMatch(/Unable to read settings file .*: EACCES/);
    for (const mode of [0o644, 0o660, 0o641]) {
      chmodSync(file, mode);
      expect((await run(inGroup)).stderr).toMatch(/others can (?:read it|write)/);
    }
    // A user's own file is the user's alone.
    chmodSync(file, 0o640);
    chownSync(file, 65534, 4711);
    expect((await run(inGroup)).stderr).toContain("others can read it (mode 0640)");
  });

  it.skipIf(!isRoot)(
    "a folder that is closed to the user is named as that: nothing is to be made anew there",
    async () => {
      const cwd = await openFolder({ XenPass: poolPassword });
      const folder = join(cwd, "pool");
      mkdirSync(folder, { mode: 0o750 });
      writeFileSync(join(folder, "collect.settings"), "XenUsr=root\n", { mode: 0o640 });
      for (const args of [
        ["--settings", "pool/collect.settings"],
        ["--settings", "pool/nosuch"],
      ]) {
        const result = await runProgram("xcp-collect", args, { cwd, through: asNobody });
        expect(result).toMatchObject({ code: 1, stdout: "" });
        expect(result.stderr).toMatch(/Unable to look for settings file .*pool.*: permission denied/);
        expect(result.stderr).not.toContain("settings.example");
      }
      const doctor = ["doctor", "--settings", "pool/manager.settings"];
      const told = await runProgram("xcp-manager", doctor, { cwd, through: asNobody });
      expect(told.code).toBe(3);
      expect(told.stdout).toMatch(/fix: adduser YOU xcp-balance/);
      expect(told.stdout).not.toContain("install -m 600");
    },
  );

  it("password files that others can read are refused, wherever they are named", async () => {
    const folder = await temporaryFolder();
    const open = join(folder, "password");
    writeFileSync(open, poolPassword);
    chmodSync(open, 0o640);
    const said = `${open} holds passwords and others can read it (mode 0640); run: chmod 600 ${open}`;
    const { XenPass: _, ...rest } = world.settings("collect");
    const bySettings = await runProgram("xcp-collect", [], { settings: { ...rest, XenPassFile: open } });
    expect(bySettings).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`XenPassFile: cannot use the file it names: ${said}`),
    });
    const byEnvironment = await runProgram("xcp-collect", [], {
      settings: rest,
      env: { XCP_XEN_PASS_FILE: open },
    });
    expect(byEnvironment).toMatchObject({ code: 1, stderr: expect.stringContaining(said) });
    const admin = await world.run("xcp-manager", [
      ..."schema install --admin-user root --admin-password-file".split(" "),
      open,
    ]);
    expect(admin).toMatchObject({ code: 1, stderr: expect.stringContaining(said) });
  });

  it("a password through a pipe of this process alone is taken", async () => {
    const { XenPass: _, ...settings } = world.settings("collect");
    const result = await runProgram("xcp-collect", ["-q"], {
      settings,
      env: { XCP_XEN_PASS_FILE: "/dev/fd/7", PASSWORD: poolPassword },
      through: `exec bash -c 'exec "$@" 7< <(printf "%s\\n" "$PASSWORD")' bash "$@"`,
    });
    expect(result).toMatchObject({ code: 0, stderr: "" });
  });

  it("files that others can change are refused: settings, a folder above them, whom to trust", async () => {
    const folder = await temporaryFolder();
    const inner = join(folder, "inner");
    mkdirSync(inner);
    const file = await writeSettings(inner, world.settings("collect"));
    const run = () => runProgram("xcp-collect", ["-q", "--settings", file]);
    expect(await run()).toMatchObject({ code: 0, stderr: "" });

    chmodSync(folder, 0o777);
    const above = await run();
    expect(above.code).toBe(1);
    expect(above.stderr).toContain(
      `others can write the folder ${folder}, and so replace ${file}; run: chmod go-w`,
    );
    // As /tmp: nobody can take away what belongs to somebody else.
    chmodSync(folder, 0o1777);
    expect(await run()).toMatchObject({ code: 0, stderr: "" });
    chmodSync(folder, 0o700);

    const alias = join(await temporaryFolder(), "alias");
    symlinkSync(file, alias);
    chmodSync(inner, 0o770);
    const followed = await runProgram("xcp-collect", ["-q", "--settings", alias]);
    expect(followed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`others can write the folder ${inner}`),
    });
    chmodSync(inner, 0o700);

    const authority = join(folder, "ca.pem");
    writeFileSync(authority, "-----BEGIN CERTIFICATE-----\n");
    chmodSync(authority, 0o666);
    const trust = await world.run("xcp-collect", ["-q"], { change: { XenCaFile: authority } });
    expect(trust).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`others can write ${authority}`),
    });

    const bare = await openFolder();
    chmodSync(join(bare, "settings"), 0o664);
    const writable = await runProgram("xcp-collect", [], { cwd: bare });
    expect(writable).toMatchObject({ code: 1, stderr: expect.stringContaining("others can write") });
  });

  it("a named pipe as settings, or as a password file, is refused at once", async () => {
    const folder = await temporaryFolder();
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", ["-m", "600", pipe]);
    const started = performance.now();
    const asSettings = await runProgram("xcp-control", ["--settings", pipe]);
    expect(asSettings).toMatchObject({ code: 1, stderr: expect.stringContaining(`${pipe} is no file`) });
    const { XenPass: _, ...rest } = world.settings("collect");
    const asPassword = await runProgram("xcp-collect", [], { settings: { ...rest, XenPassFile: pipe } });
    expect(asPassword).toMatchObject({ code: 1, stderr: expect.stringContaining(`${pipe} is no file`) });
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
