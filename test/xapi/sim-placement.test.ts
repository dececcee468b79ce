import { describe, expect, test } from "vitest";
import { simMap } from "../../src/simulator/objects/datamodel.ts";
import { type CalledPool, openScenario } from "./simPool.ts";

const text = `
pool P product=XCP-ng version=8.3
sr Shared type=nfs
sr OnlyA hosts=A
network Everywhere device=eth0
network OnAlone device=eth1 hosts=A
network Inside internal
host A master cpus=4 memory=16384
host B cpus=2 memory=4096
vm plain on=A memory=1024 tools
vm local on=A memory=512 tools disk=local
vm onlya on=A memory=512 tools disk=OnlyA
vm lan on=A memory=512 tools network=OnAlone
vm inside on=A memory=512 tools network=Inside
vm mate on=A memory=512 tools network=Inside
vm wide on=A memory=512 vcpus=3 tools
vm large on=A memory=3000 tools
vm bare on=A memory=256
vm pv on=A memory=256 mode=pv
vm pinned on=A memory=256 tools nomigrate
vm blocked on=A memory=256 tools blocked="not this one"
vm card on=A memory=256 tools pci
vm off halted memory=512
template T memory=256
`;

async function migrateFailure(p: CalledPool, vm: string, options = {}): Promise<string[] | null> {
  return p.failure("VM.pool_migrate", p.vm(vm), p.host("B"), options);
}

describe("whether a host could take a VM", () => {
  test("storage that the target does not reach is named", async () => {
    const p = await openScenario(text);
    const srOf = (vm: string): string => {
      const { db } = p.pool;
      const vbd = db.list("VM", p.vm(vm), "VBDs").find((ref) => db.get("VBD", ref, "empty") !== true);
      return db.text("VDI", db.text("VBD", vbd ?? "", "VDI"), "SR");
    };
    expect(await migrateFailure(p, "local")).toEqual(["VM_REQUIRES_SR", p.vm("local"), srOf("local")]);
    expect(await migrateFailure(p, "onlya")).toEqual(["VM_REQUIRES_SR", p.vm("onlya"), srOf("onlya")]);
    expect(await p.failure("VM.assert_can_boot_here", p.vm("plain"), p.host("B"))).toBeNull();
  });

  test("a network that the target lacks, or that lives elsewhere, is named", async () => {
    const p = await openScenario(text);
    const network = (name: string): string => {
      const { db } = p.pool;
      return db.all("network").find((ref) => db.get("network", ref, "name_label") === name) ?? "";
    };
    expect(await migrateFailure(p, "lan")).toEqual(["VM_REQUIRES_NETWORK", p.vm("lan"), network("OnAlone")]);
    expect(await migrateFailure(p, "inside")).toEqual([
      "VM_REQUIRES_NETWORK",
      p.vm("inside"),
      network("Inside"),
    ]);
    p.pool.db.set(
      "network",
      network("OnAlone"),
      "other_config",
      simMap([["assume_network_is_shared", "true"]]),
    );
    expect(await p.failure("VM.assert_can_boot_here", p.vm("lan"), p.host("B"))).toBeNull();
  });

  test("too little memory is told in bytes: needed, available", async () => {
    const p = await openScenario(text);
    const mib = 1024 * 1024;
    // B: 4096 - 185 of Xen's - 1024 of dom0 and 11 of its overhead; the guest: 3000, 2 and 25 of shadow.
    expect(await migrateFailure(p, "large")).toEqual([
      "HOST_NOT_ENOUGH_FREE_MEMORY",
      String((3000 + 2 + 25) * mib),
      String((4096 - 185 - 1024 - (1 + 10)) * mib),
    ]);
  });

  test("more vCPUs than the target has CPUs is refused since 7.6, before it was not", async () => {
    const p = await openScenario(text);
    expect(await migrateFailure(p, "wide")).toEqual(["HOST_NOT_ENOUGH_PCPUS", "3", "2"]);
    const old = await openScenario(
      text.replace("version=8.3", "version=8.2").replace("XCP-ng version=8.2", "XenServer version=6.2"),
    );
    expect(await old.failure("VM.assert_can_boot_here", old.vm("wide"), old.host("B"))).toBeNull();
  });

  test("a disabled target is refused before storage, a dead one before that", async () => {
    const p = await openScenario(text);
    await p.call("host.disable", p.host("B"));
    expect(await migrateFailure(p, "local")).toEqual(["HOST_DISABLED", p.host("B")]);
    p.pool.db.set("host_metrics", p.pool.db.text("host", p.host("B"), "metrics"), "live", false);
    expect(await migrateFailure(p, "local")).toEqual(["HOST_NOT_LIVE"]);
    await p.call("host.disable", p.host("A"));
    expect(await p.failure("VM.assert_can_boot_here", p.vm("pv"), p.host("A"))).toBeNull();
  });

  test("CPU features that the target lacks come first, unless the migration is forced", async () => {
    const p = await openScenario(text);
    const info = p.pool.db.map("host", p.host("B"), "cpu_info");
    const poorer = "0098e3fd-bfebfbff-00000001-28100000";
    p.pool.db.set(
      "host",
      p.host("B"),
      "cpu_info",
      simMap([...Object.entries(info), ["features_hvm", poorer]]),
    );
    await p.call("host.disable", p.host("B"));
    expect((await migrateFailure(p, "plain"))?.slice(0, 3)).toEqual([
      "VM_INCOMPATIBLE_WITH_THIS_HOST",
      p.vm("plain"),
      p.host("B"),
    ]);
    expect(await migrateFailure(p, "plain", { force: "true" })).toEqual(["HOST_DISABLED", p.host("B")]);
    await p.call("host.enable", p.host("B"));
    expect((await p.failure("VM.assert_can_boot_here", p.vm("plain"), p.host("B")))?.[0]).toBe(
      "VM_INCOMPATIBLE_WITH_THIS_HOST",
    );
    expect(await p.call("VM.get_possible_hosts", p.vm("plain"))).toContain(p.host("B"));
  });

  test("CPU data of different eras say nothing about each other", async () => {
    const p = await openScenario(text);
    const flags = simMap([
      ["vendor", "GenuineIntel"],
      ["features", "ffffffff-ffffffff"],
    ]);
    p.pool.db.set("VM", p.vm("plain"), "last_boot_CPU_flags", flags);
    expect(await p.failure("VM.assert_can_boot_here", p.vm("plain"), p.host("B"))).toBeNull();
  });

  test("possible hosts are those that pass, or the one that is promised", async () => {
    const p = await openScenario(text);
    expect(await p.call("VM.get_possible_hosts", p.vm("local"))).toEqual([p.host("A")]);
    await p.migrate("plain", "B");
    await p.pool.clock.advance(500);
    expect(await p.call("VM.get_possible_hosts", p.vm("plain"))).toEqual([p.host("B")]);
  });

  test("an offline upgrade lets no VM go back to an older host", async () => {
    const p = await openScenario(text);
    const pool = p.pool.db.all("pool")[0] ?? "";
    p.pool.db.set("pool", pool, "other_config", simMap([["rolling_upgrade_in_progress", "true"]]));
    p.pool.db.set("host", p.host("B"), "software_version", simMap([["product_version", "8.2.1"]]));
    expect(await migrateFailure(p, "plain")).toEqual(["NOT_SUPPORTED_DURING_UPGRADE"]);
  });

  test("HA refuses a placement that leaves protected VMs without a home", async () => {
    const p = await openScenario(`
      pool P product=XCP-ng version=8.3 ha=1
      host A master memory=8192
      host B memory=8192
      vm one on=A memory=3000 tools ha=restart
      vm two on=B memory=1500 tools ha=restart
      vm three on=B memory=1500 tools ha=restart`);
    expect(p.pool.db.get("pool", p.pool.db.all("pool")[0] ?? "", "ha_overcommitted")).toBe(false);
    expect(await p.failure("VM.pool_migrate", p.vm("three"), p.host("A"), {})).toEqual([
      "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN",
    ]);
  });
});

describe("whether a VM may be moved at all", () => {
  test("every reason has its code", async () => {
    const p = await openScenario(text);
    expect(await migrateFailure(p, "blocked")).toEqual([
      "OPERATION_BLOCKED",
      p.vm("blocked"),
      "not this one",
    ]);
    expect(await migrateFailure(p, "off")).toEqual(["VM_BAD_POWER_STATE", p.vm("off"), "running", "halted"]);
    expect(await migrateFailure(p, "bare")).toEqual(["VM_LACKS_FEATURE", p.vm("bare")]);
    expect(await migrateFailure(p, "pinned")).toEqual(["VM_IS_IMMOBILE", p.vm("pinned")]);
    expect(await migrateFailure(p, "card")).toEqual(["VM_HAS_PCI_ATTACHED", p.vm("card")]);
    expect(await migrateFailure(p, "Control domain on host: A")).toEqual([
      "OPERATION_NOT_ALLOWED",
      "This operation is not allowed on a control domain",
    ]);
    expect(await p.failure("VM.assert_operation_valid", p.vm("pv"), "pool_migrate")).toBeNull();
  });

  test("a guest without drivers is told apart by release", async () => {
    const code = async (release: string): Promise<string | undefined> => {
      const p = await openScenario(text.replace("product=XCP-ng version=8.3", release));
      return (await migrateFailure(p, "bare"))?.[0];
    };
    expect(await code("product=XCP version=1.6")).toBe("VM_MISSING_PV_DRIVERS");
    expect(await code("product=XenServer version=7.0")).toBe("VM_LACKS_FEATURE_SUSPEND");
    expect(await code("product=XCP-ng version=8.2")).toBe("VM_LACKS_FEATURE");
  });

  test("a VM whose disk forgets is refused", async () => {
    const p = await openScenario(text);
    const { db } = p.pool;
    const vbd = db.list("VM", p.vm("plain"), "VBDs")[0] ?? "";
    db.set("VDI", db.text("VBD", vbd, "VDI"), "on_boot", "reset");
    expect(await migrateFailure(p, "plain")).toEqual(["VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION"]);
  });

  test("allowed_operations says the same, and follows every change", async () => {
    const p = await openScenario(text);
    const { db } = p.pool;
    const allowed = (vm: string): readonly string[] => db.list("VM", p.vm(vm), "allowed_operations");
    for (const vm of ["blocked", "bare", "pinned", "card", "off"])
      expect(allowed(vm)).not.toContain("pool_migrate");
    expect(allowed("plain")).toContain("pool_migrate");
    expect(allowed("off")).toContain("start");
    await p.call("VM.add_to_blocked_operations", p.vm("plain"), "pool_migrate", "held");
    expect(allowed("plain")).not.toContain("pool_migrate");
    expect(await p.failure("VM.assert_operation_valid", p.vm("plain"), "pool_migrate")).toEqual([
      "OPERATION_BLOCKED",
      p.vm("plain"),
      "held",
    ]);
    await p.call("VM.remove_from_blocked_operations", p.vm("plain"), "pool_migrate");
    expect(allowed("plain")).toContain("pool_migrate");
    const template = db.all("VM").find((vm) => db.get("VM", vm, "is_a_template") === true) ?? "";
    expect(db.list("VM", template, "allowed_operations")).toEqual(
      expect.arrayContaining(["clone", "destroy"]),
    );
    expect(db.list("VM", template, "allowed_operations")).not.toContain("start");
  });
});

describe("power", () => {
  test("a VM starts where it fits, halts, and keeps its record in step", async () => {
    const p = await openScenario(text);
    const { db, clock } = p.pool;
    const off = p.vm("off");
    const task = String(await p.call("Async.VM.start_on", off, p.host("B"), false, false));
    expect(Object.values(db.map("VM", off, "current_operations"))).toEqual(["start_on"]);
    await clock.advance(10_000);
    expect(p.task(task, "status")).toBe("success");
    expect([db.text("VM", off, "power_state"), db.text("VM", off, "resident_on")]).toEqual([
      "Running",
      p.host("B"),
    ]);
    expect(db.list("host", p.host("B"), "resident_VMs")).toContain(off);
    await clock.advance(10_000);
    expect(await p.call("VM.query_data_source", off, "memory")).toBe(512 * 1024 * 1024);
    const halting = String(await p.call("Async.VM.hard_shutdown", off));
    await clock.advance(10_000);
    expect(p.task(halting, "status")).toBe("success");
    expect(db.text("VM", off, "power_state")).toBe("Halted");
    expect(db.list("host", p.host("B"), "resident_VMs")).not.toContain(off);
  });

  test("what is halted cannot be shut down, what runs cannot be destroyed", async () => {
    const p = await openScenario(text);
    expect((await p.failure("VM.clean_shutdown", p.vm("off")))?.[0]).toBe("VM_BAD_POWER_STATE");
    expect((await p.failure("VM.destroy", p.vm("plain")))?.[0]).toBe("VM_BAD_POWER_STATE");
  });
});
