/** XAPI's roles: what each may call, and how the pool refuses the rest. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { genericMessages } from "../../src/simulator/messages/genericMessages.ts";
import { valuesOfEnum, type WireType, wireType } from "../../src/simulator/objects/datamodel.ts";
import { mayDo, permissionOf, type Role, roles } from "../../src/simulator/objects/roles.ts";
import { startSimulator } from "../../src/simulator/server/server.ts";
import { runProgram } from "../support/programs.ts";
import { type Argument, openScenario, openThesis } from "./simPool.ts";
import { call, type Param } from "./simServer.ts";

const datamodel = new URL("../../../shared/xapi/datamodel.json", import.meta.url);

const scenario = `
pool "Roles"
host a master cpus=4 memory=8192
host b cpus=4 memory=8192
vm web on=a vcpus=1 memory=2048 tools
${roles.map((role) => `user ${role} password=secret role=${role}`).join("\n")}
user another password=secret role=vm-power-admin
`;

interface Asked {
  readonly pool: SimulatedPool;
  readonly host: string;
  readonly vm: string;
  /** Logs in and answers how to call as that user. */
  readonly as: (
    user: string,
    password?: string,
  ) => Promise<(method: string, ...args: Param[]) => Promise<unknown>>;
}

async function asked(work: (pool: Asked) => Promise<void>): Promise<void> {
  const pool = SimulatedPool.fromScenario(scenario, { badPasswordDelayMs: 0, speed: 5 });
  const served = await startSimulator(pool, { http: true, https: false });
  const url = served.masterUrl;
  const named = (cls: string, name: string) =>
    pool.db.all(cls).find((ref) => pool.db.text(cls, ref, "name_label") === name) ?? "";
  try {
    await work({
      pool,
      host: named("host", "b"),
      vm: named("VM", "web"),
      as: async (user, password = "secret") => {
        const session = String(await call(url, "session.login_with_password", user, password));
        return (method, ...args) => call(url, method, session, ...args);
      },
    });
  } finally {
    await served.stop();
    pool.close();
  }
}

const denied = (permission: string, having: string) => [
  "RBAC_PERMISSION_DENIED",
  permission,
  `No permission in user session. (Roles with this permission: ${having})`,
];

interface Message {
  readonly name: string;
  readonly min_role: string | null;
}

describe("who may call what", () => {
  test.skipIf(!existsSync(datamodel))(
    "is as xapi's own datamodel has it, for every message of the pool that it knows (skipped without ../shared)",
    async () => {
      const { classes } = JSON.parse(readFileSync(datamodel, "utf8")) as {
        classes: Record<string, { messages: Message[] }>;
      };
      const p = await openThesis();
      const names = (await p.call("host.list_methods")) as string[];
      const wrong: unknown[] = [];
      let compared = 0;
      for (const name of names) {
        const [cls = "", message = ""] = name.split(".");
        const found = classes[cls]?.messages.find((each) => each.name === message);
        if (found === undefined) continue;
        compared += 1;
        const ours = permissionOf(name).role;
        const wanted = found.min_role ?? "nobody";
        if (ours !== wanted) wrong.push({ name, ours, wanted });
      }
      expect(wrong).toEqual([]);
      expect(compared).toBeGreaterThan(900);
    },
  );

  test("each role may what those with fewer rights may, and no more", async () => {
    await asked(async ({ as, vm, host }) => {
      const calls: readonly [Role, string, ...Param[]][] = [
        ["read-only", "VM.get_record", vm],
        ["vm-operator", "VM.set_tags", vm, ["x"]],
        ["vm-admin", "VM.set_name_label", vm, "web"],
        ["vm-power-admin", "VM.set_affinity", vm, host],
        ["pool-operator", "host.disable", host],
        ["pool-operator", "host.enable", host],
        ["pool-admin", "VM.update_allowed_operations", vm],
      ];
      for (const role of roles) {
        const ask = await as(role);
        for (const [needed, method, ...args] of calls) {
          const answer = await ask(method, ...args).catch((failure: unknown) => failure);
          const may = roles.indexOf(role) <= roles.indexOf(needed);
          const refused = Array.isArray(answer) && answer[0] === "RBAC_PERMISSION_DENIED";
          expect([role, method, !refused]).toEqual([role, method, may]);
        }
      }
    });
  });
});

/** An argument that the type takes; the refusal comes before anybody looks at it. */
function anything(type: WireType): Param {
  switch (type.kind) {
    case "int":
    case "int32":
      return 0;
    case "float":
      return { double: 0 };
    case "bool":
      return false;
    case "set":
      return [];
    case "map":
    case "record":
      return { map: {} };
    case "enum":
      return valuesOfEnum(type.name)[0] ?? "";
    case "datetime":
      return "19700101T00:00:00Z";
    default:
      return "OpaqueRef:none";
  }
}

describe("every message above a role", () => {
  test.each(["read-only", "vm-power-admin"] as const)("is refused to %s", async (role) => {
    await asked(async ({ as, pool }) => {
      const ask = await as(role);
      const definitions = new Map([...genericMessages(pool.db), ...pool.messages]);
      const above = [...definitions].filter(([name]) => !mayDo(role, permissionOf(name)));
      expect(above.length).toBeGreaterThan(role === "read-only" ? 250 : 120);
      const generation = pool.db.journal.generation;
      for (const [name, { params }] of above) {
        const answer = ask(name, ...params.map((param) => anything(wireType(param))));
        await expect(answer, name).rejects.toEqual(
          expect.arrayContaining(["RBAC_PERMISSION_DENIED", name.toLowerCase()]),
        );
      }
      for (const args of [
        ["message.create", "m", 1, "VM", "u", "b"],
        ["message.destroy", "OpaqueRef:none"],
      ])
        await expect(ask(...(args as [string, ...Param[]]))).rejects.toContain("RBAC_PERMISSION_DENIED");
      // Tasks of synchronous calls come and go; nothing else has changed.
      const changes = pool.db.journal
        .since(generation)
        .filter(({ cls }) => cls !== "task" && cls !== "session");
      expect(changes.filter(({ cls }) => !/_metrics$/.test(cls))).toEqual([]);
    });
  });
});

describe("a refusal", () => {
  test("names the permission in small letters and the roles that have it, before it looks at the object", async () => {
    await asked(async ({ as, pool, vm, host }) => {
      const readOnly = await as("read-only");
      await expect(readOnly("VM.pool_migrate", vm, host, { map: {} })).rejects.toEqual(
        denied("vm.pool_migrate", "vm-power-admin, pool-admin, pool-operator"),
      );
      await expect(readOnly("host.disable", "OpaqueRef:none")).rejects.toEqual(
        denied("host.disable", "pool-admin, pool-operator"),
      );
      await expect(readOnly("VM_start", vm, false, false)).rejects.toEqual(
        denied("vm.start", "vm-power-admin, vm-admin, vm-operator, pool-admin, pool-operator"),
      );
      expect(pool.db.get("host", host, "enabled")).toBe(true);
    });
  });

  test("of an Async call is its task's end, which everybody may read", async () => {
    await asked(async ({ as, pool, vm, host }) => {
      const readOnly = await as("read-only");
      const task = String(await readOnly("Async.VM.pool_migrate", vm, host, { map: { live: "true" } }));
      await expect.poll(() => readOnly("task.get_status", task)).toBe("failure");
      expect(await readOnly("task.get_error_info", task)).toEqual(
        denied("vm.pool_migrate", "vm-power-admin, pool-admin, pool-operator"),
      );
      expect(await readOnly("task.destroy", task)).toBe("");
      expect(pool.db.get("VM", vm, "scheduled_to_be_resident_on")).toBe("OpaqueRef:NULL");
    });
  });

  test("of a guarded key names the key; other keys need the map's own role", async () => {
    await asked(async ({ as, vm }) => {
      const [operator, admin] = [await as("vm-operator"), await as("vm-admin")];
      expect(await operator("VM.add_to_other_config", vm, "folder", "/web")).toBe("");
      expect(await operator("VM.add_to_other_config", vm, "XenCenter.CustomFields.owner", "ann")).toBe("");
      await expect(operator("VM.add_to_other_config", vm, "k", "v")).rejects.toEqual(
        denied("vm.add_to_other_config", "vm-power-admin, vm-admin, pool-admin, pool-operator"),
      );
      expect(await admin("VM.add_to_other_config", vm, "k", "v")).toBe("");
      await expect(admin("VM.add_to_other_config", vm, "pci", "0/0")).rejects.toEqual(
        denied("vm.add_to_other_config/key:pci", "pool-admin"),
      );
    });
  });
});

describe("tasks", () => {
  test("of one's own may be ended by everybody, those of others by who may destroy any", async () => {
    await asked(async ({ as, vm, host, pool }) => {
      const [mine, again, other, operator] = [
        await as("vm-power-admin"),
        await as("vm-power-admin"),
        await as("another"),
        await as("pool-operator"),
      ];
      const begin = async () =>
        String(await mine("Async.VM.pool_migrate", vm, host, { map: { live: "true" } }));
      const refused = denied("task.destroy/any", "pool-admin, pool-operator");
      const task = await begin();
      await expect(other("task.cancel", task)).rejects.toEqual(refused);
      await expect(other("task.destroy", task)).rejects.toEqual(refused);
      expect(await other("task.get_status", task)).toBe("pending");
      expect(await again("task.cancel", task)).toBe("");
      await expect.poll(() => mine("task.get_status", task)).toBe("cancelled");
      expect(await operator("task.destroy", task)).toBe("");
      expect(pool.db.has("task", task)).toBe(false);
    });
  });
});

describe("users", () => {
  test("of the directory are subjects of the pool, the local superuser is none and may everything", async () => {
    await asked(async ({ as, pool, vm }) => {
      const session = (name: string) =>
        pool.db.all("session").find((ref) => pool.db.text("session", ref, "auth_user_name") === name) ?? "";
      await as("read-only");
      const { db } = pool;
      expect(db.get("session", session("read-only"), "is_local_superuser")).toBe(false);
      const subject = db.text("session", session("read-only"), "subject");
      expect(db.map("subject", subject, "other_config")).toEqual({ "subject-name": "read-only" });
      expect(db.text("session", session("read-only"), "auth_user_sid")).toBe(
        db.text("subject", subject, "subject_identifier"),
      );
      const root = await as("root", "xenroot");
      expect(db.get("session", session("root"), "is_local_superuser")).toBe(true);
      expect(await root("VM.set_tags", vm, [])).toBe("");
      expect(await root("host.set_license_params", db.all("host")[0] ?? "", { map: {} })).toBe("");
      await expect(as("read-only", "wrong")).rejects.toEqual([
        "SESSION_AUTHENTICATION_FAILED",
        "read-only",
        "Authentication failure",
      ]);
    });
  });

  test.each([
    ["user", "user needs a name"],
    ["user ann", "user ann needs password=TEXT"],
    ["user ann password=x role=king", "role=king: must be one of pool-admin, pool-operator"],
    ["user ann password=x\nuser ann password=y", "there are two users called ann"],
  ])("a scenario with %j is refused", async (line, problem) => {
    await expect(openScenario(`host a\n${line}\n`)).rejects.toThrow(problem);
  });

  test("xcp-sim --role gives its user one", async () => {
    const { code, stderr } = await runProgram("xcp-sim", ["--role", "king"]);
    expect(code).toBe(2);
    expect(stderr).toContain("pool-admin, pool-operator, vm-power-admin, vm-admin, vm-operator, read-only");
    const p = await openThesis({ role: "read-only" });
    const args: Argument[] = [p.vm("VM2 - Debian"), p.host("Host1"), {}];
    expect((await p.failure("VM.pool_migrate", ...args))?.[0]).toBe("RBAC_PERMISSION_DENIED");
    expect(await p.failure("VM.get_all_records")).toBeNull();
  });
});
