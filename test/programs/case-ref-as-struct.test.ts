/**
 * Case ref-as-struct: what a pool or a row says is never an internal error. The failure names what was unreadable, and
 * another member is asked.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/connection.ts";
import { startProgram } from "../support/programs.ts";
import { someVariants } from "../support/runs.ts";
import { startWorld, type World } from "../support/world.ts";
import { type Answers, type Member, masterScript, startMember } from "../xapi/support/scriptedMember.ts";
import { failure, success } from "../xapi/support/xapiText.ts";

let world: World;

beforeAll(async () => {
  world = await startWorld({ pool: { builtin: "thesis" } });
  await world.begin("CpuAverage > 25");
}, 120_000);

afterAll(() => world?.stop());

/** A host that lets everybody in and then answers nonsense. */
function nonsense(answers: Answers): Promise<Member> {
  return startMember(
    masterScript({ "session.login_with_password": success("OpaqueRef:session-1"), ...answers }),
  );
}

const atLogin: readonly [string, Answers, RegExp][] = [
  ["a struct for a ref", { "session.get_this_host": success({}) }, /session\.get_this_host: .*is no ref/],
  ["a list for a ref", { "session.get_this_host": success(["a"]) }, /session\.get_this_host: .*is no ref/],
  ["a text for the pools", { "pool.get_all_records": success("x") }, /pool\.get_all_records: .*is no struct/],
  ["a list for the pools", { "pool.get_all_records": success([]) }, /pool\.get_all_records: .*is no struct/],
  ["a pool without fields", { "pool.get_all_records": success({ "OpaqueRef:p": {} }) }, /it knows 0 pools/],
  [
    "a struct for the session",
    { "session.login_with_password": success({}) },
    /the login's answer is no session/,
  ],
  ["a refusal of its own", { "session.login_with_password": failure("HOST_OFFLINE", "x") }, /HOST_OFFLINE/],
  ["a refusal without a code", { "pool.get_all_records": failure() }, /INTERNAL_ERROR/],
];

describe("case ref-as-struct", () => {
  it.each(someVariants(atLogin, 4))(
    "%s at the login is named, and the next member is asked",
    async (_, answers, message) => {
      await using member = await nonsense(answers);
      const alone = await world.run("xcp-collect", ["-q"], { change: { XenHost: member.url } });
      expect(alone).toMatchObject({ code: 1, stdout: "" });
      expect(alone.stderr).toMatch(message);
      expect(alone.stderr).not.toMatch(/internal error|\bat .*\.js/);
      const change = { XenHost: `${member.url},${world.simulator.masterUrl}` };
      expect(await world.run("xcp-collect", ["-q"], { change })).toMatchObject({ code: 0, stderr: "" });
    },
  );

  it("after the login, too, and xcp-control says the same", async () => {
    const values = [success("x"), success([]), success({ Value: 1 }), failure("NO_SUCH_THING")];
    for (const value of someVariants(values, 2)) {
      await using member = await nonsense({ "host.get_all_records": value, "VM.get_all_records": value });
      const result = await world.run("xcp-collect", ["-q", "--replace-pool"], {
        change: { XenHost: member.url },
      });
      expect(result.code).not.toBe(0);
      expect(result.stderr).not.toMatch(/internal error|\bat .*\.js/);
      const control = await world.run("xcp-control", ["--instant"], { change: { XenHost: member.url } });
      expect(control.code).not.toBe(0);
      expect(control.stdout + control.stderr).not.toMatch(/internal error|\bat .*\.js/);
    }
  });

  const rows: readonly [string, string][] = [
    ["UPDATE VmDetail SET Tags = 'x'", "its Tags is"],
    ["UPDATE VmDetail SET Tags = '{'", "its Tags is"],
    ["DELETE FROM Host", ""],
    ["DELETE FROM HostDetail", ""],
    ["DELETE FROM VmDetail", ""],
    ["DELETE FROM Pool", ""],
  ];
  it.each(someVariants(rows, 2))("%s is no internal error in any program", async (statement, named) => {
    const db = await openDatabase(world.database.admin);
    try {
      await db.write((writer) => writer.run("SET FOREIGN_KEY_CHECKS = 0"));
      await db.write((writer) => writer.run(statement));
    } finally {
      await db.close();
    }
    for (const [program, args] of [
      ["xcp-control", ["--dry-run"]],
      ["xcp-control", ["--dry-run", "--instant"]],
      ["xcp-control", ["--instant"]],
      ["xcp-manager", ["-e", "SHOW VMS"]],
      ["xcp-manager", ["-e", "SHOW STATUS"]],
      ["xcp-manager", ["-e", "SHOW PLAN"]],
    ] as const) {
      const result = await world.run(program, args);
      expect(result.stdout + result.stderr).not.toMatch(/internal error|\bat .*\.js/);
      if (named !== "" && program === "xcp-control") {
        expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining(named) });
      }
    }
    expect(await world.run("xcp-collect", ["-q"])).toMatchObject({ code: 0, stderr: "" });
    expect((await world.run("xcp-manager", ["-e", "SHOW PLAN"])).code).toBe(0);
  });

  it("--interval goes on after a pool's nonsense, and ends at once after a refused password", async () => {
    await using member = await nonsense({ "session.get_this_host": success({}) });
    const settings = { ...world.settings("collect"), XenHost: member.url };
    const again = await startProgram("xcp-collect", ["--interval", "0.5"], { settings });
    await expect.poll(() => again.output.stderr.split("is no ref").length).toBeGreaterThan(3);
    again.child.kill("SIGTERM");
    expect((await again.ended).code).toBe(143);
    const refused = await world.run("xcp-collect", ["--interval", "0.5"], {
      change: { XenPass: "wrong-password" },
    });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("check XenUsr and XenPass") });
  });
});
