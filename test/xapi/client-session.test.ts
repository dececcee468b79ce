import type { ServerResponse } from "node:http";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import { connectXapi } from "../../src/xapi/client.ts";
import { XapiError, XapiUnreachable } from "../../src/xapi/errors.ts";
import type { HostRef, TaskRef, VmRef } from "../../src/xapi/records.ts";
import type { XapiClient } from "../../src/xapi/xapiClient.ts";
import { options, rejection, withClient } from "./support/connect.ts";
import {
  masterRef,
  masterScript,
  password,
  poolRecord,
  poolUuid,
  slaveScript,
  startMember,
} from "./support/scriptedMember.ts";
import { failure, success } from "./support/xapiText.ts";

const vm = "OpaqueRef:vm" as VmRef;
const host = masterRef as HostRef;

test("logging in sends user, password, version and originator, and logs out at the end", async () => {
  await using member = await startMember(masterScript());
  await withClient(member.url, async (client) => {
    expect(client.pool.uuid).toBe(poolUuid);
    expect(client.url).toBe(member.url);
  });
  expect(member.calls[0]?.params).toEqual(["root", password, "1.1", "xcp-test"]);
  expect(member.calls.at(-1)).toMatchObject({ method: "session.logout", params: ["OpaqueRef:session-1"] });
});

test("a pool that counts parameters strictly is logged in to with two", async () => {
  const seen: number[] = [];
  await using member = await startMember(
    masterScript({
      "session.login_with_password": (call) => {
        seen.push(call.params.length);
        if (call.params.length === 2) return success("OpaqueRef:old");
        return failure("MESSAGE_PARAMETER_COUNT_MISMATCH", call.method, "2", "4");
      },
    }),
  );
  await withClient(member.url, async () => {});
  expect(seen).toEqual([4, 2]);
});

test("the session is logged out when work with it throws", async () => {
  await using member = await startMember(
    masterScript({ "VM.get_record": failure("HANDLE_INVALID", "VM", vm) }),
  );
  const error = await rejection(withClient(member.url, (client) => client.vm(vm)));
  expect(error).toMatchObject({ name: "XapiError", code: "HANDLE_INVALID", params: ["VM", vm] });
  expect(member.methods().at(-1)).toBe("session.logout");
});

test("the session is logged out when the pool turns out to be another one", async () => {
  await using member = await startMember(masterScript());
  const error = await rejection(connectXapi(options(member.url, { expectedPoolUuid: "another" })));
  expect(error).toMatchObject({ code: "pool", message: expect.stringContaining(poolUuid) });
  expect(member.methods().at(-1)).toBe("session.logout");
});

test("the session is logged out when the pool cannot be read", async () => {
  await using member = await startMember(masterScript({ "pool.get_all_records": "<html></html>" }));
  expect(await rejection(connectXapi(options(member.url)))).toBeInstanceOf(AppError);
  expect(member.methods()).toEqual(["session.login_with_password", "pool.get_all_records", "session.logout"]);
});

test("a host that answers but is not its pool's master is refused and logged out", async () => {
  await using member = await startMember(
    masterScript({
      "pool.get_all_records": success({ "OpaqueRef:pool": poolRecord({ master: "OpaqueRef:other" }) }),
    }),
  );
  const error = await rejection(connectXapi(options(member.url)));
  expect(error).toMatchObject({ code: "pool", message: expect.stringContaining("another master") });
  expect(member.methods().at(-1)).toBe("session.logout");
});

test("logout happens although the signal was aborted, and later verbs are refused", async () => {
  await using member = await startMember(masterScript());
  const abort = new AbortController();
  const client = await connectXapi(options(member.url, { signal: abort.signal }));
  abort.abort(new Error("told to stop"));
  await expect(client.pools()).rejects.toThrow("told to stop");
  await client.close();
  expect(member.methods().at(-1)).toBe("session.logout");
  await expect(client.pools()).rejects.toBeInstanceOf(XapiUnreachable);
});

test("told to stop while a login is on its way: its answer is awaited, and the session logged out", async () => {
  const abort = new AbortController();
  await using member = await startMember(
    masterScript({
      "session.login_with_password": (_, response) => {
        abort.abort(new Error("told to stop"));
        setTimeout(() => response.end(success("OpaqueRef:late")), 50);
        return null;
      },
    }),
  );
  await expect(connectXapi(options(member.url, { signal: abort.signal }))).rejects.toThrow("told to stop");
  expect(member.methods()).toEqual(["session.login_with_password", "session.logout"]);
  expect(member.calls[1]?.params).toEqual(["OpaqueRef:late"]);
});

test("told to stop before a login was sent: nothing is sent", async () => {
  await using member = await startMember(masterScript());
  const signal = AbortSignal.abort(new Error("told to stop"));
  await expect(connectXapi(options(member.url, { signal }))).rejects.toThrow("told to stop");
  expect(member.calls).toEqual([]);
});

test("closing twice, or when the pool is gone, throws nothing", async () => {
  const member = await startMember(masterScript());
  const client = await connectXapi(options(member.url));
  await member.close();
  await client.close();
  await client.close();
});

test("a wrong password is tried once, on one member, and says what to check", async () => {
  await using first = await startMember(masterScript());
  await using second = await startMember(masterScript());
  const attempt = connectXapi(options([first.url, second.url], { password: "canary-password" }));
  const error = await rejection(attempt);
  expect(error).toMatchObject({ code: "login", message: expect.stringContaining("XenPass") });
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary-password");
  expect(first.methods()).toEqual(["session.login_with_password"]);
  expect(second.calls).toEqual([]);
});

test("a password that XML cannot carry is refused without being shown or sent", async () => {
  await using member = await startMember(masterScript());
  const error = await rejection(connectXapi(options(member.url, { password: "canary\u0001password" })));
  expect(error).toMatchObject({ code: "login", message: expect.stringContaining("U+0001") });
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  expect(member.calls).toEqual([]);
});

test("passwords and sessions that a pool echoes are scrubbed from its errors", async () => {
  await using member = await startMember(
    masterScript({
      "VM.get_record": (call) => failure("INTERNAL_ERROR", `${String(call.params[0])} with ${password}`),
    }),
  );
  const error = await rejection(withClient(member.url, (client) => client.vm(vm)));
  expect(error.message).toContain("[session] with [password]");
  expect(inspect(error, { depth: 9 })).not.toMatch(/session-1|battery/);
});

test("a slave is followed to the master it names, with the port of the URL that was used", async () => {
  await using master = await startMember(masterScript(), { host: "127.0.0.2" });
  await using slave = await startMember(
    slaveScript(() => "127.0.0.2"),
    { port: master.port },
  );
  const known = { collected: ["127.0.0.2"], allowed: [] };
  await withClient(slave.url, async (client) => expect(client.url).toBe(master.url), { known });
  expect(slave.methods()).toEqual(["session.login_with_password"]);
});

test("F21: members that only name each other are asked until two redirects were followed", async () => {
  const names: string[] = [];
  await using first = await startMember(slaveScript(() => names[1] ?? ""));
  await using second = await startMember(slaveScript(() => names[0] ?? ""));
  names.push(first.address, second.address);
  const known = { collected: names, allowed: [] };
  const error = await rejection(connectXapi(options(first.url, { known })));
  expect(error).toMatchObject({ code: "pool", message: expect.stringContaining("after 2 redirects") });
  expect([first.calls.length, second.calls.length]).toEqual([2, 1]);
});

test("a slave that names nonsense is no way to a master", async () => {
  await using slave = await startMember(slaveScript(() => "no/such host?"));
  expect(await rejection(connectXapi(options(slave.url)))).toMatchObject({ code: "pool" });
  expect(slave.calls.length).toBe(1);
});

test("dead, booting and garbled members are passed over in turn", async () => {
  const gone = await startMember(masterScript());
  await gone.close();
  await using booting = await startMember(() => failure("HOST_STILL_BOOTING"));
  await using garbled = await startMember(() => "<html>It works!</html>");
  await using slaveOfDead = await startMember(slaveScript(() => gone.address));
  await using master = await startMember(masterScript());
  const urls = [gone.url, booting.url, garbled.url, slaveOfDead.url, master.url];
  await withClient(urls, async (client) => expect(client.url).toBe(master.url));
  expect(master.methods().at(-1)).toBe("session.logout");
});

test("a silent member is passed over after the call's deadline", async () => {
  await using mute = await startMember(() => null);
  await using master = await startMember(masterScript());
  const client = await connectXapi(options([mute.url, master.url], { callTimeoutMs: 1500 }));
  expect(client.url).toBe(master.url);
  await client.close();
});

test("when no member serves, the error names each with its reason", async () => {
  const gone = await startMember(masterScript());
  await gone.close();
  await using booting = await startMember(() => failure("HOST_STILL_BOOTING"));
  const error = await rejection(connectXapi(options([gone.url, booting.url])));
  expect(error).toBeInstanceOf(AppError);
  expect(error.message).toContain(`${gone.url}: connection refused`);
  expect(error.message).toMatch(new RegExp(`${booting.url}: .*HOST_STILL_BOOTING`));
  expect(error.message).toContain("XenHost");
});

test("an ejected member that answers for its own pool is passed over for the pool that is meant", async () => {
  const other = poolRecord({ uuid: "ejected", master: masterRef });
  await using ejected = await startMember(
    masterScript({ "pool.get_all_records": success({ "OpaqueRef:p": other }) }),
  );
  await using master = await startMember(masterScript());
  await withClient([ejected.url, master.url], async (client) => expect(client.url).toBe(master.url), {
    expectedPoolUuid: poolUuid.toUpperCase(),
  });
  expect(ejected.methods().at(-1)).toBe("session.logout");
});

test("F24: a forgotten session is renewed once and the call repeated, a migration too", async () => {
  const migrations: unknown[] = [];
  await using member = await startMember(
    masterScript({
      "Async.VM.pool_migrate": (call) => {
        migrations.push(call.params[0]);
        if (migrations.length === 1) return failure("SESSION_INVALID", String(call.params[0]));
        return success("OpaqueRef:task");
      },
    }),
  );
  await withClient(member.url, async (client) => {
    expect(await client.poolMigrateAsync(vm, host)).toBe("OpaqueRef:task");
  });
  expect(migrations).toEqual(["OpaqueRef:session-1", "OpaqueRef:session-2"]);
  expect(member.calls.at(-1)?.params).toEqual(["OpaqueRef:session-2"]);
});

test("a session that stays forgotten is renewed once only", async () => {
  await using member = await startMember(
    masterScript({ "VM.get_record": (call) => failure("SESSION_INVALID", String(call.params[0])) }),
  );
  const error = await rejection(withClient(member.url, (client) => client.vm(vm)));
  expect(error).toMatchObject({ name: "XapiError", code: "SESSION_INVALID", params: ["[session]"] });
  expect(member.methods().filter((method) => method === "session.login_with_password").length).toBe(2);
});

test("calls that find the session forgotten at the same time share one new login", async () => {
  await using member = await startMember(
    masterScript({
      "VM.get_record": (call) =>
        call.params[0] === "OpaqueRef:session-1"
          ? failure("SESSION_INVALID", "OpaqueRef:session-1")
          : failure("HANDLE_INVALID", "VM", vm),
    }),
  );
  await withClient(member.url, async (client) => {
    const outcomes = await Promise.all([1, 2, 3].map(() => rejection(client.vm(vm))));
    expect(outcomes.map((error) => (error as XapiError).code)).toEqual(Array(3).fill("HANDLE_INVALID"));
  });
  expect(member.methods().filter((method) => method === "session.login_with_password").length).toBe(2);
});

test("a call that learns late that the session was forgotten takes the new one, without a third login", async () => {
  const late: ServerResponse[] = [];
  await using member = await startMember(
    masterScript({
      "VM.get_record": (call, response) => {
        if (call.params[0] === "OpaqueRef:session-2") return failure("HANDLE_INVALID", "VM", vm);
        late.push(response);
        return null;
      },
      "host.get_record": (call) =>
        failure(call.params[0] === "OpaqueRef:session-1" ? "SESSION_INVALID" : "HANDLE_INVALID", "host"),
    }),
  );
  await withClient(member.url, async (client) => {
    const slow = rejection(client.vm(vm));
    await expect.poll(() => late.length).toBe(1);
    expect(await rejection(client.host(host))).toMatchObject({ code: "HANDLE_INVALID" });
    late[0]?.end(failure("SESSION_INVALID", "OpaqueRef:session-1"));
    expect(await slow).toMatchObject({ code: "HANDLE_INVALID" });
  });
  expect(member.methods().filter((method) => method === "session.login_with_password").length).toBe(2);
});

test("a session is not renewed in another pool", async () => {
  let uuid = poolUuid;
  await using member = await startMember(
    masterScript({
      "pool.get_all_records": () => success({ "OpaqueRef:pool": poolRecord({ uuid }) }),
      "VM.get_record": (call) => failure("SESSION_INVALID", String(call.params[0])),
    }),
  );
  await withClient(member.url, async (client) => {
    uuid = "another-pool";
    expect(await rejection(client.vm(vm))).toMatchObject({
      code: "pool",
      message: expect.stringContaining("another-pool"),
    });
  });
});

test("when the master becomes a slave, the call goes on at the new master of the same pool", async () => {
  await using next = await startMember(masterScript({ "VM.get_by_uuid": success(vm) }));
  const old = masterScript();
  let slave = false;
  await using first = await startMember((call, response) =>
    slave ? failure("HOST_IS_SLAVE", next.address) : old(call, response),
  );
  const known = { collected: [next.address], allowed: [] };
  const calls = async (client: XapiClient) => {
    slave = true;
    expect(await client.vmByUuid("some-uuid")).toBe(vm);
    expect(client.url).toBe(next.url);
  };
  await withClient(first.url, calls, { known });
  expect(next.methods().at(-1)).toBe("session.logout");
});

test("a migration whose answer is lost is not sent again", async () => {
  await using member = await startMember(
    masterScript({
      "Async.VM.pool_migrate": (_, response) => {
        response.destroy();
        return null;
      },
    }),
  );
  const error = await rejection(withClient(member.url, (client) => client.poolMigrateAsync(vm, host)));
  expect(error).toMatchObject({ name: "XapiUnreachable", reason: "lost", sent: true });
  expect(member.methods().filter((method) => method === "Async.VM.pool_migrate").length).toBe(1);
});

test("a pool that speaks of a fault is a refusal with its text", async () => {
  const fault =
    "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>0</int></value></member>" +
    "<member><name>faultString</name><value>No async mode for this operation (rpc: x)</value></member></struct>" +
    "</value></fault></methodResponse>";
  await using member = await startMember(masterScript({ "task.cancel": fault }));
  const error = await rejection(withClient(member.url, (client) => client.cancelTask("t" as TaskRef)));
  expect(error).toBeInstanceOf(XapiError);
  expect(error).toMatchObject({ code: "Fault", params: ["No async mode for this operation (rpc: x)"] });
});

test("an address with a password in it is refused without showing it", async () => {
  const error = await rejection(connectXapi(options("https://root:canary@10.0.0.1")));
  expect(error).toMatchObject({ code: "settings" });
  expect(error.message).not.toContain("canary");
});
