/**
 * The codes that a migration can end with, or be refused with before it begins: what each says of, and why that is so.
 * docs/errors.md shows this table.
 */

import type { FailureClass } from "../domain/migration.ts";

/** The classes of the pool's own codes. */
export type CodeClass = Exclude<FailureClass, "stopped">;

/** Each code with the reason for its class. "SR_BACKEND_FAILURE_*" stands for those with a number. */
export const migrationErrors: Readonly<Record<CodeClass, Readonly<Record<string, string>>>> = {
  vm: {
    VM_MISSING_PV_DRIVERS: "the guest has no drivers that let it be suspended (XCP 1.x, XenServer 6)",
    VM_OLD_PV_DRIVERS: "the guest's drivers are too old to let it be suspended",
    VM_LACKS_FEATURE: "the guest does not say that it can be suspended",
    VM_LACKS_FEATURE_SUSPEND: "the guest does not say that it can be suspended (XenServer 7.0)",
    VM_NON_SUSPENDABLE: "the guest says itself why it cannot be suspended",
    VM_IS_IMMOBILE: "its administrator has tied it to its host (nomigrate, nested virtualisation)",
    VM_IS_USING_NESTED_VIRT: "it is a hypervisor itself, which cannot be moved while it runs",
    VM_HAS_PCI_ATTACHED: "a PCI device of its host is passed through to it",
    VM_HAS_SRIOV_VIF: "a part of its host's network card is passed through to it",
    VM_HAS_VGPU: "its virtual GPU cannot be moved",
    VGPU_SUSPENSION_NOT_SUPPORTED: "its virtual GPU, or the driver of it, cannot be suspended",
    VM_HAS_VUSBS: "a USB device of its host is passed through to it",
    VM_IS_TEMPLATE: "it is a template by now",
    VM_IS_SNAPSHOT: "it is a snapshot",
    VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION:
      "a disk of it is reset at each boot, which a migration would lose",
    OPERATION_BLOCKED: "its administrator has blocked the migration of it (blocked_operations)",
    OPERATION_NOT_ALLOWED: "it is a control domain, or of another kind that stays where it is",
    MEMORY_CONSTRAINT_VIOLATION: "the limits of its memory contradict each other",
    MEMORY_CONSTRAINT_VIOLATION_ORDER: "the limits of its memory contradict each other",
    MEMORY_CONSTRAINT_VIOLATION_MAXPIN: "its memory may not be ballooned as its limits have it",
    INVALID_VALUE: "a field of its record makes no sense to the pool",
    VALUE_NOT_SUPPORTED: "a field of its record is not supported by the pool",
    VM_REQUIRES_VDI: "a disk that it needs is gone",
    VM_BAD_POWER_STATE: "it does not run any more",
    VM_HALTED: "it was halted on the way",
    VM_CRASHED: "it crashed on the way",
    VM_REBOOTED: "it was rebooted on the way, more often than the pool tries again",
    VM_FAILED_SUSPEND_ACKNOWLEDGMENT: "the guest did not answer when it was asked to suspend",
    VM_SUSPEND_TIMEOUT: "the guest did not suspend in time",
    VMS_FAILED_TO_COOPERATE: "the guest did not give back memory that it was asked for",
    BALLOONING_TIMEOUT_BEFORE_MIGRATION: "the guest did not shrink to its minimum in time",
    HOST_EVACUATE_VM_NOT_HA_PROTECTED:
      "HA does not protect it, so that it keeps XAPI itself from emptying its host; whoever looks after it decides",
    HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED: "HA protects it, and a disk of it is on storage of one host",
    HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED: "HA protects it, and a network of it is of one host",
    NO_HOSTS_AVAILABLE: "the pool knows no host that could take it",
  },
  pair: {
    HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN:
      "with this VM on this host HA could not restart all VMs that it protects; another VM or host may do",
    HOST_NOT_ENOUGH_FREE_MEMORY: "the host has no room for this VM; another one may have",
    VM_REQUIRES_SR: "storage of the VM is not attached to the host",
    VM_REQUIRES_NETWORK: "a network of the VM does not reach the host",
    HOST_CANNOT_ATTACH_NETWORK: "a network of the VM cannot be brought up on the host",
    VM_REQUIRES_IOMMU: "the VM needs an IOMMU, the host has none",
    VM_REQUIRES_GPU: "the host has no GPU of the group that the VM needs",
    VM_REQUIRES_VGPU: "the host has no GPU left for the virtual GPU of the VM",
    VGPU_DESTINATION_INCOMPATIBLE: "the host's GPU or its driver does not fit the virtual GPU of the VM",
    VGPU_TYPE_NOT_COMPATIBLE_WITH_RUNNING_TYPE: "the host's GPU runs virtual GPUs of another kind",
    VGPU_TYPE_NOT_ENABLED: "the host's GPU does not allow virtual GPUs of this kind",
    VGPU_TYPE_NOT_SUPPORTED: "the host's GPU knows no virtual GPUs of this kind",
    VGPU_GUEST_DRIVER_LIMIT: "the guest's driver does not go with the host's GPU",
    PGPU_INSUFFICIENT_CAPACITY_FOR_VGPU: "the host's GPU has no room for the virtual GPU of the VM",
    VM_REQUIRES_VUSB: "the host has no USB device of the group that the VM needs",
    VM_HVM_REQUIRED: "the VM needs hardware virtualisation, the host has none",
    VM_INCOMPATIBLE_WITH_THIS_HOST: "the host's CPU lacks what the VM was started with",
    VM_HOST_INCOMPATIBLE_VERSION: "the host's version does not fit the VM",
    VM_HOST_INCOMPATIBLE_VERSION_MIGRATE: "the host's version is older than that of the VM's host",
    VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION:
      "the host does not offer the VM's virtual hardware",
    HOST_NOT_ENOUGH_PCPUS: "the VM has more vCPUs than the host has CPUs",
    NETWORK_SRIOV_INSUFFICIENT_CAPACITY: "the host's network card has no part left for the VM",
  },
  host: {
    HOST_DISABLED: "it was disabled (maintenance)",
    HOST_DISABLED_UNTIL_REBOOT: "it must be rebooted before it takes VMs",
    HOST_DISABLED_INDEFINITELY: "it was disabled until somebody enables it",
    HOST_NOT_LIVE: "it does not answer the pool",
    HOST_STILL_BOOTING: "its toolstack is still starting",
    HOST_BROKEN: "its toolstack is in trouble",
    HOST_IN_EMERGENCY_MODE: "it has lost its master",
    HOST_UNKNOWN_TO_MASTER: "it belongs to the pool no more",
    HOST_EVACUATE_IN_PROGRESS: "it is being emptied",
    "OTHER_OPERATION_IN_PROGRESS host": "it is being emptied, rebooted or shut down",
    HOST_HAS_NO_MANAGEMENT_IP: "it has no address",
    HOST_XAPI_VERSION_HIGHER_THAN_COORDINATOR: "its toolstack is newer than the master's",
    PIF_NOT_PRESENT: "the pool's migration network does not reach it",
    REQUIRED_PIF_IS_UNPLUGGED: "its interface on the migration network is unplugged",
    INTERFACE_HAS_NO_IP: "its interface on the migration network has no address",
    PIF_HAS_NO_NETWORK_CONFIGURATION: "its interface on the migration network is not configured",
    PIF_HAS_NO_V6_NETWORK_CONFIGURATION: "its interface on the migration network has no IPv6 address",
  },
  pool: {
    RBAC_PERMISSION_DENIED: "the pool's account may not migrate VMs (vm-power-admin is needed)",
    PERMISSION_DENIED: "the pool's account may not do this",
    SESSION_AUTHENTICATION_FAILED: "the login is refused meanwhile",
    SESSION_AUTHORIZATION_FAILED: "the login has no role any more",
    SESSION_INVALID: "the pool forgets every session of ours",
    LICENCE_RESTRICTION: "the pool's licence does not allow live migration",
    LICENSE_RESTRICTION: "the pool's licence does not allow live migration",
    LICENSE_EXPIRED: "the pool's licence has run out",
    FEATURE_RESTRICTED: "the pool's licence does not allow live migration",
    NOT_SUPPORTED_DURING_UPGRADE: "the pool is being upgraded host by host",
    MESSAGE_METHOD_UNKNOWN: "this pool knows no live migration as we ask for it",
    MESSAGE_REMOVED: "this pool knows no live migration as we ask for it any more",
    MESSAGE_PARAMETER_COUNT_MISMATCH: "this pool takes the request in another form",
    NOT_IMPLEMENTED: "this pool knows no live migration",
    HOST_IS_SLAVE: "the pool has another master by now",
    TOO_BUSY: "the pool takes no more requests",
    TOO_MANY_PENDING_TASKS: "a hundred requests wait in the pool already",
  },
  later: {
    OTHER_OPERATION_IN_PROGRESS: "something else is done with the VM just now",
    TASK_CANCELLED: "somebody, or the pool, has cancelled it",
    VDI_IN_USE: "a disk of the VM is at work for something else",
    TOO_MANY_STORAGE_MIGRATES: "the host moves the most disks that it may already",
    HANDLE_INVALID: "the VM or a host has gone, or come anew",
    UUID_INVALID: "the VM or a host has gone",
    OBJECT_NOLONGER_EXISTS: "the VM or something of it has gone",
  },
  path: {
    INTERNAL_ERROR: "the toolstack of one of the two hosts stumbled: a lost link, most often",
    VM_MIGRATE_FAILED: "the transfer broke off (XCP 1.x, XenServer 6)",
    VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED: "the source could not speak with the destination",
    HOST_OFFLINE: "one of the two hosts does not answer",
    CANNOT_CONTACT_HOST: "one of the two hosts does not answer",
    TLS_CONNECTION_FAILED: "the hosts could not build up an encrypted connection",
    SSL_VERIFY_ERROR: "one host does not trust the other's certificate",
    "SR_BACKEND_FAILURE_*": "storage of the VM could not be attached, or let go, by one of the two hosts",
    SR_BACKEND_FAILURE: "storage of the VM could not be attached, or let go, by one of the two hosts",
    SR_ATTACH_FAILED: "storage of the VM could not be attached",
    SR_NOT_ATTACHED: "storage of the VM is not attached",
    SR_OPERATION_NOT_SUPPORTED: "storage of the VM does not do what one of the hosts asked of it",
    SR_VDI_LOCKING_FAILED: "a disk of the VM could not be locked",
    SM_PLUGIN_COMMUNICATION_FAILURE: "one of the hosts could not speak with its storage",
    CLUSTERED_SR_DEGRADED: "one of the hosts is not a full member of the storage's cluster",
    VDI_IO_ERROR: "a disk of the VM could not be read or written",
    VDI_NOT_AVAILABLE: "a disk of the VM could not be attached",
    MIRROR_FAILED: "a disk of the VM could not be copied",
    DEVICE_ATTACH_TIMEOUT: "a device of the VM was not attached in time",
    DEVICE_DETACH_TIMEOUT: "a device of the VM was not let go in time",
    DEVICE_DETACH_REJECTED: "a device of the VM was not let go",
    CANNOT_PLUG_VIF: "an interface of the VM could not be plugged on the destination",
    BRIDGE_NOT_AVAILABLE: "a network's bridge is missing on the destination",
    DOMAIN_EXISTS: "the destination still has a domain of this VM",
    DOMAIN_BUILDER_ERROR: "the destination could not build the VM's domain",
    FAILED_TO_START_EMULATOR: "the destination could not start the VM's device model",
    XAPI_HOOK_FAILED: "a script that an administrator has put on a host said no",
    XENAPI_PLUGIN_FAILURE: "a plugin of one of the hosts failed",
    XENAPI_MISSING_PLUGIN: "one of the hosts lacks a plugin",
  },
};

const classOfCode: ReadonlyMap<string, CodeClass> = new Map(
  Object.entries(migrationErrors).flatMap(([name, codes]) =>
    Object.keys(codes).map((code): [string, CodeClass] => [code, name as CodeClass]),
  ),
);

/** The class of a failure. A code that nobody has seen before is "path": the pair, until more is known. */
export function classifyFailure(code: string, params: readonly string[] = []): CodeClass {
  const about = `${code} ${(params[0] ?? "").toLowerCase()}`;
  return (
    classOfCode.get(about) ??
    classOfCode.get(code) ??
    classOfCode.get(code.replace(/^(SR_BACKEND_FAILURE)_\d+$/, "$1_*")) ??
    "path"
  );
}
