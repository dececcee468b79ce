/** Answers of a real xapi, where they lie beside the repository. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeAnswer } from "../../src/xapi/codec.ts";
import { XapiError } from "../../src/xapi/errors.ts";
import { readRecord, readRecords, type XapiClass } from "../../src/xapi/recordCodec.ts";
import type { HostRef, TaskRef, VmRef } from "../../src/xapi/records.ts";
import { decodeResponse, type XapiStruct, type XapiValue, XmlError } from "../../src/xapi/xml.ts";
import { withClient } from "./support/connect.ts";
import { masterScript, startMember } from "./support/scriptedMember.ts";

const shared = new URL("../../../shared/xapi/", import.meta.url);
const recorded = new URL("recorded/", shared);
const here = existsSync(recorded);
const files = here ? readdirSync(recorded).filter((name) => name.endsWith(".http")) : [];
const when = test.skipIf(!here);
if (!here) console.warn("no recorded answers beside the repository: their tests are skipped");

function body(name: string): string {
  const text = readFileSync(new URL(name, recorded), "utf8");
  return text.slice(/\r?\n\r?\n/.exec(text)?.index ?? 0).trimStart();
}

function answer(name: string, method = "VM.x"): XapiValue {
  return decodeAnswer(body(`xml-${name}.http`), method);
}

function records<C extends XapiClass>(name: C) {
  return readRecords(name, answer(`${name}.get_all_records`));
}

const master = "OpaqueRef:b5b38b5b-7d3e-0d06-2037-545e64afae6f" as HostRef;
const other = "OpaqueRef:ab812a04-14b6-0c14-9ba6-c45729944b00" as HostRef;
const sharedVm = "OpaqueRef:e1c89c65-e698-5abf-9c17-24146553cf91" as VmRef;

when("every recorded XML-RPC answer decodes, as a result or as a refusal", () => {
  const names = files.filter((name) => name.startsWith("xml-"));
  expect(names.length).toBeGreaterThan(35);
  for (const name of names) {
    try {
      decodeAnswer(body(name), name.includes("listMethods") ? "system.listMethods" : "VM.x");
    } catch (error) {
      expect(error, name).toBeInstanceOf(XapiError);
    }
  }
});

when("what is recorded in other formats is refused as no XML-RPC", () => {
  const names = files.filter((name) => !name.startsWith("xml-"));
  expect(names.length).toBeGreaterThan(5);
  for (const name of names) expect(() => decodeResponse(body(name)), name).toThrow(XmlError);
  const samples = new URL("samples/", shared);
  for (const name of ["rrd_updates-2021.xml", "rrd_updates-2021-raw-nonstrict.json"]) {
    expect(() => decodeResponse(readFileSync(new URL(name, samples), "utf8")), name).toThrow(XmlError);
  }
});

when.each<[string, string, readonly string[]]>([
  ["after-logout", "SESSION_INVALID", ["OpaqueRef:c224b14b-26f4-0b5d-2c11-638ba05b7f9b"]],
  ["bad-session", "SESSION_INVALID", ["OpaqueRef:nonsense"]],
  ["bad-ref", "HANDLE_INVALID", ["VM", "OpaqueRef:00000000-0000-0000-0000-000000000000"]],
  ["null-ref", "HANDLE_INVALID", ["VM", "OpaqueRef:NULL"]],
  ["bad-uuid", "UUID_INVALID", ["VM", "00000000-0000-0000-0000-000000000000"]],
  ["login-bad", "SESSION_AUTHENTICATION_FAILED", ["root", "Authentication failure"]],
  ["too-few-args", "MESSAGE_PARAMETER_COUNT_MISMATCH", ["VM.get_all", "0", "-1"]],
  ["unknown-method", "MESSAGE_METHOD_UNKNOWN", ["VM.frobnicate"]],
  ["where-bad", "INVALID_VALUE", ["nonsense", 'Failure("lexing: empty token")']],
  ["wrong-type", "INTERNAL_ERROR", [`Failure("Expected string, got 'I(3)'")`]],
])("the refusal %s is %s", (name, code, params) => {
  expect(() => answer(name)).toThrow(expect.objectContaining({ code, params }));
});

when.each([
  ["can_boot_here", master],
  ["pool_migrate-other", master],
  ["pool_migrate-same", other],
])("the refused placement %s names VM, host and reason", (name, host) => {
  const reason = "Host does not have new leveling feature keys - not comparing VM's flags";
  const refusal = { code: "VM_INCOMPATIBLE_WITH_THIS_HOST", params: [sharedVm, host, reason] };
  expect(() => answer(name)).toThrow(expect.objectContaining(refusal));
});

when("single values are what they say", () => {
  expect(answer("login")).toBe("OpaqueRef:c224b14b-26f4-0b5d-2c11-638ba05b7f9b");
  expect(answer("login2")).toBe("OpaqueRef:281b4117-0afa-d6fb-d4c5-ff470480b182");
  expect(answer("logout")).toBe("");
  expect(answer("vcpus_max")).toBe("1");
  expect(answer("memory_overhead")).toBe("193835008");
  expect(answer("compute_free_memory")).toBe("7408566272");
  expect(answer("get-name")).toBe("renamed-é<&>");
  expect(answer("possible_hosts")).toEqual([master, other]);
  expect(answer("servertime")).toEqual(new Date("2026-11-22T23:26:52Z"));
  expect(answer("async-pool_migrate")).toBe("OpaqueRef:623bd27e-24e0-0d1e-f3d3-3f0a1bd0d74c");
  expect(answer("task.get_all_records")).toEqual(new Map());
});

when("system.listMethods is a bare list, and bare for no other method", () => {
  const methods = answer("listMethods", "system.listMethods");
  expect(methods).toHaveLength(2258);
  expect(methods).toContain("VM.pool_migrate");
  expect(() => answer("listMethods", "host.list_methods")).toThrow(XmlError);
});

when("events carry real ints among the untyped ones", () => {
  const delta = answer("event-from-delta") as XapiStruct;
  expect([...delta.keys()].sort()).toEqual(["events", "token", "valid_ref_counts"]);
  expect((delta.get("valid_ref_counts") as XapiStruct).get("host")).toBe(2);
  const [event] = delta.get("events") as XapiStruct[];
  expect(event?.get("id")).toBe("348373");
  expect(event?.get("operation")).toBe("mod");
  const vm = readRecord("VM", event?.get("snapshot") ?? null);
  expect(vm).toMatchObject({ uuid: "ed3ba3c8-3b34-199a-dab9-1d7cbacef031", resident_on: other });
  const idle = answer("event-from-timeout") as XapiStruct;
  expect(idle.get("events")).toEqual([]);
});

when.each<[XapiClass, number]>([
  ["pool", 1],
  ["host", 2],
  ["host_metrics", 2],
  ["VM", 67],
  ["VM_metrics", 72],
  ["VM_guest_metrics", 6],
  ["VBD", 12],
  ["SR", 10],
  ["PBD", 14],
  ["VIF", 8],
  ["PIF", 4],
  ["network", 3],
])("all records of %s are understood", (name, count) => {
  const all = records(name);
  expect(all.size).toBe(count);
  expect(all.skipped).toEqual([]);
  for (const record of all.values())
    expect(record.uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

when("the pool's records say what the pool is", () => {
  const [pool] = [...records("pool").values()];
  expect(pool).toMatchObject({ uuid: "4d16a60c-0b4f-6dd1-271d-6797b88cd513", master, ha_enabled: false });
  const hosts = records("host");
  expect(hosts.get(master)).toMatchObject({ enabled: true, memory_overhead: 193835008 });
  expect([...hosts.values()].map((host) => host.host_CPUs.length)).toEqual([8, 8]);
  expect(hosts.get(other)?.software_version.get("platform_version")).toBe("1.5.50");
  const metrics = hosts.get(master)?.metrics;
  expect(metrics && records("host_metrics").get(metrics)).toMatchObject({
    memory_total: 8579674112,
    live: true,
  });
});

when("the VMs are four guests, two control domains, and templates and snapshots", () => {
  const real = [...records("VM").values()].filter((vm) => !vm.is_a_template && !vm.is_a_snapshot);
  expect(real.filter((vm) => vm.is_control_domain).length).toBe(2);
  expect(
    real
      .filter((vm) => !vm.is_control_domain)
      .map((vm) => vm.name_label)
      .sort(),
  ).toEqual(["Local", "OnMasterLocal", "OnMasterShared", "Shared"]);
  expect(records("VM").get(sharedVm)).toMatchObject({
    power_state: "Running",
    resident_on: other,
    scheduled_to_be_resident_on: null,
    affinity: other,
    guest_metrics: null,
    memory_static_max: 268435456,
    memory_overhead: 5242880,
    VCPUs_max: 1,
    HVM_boot_policy: "",
    PV_bootloader: "pygrub",
    tags: [],
    groups: [],
  });
  expect(records("VM").get(sharedVm)?.platform.get("pae")).toBe("true");
  expect(records("VM").get(sharedVm)?.last_boot_CPU_flags.get("vendor")).toBe("GenuineIntel");
});

when("disks, networks and storage point at each other", () => {
  const vms = records("VM");
  for (const vbd of records("VBD").values()) expect(vbd.VM !== null && vms.has(vbd.VM)).toBe(true);
  for (const vif of records("VIF").values()) {
    expect(vif.network !== null && records("network").has(vif.network)).toBe(true);
  }
  const pbds = records("PBD");
  for (const storage of records("SR").values())
    for (const pbd of storage.PBDs) expect(pbds.has(pbd)).toBe(true);
  expect([...records("PIF").values()].map((pif) => pif.device).sort()).toEqual([
    "eth0",
    "eth0",
    "eth1",
    "eth1",
  ]);
  expect([...records("SR").values()].filter((storage) => storage.shared).length).toBeGreaterThan(0);
});

when("a failed task says why", () => {
  const tasks = readRecords("task", answer("tasks"));
  expect(tasks.get("OpaqueRef:623bd27e-24e0-0d1e-f3d3-3f0a1bd0d74c" as TaskRef)).toMatchObject({
    name_label: "Async.VM.pool_migrate",
    status: "failure",
    progress: 1,
    finished: new Date("2026-11-22T23:26:55Z"),
    resident_on: master,
    error_info: ["VM_INCOMPATIBLE_WITH_THIS_HOST", sharedVm, master, expect.stringContaining("leveling")],
    allowed_operations: [],
  });
});

when.each(["pool", "host", "VM_metrics"] as const)(
  "%s reads the same from XML as the same server's JSON says",
  (name) => {
    const json = JSON.parse(body(`json2.0-${name}.get_all_records.http`)).result as Record<
      string,
      Record<string, unknown>
    >;
    const xml = answer(`${name}.get_all_records`) as XapiStruct;
    expect([...xml.keys()].sort()).toEqual(Object.keys(json).sort());
    for (const [ref, fields] of Object.entries(json)) {
      const struct = xml.get(ref) as XapiStruct;
      expect(Object.fromEntries([...struct].map(([field, value]) => [field, likeJson(value)]))).toEqual(
        Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, likeXml(value)])),
      );
    }
  },
);

/** Ints are text in XAPI's XML, and dates are text in its JSON: both sides as text. */
function likeXml(value: unknown): unknown {
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map(likeXml);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, likeXml(item)]));
}

function likeJson(value: XapiValue): unknown {
  if (typeof value === "number") return String(value);
  if (value instanceof Date) return value.toISOString().replace(/-/g, "").replace(/\.000/, "");
  if (Array.isArray(value)) return value.map(likeJson);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([name, item]) => [name, likeJson(item)]));
}

when("the client reads the recorded pool over HTTP", async () => {
  const served = Object.fromEntries(
    files
      .filter((name) => /^xml-\w+\.get_all_records/.test(name) && !name.includes("pool."))
      .map((name) => [name.replace(/^xml-(.*)\.http$/, "$1"), body(name)]),
  );
  await using member = await startMember(
    masterScript({
      ...served,
      "pool.get_all_records": body("xml-pool.get_all_records.http"),
      "session.get_this_host": body("xml-login.http").replace(/OpaqueRef:[0-9a-f-]+/, master),
      "host.compute_free_memory": body("xml-compute_free_memory.http"),
      "host.get_servertime": body("xml-servertime.http"),
      "VM.assert_can_boot_here": body("xml-can_boot_here.http"),
      "Async.VM.pool_migrate": body("xml-async-pool_migrate.http"),
    }),
  );
  await withClient(member.url, async (client) => {
    expect((await client.vms()).size).toBe(67);
    expect((await client.vmMetrics()).size).toBe(72);
    expect((await client.hosts()).size).toBe(2);
    expect((await client.networks()).size).toBe(3);
    expect(await client.computeFreeMemory(master)).toBe(7408566272);
    expect(await client.serverTime(master)).toEqual(new Date("2026-11-22T23:26:52Z"));
    await expect(client.assertCanBootHere(sharedVm, master)).rejects.toMatchObject({
      code: "VM_INCOMPATIBLE_WITH_THIS_HOST",
    });
    expect(await client.poolMigrateAsync(sharedVm, master)).toBe(
      "OpaqueRef:623bd27e-24e0-0d1e-f3d3-3f0a1bd0d74c",
    );
  });
});
