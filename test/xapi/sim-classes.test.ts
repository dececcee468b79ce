/** The classes that clients of today ask a pool for, and workload balancing without its server. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { classes, relations } from "../../src/simulator/objects/datamodel.ts";
import { profiles } from "../../src/simulator/objects/profile.ts";
import { startSimulator } from "../../src/simulator/server/server.ts";
import { hasRecordedDump, recordedText } from "../support/dumps.ts";
import { open, openThesis } from "./simPool.ts";
import { call, plain, readAnswer } from "./simServer.ts";

const recorded = new URL("../../../shared/xapi/recorded/xml-listMethods.http", import.meta.url);

describe("classes", () => {
  test.skipIf(!existsSync(recorded))(
    "all that a xapi of today lists records of are listed, with the same getters (skipped without ../shared)",
    async () => {
      const text = readFileSync(recorded, "utf8");
      const names = plain(readAnswer(text.slice(text.indexOf("\r\n\r\n") + 4))) as string[];
      const listable = new Set(
        names.filter((name) => name.endsWith(".get_all_records")).map((name) => name.split(".")[0] ?? ""),
      );
      expect(listable.size).toBe(63);
      const p = await openThesis();
      const ours = new Set((await p.call("host.list_methods")) as string[]);
      const wanted = names.filter(
        (name) =>
          listable.has(name.split(".")[0] ?? "") && /\.(get_all_records|get_by_uuid|get_record)$/.test(name),
      );
      expect(wanted.filter((name) => !ours.has(name))).toEqual([]);
      const fields = names.filter((name) => {
        const [cls = "", message = ""] = name.split(".");
        return classes.get(cls)?.fields.has(message.replace(/^get_/, "")) === true;
      });
      expect(fields.length).toBeGreaterThan(500);
      expect(fields.filter((name) => !ours.has(name))).toEqual([]);
    },
  );

  test("over HTTP each is answered, empty where the pool has none", async () => {
    const pool = SimulatedPool.fromBuiltin("thesis", { manualClock: true });
    const served = await startSimulator(pool, { http: true, https: false });
    try {
      const url = served.masterUrl;
      const session = String(await call(url, "session.login_with_password", "root", "xenroot"));
      const none =
        "VLAN Bond PCI PGPU GPU_group VGPU VGPU_type pool_update pool_patch Certificate Cluster Cluster_host " +
        "SDN_controller VMSS PUSB USB_group VUSB VTPM tunnel network_sriov SM secret Repository Observer Feature";
      for (const cls of none.split(" ")) {
        expect([cls, await call(url, `${cls}.get_all_records`, session)]).toEqual([cls, {}]);
        await expect(call(url, `${cls}.get_record`, session, "OpaqueRef:x")).rejects.toEqual([
          "HANDLE_INVALID",
          cls,
          "OpaqueRef:x",
        ]);
      }
    } finally {
      await served.stop();
      pool.close();
    }
  });

  test("a release has those of its time", async () => {
    const listed = async (profile: string): Promise<string[]> => {
      const found = profiles.get(profile);
      if (found === undefined) throw new Error(profile);
      const p = await openThesis({ profile: found });
      const names = (await p.call("host.list_methods")) as string[];
      return names
        .filter((name) => name.endsWith(".get_all_records"))
        .map((name) => name.split(".")[0] ?? "");
    };
    const old = await listed("xenserver-6.1");
    expect(old).toEqual(expect.arrayContaining(["VLAN", "Bond", "PCI", "GPU_group", "pool_patch"]));
    for (const later of ["pool_update", "VUSB", "Cluster", "VMSS", "Caller"])
      expect(old).not.toContain(later);
    expect(await listed("xcp-ng-8.2")).toEqual(expect.arrayContaining(["pool_update", "VUSB", "Cluster"]));
    expect(await listed("xcp-ng-8.3")).toEqual(expect.arrayContaining(["Caller", "VTPM"]));
  });

  test("relations join fields that are there, of the types that they need", () => {
    for (const { cls, field, target, inverse } of relations) {
      const own = classes.get(cls)?.fields.get(field)?.wire;
      expect([`ref:${target}`, `set:ref:${target}`], `${cls}.${field}`).toContain(own);
      expect(classes.get(target)?.fields.get(inverse)?.wire, `${target}.${inverse}`).toBe(`set:ref:${cls}`);
    }
  });

  test.skipIf(!hasRecordedDump)("a dump's graphics cards are there, joined both ways", async () => {
    const p = await open(SimulatedPool.fromDump(recordedText(), { manualClock: true }));
    const { db } = p.pool;
    expect([db.count("PCI"), db.count("PGPU"), db.count("GPU_group"), db.count("SM")]).toEqual([2, 2, 1, 14]);
    const [group = ""] = db.all("GPU_group");
    expect([...db.list("GPU_group", group, "PGPUs")].sort()).toEqual([...db.all("PGPU")].sort());
    for (const host of db.all("host")) expect(db.list("host", host, "PGPUs")).toHaveLength(1);
  });
});

describe("workload balancing without its server", () => {
  test("a pool that was never initialised says so to every call", async () => {
    const p = await openThesis();
    const refused = ["WLB_NOT_INITIALIZED"];
    expect(await p.failure("pool.retrieve_wlb_recommendations")).toEqual(refused);
    expect(await p.failure("pool.retrieve_wlb_configuration")).toEqual(refused);
    expect(await p.failure("pool.send_wlb_configuration", { a: "b" })).toEqual(refused);
    expect(await p.failure("pool.deconfigure_wlb")).toEqual(refused);
    expect(await p.failure("VM.retrieve_wlb_recommendations", p.pool.db.all("VM")[0] ?? "")).toEqual(refused);
    expect(await p.failure("host.retrieve_wlb_evacuate_recommendations", p.host("Host1"))).toEqual(refused);
    expect(await p.failure("VM.retrieve_wlb_recommendations", "OpaqueRef:x")).toEqual([
      "HANDLE_INVALID",
      "VM",
      "OpaqueRef:x",
    ]);
  });

  test("initialising ends at the server's address, which must be host:port", async () => {
    const p = await openThesis();
    const initialise = (url: string) => p.failure("pool.initialize_wlb", url, "u", "p", "root", "xenroot");
    expect(await initialise("127.0.0.1:1")).toEqual(["WLB_CONNECTION_REFUSED"]);
    for (const url of ["wlb.example.org", "https://wlb:8012", ""])
      expect(await initialise(url)).toEqual(["WLB_URL_INVALID", url]);
  });

  test("one that has a server but is switched off is disabled, and can be deconfigured", async () => {
    const p = await openThesis();
    const [pool = ""] = p.pool.db.all("pool");
    p.pool.db.set("pool", pool, "wlb_url", "127.0.0.1:1");
    expect(await p.failure("pool.retrieve_wlb_recommendations")).toEqual(["WLB_DISABLED"]);
    expect(await p.failure("pool.retrieve_wlb_configuration")).toEqual(["WLB_CONNECTION_REFUSED"]);
    p.pool.db.set("pool", pool, "wlb_enabled", true);
    expect(await p.failure("pool.retrieve_wlb_recommendations")).toEqual(["WLB_CONNECTION_REFUSED"]);
    expect(await p.failure("pool.deconfigure_wlb")).toBeNull();
    expect(p.pool.db.record("pool", pool)).toMatchObject({ wlb_url: "", wlb_enabled: false });
  });
});
