/** Hooks: programs of the operator's that are asked before and told after, by the real programs. */
import { spawnSync } from "node:child_process";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { threeHosts } from "../support/controlPools.ts";
import { asRoot } from "../support/database.ts";
import { later } from "../support/laterDatabase.ts";
import { flowing } from "../support/poolTime.ts";
import { temporaryFolder } from "../support/programs.ts";
import { startWorld, type World } from "../support/world.ts";

const examples = fileURLToPath(new URL("../../monitoring/hooks/", import.meta.url));
const hostile = '$(touch HERE)`touch HERE`";\u009b[2J';

let world: World;
let folder: string;
let hooks: string;
beforeAll(async () => {
  world = await startWorld({ pool: { scenario: threeHosts }, speed: 20 });
  const { db } = world.pool;
  const [small = ""] = db.all("VM").filter((ref) => db.text("VM", ref, "name_label") === "small");
  db.set("VM", small, "name_label", `small${hostile}`);
  await world.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 25"]);
});
afterAll(() => world.stop());
beforeEach(async () => {
  folder = await temporaryFolder();
  hooks = path.join(folder, "hooks.d");
  await mkdir(hooks, { mode: 0o755 });
});
afterEach(async () => {
  await asRoot(
    ["DELETE FROM Migration", "DELETE FROM Told", "DELETE FROM VmArrival"],
    world.database.admin.database,
  );
});

async function collected(): Promise<void> {
  await world.begin();
}

/** A hook as a shell script. */
async function hook(name: string, body: string): Promise<string> {
  const file = path.join(hooks, name);
  await writeFile(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  await chmod(file, 0o755);
  return file;
}

function control(
  change: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
) {
  return world.run("xcp-control", [], {
    change: { HooksFolder: hooks, ControlPollSeconds: "1", ...change },
    env: environment,
  });
}

const text = (name: string) => readFile(path.join(folder, name), "utf8");
const migrations = async () =>
  JSON.parse((await world.run("xcp-manager", ["--json", "-e", "SHOW MIGRATIONS"])).stdout);

describe("a hook before a plan", () => {
  beforeEach(collected);

  it("that says no refuses the run: its words are the reason, escaped, and the gate is kept", async () => {
    await hook("before-plan-1", `cat >${folder}/in; env >${folder}/env`);
    await hook("before-plan-2", "printf 'not now:\\033[2J\\n freeze'; exit 3");
    const { code, stdout } = await control({}, { XCP_XEN_PASS: world.settings("control")["XenPass"] ?? "" });
    expect(code).toBe(4);
    expect(stdout).toContain("refused: hook: hook before-plan-2: not now:\\u{1b}[2J freeze, limit ");
    expect(await migrations()).toEqual([]);
    const told = JSON.parse(await text("in"));
    expect(told).toMatchObject({
      version: 1,
      event: "before-plan",
      program: "xcp-control",
      mode: "act",
      pool: { name: "Three" },
    });
    expect(told.moves).toHaveLength(1);
    expect(told.moves[0]).toMatchObject({ vmName: `small${hostile}`, fromName: "hot", toName: "cold1" });
    const environment = await text("env");
    expect(environment).toMatch(/^XCP_BALANCE_MOVES=1$/m);
    expect(environment).not.toContain(world.settings("control")["XenPass"]);
    const status = await world.run("xcp-manager", ["-e", "SHOW STATUS"]);
    expect(status.stdout).toContain("xcp-control - refused, exit code 4");
  });

  it("is asked in observe mode too, and not by a dry run", async () => {
    await hook("before-plan", `echo "$XCP_BALANCE_MODE" >>${folder}/modes; exit 1`);
    expect((await control({ ControlMode: "observe" })).code).toBe(4);
    expect((await world.run("xcp-control", ["--dry-run"], { change: { HooksFolder: hooks } })).code).toBe(0);
    expect(await text("modes")).toBe("observe\n");
  });

  it("that takes too long is killed with its children, and has not agreed", async () => {
    await hook("before-plan", `sleep 300 & echo $! >${folder}/child; wait`);
    const { code, stdout } = await control({ HookSeconds: "1" });
    expect([code, stdout]).toEqual([4, expect.stringContaining("hook before-plan: no answer within 1 s")]);
    const child = Number(await text("child"));
    await expect
      .poll(() =>
        spawnSync("ps", ["-o", "stat=", "-p", String(child)], { encoding: "utf8" })
          .stdout.replace(/Z.*/s, "")
          .trim(),
      )
      .toBe("");
  });

  it("that others can change is named and not run: the plan is refused", async () => {
    const file = await hook("before-plan", `touch ${folder}/ran`);
    await chmod(file, 0o775);
    const { code, stdout, stderr } = await control();
    expect(code).toBe(4);
    expect(stdout).toContain("hook before-plan cannot be asked: others can write");
    expect(stderr).toContain(`run: chmod go-w ${file}`);
    await expect(text("ran")).rejects.toThrow();
  });

  it("keeps the lease while it is waited for, and dies with it: a run whose lease is lost starts nothing", async () => {
    await hook("before-plan", `touch ${folder}/asked; exec sleep 300`);
    const running = control({ ControlLeaseSeconds: "5", HookSeconds: "60" });
    await expect
      .poll(
        () =>
          text("asked").then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    await asRoot("UPDATE Lease SET RunId = 'another', Token = Token + 1", world.database.admin.database);
    const { code, stdout } = await running;
    await asRoot("UPDATE Lease SET RunId = NULL", world.database.admin.database);
    expect(code).toBe(3);
    expect(stdout).toContain("hook before-plan: stopped: the run ends");
    expect(await migrations()).toEqual([]);
  });
});

describe("hooks of moves", () => {
  beforeEach(collected);

  it("before refuse one move, after are told of each; what VMs are called is never run", async () => {
    await hook(
      "before-move",
      'case "$XCP_BALANCE_VM_NAME" in small*) echo "$XCP_BALANCE_VM_NAME stays"; exit 1;; esac',
    );
    await hook(
      "after-move",
      `cat >>${folder}/in; echo "$XCP_BALANCE_RESULT $XCP_BALANCE_VM_NAME" >>${folder}/results`,
    );
    await symlink("after-move", path.join(hooks, "on-alarm"));
    await hook("nonsense", "exit 0");
    const { code, stdout, stderr } = await control();
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining("hook nonsense is not run: its name begins with no event"),
    ]);
    expect(stdout).toMatch(/hook before-move: small\$\(touch HERE\)`touch HERE`"; \[2J stays/);
    expect((await migrations()).map(({ state, vmName }: Record<string, string>) => [state, vmName])).toEqual([
      ["succeeded", "big"],
    ]);
    const results = (await text("results")).split("\n");
    expect(results[0]).toMatch(/^refused small\$\(touch HERE\)/);
    expect(results[1]).toBe("moved big");
    const told = (await text("in"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(told.map(({ event }) => event)).toEqual(["after-move", "after-move"]);
  });
});

/** Two hosts that the load does not need, one of which can be woken. */
const night = `
pool "Night" product=XCP-ng version=8.3
host boss master cpus=8 memory=16384 base-cpu=0%
host a cpus=8 memory=16384 base-cpu=0% power-on=IPMI boot=60s
host b cpus=8 memory=16384 base-cpu=0%
vm one on=boss vcpus=4 memory=512 cpu=20% tools
vm two on=b vcpus=4 memory=512 cpu=20% tools
`;

describe("hooks of hosts", () => {
  it("before-plan is asked of steps with hosts alone, on-host-power is told of each", async () => {
    const dark = await startWorld({ pool: { scenario: night }, manualClock: true });
    try {
      const keep = "CREATE RULE GREEN KEEP CpuAverage BELOW 70 AND MemoryFree ABOVE 10 % WITH 0 SPARE HOSTS";
      expect(await dark.run("xcp-manager", ["-e", keep])).toMatchObject({ code: 0 });
      for (let each = 0; each < 6; each++) {
        await later(dark.database.admin.database, 100);
        await dark.pool.clock.advance(100_000);
        expect(await dark.run("xcp-collect", ["-q"])).toMatchObject({ code: 0 });
      }
      const change = {
        HooksFolder: hooks,
        GreenDownMinutes: "10",
        GreenUpMinutes: "1",
        GreenLeastOnMinutes: "0",
      };
      const run = () => flowing(dark.pool, dark.run("xcp-control", [], { change }));
      await hook("before-plan", `cat >${folder}/asked; test -e ${folder}/agreed`);
      await hook("on-host-power", `echo "$XCP_BALANCE_STEP $XCP_BALANCE_RESULT" >>${folder}/steps`);
      const refused = await run();
      expect(refused, refused.stdout).toMatchObject({ code: 4 });
      expect(JSON.parse(await text("asked"))).toMatchObject({ moves: [], steps: [{ hostName: "a" }] });
      await expect(text("steps")).rejects.toThrow("ENOENT");
      await writeFile(path.join(folder, "agreed"), "");
      expect(await run()).toMatchObject({ code: 0, stderr: "" });
      const steps = (await text("steps")).trimEnd().split("\n");
      expect(steps.length).toBeGreaterThan(0);
      for (const step of steps) expect(step).toMatch(/^[a-z ]+ done$/);
      const { db } = dark.pool;
      const [host = ""] = db.all("host").filter((ref) => db.text("host", ref, "name_label") === "a");
      expect(db.get("host", host, "enabled")).toBe(false);
    } finally {
      await dark.stop();
    }
  });
});

describe("a hook of the breaker", () => {
  it("is told once that it opened, with the reason", async () => {
    const poor = await startWorld({ pool: { scenario: threeHosts }, speed: 20 });
    try {
      runCommand(poor.pool, "fail-migration INTERNAL_ERROR lost at=start times=always");
      await poor.run("xcp-manager", ["-e", "CREATE RULE HOST CpuAverage > 25"]);
      await poor.run("xcp-collect");
      await hook("on-breaker", `cat >>${folder}/breaker; echo "$XCP_BALANCE_TEXT" >>${folder}/why`);
      const change = { HooksFolder: hooks, ControlPollSeconds: "1" };
      expect((await poor.run("xcp-control", [], { change })).code).toBe(3);
      expect((await poor.run("xcp-control", [], { change })).code).toBe(4);
      expect((await text("why")).trimEnd().split("\n")).toEqual([
        expect.stringContaining("3 migrations in a row failed"),
      ]);
      expect(JSON.parse(await text("breaker"))).toMatchObject({ event: "on-breaker", breaker: {} });
    } finally {
      await poor.stop();
    }
  });
});

describe("hooks of troubles", () => {
  it("are told once of a gate that stays closed, and again when another closes", async () => {
    await hook("on-refusal", `echo "$XCP_BALANCE_GATE" >>${folder}/gates`);
    await world.run("xcp-manager", ["-e", "PAUSE CONTROL"]);
    for (let run = 0; run < 2; run++) expect((await control()).code).toBe(4);
    await world.run("xcp-manager", ["-e", "RESUME CONTROL"]);
    await control({ XenPoolUuid: "00000000-0000-0000-0000-000000000000" });
    expect(await text("gates")).toBe("paused\npool\n");
  });

  it("are told by xcp-collect what it warns of, and that it cannot run", async () => {
    await hook("on-alarm", `echo "$XCP_BALANCE_PROGRAM: $XCP_BALANCE_TEXT" >>${folder}/alarms`);
    const change = { HooksFolder: hooks, XenPass: "wrong" };
    for (let run = 0; run < 2; run++) expect((await world.run("xcp-collect", [], { change })).code).toBe(1);
    const alarms = (await text("alarms")).trimEnd().split("\n");
    expect(alarms).toEqual([expect.stringMatching(/^xcp-collect: .*does not accept the password/)]);
  });

  it("say in a warning where they fail, and a folder that others can change ends the run", async () => {
    await hook("on-refusal", "echo broken >&2; exit 7");
    await world.run("xcp-manager", ["-e", "PAUSE CONTROL"]);
    const { code, stderr } = await control();
    await world.run("xcp-manager", ["-e", "RESUME CONTROL"]);
    expect([code, stderr]).toEqual([4, expect.stringContaining("hook on-refusal: broken")]);
    await chmod(hooks, 0o777);
    const refused = await control();
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("HooksFolder: others can write"),
    ]);
  });
});

describe("the examples", () => {
  const event = {
    PATH: process.env["PATH"] ?? "",
    XCP_BALANCE_EVENT: "on-alarm",
    XCP_BALANCE_PROGRAM: "xcp-control",
    XCP_BALANCE_TEXT: '@/etc/passwd VM "web1" was lost',
    XCP_BALANCE_POOL_NAME: "Three\nBcc: x@example.org",
  };
  const json = '{"version":1,"event":"on-alarm"}\n';

  async function example(name: string, ...changes: (readonly [string, string])[]): Promise<string> {
    let script = await readFile(path.join(examples, name), "utf8");
    for (const [line, other] of changes) {
      expect(script).toContain(line);
      script = script.replace(line, other);
    }
    const file = path.join(folder, name);
    await writeFile(file, script, { mode: 0o755 });
    return file;
  }

  it("mail: headers hold no word of others, the body has the sentence and the JSON", async () => {
    const mailed = path.join(folder, "mailed");
    const sendmail = path.join(folder, "sendmail");
    await writeFile(sendmail, `#!/bin/sh\necho "$@" >${mailed}\ncat >>${mailed}\n`, { mode: 0o755 });
    const file = await example("mail.sh", ["sendmail=/usr/sbin/sendmail", `sendmail=${sendmail}`]);
    expect(spawnSync(file, { env: event, input: json }).status).toBe(0);
    const [head = "", ...body] = (await readFile(mailed, "utf8")).split("\n\n");
    expect(head).toBe(
      "-oi -t\nTo: root\nSubject: xcp-balance: on-alarm\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nAuto-Submitted: auto-generated",
    );
    expect(body[0]).toBe(event.XCP_BALANCE_TEXT);
    expect(body.join("\n\n")).toContain(json);
  });

  const hasCurl = spawnSync("curl", ["--version"]).status === 0;
  it.skipIf(!hasCurl)("webhook and ntfy post to a server, and fail where it does", async () => {
    const asked: { url: string; type: string; title: string; body: string }[] = [];
    const server = http.createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      request.on("end", () => {
        const { "content-type": type = "", title = "" } = request.headers;
        asked.push({ url: request.url ?? "", type, title: String(title), body });
        response.writeHead(request.url === "/no" ? 500 : 200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const run = async (file: string) => {
      const { spawn } = await import("node:child_process");
      const child = spawn(file, { env: event, stdio: ["pipe", "ignore", "ignore"] });
      child.stdin.on("error", () => {});
      child.stdin.end(json);
      return new Promise((resolve) => child.on("exit", resolve));
    };
    try {
      const address = "url=https://example.org/xcp-balance";
      expect(await run(await example("webhook.sh", [address, `url=${base}/hook`]))).toBe(0);
      expect(await run(await example("webhook.sh", [address, `url=${base}/no`]))).not.toBe(0);
      const topic = "topic=https://ntfy.example.org/xcp-balance";
      expect(await run(await example("ntfy.sh", [topic, `topic=${base}/topic`]))).toBe(0);
    } finally {
      server.close();
    }
    expect(asked[0]).toMatchObject({ url: "/hook", type: "application/json", body: json });
    expect(asked[2]).toMatchObject({
      url: "/topic",
      title: "xcp-balance: on-alarm",
      body: event.XCP_BALANCE_TEXT,
    });
  });

  it("change window: says no outside its hours", async () => {
    const all = await example("change-window.sh", ["from=22", "from=0"]);
    expect(spawnSync(all, { env: event, input: json }).status).toBe(0);
    const never = await example("change-window.sh", ["from=22", "from=24"], ["to=6", "to=0"]);
    const said = spawnSync(never, { env: event, input: json, encoding: "utf8" });
    expect([said.status, said.stdout]).toEqual([1, "outside the change window (24:00 to 0:00)\n"]);
  });
});
