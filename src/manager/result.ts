/** What a command found or did, before it becomes text or JSON. */

import type { Flap } from "../decide/flaps.ts";
import type { GreenForecast } from "../decide/power.ts";
import type { BreakerStatus, Exclusion, Pause } from "../domain/controlState.ts";
import type { HostPowerEvent, HostState } from "../domain/hostPower.ts";
import type { Migration } from "../domain/migration.ts";
import type { CostBook } from "../domain/migrationCost.ts";
import type { Collection, Host, InfeasiblePair, PoolFacts, Uuid, Vm } from "../domain/pool.ts";
import type { AnyRule, ChainRule, GreenRule, SingleRule } from "../domain/rule.ts";
import type { Explanation } from "../explain/explain.ts";
import type { Savings } from "../power/savings.ts";
import type { Numbered } from "../store/addedRules.ts";
import type { LeaseStatus } from "../store/lease.ts";
import type { MigrationRecord } from "../store/migrationRecord.ts";
import type { RuleChange, StoredRule } from "../store/ruleChanges.ts";
import type { ProgramRun } from "../store/runs.ts";
import type { Names } from "../text/names.ts";

export type Result =
  | { readonly kind: "vms"; readonly vms: readonly VmOnHost[] }
  | { readonly kind: "vm"; readonly found: VmOnHost; readonly details: boolean }
  | { readonly kind: "hosts"; readonly hosts: readonly HostWithVms[] }
  | { readonly kind: "host"; readonly found: HostWithVms; readonly details: boolean }
  | {
      readonly kind: "rules";
      readonly rules: readonly SingleRule[];
      readonly chains: readonly Numbered<ChainRule>[];
      /** Rows of rules that xcp-control cannot follow. */
      readonly unknown: readonly { readonly reason: string }[];
    }
  | { readonly kind: "green-rules"; readonly rules: readonly Numbered<GreenRule>[] }
  /** `notes` are what an administrator may not have meant. */
  | {
      readonly kind: "created";
      readonly rule: StoredRule<AnyRule>;
      readonly notes: readonly string[];
    }
  | { readonly kind: "deleted"; readonly rules: readonly StoredRule<AnyRule>[] }
  | {
      readonly kind: "altered";
      readonly before: StoredRule<AnyRule>;
      readonly after: StoredRule<AnyRule>;
      readonly notes: readonly string[];
    }
  | { readonly kind: "switched"; readonly rule: StoredRule<AnyRule>; readonly changed: boolean }
  /** Newest first. */
  | { readonly kind: "rule-history"; readonly changes: readonly RuleChange[] }
  | { readonly kind: "subjects"; readonly subjects: readonly SubjectFigures[] }
  | {
      readonly kind: "pool";
      readonly pool: PoolFacts;
      readonly hosts: readonly Host[];
      readonly vms: readonly Vm[];
    }
  | { readonly kind: "collection"; readonly collection: Collection; readonly ageSeconds: number }
  /** Newest first. */
  | { readonly kind: "migrations"; readonly migrations: readonly Migration[]; readonly names: Names }
  | { readonly kind: "migration"; readonly found: MigrationRecord; readonly names: Names }
  /** The flaps of the last days, newest first. */
  | { readonly kind: "flaps"; readonly flaps: readonly Flap[]; readonly days: number; readonly names: Names }
  | GreenResult
  | { readonly kind: "costs"; readonly costs: CostBook; readonly names: Names }
  | { readonly kind: "exclusions"; readonly exclusions: readonly Exclusion[]; readonly names: Names }
  /** The lines and the object that xcp-control --dry-run prints. */
  | { readonly kind: "plan"; readonly lines: readonly string[]; readonly object: object }
  | {
      readonly kind: "explanation";
      readonly object: ObjectNamed;
      readonly explanation: Explanation;
      readonly names: Names;
    }
  | StatusResult
  | { readonly kind: "paused"; readonly pause: Pause; readonly open: number }
  | { readonly kind: "resumed"; readonly wasPaused: boolean }
  | { readonly kind: "excluded"; readonly exclusion: ObjectNamed; readonly reason: string }
  | { readonly kind: "included"; readonly exclusion: ObjectNamed };

/** What green rules did, were worth, and are about to do. */
export interface GreenResult {
  readonly kind: "green";
  readonly rules: readonly GreenRule[];
  /** Hosts that are not simply on, or are on since a while that is remembered. */
  readonly hosts: readonly {
    readonly host: Uuid;
    readonly state: HostState["kind"];
    readonly seconds: number;
    readonly reason: string;
  }[];
  /** Of the last day and of the last 30 days. */
  readonly savings: readonly { readonly days: number; readonly saved: Savings }[];
  /** Newest first. */
  readonly events: readonly (HostPowerEvent & { readonly secondsAgo: number })[];
  readonly forecast: GreenForecast | null;
  /** Why nothing can be said of what comes next; null where something can. */
  readonly closed: string | null;
  readonly names: Names;
}

/** Whether xcp-control works, and if not, why. */
export interface StatusResult {
  readonly kind: "status";
  readonly schemaVersion: number;
  /** Null before the first collection. */
  readonly collection: {
    readonly collection: Collection;
    readonly ageSeconds: number;
    readonly pool: PoolFacts;
  } | null;
  readonly programs: readonly ProgramStatus[];
  readonly lease: LeaseStatus;
  readonly pause: Pause | null;
  readonly breaker: BreakerStatus;
  readonly open: readonly Migration[];
  readonly startedLastHour: number;
  readonly exclusions: readonly Exclusion[];
  /** Of the last day. */
  readonly flaps: readonly Flap[];
  readonly names: Names;
}

/** The newest run of a program, and the newest that did its work; null where none is remembered. */
export interface ProgramStatus {
  readonly program: string;
  readonly last: ProgramRun | null;
  readonly lastSuccess: ProgramRun | null;
}

/** A subject, and what the last collection says of it. */
export interface SubjectFigures {
  readonly subject: string;
  /** "" for a plain number. */
  readonly unit: string;
  /** Null where no host has a value. */
  readonly mean: number | null;
  /** Hosts that have a value, of those that take part. */
  readonly hosts: number;
  readonly of: number;
}

/** A VM or host that is excluded, or was. */
export interface ObjectNamed {
  readonly kind: "VM" | "HOST";
  readonly uuid: string;
  /** Null where the pool has no such object any more. */
  readonly name: string | null;
}

/** A VM, the host it is resident on (null when it does not run) and the hosts that cannot take it. */
export interface VmOnHost {
  readonly vm: Vm;
  readonly host: Host | null;
  readonly infeasiblePairs: readonly NamedInfeasiblePair[];
}

/** A infeasible pair with the name of its host, "" where the host is unknown. */
export interface NamedInfeasiblePair extends InfeasiblePair {
  readonly hostName: string;
}

/** A host and the VMs resident on it. */
export interface HostWithVms {
  readonly host: Host;
  readonly vms: readonly Vm[];
}
