/**
 * What a report is drawn from, as the store reads it: figures of spans of time, so that thirty days of a large pool are
 * little. Times are seconds since 1970 by the database's clock. Pure.
 */
import type { Gate } from "../domain/gate.ts";
import type { HostPowerEvent, SleepSpan } from "../domain/hostPower.ts";
import type { Migration } from "../domain/migration.ts";
import type { ObservedAction } from "../domain/observed.ts";
import type { Uuid } from "../domain/pool.ts";
import type { GreenRule, Rule, ServeRule, Subject } from "../domain/rule.ts";
import type { Wattage } from "../power/options.ts";
import type { Names } from "../text/names.ts";

/** What one pool's part of a report is made of. */
export interface ReportFacts {
  readonly pool: { readonly uuid: string; readonly name: string };
  /** The span of time that is reported on. */
  readonly from: number;
  readonly to: number;
  /** From when on was asked for, where the history begins later. */
  readonly askedFrom: number;
  readonly names: Names;
  /** How many there are now. */
  readonly hostCount: number;
  readonly runningVms: number;
  readonly slices: readonly Slice[];
  /** By subject; CpuAverage first. */
  readonly loads: readonly SubjectLoad[];
  readonly rules: readonly Rule[];
  readonly greenRules: readonly GreenRule[];
  readonly serveRules: readonly ServeRule[];
  /** Newest first. */
  readonly ruleChanges: readonly RuleChangeFact[];
  /** Oldest first: the newest ones, where there are more than a page can show. */
  readonly migrations: readonly MigrationFact[];
  /** All of the span, by how they ended. */
  readonly migrationCounts: Readonly<Record<string, number>>;
  /** Oldest first. */
  readonly shifts: readonly Shift[];
  readonly asleep: readonly SleepSpan[];
  readonly greenBytes: number;
  readonly watts: Wattage;
  /** Steps of green rules that the pool did not do. */
  readonly powerTroubles: readonly HostPowerEvent[];
  readonly topVms: TopVms;
  /** Null where no snapshot of the time knows what VMs waited for. */
  readonly shortage: CpuShortage | null;
  /** Oldest first. */
  readonly observed: readonly ObservedAction[];
  readonly runs: readonly RunGroup[];
  /** What keeps the next run from acting; null where nothing does. */
  readonly closed: Gate | null;
}

/** A part of the span: one column of the pictures. */
export interface Slice {
  readonly from: number;
  readonly to: number;
  /** Collections that were stored in it. */
  readonly collections: number;
}

/** A figure for each slice; null where nothing is known. */
export type SliceFigures = readonly (number | null)[];

/** What hosts had of a subject, in its unit. */
export interface SubjectLoad {
  readonly subject: Subject;
  /** Means of the host's own values. */
  readonly hosts: ReadonlyMap<Uuid, SliceFigures>;
  /** The highest of the host's own values. */
  readonly peaks: ReadonlyMap<Uuid, SliceFigures>;
  /** The mean over the hosts, and the mean of each collection's highest and lowest host less its mean. */
  readonly mean: SliceFigures;
  readonly above: SliceFigures;
  readonly below: SliceFigures;
  /** The highest deviation of any collection. */
  readonly mostAbove: SliceFigures;
  /** Collections in which a host was above the limit of that collection's time; 0 where there was no rule. */
  readonly past: readonly number[];
  /** Collections at whose time there was a rule. */
  readonly ruled: readonly number[];
  /** The threshold as the rules had it: at the beginning of the span, and from each change of it on; oldest first. */
  readonly limits: readonly LimitStep[];
}

/** From `at` on (seconds since 1970) the rules allow so much above the mean; null: there is no rule. */
export interface LimitStep {
  readonly at: number;
  readonly limit: number | null;
}

/** A migration, with how long it was expected to take. */
export interface MigrationFact
  extends Pick<
    Migration,
    | "id"
    | "runId"
    | "vm"
    | "source"
    | "destination"
    | "rule"
    | "cause"
    | "reason"
    | "state"
    | "seconds"
    | "memoryBytes"
    | "error"
  > {
  readonly at: number;
  /** Null while it goes on. */
  readonly endedAt: number | null;
  /** Null in rows of earlier versions. */
  readonly expectedSeconds: number | null;
}

/** What the migrations of a run did to the pool: the highest deviation from the mean before and after them. */
export interface Shift {
  readonly at: number;
  readonly subject: Subject;
  readonly threshold: number;
  readonly moves: number;
  readonly before: number;
  readonly after: number;
}

export interface RuleChangeFact {
  readonly at: number;
  readonly by: string;
  readonly action: string;
  readonly kind: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** VMs by the CPUs that they used, over stored snapshots. */
export interface TopVms {
  /** Snapshots that were looked at, and when the first and last of them were made. */
  readonly snapshots: number;
  readonly from: number | null;
  readonly to: number | null;
  readonly vms: readonly TopVm[];
}

export interface TopVm {
  readonly vm: Uuid;
  /** Where the newest collection has it; null where it runs nowhere. */
  readonly host: Uuid | null;
  /** CPUs in use: its mean, and the highest of any snapshot. */
  readonly cpus: number;
  readonly mostCpus: number;
  readonly vcpus: number | null;
  readonly memoryMb: number | null;
  /** Sent and received together. */
  readonly networkKb: number | null;
}

/** CPU that VMs wanted and did not get, over stored snapshots that know it. In CPUs. */
export interface CpuShortage {
  /** Oldest first: what the VMs of the pool used, and what they waited for. */
  readonly moments: readonly { readonly at: number; readonly used: number; readonly waited: number }[];
  /** Means; those that waited for most first. */
  readonly hosts: readonly { readonly host: Uuid; readonly waited: number; readonly most: number }[];
  readonly vms: readonly {
    readonly vm: Uuid;
    /** Where the newest collection has it; null where it runs nowhere. */
    readonly host: Uuid | null;
    readonly waited: number;
    readonly used: number;
  }[];
}

/** Runs of xcp-control that ended alike. */
export interface RunGroup {
  readonly outcome: string;
  /** The gate's name where a run was refused, else what it said. */
  readonly what: string;
  /** The newest of their own words. */
  readonly example: string;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}
