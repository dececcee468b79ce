/** The client's verbs of hosts: their words on the wire, and a whole night of a simulated host. */
import { describe, expect, test } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { startSimulator } from "../../src/simulator/server/server.ts";
import type { HostRef, TaskRef } from "../../src/xapi/records.ts";
import type { XapiClient } from "../../src/xapi/xapiClient.ts";
import { rejection, withClient } from "./support/connect.ts";
import { type Answers, masterScript, startMember } from "./support/scriptedMember.ts";
import { failure, success } from "./support/xapiText.ts";

const host = "OpaqueRef:host-1" as HostRef;

async function asking<T>(answers: Answers, work: (client: XapiClient) => Promise<T>): Promise<T> {
  await using member = await startMember(masterScript(answers));
  return await withClient(member.url, work);
}

test("each verb is one message about the host, the slow ones under a task", async () => {
  const asked: unknown[] = [];
  const answering = (result: string) => (call: { method: string; params: readonly unknown[] }) => {
    asked.push([call.method, ...call.params.slice(1)]);
    return success(result);
  };
  const answers: Answers = {
    "host.disable": answering(""),
    "host.enable": answering(""),
    "Async.host.shutdown": answering("OpaqueRef:down"),
    "Async.host.power_on": answering("OpaqueRef:up"),
  };
  await asking(answers, async (client) => {
    await client.hostDisable(host);
    await client.hostEnable(host);
    expect(await client.hostShutdownAsync(host)).toBe("OpaqueRef:down");
    expect(await client.hostPowerOnAsync(host)).toBe("OpaqueRef:up");
  });
  expect(asked).toEqual([
    ["host.disable", host],
    ["host.enable", host],
    ["Async.host.shutdown", host],
    ["Async.host.power_on", host],
  ]);
});

test("the VMs that prevent an evacuation come with code and parameters", async () => {
  const told = { "OpaqueRef:vm": ["OPERATION_BLOCKED", "OpaqueRef:vm", "keep it here"] };
  const answers: Answers = { "host.get_vms_which_prevent_evacuation": success(told) };
  const blockers = await asking(answers, (client) => client.vmsWhichPreventEvacuation(host));
  expect([...blockers]).toEqual([
    ["OpaqueRef:vm", { code: "OPERATION_BLOCKED", params: ["OpaqueRef:vm", "keep it here"] }],
  ]);
});

test.each([[["no map"]], [{ vm: "no list" }], [{ vm: [] }]])(
  "blockers like %j are a garbled answer",
  async (told) => {
    const answers: Answers = { "host.get_vms_which_prevent_evacuation": success(told) };
    const error = await asking(answers, (client) => rejection(client.vmsWhichPreventEvacuation(host)));
    expect(error).toMatchObject({ name: "XapiUnreachable", reason: "garbled" });
  },
);

test("a refusal keeps its code, and is not asked a second time", async () => {
  let asked = 0;
  const answers: Answers = {
    "host.disable": () => {
      asked += 1;
      return failure("HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN");
    },
  };
  const error = await asking(answers, (client) => rejection(client.hostDisable(host)));
  expect(error).toMatchObject({ name: "XapiError", code: "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN" });
  expect(asked).toBe(1);
});

const scenario = `
pool Night product=XCP-ng version=8.3
host A master memory=8192
host B memory=8192 power-on=IPMI boot=60s
vm one on=B memory=512 tools
`;

describe("a night of a simulated host", () => {
  async function night<T>(work: (client: XapiClient, pool: SimulatedPool) => Promise<T>): Promise<T> {
    const pool = SimulatedPool.fromScenario(scenario, { speed: 200, password: "night" });
    const running = await startSimulator(pool, { http: true, https: false });
    try {
      return await withClient(running.masterUrl, (client) => work(client, pool), { password: "night" });
    } finally {
      await running.stop();
      pool.close();
    }
  }

  async function ended(client: XapiClient, task: TaskRef): Promise<string[]> {
    await expect.poll(async () => (await client.task(task)).status).not.toBe("pending");
    const { status, error_info } = await client.task(task);
    await client.destroyTask(task);
    return [status, ...error_info];
  }

  /** Empties the host by a migration of its VM, and switches it off. */
  async function sleepingHost(client: XapiClient): Promise<HostRef> {
    const [there = "", away = ""] = [...(await client.hosts())]
      .sort(([, one], [, other]) => (one.name_label < other.name_label ? 1 : -1))
      .map(([ref]) => ref);
    const [vm] = [...(await client.machines())].find(([, record]) => record.name_label === "one") ?? [];
    if (vm === undefined) throw new Error("the VM is missing");
    await client.hostDisable(there as HostRef);
    expect((await client.vmsWhichPreventEvacuation(there as HostRef)).size).toBe(0);
    expect(await ended(client, await client.poolMigrateAsync(vm, away as HostRef))).toEqual(["success"]);
    expect(await ended(client, await client.hostShutdownAsync(there as HostRef))).toEqual(["success"]);
    await expect.poll(async () => (await client.hostMetricsOf(there as HostRef)).live).toBe(false);
    return there as HostRef;
  }

  test("it is disabled, emptied, switched off, answers nobody, is woken and takes VMs again", async () => {
    await night(async (client, pool) => {
      const there = await sleepingHost(client);
      const { address, enabled, power_on_mode, allowed_operations } = await client.host(there);
      expect([enabled, power_on_mode]).toEqual([false, "IPMI"]);
      expect(allowed_operations).toContain("power_on");
      const measures = client.httpGet(address, "/rrd_updates", { start: "0", host: "true" });
      expect(await rejection(measures)).toMatchObject({ name: "XapiUnreachable" });
      await expect.poll(() => pool.model.power.events.map(({ kind }) => kind)).toContain("off");
      expect(await ended(client, await client.hostPowerOnAsync(there))).toEqual(["success"]);
      await expect.poll(async () => (await client.host(there)).enabled).toBe(true);
      const start = String(Math.floor(pool.clock.now() / 1000) - 60);
      const answer = await client.httpGet(address, "/rrd_updates", { start, host: "true" });
      expect(answer.body).toContain(`host:${(await client.host(there)).uuid}:memory_free_kib`);
      const asked = pool.model.power.events.filter(({ kind }) => kind.startsWith("asked"));
      expect(asked.map(({ by }) => by)).toEqual(["root (xcp-test)", "root (xcp-test)"]);
    });
  });

  test("a host that is not disabled is refused, a wrong password is told by the task", async () => {
    await night(async (client, pool) => {
      const ref = pool.db.all("host").find((one) => pool.db.text("host", one, "name_label") === "B");
      expect(await ended(client, await client.hostShutdownAsync(ref as HostRef))).toEqual([
        "failure",
        "HOST_NOT_DISABLED",
      ]);
      const there = await sleepingHost(client);
      runCommand(pool, "wake B wrong-password");
      const [status, code, , error] = await ended(client, await client.hostPowerOnAsync(there));
      expect([status, code, error]).toEqual(["failure", "XENAPI_PLUGIN_FAILURE", "IPMI_POWERON_FAILED"]);
      expect(await rejection(client.hostEnable(there))).toMatchObject({
        code: "HOST_OFFLINE",
        params: [there],
      });
    });
  });
});
