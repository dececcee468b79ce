/** What a command found or did, before it becomes text or JSON. */

import type { Bar, Collection, Host, PoolFacts, Vm } from "../pool.ts";
import type { Rule, Subject } from "../rule.ts";

export type Result =
  | { readonly kind: "vms"; readonly vms: readonly VmOnHost[] }
  | { readonly kind: "vm"; readonly found: VmOnHost; readonly details: boolean }
  | { readonly kind: "hosts"; readonly hosts: readonly HostWithVms[] }
  | { readonly kind: "host"; readonly found: HostWithVms; readonly details: boolean }
  | {
      readonly kind: "rules";
      readonly rules: readonly Rule[];
      /** Rows of HostRule that xcp-control cannot follow. */
      readonly unknown: readonly { readonly reason: string }[];
    }
  | { readonly kind: "created"; readonly rule: Rule }
  | { readonly kind: "deleted"; readonly subjects: readonly Subject[] }
  | {
      readonly kind: "pool";
      readonly pool: PoolFacts;
      readonly hosts: readonly Host[];
      readonly vms: readonly Vm[];
    }
  | { readonly kind: "collection"; readonly collection: Collection; readonly ageSeconds: number };

/** A VM, the host it is resident on (null when it does not run) and the hosts that cannot take it. */
export interface VmOnHost {
  readonly vm: Vm;
  readonly host: Host | null;
  readonly bars: readonly NamedBar[];
}

/** A bar with the name of its host, "" where the host is unknown. */
export interface NamedBar extends Bar {
  readonly hostName: string;
}

/** A host and the VMs resident on it. */
export interface HostWithVms {
  readonly host: Host;
  readonly vms: readonly Vm[];
}
