/** Failures of talking to a pool: XAPI said no, or no usable answer came. */

import { AppError } from "../domain/errors.ts";

/** XAPI answered with a failure: its code and parameters. */
export class XapiError extends Error {
  readonly code: string;
  readonly params: readonly string[];

  constructor(code: string, params: readonly string[], call?: string) {
    super(
      `${call === undefined ? "" : `${call}: `}${code}${params.length === 0 ? "" : ` (${params.join(", ")})`}`,
    );
    this.name = "XapiError";
    this.code = code;
    this.params = params;
  }
}

/** Why no usable answer came. */
export type UnreachableReason =
  | "no-connection"
  | "lost"
  | "deadline"
  | "http"
  | "garbled"
  | "too-large"
  | "aborted";

/** Nobody gave a usable answer. Whether the pool acted on the request is unknown when `sent` is true. */
export class XapiUnreachable extends AppError {
  readonly reason: UnreachableReason;
  readonly sent: boolean;
  /** The HTTP status, where reason is "http". */
  readonly status: number | null;

  constructor(
    reason: UnreachableReason,
    message: string,
    options: { readonly sent: boolean; readonly status?: number; readonly cause?: unknown },
  ) {
    super("pool", message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "XapiUnreachable";
    this.reason = reason;
    this.sent = options.sent;
    this.status = options.status ?? null;
  }
}

/** A host showed a certificate that nobody trusts; nothing was sent to it. */
export class CertificateError extends AppError {
  /** The host as messages name it. */
  readonly url: string;
  /** SHA-256 of what it showed, "AB:CD:..."; null where it is trusted but for its dates, or was not seen. */
  readonly seen: string | null;

  constructor(url: string, seen: string | null, message: string) {
    super("certificate", message);
    this.url = url;
    this.seen = seen;
  }
}

/** What a refused migration means for the planner. */
export type FailureClass = "never-this-vm" | "never-this-pair" | "later" | "stop";

const classes: Readonly<Record<Exclude<FailureClass, "later">, readonly string[]>> = {
  "never-this-vm": [
    "VM_MISSING_PV_DRIVERS",
    "VM_LACKS_FEATURE",
    "VM_LACKS_FEATURE_SUSPEND",
    "VM_NON_SUSPENDABLE",
    "VM_IS_IMMOBILE",
    "VM_HAS_PCI_ATTACHED",
    "VM_HAS_VGPU",
    "VM_HAS_VUSBS",
    "VM_IS_TEMPLATE",
    "VM_IS_SNAPSHOT",
    "VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION",
    "OPERATION_BLOCKED",
    "OPERATION_NOT_ALLOWED",
    "MEMORY_CONSTRAINT_VIOLATION",
  ],
  "never-this-pair": [
    "VM_REQUIRES_SR",
    "VM_REQUIRES_NETWORK",
    "VM_REQUIRES_IOMMU",
    "VM_REQUIRES_GPU",
    "VM_REQUIRES_VGPU",
    "VM_REQUIRES_VUSB",
    "VM_HVM_REQUIRED",
    "VM_INCOMPATIBLE_WITH_THIS_HOST",
    "VM_HOST_INCOMPATIBLE_VERSION",
    "VM_HOST_INCOMPATIBLE_VERSION_MIGRATE",
    "VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION",
    "HOST_CANNOT_ATTACH_NETWORK",
    "HOST_NOT_ENOUGH_PCPUS",
    "NETWORK_SRIOV_INSUFFICIENT_CAPACITY",
  ],
  stop: [
    "RBAC_PERMISSION_DENIED",
    "SESSION_AUTHENTICATION_FAILED",
    "SESSION_AUTHORIZATION_FAILED",
    "LICENCE_RESTRICTION",
    "LICENSE_RESTRICTION",
    "NOT_SUPPORTED_DURING_UPGRADE",
    "HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN",
    "MESSAGE_METHOD_UNKNOWN",
    "MESSAGE_REMOVED",
  ],
};

/** The class of a failure code. An unknown code is "later": the pool may think better of it. */
export function classifyFailure(code: string): FailureClass {
  for (const name of ["never-this-vm", "never-this-pair", "stop"] as const)
    if (classes[name].includes(code)) return name;
  return "later";
}
