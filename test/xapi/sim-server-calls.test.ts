/** Calls to the simulator's server: objects, sessions, tasks, slaves, as a client sees them. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SimFailure } from "../../src/simulator/server/failure.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulator/server/server.ts";
import { call, callJson, callRaw, type Param, type SmallPool, smallPool } from "./simServer.ts";

let pool: SmallPool;
let simulator: RunningSimulator;
let url: string;
let session: string;

const hour = 3_600_000;
const login = (...more: string[]) => call(url, "session.login_with_password", "root", "secret", ...more);
const ask = (method: string, ...params: Param[]) => call(url, method, session, ...params);

beforeEach(async () => {
  pool = smallPool();
  simulator = await startSimulator(pool, { http: true, https: false });
  url = simulator.masterUrl;
  session = String(await login());
});
afterEach(() => simulator.stop());

describe("objects", () => {
  test("records come one by one, all, and by an expression", async () => {
    const record = (await ask("VM.get_record", pool.vmRef)) as Record<string, unknown>;
    expect(record["name_label"]).toBe("web");
    expect(record["resident_on"]).toBe(pool.masterRef);
    expect(Object.keys((await ask("VM.get_all_records")) as object)).toEqual([pool.vmRef]);
    expect(await ask("host.get_all")).toEqual([pool.masterRef, pool.slaveRef]);
    expect(await ask("host.get_by_name_label", "xen2")).toEqual([pool.slaveRef]);
    expect(await ask("host.get_resident_VMs", pool.masterRef)).toEqual([pool.vmRef]);
  });

  test.each([
    ['field "power_state" = "Running"', 1],
    ['field "power_state" = "Halted"', 0],
    ['not field "power_state" = "Halted" and field "is_a_template" = "false"', 1],
    ['(field "name__label" = "web" or false) and true', 1],
    ['field "name_label" = "a \\" b"', 0],
    ["true", 1],
  ])("VM.get_all_records_where(%s) finds %d", async (expression, count) => {
    expect(Object.keys((await ask("VM.get_all_records_where", expression)) as object)).toHaveLength(count);
  });

  test("an expression that is none is refused with xapi's words", async () => {
    await expect(ask("VM.get_all_records_where", "nonsense")).rejects.toEqual([
      "INVALID_VALUE",
      "nonsense",
      'Failure("lexing: empty token")',
    ]);
  });

  test("RW fields are set, maps take and lose keys, RO fields have no setter", async () => {
    await ask("VM.set_name_label", pool.vmRef, "db <&>");
    expect(await ask("VM.get_name_label", pool.vmRef)).toBe("db <&>");
    await ask("VM.add_to_other_config", pool.vmRef, "k", "v");
    await expect(ask("VM.add_to_other_config", pool.vmRef, "k", "w")).rejects.toEqual([
      "MAP_DUPLICATE_KEY",
      "VM",
      "other_config",
      pool.vmRef,
      "k",
    ]);
    expect(await ask("VM.get_other_config", pool.vmRef)).toEqual({ k: "v" });
    await ask("VM.remove_from_other_config", pool.vmRef, "k");
    await ask("VM.remove_from_other_config", pool.vmRef, "k");
    expect(await ask("VM.get_other_config", pool.vmRef)).toEqual({});
    await ask("VM.add_tags", pool.vmRef, "t");
    await ask("VM.add_tags", pool.vmRef, "t");
    expect(await ask("VM.get_tags", pool.vmRef)).toEqual(["t"]);
    await expect(ask("VM.set_power_state", pool.vmRef, "Halted")).rejects.toEqual([
      "MESSAGE_METHOD_UNKNOWN",
      "VM.set_power_state",
    ]);
  });

  test.each<[string, Param[], string[]]>([
    ["VM.get_record", ["OpaqueRef:NULL"], ["HANDLE_INVALID", "VM", "OpaqueRef:NULL"]],
    ["VM.get_by_uuid", ["no"], ["UUID_INVALID", "VM", "no"]],
    ["VM.frobnicate", [], ["MESSAGE_METHOD_UNKNOWN", "VM.frobnicate"]],
    ["VMPP.get_all_records", [], ["MESSAGE_REMOVED"]],
    ["VM.get_by_uuid", [3], ["INTERNAL_ERROR", "Failure(\"Expected string, got 'I(3)'\")"]],
    ["VM.get_by_uuid", [], ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_by_uuid", "1", "0"]],
    ["VM.get_all", ["surplus"], ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_all", "0", "1"]],
    ["Async.VM.get_all", [], ["Fault", "No async mode for this operation (rpc: Async.VM.get_all)"]],
  ])("%s %j fails as xapi fails", async (method, params, failure) => {
    await expect(ask(method, ...params)).rejects.toEqual(failure);
  });

  test("a getter of a removed field is refused although records still hold it", async () => {
    const [metrics] = pool.db.all("host_metrics");
    await expect(ask("host_metrics.get_memory_free", metrics ?? "")).rejects.toEqual(["MESSAGE_REMOVED"]);
    expect(await ask("host_metrics.get_record", metrics ?? "")).toHaveProperty("memory_free");
  });

  test("a call may spell the class with an underscore, and a listed method names itself with a dot", async () => {
    expect(await ask("VM_get_all")).toEqual([pool.vmRef]);
    const names = await callRaw(url, "system.listMethods");
    expect(names).toMatch(
      /^<\?xml version="1.0"\?><methodResponse><params><param><value><array><data><value>session/,
    );
    for (const name of ["pool.get_all_records", "event.inject", "VMPP.get_all_records", "task.destroy"]) {
      expect(names).toContain(`<value>${name}</value>`);
    }
  });

  test("JSON answers in both versions, with numbers for ints", async () => {
    const [metrics = ""] = pool.db.all("VM_metrics");
    expect(await callJson(url, "VM_metrics.get_memory_actual", session, metrics)).toBe(
      '{"jsonrpc":"2.0","result":1073741824,"id":1}',
    );
    expect(await callJson(url, "VM.get_all", "OpaqueRef:nonsense")).toBe(
      '{"jsonrpc":"2.0","error":{"code":1,"message":"SESSION_INVALID","data":["OpaqueRef:nonsense"]},"id":1}',
    );
  });
});

describe("sessions", () => {
  test("a login takes two to four parameters and its session tells who it is", async () => {
    const named = String(await login("1.0", "xcp-collect"));
    expect(await call(url, "session.get_originator", named, named)).toBe("xcp-collect");
    expect(await call(url, "session.get_this_host", named, named)).toBe(pool.masterRef);
    expect(named).not.toBe(session);
  });

  test("a wrong password is refused with the user's name and no password", async () => {
    const refused = call(url, "session.login_with_password", "root", "wrong");
    await expect(refused).rejects.toEqual([
      "SESSION_AUTHENTICATION_FAILED",
      "root",
      "Authentication failure",
    ]);
  });

  test("a session ends at logout", async () => {
    await ask("session.logout");
    await expect(ask("VM.get_all")).rejects.toEqual(["SESSION_INVALID", session]);
  });

  test("a session ends after a day without calls, in the pool's time", async () => {
    pool.clock.ms += 23 * hour;
    await ask("VM.get_all");
    pool.clock.ms += 23 * hour;
    await ask("VM.get_all");
    pool.clock.ms += 24 * hour + 1;
    await expect(ask("VM.get_all")).rejects.toEqual(["SESSION_INVALID", session]);
  });

  test("the 501st session of one originator ends the one that was idle for longest, and no other's", async () => {
    const first = String(await login("1.0", "busy"));
    pool.clock.ms += 1000;
    for (let count = 2; count <= 500; count += 1) {
      pool.db.create("session", { originator: "busy", last_active: new Date(pool.clock.ms) });
    }
    await call(url, "VM.get_all", first);
    await login("1.0", "busy");
    await expect(call(url, "VM.get_all", first)).rejects.toEqual(["SESSION_INVALID", first]);
    expect(await ask("VM.get_all")).toEqual([pool.vmRef]);
  });

  test("sessions die with the pool's session objects, as at a change of the master", async () => {
    for (const ref of pool.db.all("session")) pool.db.destroy("session", ref);
    await expect(ask("VM.get_all")).rejects.toEqual(["SESSION_INVALID", session]);
  });
});

describe("hosts", () => {
  test("a slave sends every caller to the master's address", async () => {
    const slave = simulator.hosts[1]?.httpUrl ?? "";
    const moved = ["HOST_IS_SLAVE", simulator.hosts[0]?.address];
    await expect(call(slave, "session.login_with_password", "root", "secret")).rejects.toEqual(moved);
    await expect(call(slave, "VM.get_all", session)).rejects.toEqual(moved);
  });

  test("after a change of the master the new one answers and the old one redirects to it", async () => {
    pool.masterRef = pool.slaveRef;
    const [old, now] = simulator.hosts;
    await expect(login()).rejects.toEqual(["HOST_IS_SLAVE", now?.address]);
    expect(old?.httpUrl).toBe(url);
    expect(await call(simulator.masterUrl, "session.login_with_password", "root", "secret")).toMatch(
      /^OpaqueRef:/,
    );
  });

  test("by ports every host has 127.0.0.1, and the redirect names the port", async () => {
    await simulator.stop();
    simulator = await startSimulator(pool, { http: true, https: false, addressing: "ports" });
    const [master, slave] = simulator.hosts;
    expect(master?.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(pool.db.get("host", pool.slaveRef, "address")).toBe(slave?.address);
    const refused = call(slave?.httpUrl ?? "", "session.login_with_password", "root", "secret");
    await expect(refused).rejects.toEqual(["HOST_IS_SLAVE", master?.address]);
  });

  test("a toolstack that starts says so", async () => {
    pool.condition.set(pool.masterRef, "starting");
    await expect(login()).rejects.toEqual(["HOST_STILL_BOOTING"]);
  });
});

describe("tasks", () => {
  let release: (outcome: Error | null) => void;
  beforeEach(() => {
    pool.messages.set("VM.work", {
      params: ["ref:VM", "map:string:string"],
      minArgs: 1,
      async: true,
      result: "void",
      handle: ({ task }) =>
        new Promise((done, fail) => {
          release = (outcome) => (outcome === null ? done("") : fail(outcome));
          task.setProgress(0.5);
          task.cancelled.addEventListener("abort", () => fail(task.cancelled.reason));
        }),
    });
  });
  const start = async () => String(await ask("Async.VM.work", pool.vmRef));
  const settled = () => new Promise((done) => setTimeout(done, 0));

  test("an Async call answers its task at once, which then lives xapi's life", async () => {
    const ref = await start();
    const pending = (await ask("task.get_record", ref)) as Record<string, unknown>;
    expect(pending).toMatchObject({
      name_label: "Async.VM.work",
      status: "pending",
      type: "<none/>",
      resident_on: pool.masterRef,
      finished: "19700101T00:00:00Z",
      progress: 0.5,
      result: "",
      error_info: [],
    });
    release(null);
    await settled();
    expect(await ask("task.get_record", ref)).toMatchObject({
      status: "success",
      progress: 1,
      result: "<value></value>",
      finished: "20260821T02:00:23Z",
      allowed_operations: [],
    });
  });

  test("a failure lands in the task with its code and parameters", async () => {
    const ref = await start();
    release(new SimFailure("HOST_NOT_ENOUGH_FREE_MEMORY", ["2", "1"]));
    await settled();
    expect(await ask("task.get_record", ref)).toMatchObject({
      status: "failure",
      error_info: ["HOST_NOT_ENOUGH_FREE_MEMORY", "2", "1"],
    });
  });

  test("task.cancel interrupts the work, and is harmless afterwards", async () => {
    const ref = await start();
    await ask("task.cancel", ref);
    await settled();
    expect(await ask("task.get_status", ref)).toBe("cancelled");
    expect(await ask("task.cancel", ref)).toBe("");
  });

  test("a task stays until it is destroyed; one that runs goes when it ends", async () => {
    const ref = await start();
    await ask("task.destroy", ref);
    expect(await ask("task.get_status", ref)).toBe("pending");
    release(null);
    await settled();
    await expect(ask("task.get_status", ref)).rejects.toEqual(["HANDLE_INVALID", "task", ref]);
  });

  test("a finished task is cleared away after 65 minutes, not before", async () => {
    const ref = await start();
    release(null);
    await settled();
    pool.clock.ms += 64 * 60_000;
    expect(await ask("task.get_status", ref)).toBe("success");
    pool.clock.ms += 2 * 60_000;
    await expect(ask("task.get_status", ref)).rejects.toEqual(["HANDLE_INVALID", "task", ref]);
  });

  test("the task of a synchronous call vanishes with its answer", async () => {
    const answer = ask("VM.work", pool.vmRef, { map: {} });
    await expect.poll(() => pool.db.count("task")).toBe(1);
    release(null);
    expect(await answer).toBe("");
    expect(pool.db.count("task")).toBe(0);
  });

  test("a task destroyed with the toolstack is not revived by the end of its work", async () => {
    const ref = await start();
    pool.db.destroy("task", ref);
    release(null);
    await settled();
    expect(pool.db.has("task", ref)).toBe(false);
  });

  test("clients make tasks of their own", async () => {
    const ref = String(await ask("task.create", "mine", "for getResource"));
    expect(await ask("task.get_name_label", ref)).toBe("mine");
    await ask("task.destroy", ref);
    expect(pool.db.has("task", ref)).toBe(false);
  });
});
