/**
 * XAPI's roles: which one each message needs. From xapi's own datamodel of August 2026. Pure.
 * A session of the local superuser needs none; every other has one of these, each with the rights of those behind it.
 */

/** Most rights first. */
export const roles = [
  "pool-admin",
  "pool-operator",
  "vm-power-admin",
  "vm-admin",
  "vm-operator",
  "read-only",
] as const;
export type Role = (typeof roles)[number];

/** What only the local superuser may. */
type Needed = Role | "nobody";

/** Who may write the fields of a class, where it is not pool-operator. */
const writers: Readonly<Record<Role, string>> = {
  "pool-admin":
    "session subject Caller Rate_limit Observer Feature Host_driver Driver_variant PUSB USB_group VUSB VTPM",
  "pool-operator": "",
  "vm-power-admin": "",
  "vm-admin": "VM VM_metrics VM_guest_metrics VM_group VBD VBD_metrics VDI VIF VIF_metrics console",
  "vm-operator": "",
  "read-only": "task event",
};

/** Fields that others may write than those who may write the class. */
const fields: Readonly<Record<Needed, string>> = {
  nobody:
    "host.license_params SR.virtual_allocation SR.physical_utilisation VDI.managed VDI.missing VDI.virtual_size " +
    "VDI.physical_utilisation VDI.is_a_snapshot VDI.snapshot_of VDI.snapshot_time VDI.metadata_of_pool VDI.cbt_enabled " +
    "VM.NVRAM_EFI_variables host.uefi_certificates",
  "pool-admin":
    "pool.guest_agent_config pool.uefi_certificates pool.custom_uefi_certificates pool.telemetry_next_collection " +
    "host.numa_affinity_policy host.ssh_enabled_timeout host.console_idle_timeout host.ssh_auto_mode " +
    "VM.is_default_template network.purpose",
  "pool-operator":
    "VM.ha_restart_priority VM.ha_always_run VM.protection_policy VM.snapshot_schedule VM.start_delay " +
    "VM.shutdown_delay VM.order VM.suspend_VDI VM.appliance VIF.locking_mode VIF.ipv4_allowed VIF.ipv6_allowed",
  "vm-power-admin":
    "VM.affinity VM.memory_dynamic_max VM.memory_dynamic_min VM.memory_static_max VM.memory_static_min " +
    "VM.HVM_shadow_multiplier",
  "vm-admin": "network.MTU",
  "vm-operator": "pool.tags pool.gui_config host.tags VM.tags SR.tags VDI.tags network.tags",
  "read-only": "",
};

/** Messages that are neither getters nor setters of fields, where they are not read-only. */
const messages: Readonly<Record<Needed, string>> = {
  nobody: "",
  "pool-admin": "session.local_logout VM.update_allowed_operations",
  "pool-operator":
    "session.logout_subject_identifier message.create message.destroy host.disable host.enable host.evacuate " +
    "host.assert_can_evacuate host.shutdown host.reboot host.power_on host.set_power_on_mode pool.initialize_wlb " +
    "pool.deconfigure_wlb pool.send_wlb_configuration pool.install_ca_certificate pool.certificate_install " +
    "pool.uninstall_ca_certificate pool.certificate_uninstall pool.certificate_sync task.destroy/any",
  "vm-power-admin": "VM.pool_migrate VM.start_on VM.resume_on",
  "vm-admin": "VM.destroy VM.record_data_source VM.forget_data_source_archives",
  "vm-operator":
    "VM.start VM.clean_shutdown VM.hard_shutdown VM.clean_reboot VM.hard_reboot VM.pause VM.unpause " +
    "VM.suspend VM.resume",
  "read-only": "",
};

/** Keys of maps that others may write than the map; a star stands for any ending. */
const keys: Readonly<Record<string, Readonly<Record<string, Role>>>> = {
  "task.other_config": {
    applies_to: "vm-operator",
    XenCenterUUID: "vm-operator",
    XenCenterMeddlingActionTitle: "vm-operator",
  },
  "pool.other_config": {
    folder: "vm-operator",
    "XenCenter.CustomFields.*": "vm-operator",
    EMPTY_FOLDERS: "vm-operator",
  },
  "host.other_config": { folder: "vm-operator", "XenCenter.CustomFields.*": "vm-operator" },
  "network.other_config": {
    folder: "vm-operator",
    "XenCenter.CustomFields.*": "vm-operator",
    XenCenterCreateInProgress: "vm-operator",
  },
  "SR.other_config": { folder: "vm-operator", "XenCenter.CustomFields.*": "vm-operator" },
  "VDI.other_config": { folder: "vm-operator", "XenCenter.CustomFields.*": "vm-operator" },
  "VM.other_config": {
    pci: "pool-admin",
    hvm_serial: "pool-admin",
    folder: "vm-operator",
    "XenCenter.CustomFields.*": "vm-operator",
  },
  "VM.platform": { hvm_serial: "pool-admin" },
};

const writerOf = byName(writers);
const writerOfField = byName(fields);
const neededBy = byName(messages);

function byName<T extends string>(lists: Readonly<Record<T, string>>): ReadonlyMap<string, T> {
  return new Map(
    (Object.keys(lists) as T[]).flatMap((role) =>
      lists[role]
        .split(" ")
        .filter((name) => name !== "")
        .map((name): [string, T] => [name, role]),
    ),
  );
}

/** A right as xapi calls it, and the weakest role that has it. */
export interface Permission {
  readonly name: string;
  readonly role: Needed;
}

/** What a call of `message` ("VM.pool_migrate") takes; `key` is the key that an add_to_ or remove_from_ names. */
export function permissionOf(message: string, key?: string): Permission {
  const name = message.toLowerCase();
  const [cls = "", verb = ""] = message.split(".");
  const given = neededBy.get(message);
  if (given !== undefined) return { name, role: given };
  // Secrets are not even read by everybody.
  if (cls === "secret" && verb !== "get_other_config") return { name, role: "pool-operator" };
  const field = /^(?:set|add_to|remove_from|add|remove)_(.*)$/.exec(verb)?.[1];
  if (field === undefined) return { name, role: "read-only" };
  const guarded = key === undefined ? undefined : guardedKey(`${cls}.${field}`, key);
  if (guarded !== undefined) return { name: `${name}/key:${guarded.key.toLowerCase()}`, role: guarded.role };
  return { name, role: writerOfField.get(`${cls}.${field}`) ?? writerOf.get(cls) ?? "pool-operator" };
}

function guardedKey(field: string, key: string): { key: string; role: Role } | undefined {
  const found = Object.entries(keys[field] ?? {}).find(([pattern]) =>
    pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : key === pattern,
  );
  return found === undefined ? undefined : { key: found[0], role: found[1] };
}

/** Whether a session with that role has the right. */
export function mayDo(role: Role, permission: Permission): boolean {
  return permission.role !== "nobody" && roles.indexOf(role) <= roles.indexOf(permission.role);
}

/** The rights of a role as its sessions list them: those that not every role has, by name. */
export function permissionsOf(role: Role): string[] {
  const guarded = [...neededBy].filter(([, needed]) => mayDo(role, { name: "", role: needed }));
  return guarded.map(([message]) => message.toLowerCase()).sort();
}

/** In xapi's order, which is that of its generated tables. */
const asListed: readonly Role[] = [
  "vm-power-admin",
  "vm-admin",
  "vm-operator",
  "read-only",
  "pool-admin",
  "pool-operator",
];

/** The parameters of RBAC_PERMISSION_DENIED. */
export function denial(permission: Permission): [permission: string, message: string] {
  const having = asListed.filter((role) => mayDo(role, permission)).join(", ");
  return [permission.name, `No permission in user session. (Roles with this permission: ${having})`];
}
