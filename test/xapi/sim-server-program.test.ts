/** xcp-sim as a user runs it: what it prints, what it obeys, how it ends. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { settingsLines } from "../../src/simulator/banner.ts";
import { runProgram, startProgram, temporaryFolder } from "../support/programs.ts";
import { call } from "./simServer.ts";

const ready = /Ctrl-C ends\./;
const dump = new URL("../../../shared/xapi/pools/two-host-pool-xenserver-6.1.state.xml", import.meta.url);

test("xcp-sim serves the thesis' pool, prints lines to copy, and a signal ends it with 0", async () => {
  const sim = await startProgram("xcp-sim", ["--http", "--password", "a'b c"]);
  await sim.waitFor(ready);
  const { stdout } = sim.output;
  expect(stdout).toContain('pool "Main Pool": 2 hosts, 3 VMs');
  expect(stdout).toContain("XenUsr=root\n");
  expect(stdout).toContain("XenPass=`a'b c`\n");
  expect(stdout).not.toContain("XenFingerprint");
  const [first = ""] = /XenHost=(\S+)/.exec(stdout)?.[1]?.split(",") ?? [];
  expect(await call(first, "session.login_with_password", "root", "a'b c")).toMatch(/^OpaqueRef:/);
  sim.child.kill("SIGTERM");
  expect(await sim.ended).toMatchObject({ code: 0, stderr: "" });
});

test("xcp-sim obeys commands on standard input, whose end ends nothing", async () => {
  const sim = await startProgram("xcp-sim", ["--http", "--https", "--ports"]);
  await sim.waitFor(/XenFingerprint=[0-9A-F:]{95},[0-9A-F:]{95}\n/);
  await sim.waitFor(ready);
  sim.child.stdin.write("help\n");
  await sim.waitFor(/crash/);
  sim.child.stdin.end("frobnicate the pool\n");
  await sim.waitFor(/frobnicate/);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(sim.output.stdout)?.[0] ?? "";
  await expect(call(url, "VM.get_all", "x")).rejects.toEqual(["SESSION_INVALID", "x"]);
  sim.child.kill("SIGINT");
  expect(await sim.ended).toMatchObject({ code: 0 });
});

test("xcp-sim reads a scenario of the user's own, and names every problem with file and line", async () => {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, "my.pool"), 'pool "Mine"\nhost a cpus=many\nnonsense\n');
  const { code, stdout, stderr } = await runProgram("xcp-sim", ["--scenario", "my.pool"], { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/my\.pool:2: .*\n.*my\.pool:3: /);
});

test.skipIf(!existsSync(dump))(
  "xcp-sim serves the dump of a real pool (skipped without ../shared)",
  async () => {
    const sim = await startProgram("xcp-sim", ["--http", "--dump", fileURLToPath(dump)]);
    await sim.waitFor(ready);
    expect(sim.output.stdout).toMatch(/2 hosts, \d+ VMs/);
    sim.child.kill("SIGTERM");
    expect(await sim.ended).toMatchObject({ code: 0 });
  },
);

test.each([
  [["--scenario", "no-such-thing"], "there is no file no-such-thing"],
  [["--port", "99999"], "from 1 to 65535"],
  [["--speed", "0"], "from 0.01 to 1000"],
  [["--addresses", "--ports"], "cannot be used with"],
  [["--frobnicate"], "unknown option"],
])("xcp-sim %j is wrong usage: exit 2 and a sentence", async (args, sentence) => {
  const { code, stderr } = await runProgram("xcp-sim", args);
  expect(stderr).toContain(sentence);
  expect(code).toBe(2);
});

test("xcp-sim ends with 1 where a file cannot be read, as every program", async () => {
  const { code, stderr } = await runProgram("xcp-sim", ["--dump", "no-such-file"]);
  expect(stderr).toContain("cannot read no-such-file");
  expect(code).toBe(1);
});

test("xcp-sim --help shows every option with examples, and ends with 0", async () => {
  const { code, stdout } = await runProgram("xcp-sim", ["--help"]);
  expect(code).toBe(0);
  for (const option of "scenario dump https http port addresses ports speed seed user password".split(" ")) {
    expect(stdout).toContain(`--${option}`);
  }
  expect(stdout).toContain("Examples:");
});

test("the settings lines quote what a settings file would read differently", () => {
  const host = {
    ref: "r",
    name: "n",
    address: "127.0.0.1",
    httpsUrl: "https://127.0.0.1:1",
    fingerprint256: "AB:CD",
  };
  expect(settingsLines([host, host], { user: "root", password: "a#b" })).toEqual([
    "XenHost=https://127.0.0.1:1,https://127.0.0.1:1",
    "XenUsr=root",
    "XenPass='a#b'",
    "XenFingerprint=AB:CD,AB:CD",
  ]);
});
