/** Whether a VM may move at all, from records alone: xapi's memory arithmetic and what keeps a VM where it is. */
import { describe, expect, it } from "vitest";
import type { Inventory } from "../../src/xapi/inventory.ts";
import {
  countsStaticMax,
  freeBytes,
  hasTools,
  immovableReason,
  requiredBytes,
} from "../../src/xapi/placement.ts";
import type * as xapi from "../../src/xapi/records.ts";
import {
  aHost,
  aVm,
  gib,
  guestRef,
  host1,
  host2,
  inventory,
  metricsRef,
  mib,
  ref,
  vbdRef,
  vm1,
  withDisk,
  withGuest,
  withMetrics,
} from "./placementRecords.ts";

describe("required memory", () => {
  it.each([
    [1, 11],
    [4, 36],
    [16, 138],
  ])("of %i GiB with its overhead of %i MiB is their sum", (gibs, overhead) => {
    const vm = aVm({ memory_dynamic_min: gibs * gib, memory_overhead: overhead * mib });
    expect(requiredBytes(vm, false)).toBe((gibs * 1024 + overhead) * mib);
  });

  it("is dynamic_min rounded up to a MiB, not dynamic_max nor static_max", () => {
    const vm = aVm({
      memory_dynamic_min: 512 * mib + 1,
      memory_dynamic_max: 2 * gib,
      memory_static_max: 4 * gib,
    });
    expect(requiredBytes(vm, false)).toBe((513 + 11) * mib);
  });

  it("is static_max where ballooning needs a licence, and for a paravirtual guest in PVH", () => {
    const sizes = { memory_dynamic_min: gib, memory_static_max: 4 * gib };
    expect(requiredBytes(aVm(sizes), true)).toBe((4096 + 11) * mib);
    expect(requiredBytes(aVm({ ...sizes, domain_type: "pv_in_pvh" }), false)).toBe((4096 + 11) * mib);
  });

  it.each([
    ["6.1.0", true],
    ["1.6.10", true],
    ["7.0.0", false],
    ["8.3.0", false],
    ["", false],
  ])("counts static_max on version %s: %s", (version, expected) => {
    expect(countsStaticMax(aHost({ software_version: new Map([["product_version", version]]) }))).toBe(
      expected,
    );
  });
});

describe("free memory", () => {
  const vm = (fields: Partial<xapi.VmRecord>): Inventory["vms"] => new Map([[vm1, aVm(fields)]]);

  it("is the total less the host's overhead and what each resident VM may shrink to, control domain included", () => {
    const vms: Inventory["vms"] = new Map([
      [
        ref<"VM">("dom0"),
        aVm({ is_control_domain: true, memory_dynamic_min: 2 * gib, memory_overhead: 14 * mib }),
      ],
      [vm1, aVm({ memory_dynamic_min: 512 * mib, memory_dynamic_max: 4 * gib })],
    ]);
    const free = freeBytes(inventory({ vms }));
    expect(free.get(host1)).toBe((16384 - 200 - 2048 - 14 - 512 - 11) * mib);
    expect(free.get(host2)).toBe((16384 - 200) * mib);
  });

  it("counts a VM that is announced, and twice one that is announced where it is already", () => {
    const away = freeBytes(inventory({ vms: vm({ scheduled_to_be_resident_on: host2 }) }));
    expect([away.get(host1), away.get(host2)]).toEqual([(16184 - 1035) * mib, (16184 - 1035) * mib]);
    const home = freeBytes(inventory({ vms: vm({ scheduled_to_be_resident_on: host1 }) }));
    expect(home.get(host1)).toBe((16184 - 2 * 1035) * mib);
  });

  it("counts static_max in the whole pool as soon as one host is that old", () => {
    const old = aHost({ software_version: new Map([["product_version", "6.2.0"]]) });
    const hosts = new Map([
      [host1, aHost()],
      [host2, old],
    ]);
    const free = freeBytes(inventory({ hosts, vms: vm({ memory_static_max: 4 * gib }) }));
    expect(free.get(host1)).toBe((16184 - 4096 - 11) * mib);
  });

  it("is never negative, and null where the host's total is unknown", () => {
    const hosts = new Map([
      [host1, aHost()],
      [host2, aHost({ metrics: null })],
    ]);
    const free = freeBytes(inventory({ hosts, vms: vm({ memory_dynamic_min: 64 * gib }) }));
    expect([free.get(host1), free.get(host2)]).toEqual([0, null]);
  });
});

describe("an immovable VM", () => {
  const hvm: Partial<xapi.VmRecord> = { domain_type: "hvm", guest_metrics: guestRef };
  it.each<[string, Partial<xapi.VmRecord>, Inventory]>([
    [
      "OPERATION_BLOCKED (licence)",
      { blocked_operations: new Map([["pool_migrate", "licence"]]) },
      inventory(),
    ],
    [
      "OTHER_OPERATION_IN_PROGRESS (clean_reboot)",
      { current_operations: new Map([["t", "clean_reboot"]]) },
      inventory(),
    ],
    ["VM_IS_IMMOBILE", { platform: new Map([["nomigrate", "true"]]) }, inventory()],
    ["VM_IS_IMMOBILE", { platform: new Map([["nested-virt", "1"]]) }, inventory()],
    ["VM_IS_IMMOBILE", { metrics: metricsRef }, withMetrics({ nomigrate: true })],
    ["VM_IS_IMMOBILE", { metrics: metricsRef }, withMetrics({ nested_virt: true })],
    ["OPERATION_NOT_ALLOWED (control domain)", { is_control_domain: true }, inventory()],
    [
      "VM_NON_SUSPENDABLE (no room)",
      { guest_metrics: guestRef },
      withGuest({ other: new Map([["data-cant-suspend-reason", "no room"]]) }),
    ],
    ["VM_LACKS_FEATURE (no guest tools)", { domain_type: "hvm" }, inventory()],
    ["VM_LACKS_FEATURE (no guest tools)", hvm, withGuest({})],
    [
      "VM_LACKS_FEATURE (no guest tools)",
      { domain_type: "unspecified", HVM_boot_policy: "BIOS order" },
      inventory(),
    ],
    [
      "VM_LACKS_FEATURE (no guest tools)",
      { domain_type: "unspecified", metrics: metricsRef },
      withMetrics({ hvm: true }),
    ],
    ["VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION", { VBDs: [vbdRef] }, withDisk({ on_boot: "reset" })],
    ["VM_HAS_PCI_ATTACHED", { attached_PCIs: [ref("pci")] }, inventory()],
    ["VM_HAS_VGPU", { VGPUs: [ref("vgpu")] }, inventory()],
    ["VM_HAS_VUSBS", { VUSBs: [ref("vusb")] }, inventory()],
    ["OPERATION_NOT_ALLOWED (the pool", { allowed_operations: ["start"] }, inventory()],
  ])("says %s", (expected, fields, parts) => {
    expect(immovableReason(aVm(fields), parts)).toContain(expected);
  });

  it.each<[string, Partial<xapi.VmRecord>, Inventory]>([
    ["a paravirtual guest without tools", {}, inventory()],
    ["an HVM guest with drivers", hvm, withGuest({ PV_drivers_detected: true })],
    [
      "an HVM guest of an old pool that shows only a version",
      hvm,
      withGuest({ PV_drivers_version: new Map([["major", "6"]]) }),
    ],
    [
      "an HVM guest that can suspend by itself",
      hvm,
      withGuest({ other: new Map([["feature-suspend", "1"]]) }),
    ],
    ["a pool that does not list operations", { allowed_operations: [] }, inventory()],
    ["another operation that is blocked", { blocked_operations: new Map([["destroy", "x"]]) }, inventory()],
    [
      "a disk that is reset in a drive that is empty",
      { VBDs: [vbdRef] },
      withDisk({ on_boot: "reset" }, {}, true),
    ],
  ])("is not %s", (_what, fields, parts) => {
    expect(immovableReason(aVm(fields), parts)).toBeNull();
  });

  it("gives xapi's first reason where there are several", () => {
    const vm = aVm({
      is_control_domain: true,
      attached_PCIs: [ref("pci")],
      blocked_operations: new Map([["pool_migrate", "no"]]),
    });
    expect(immovableReason(vm, inventory())).toBe("OPERATION_BLOCKED (no)");
  });

  it("has no tools where there are no guest metrics, or a dangling one", () => {
    expect(hasTools(aVm(), inventory())).toBe(false);
    expect(hasTools(aVm({ guest_metrics: guestRef }), inventory())).toBe(false);
    expect(hasTools(aVm({ guest_metrics: guestRef }), withGuest({ PV_drivers_detected: true }))).toBe(true);
  });
});
