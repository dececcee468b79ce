/** The simulator as Xen Orchestra's own client sees it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "xen-api";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { type RunningSimulator, startSimulator } from "../../src/simulator/server/server.ts";
import { type SmallPool, smallPool } from "./simServer.ts";

let pool: SmallPool;
let simulator: RunningSimulator;
let client: ReturnType<typeof createClient> | undefined;

async function connectTo(url: string): Promise<NonNullable<typeof client>> {
  client = createClient({ url, auth: { user: "root", password: "secret" }, allowUnauthorized: true });
  await client.connect();
  return client;
}

beforeEach(async () => {
  pool = smallPool();
  simulator = await startSimulator(pool, { http: true, https: true });
});
afterEach(async () => {
  await client?.disconnect().catch(() => {});
  client = undefined;
  await simulator.stop();
});

describe.each(["http", "https"])("npm xen-api over %s", (scheme) => {
  const urlOf = (index: number) => {
    const host = simulator.hosts[index];
    return (scheme === "http" ? host?.httpUrl : host?.httpsUrl) ?? "";
  };

  test("connects, lists the pool's objects and sees a VM move as an event", async () => {
    const xapi = await connectTo(urlOf(0));
    await xapi.objectsFetched;
    const vm = () => xapi.getObjectByRef(pool.vmRef);
    expect(vm().name_label).toBe("web");
    expect(vm().$resident_on.name_label).toBe("xen1");
    const kinds = Object.values(xapi.objects.all).map((object) => object.$type);
    expect(new Set(kinds)).toEqual(new Set(["pool", "host", "host_metrics", "VM", "VM_metrics"]));
    pool.db.set("VM", pool.vmRef, "resident_on", pool.slaveRef);
    await expect.poll(() => vm().$resident_on.name_label).toBe("xen2");
    expect(xapi.getObjectByRef(pool.slaveRef).resident_VMs).toEqual([pool.vmRef]);
  });

  test("given a slave, it finds the master", async () => {
    const xapi = await connectTo(urlOf(1));
    await xapi.objectsFetched;
    expect(xapi.pool.master).toBe(pool.masterRef);
  });
});

test("npm xen-api migrates a VM of the thesis' pool and sees it arrive by events", async () => {
  const thesis = SimulatedPool.fromBuiltin("thesis", { speed: 100, user: "root", password: "secret" });
  const served = await startSimulator(thesis, { http: false, https: true });
  try {
    const xapi = await connectTo(served.masterUrl);
    await xapi.objectsFetched;
    const { db } = thesis;
    const [vm = ""] = db.all("VM").filter((ref) => db.text("VM", ref, "name_label").startsWith("VM2"));
    const [host = ""] = db.all("host").filter((ref) => db.text("host", ref, "name_label") === "Host1");
    expect(xapi.getObjectByRef(vm).$resident_on.name_label).toBe("Host2");
    await xapi.callAsync("VM.pool_migrate", vm, host, { live: "true" });
    await expect.poll(() => xapi.getObjectByRef(vm).$resident_on.name_label).toBe("Host1");
    await xapi.disconnect();
  } finally {
    await served.stop();
    thesis.close();
  }
});

test("npm xen-api's barrier, which writes to the pool and waits to see it, passes", async () => {
  const xapi = await connectTo(simulator.masterUrl);
  await xapi.objectsFetched;
  await xapi.barrier(pool.db.all("pool")[0]);
  await expect.poll(() => pool.db.get("pool", pool.db.all("pool")[0] ?? "", "other_config")).toEqual({});
});
