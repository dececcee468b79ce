/** The XAPI client's options from the settings: what to trust, whom to ask, how long to wait. Pure. */
import type { XenSettings } from "../settings/types.ts";
import type { Trust, XapiOptions } from "./client.ts";
import type { KnownMembers } from "./members.ts";

/** Options for one session of `program`, ended when `signal` is aborted; `known`: members beside the settings'. */
export function xapiOptions(
  xen: XenSettings,
  program: string,
  signal: AbortSignal,
  known?: KnownMembers,
): XapiOptions {
  return {
    urls: xen.urls,
    user: xen.user,
    password: xen.password.reveal(),
    trust: trustOf(xen),
    minTlsVersion: xen.tlsMinVersion,
    connectTimeoutMs: xen.connectTimeoutMs,
    callTimeoutMs: xen.callTimeoutMs,
    maxResponseBytes: xen.answerMaxBytes,
    originator: program,
    addressMap: xen.addressMap,
    parallelCalls: xen.parallelCalls,
    ...(known === undefined ? {} : { known }),
    ...(xen.poolUuid === null ? {} : { expectedPoolUuid: xen.poolUuid }),
    signal,
  };
}

function trustOf(xen: XenSettings): Trust {
  if (xen.fingerprints.length > 0) return { kind: "fingerprints", sha256: xen.fingerprints };
  return xen.caPem === null ? { kind: "system" } : { kind: "ca", pem: xen.caPem };
}
