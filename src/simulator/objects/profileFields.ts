/** Which fields, classes and messages a release had. */
import type { Visibility } from "./database.ts";
import { releaseOrder } from "./datamodel.ts";
import { isAtLeast, type Release } from "./release.ts";

/** How far a release's datamodel reaches. */
export interface Reach {
  /** Code name of its newest named release. */
  readonly code: string;
  /** Version of xapi; null for releases before its versions counted. */
  readonly xapi: string | null;
}

/** Whether what was first published in `since` (a code name, or a version of xapi) is there. */
export function isPublishedBy(reach: Reach, since: string): boolean {
  const named = releaseOrder.indexOf(since);
  if (named >= 0) return named <= releaseOrder.indexOf(reach.code);
  if (!/^\d/.test(since)) throw new Error(`unknown release ${since}`);
  return reach.xapi !== null && compareVersions(since, reach.xapi) <= 0;
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map(Number)) as [number[], number[]];
  const at = left.findIndex((part, index) => part !== (right[index] ?? 0));
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

/** What clients of a release see of the datamodel; all of it without one. */
export function visibilityOf(profile: (Reach & { readonly release: Release }) | null): Visibility {
  return {
    hasClass: (cls) => profile === null || hasClass(profile, cls),
    hasField: (field) => profile === null || isPublishedBy(profile, field.since),
    keepsRemoved: profile !== null && !isAtLeast(profile.release, 1, 10),
  };
}

/** Classes that came after the first release. */
const classesSince: Readonly<Record<string, string>> = {
  blob: "orlando",
  Bond: "miami",
  Caller: "26.17.0",
  Certificate: "stockholm",
  Cluster: "kolkata",
  Cluster_host: "kolkata",
  DR_task: "boston",
  Driver_variant: "25.2.0",
  Feature: "falcon",
  GPU_group: "boston",
  Host_driver: "25.2.0",
  network_sriov: "kolkata",
  Observer: "23.14.0",
  PCI: "boston",
  PGPU: "boston",
  pool_patch: "miami",
  pool_update: "ely",
  PUSB: "inverness",
  PVS_cache_storage: "ely",
  PVS_proxy: "ely",
  PVS_server: "ely",
  PVS_site: "ely",
  Rate_limit: "26.17.0",
  Repository: "1.301.0",
  role: "midnight-ride",
  SDN_controller: "falcon",
  secret: "midnight-ride",
  subject: "george",
  tunnel: "cowley",
  USB_group: "inverness",
  VGPU: "boston",
  VGPU_type: "vgpu-tech-preview",
  VLAN: "miami",
  VM_appliance: "boston",
  VM_group: "24.19.1",
  VMSS: "falcon",
  VTPM: "22.26.0",
  VUSB: "inverness",
};

/** Messages that came after the first release, where the simulated pool knows them. */
const messagesSince: Readonly<Record<string, string>> = {
  "event.from": "boston",
  "event.inject": "tampa",
  "pool.install_ca_certificate": "1.290.0",
  "pool.uninstall_ca_certificate": "1.290.0",
  "task.set_status": "falcon",
};

/** Whether the release has the class. */
export function hasClass(reach: Reach, cls: string): boolean {
  return isPublishedBy(reach, classesSince[cls] ?? "rio");
}

/** Whether the release has the message, generic ones by their class. */
export function hasMessage(reach: Reach, name: string): boolean {
  return isPublishedBy(reach, messagesSince[name] ?? "rio") && hasClass(reach, name.split(".")[0] ?? "");
}
