import { expect, test } from "vitest";
import type { HostRef, TaskRef, VmRef } from "../../src/xapi/records.ts";
import { rejection, withClient } from "./support/connect.ts";
import { type Answers, masterScript, startMember } from "./support/scriptedMember.ts";
import { Double, failure, success, type Written } from "./support/xapiText.ts";

const host = "OpaqueRef:host-1" as HostRef;
const vm = "OpaqueRef:vm" as VmRef;
const task = "OpaqueRef:task" as TaskRef;

const uuidOf = (n: number) => `00000000-0000-0000-0000-00000000000${n}`;

/** A VM's record as the oldest pool would write it. */
const oldVm: Record<string, Written> = {
  uuid: uuidOf(1),
  name_label: "web",
  power_state: "Running",
  is_a_template: false,
  is_control_domain: false,
  resident_on: host,
  memory_dynamic_min: "1073741824",
  memory_dynamic_max: "2147483648",
  memory_static_max: "4294967296",
  VCPUs_max: "2",
  metrics: "OpaqueRef:NULL",
  guest_metrics: "",
  VBDs: ["OpaqueRef:vbd"],
  VIFs: [],
};

async function asking<T>(answers: Answers, work: Parameters<typeof withClient<T>>[1]): Promise<T> {
  await using member = await startMember(masterScript(answers));
  return await withClient(member.url, work);
}

test("fields that an old pool does not know get the value that means nothing", async () => {
  const vms = await asking({ "VM.get_all_records": success({ [vm]: oldVm }) }, (client) => client.vms());
  expect(vms.skipped).toEqual([]);
  expect(vms.get(vm)).toMatchObject({
    memory_dynamic_min: 1073741824,
    resident_on: host,
    scheduled_to_be_resident_on: null,
    affinity: null,
    metrics: null,
    guest_metrics: null,
    is_a_snapshot: false,
    memory_overhead: 0,
    VGPUs: [],
    groups: [],
    tags: [],
    domain_type: "unspecified",
    blocked_operations: new Map(),
    hardware_platform_version: 0,
  });
});

test("words and fields that are not known yet are kept or passed over", async () => {
  const record = { ...oldVm, power_state: "Hibernated", domain_type: "unikernel", brand_new: { a: ["b"] } };
  const vms = await asking({ "VM.get_all_records": success({ [vm]: record }) }, (client) => client.vms());
  expect(vms.get(vm)).toMatchObject({ power_state: "Hibernated", domain_type: "unikernel" });
});

test("a record that makes no sense is left out and named, the others are kept", async () => {
  const { power_state, ...without } = oldVm;
  const answer = success({
    [vm]: oldVm,
    "OpaqueRef:bad1": { ...oldVm, uuid: uuidOf(2), name_label: "broken", VCPUs_max: "many" },
    "OpaqueRef:bad2": { ...without, uuid: uuidOf(3) },
    "OpaqueRef:bad3": { ...oldVm, memory_static_max: "9223372036854775807" },
    "OpaqueRef:bad4": { ...oldVm, tags: "no list" },
    "OpaqueRef:bad5": "no record",
    "OpaqueRef:bad6": { ...oldVm, memory_dynamic_min: "-1" },
    "OpaqueRef:bad7": { ...oldVm, memory_overhead: "1125899906842624" },
    "OpaqueRef:bad8": { ...oldVm, VCPUs_max: "NaN" },
    "OpaqueRef:bad9": { ...oldVm, uuid: "perhaps" },
    "OpaqueRef:bad10": { ...oldVm, resident_on: { a: "b" } },
    "OpaqueRef:bad11": { ...oldVm, name_label: ["web"] },
  });
  expect(power_state).toBe("Running");
  const vms = await asking({ "VM.get_all_records": answer }, (client) => client.vms());
  expect([...vms.keys()]).toEqual([vm]);
  expect(vms.skipped).toEqual([
    {
      class: "VM",
      ref: "OpaqueRef:bad1",
      uuid: uuidOf(2),
      name: "broken",
      reason: "VCPUs_max is not a whole number",
      readable: expect.objectContaining({ name_label: "broken", power_state: "Running" }),
    },
    expect.objectContaining({
      ref: "OpaqueRef:bad2",
      uuid: uuidOf(3),
      name: "web",
      reason: "power_state is missing",
    }),
    expect.objectContaining({ ref: "OpaqueRef:bad3", reason: "memory_static_max is not a whole number" }),
    expect.objectContaining({ ref: "OpaqueRef:bad4", reason: "tags is not a list" }),
    {
      class: "VM",
      ref: "OpaqueRef:bad5",
      uuid: "",
      name: "",
      reason: "VM: the record is no struct",
      readable: {},
    },
    expect.objectContaining({ ref: "OpaqueRef:bad6", reason: "memory_dynamic_min is not a size in bytes" }),
    expect.objectContaining({ ref: "OpaqueRef:bad7", reason: "memory_overhead is not a size in bytes" }),
    expect.objectContaining({ ref: "OpaqueRef:bad8", reason: "VCPUs_max is not a whole number" }),
    expect.objectContaining({ ref: "OpaqueRef:bad9", reason: "uuid is not a uuid" }),
    expect.objectContaining({ ref: "OpaqueRef:bad10", reason: "resident_on is no ref" }),
    expect.objectContaining({ ref: "OpaqueRef:bad11", reason: "name_label is not text" }),
  ]);
});

test("a field that the other records have is missing in one: it is no field that the pool does not know", async () => {
  const { VBDs, ...without } = oldVm;
  const answer = success({ [vm]: oldVm, "OpaqueRef:bad": { ...without, uuid: uuidOf(2) } });
  expect(VBDs).toHaveLength(1);
  const vms = await asking({ "VM.get_all_records": answer }, (client) => client.vms());
  expect([...vms.keys()]).toEqual([vm]);
  expect(vms.skipped).toMatchObject([
    { ref: "OpaqueRef:bad", uuid: uuidOf(2), name: "web", reason: "VBDs is missing" },
  ]);
  expect(vms.skipped[0]?.readable).not.toHaveProperty("VBDs");
});

test("a ref that comes twice is no answer of XAPI's: which of the two is meant cannot be told", async () => {
  const text = success({ [vm]: oldVm, "OpaqueRef:other": { ...oldVm, uuid: uuidOf(2) } });
  const answer = text.replace("OpaqueRef:other", vm);
  const refused = await rejection(asking({ "VM.get_all_records": answer }, (client) => client.vms()));
  expect(String(refused)).toContain(`VM: the ref ${vm} comes twice`);
});

test("a name keeps every character that arrived", async () => {
  const name = '  "quoted" <&> \u001b[31m \u202e emoji 😀 \n __proto__ ';
  const record = { ...oldVm, name_label: name, other_config: { __proto__x: "1", ["__proto__"]: "2" } };
  const vms = await asking({ "VM.get_all_records": success({ [vm]: record }) }, (client) => client.vms());
  expect(vms.get(vm)?.name_label).toBe(name);
  expect(vms.get(vm)?.other_config.get("__proto__")).toBe("2");
});

test("a class that the pool does not know is empty for groups, and a refusal for others", async () => {
  await asking({}, async (client) => {
    expect((await client.vmGroups()).size).toBe(0);
    expect(await rejection(client.srs())).toMatchObject({ code: "MESSAGE_METHOD_UNKNOWN" });
  });
  await asking({ "VM_group.get_all_records": failure("MESSAGE_REMOVED") }, async (client) => {
    expect((await client.vmGroups()).size).toBe(0);
  });
  await asking({ "VM_group.get_all_records": failure("INTERNAL_ERROR", "x") }, async (client) => {
    expect(await rejection(client.vmGroups())).toMatchObject({ code: "INTERNAL_ERROR" });
  });
});

test.each([
  [new Double(0.25), 0.25],
  [new Double(Number.NaN), Number.NaN],
  [new Double(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY],
  ["12", 12],
])("the data source value %s is the number %d", async (written, value) => {
  const answers = { "VM.query_data_source": success(written), "host.query_data_source": success(written) };
  await asking(answers, async (client) => {
    expect(await client.queryVmDataSource(vm, "cpu0")).toBe(value);
    expect(await client.queryHostDataSource(host, "cpu0")).toBe(value);
  });
});

test("a data source value that is no number is a garbled answer", async () => {
  const error = await asking({ "VM.query_data_source": success(["x"]) }, (client) =>
    rejection(client.queryVmDataSource(vm, "cpu0")),
  );
  expect(error).toMatchObject({ name: "XapiUnreachable", reason: "garbled" });
});

test("the metrics of one host are found through the host", async () => {
  const answers: Answers = {
    "host.get_metrics": success("OpaqueRef:metrics"),
    "host_metrics.get_record": (call) =>
      call.params[1] === "OpaqueRef:metrics"
        ? success({ uuid: "m", memory_total: "8579674112", live: false })
        : failure("HANDLE_INVALID", "host_metrics", String(call.params[1])),
  };
  const metrics = await asking(answers, (client) => client.hostMetricsOf(host));
  expect(metrics).toEqual({ uuid: "m", memory_total: 8579674112, live: false });
});

test("a null ref as the answer to a uuid is no object", async () => {
  const error = await asking({ "VM.get_by_uuid": success("OpaqueRef:NULL") }, (client) =>
    rejection(client.vmByUuid("u")),
  );
  expect(error).toMatchObject({ reason: "garbled" });
});

test("a task is read with its progress, cancelled and destroyed", async () => {
  const asked: unknown[] = [];
  const note = (call: { method: string; params: readonly unknown[] }) => {
    asked.push([call.method, call.params[1]]);
    return success("");
  };
  const record = {
    uuid: "t",
    name_label: "Async.VM.pool_migrate",
    created: new Date("2026-11-22T10:00:00Z"),
    finished: new Date(0),
    status: "pending",
    resident_on: host,
    progress: new Double(0.4),
    error_info: [],
    allowed_operations: ["cancel"],
  };
  const answers: Answers = { "task.get_record": success(record), "task.cancel": note, "task.destroy": note };
  await asking(answers, async (client) => {
    expect(await client.task(task)).toEqual({ ...record, progress: 0.4 });
    await client.cancelTask(task);
    await client.destroyTask(task);
  });
  expect(asked).toEqual([
    ["task.cancel", task],
    ["task.destroy", task],
  ]);
});
