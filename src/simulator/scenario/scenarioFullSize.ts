/** What the records of real VMs carry along beside what matters here, so that answers are as big as real ones. */
import { uuidOf } from "../behaviour/chance.ts";
import { fromMib, type PoolModel } from "../metrics/model.ts";
import type { Fields } from "../objects/database.ts";
import { simMap } from "../objects/datamodel.ts";
import type { VmSpec } from "./scenarioSpecs.ts";

const features =
  "1fcbfbff-f7fa3223-2d93fbff-00000523-00000001-019c27ab-00000000-00000002-00001000-bc000400-00000000-00000000-00000000-00000000-00000000-00000000-00000000-00000000";

const restrictions = [
  ["field", "memory-static-max", 1_649_267_441_664],
  ["field", "vcpus-max", 64],
  ["field", "has-vendor-device", 1],
  ["field", "allow-gpu-passthrough", 1],
  ["field", "allow-vgpu", 1],
  ["field", "supports-bios", 1],
  ["field", "supports-uefi", 1],
  ["field", "supports-secure-boot", 1],
  ["property", "number-of-vbds", 255],
  ["property", "number-of-vifs", 7],
] as const;

const recommendations = `<restrictions>${restrictions
  .map(([kind, name, max]) => `<restriction ${kind}="${name}" max="${max}" />`)
  .join("")}</restrictions>`;

/** Fields of a VM as installers, backup and management programs leave them; about 14 KB as XML with the rest. */
export function fullSizeFields(model: PoolModel, spec: VmSpec): Fields {
  const id = (what: string): string => uuidOf(model.seed, what, spec.name);
  return {
    name_description: `${spec.name}: installed from a template, runs a service of the accounting department`,
    platform: simMap([
      ["timeoffset", "0"],
      ["device-model", "qemu-upstream-compat"],
      ["videoram", "8"],
      ["hpet", "true"],
      ["secureboot", "false"],
      ["viridian_apic_assist", "true"],
      ["apic", "true"],
      ["device_id", "0002"],
      ["cores-per-socket", String(spec.vcpus)],
      ["viridian_crash_ctl", "true"],
      ["pae", "true"],
      ["vga", "std"],
      ["nx", "true"],
      ["viridian_time_ref_count", "true"],
      ["viridian_stimer", "true"],
      ["viridian", "true"],
      ["acpi", "1"],
      ["viridian_reference_tsc", "true"],
      ...Object.entries(spec.platform),
    ]),
    HVM_boot_params: simMap([
      ["order", "cdn"],
      ["firmware", "uefi"],
    ]),
    bios_strings: simMap([
      ["bios-vendor", "Xen"],
      ["bios-version", ""],
      ["system-manufacturer", "Xen"],
      ["system-product-name", "HVM domU"],
      ["system-version", ""],
      ["system-serial-number", ""],
      ["baseboard-manufacturer", ""],
      ["baseboard-product-name", ""],
      ["enclosure-asset-tag", ""],
      ["hp-rombios", ""],
      ["oem-1", "Xen"],
      ["oem-2", "MS_VM_CERT/SHA1/bdbeb6e0a816d43fa6d3fe8aaef04c2bad9d3e3d"],
    ]),
    other_config: simMap(otherConfig(model, spec)),
    xenstore_data: simMap([
      ["vm-data", ""],
      ["vm-data/hostname", spec.name],
      ["vm-data/mmio-hole-size", "268435456"],
      ["vm-data/xo/backup/last", "20260820T020023Z"],
    ]),
    recommendations,
    last_booted_record: lastBooted(model, spec),
    reference_label: "debian-12",
    generation_id: `${hashText(id("generation"))}:${hashText(id("counter"))}`,
    NVRAM: simMap([["EFI-variables", Buffer.from(nvramText(id)).toString("base64")]]),
    snapshot_metadata: "()",
    VCPUs_params: simMap([
      ["weight", "256"],
      ["cap", "0"],
    ]),
  };
}

function otherConfig(model: PoolModel, spec: VmSpec): [string, string][] {
  const id = (what: string): string => uuidOf(model.seed, what, spec.name);
  const details = JSON.stringify({
    creation: { date: "2025-11-03T10:12:44.081Z", template: id("template"), user: id("user") },
    resourceSet: id("resource set"),
    backup: { job: id("job"), schedule: id("schedule"), vm: id("vm"), datetime: "20260820T02:00:23Z" },
  });
  return [
    ["mac_seed", id("mac seed")],
    ["vgpu_pci", ""],
    ["base_template_name", "Debian Bookworm 12"],
    ["install-methods", "cdrom,nfs,http,ftp"],
    ["linux_template", "true"],
    ["import_task", `OpaqueRef:${id("import")}`],
    ["auto_poweron", "true"],
    ["instant", "true"],
    ["folder", "/production/accounting/services"],
    ["XenCenter.CustomFields.Owner", "accounting@example.org"],
    ["XenCenter.CustomFields.CostCentre", "4711-0815"],
    ["xo:backup:job", id("job")],
    ["xo:backup:schedule", id("schedule")],
    ["xo:backup:deltaChainLength", "6"],
    ["xo:creation", details],
    ["xo:copy_of", id("copy")],
  ];
}

/** The record that a VM was started from, which xapi keeps as an s-expression inside the record. */
function lastBooted(model: PoolModel, spec: VmSpec): string {
  const bytes = fromMib(spec.memoryMib);
  const ref = (what: string): string => `'OpaqueRef:${uuidOf(model.seed, what, spec.name)}'`;
  const pairs = [
    ["uuid", `'${uuidOf(model.seed, "booted", spec.name)}'`],
    ["name_label", `'${spec.name.replace(/['()\\]/g, "_")}'`],
    ["power_state", "'Halted'"],
    ["resident_on", "'OpaqueRef:NULL'"],
    ["affinity", ref("affinity")],
    ["memory_static_max", String(bytes)],
    ["memory_dynamic_max", String(bytes)],
    ["memory_dynamic_min", String(fromMib(spec.minMib))],
    ["VCPUs_max", String(spec.vcpus)],
    ["VCPUs_at_startup", String(spec.vcpus)],
    ["metrics", ref("metrics")],
    ["suspend_VDI", "'OpaqueRef:NULL'"],
    ["recommendations", `'${recommendations}'`],
    ["last_boot_CPU_flags", `(('vendor' 'GenuineIntel') ('features' '${features}'))`],
  ];
  return `('struct' ${pairs.map(([name, value]) => `('${name}' ${value})`).join(" ")})`;
}

function nvramText(id: (what: string) => string): string {
  return Array.from(
    { length: 24 },
    (_, index) => `Boot${String(index).padStart(4, "0")}=${id(`boot ${index}`)};`,
  ).join("");
}

function hashText(uuid: string): string {
  return String(BigInt.asIntN(64, BigInt(`0x${uuid.replaceAll("-", "").slice(0, 16)}`)));
}

/** What the tools of a real guest report. */
export function fullSizeGuest(model: PoolModel, spec: VmSpec): Fields {
  return {
    os_version: simMap([
      ["name", "Debian GNU/Linux 12 (bookworm)"],
      ["uname", "6.1.0-28-amd64"],
      ["distro", "debian"],
      ["major", "12"],
      ["minor", "8"],
    ]),
    networks: simMap([
      ["0/ip", spec.address ?? `10.${(hashByte(model, spec, 0) % 250) + 1}.${hashByte(model, spec, 1)}.7`],
      ["0/ipv4/0", spec.address ?? "10.0.0.7"],
      ["0/ipv6/0", "fe80::2c5d:77ff:fe51:55b6"],
    ]),
    other: simMap([
      ["platform-feature-multiprocessor-suspend", "1"],
      ["has-vendor-device", "0"],
      ["feature-balloon", "1"],
      ["feature-suspend", "1"],
      ["feature-poweroff", "1"],
      ["feature-reboot", "1"],
      ["feature-shutdown", "1"],
      ["feature-vcpu-hotplug", "1"],
    ]),
  };
}

function hashByte(model: PoolModel, spec: VmSpec, index: number): number {
  return Number.parseInt(uuidOf(model.seed, "address", spec.name).slice(2 * index, 2 * index + 2), 16);
}
