/**
 * The invariants I1 to I8, each named at its check below, over a recorded history: what the database and the simulated
 * pool wrote down, never over the final state alone. Each gives what breaks it, in words; nothing where it holds.
 */
import { evaluate, termExcess } from "../../src/domain/deviation.ts";
import { isOpen } from "../../src/domain/migration.ts";
import type { Snapshot, Uuid } from "../../src/domain/pool.ts";
import { type Rule, termsOf } from "../../src/domain/rule.ts";
import type { MigrationRecord } from "../../src/store/migrationRecord.ts";
import type { ProgramRun } from "../../src/store/runs.ts";

/** A migration as the pool itself saw it; moments are counted, not timed. */
export interface PoolMigration {
  readonly vm: Uuid;
  readonly source: Uuid;
  readonly destination: Uuid;
  readonly beganAt: number;
  /** Null while it goes on. */
  readonly endedAt: number | null;
}

/** What stands in the thesis' three tables, or in the pool: uuids, "uuid power state", "vm > host". */
export interface Contents {
  readonly hosts: readonly string[];
  readonly vms: readonly string[];
  readonly places: readonly string[];
}

/** What was the case when a collection had been stored, before the next run of control. */
export interface CollectedState {
  readonly collectionId: number;
  readonly startedAt: Date;
  readonly snapshot: Snapshot;
  readonly rules: readonly Rule[];
  readonly excluded: readonly Uuid[];
  /** The tables, and the pool at the moment it was collected. */
  readonly tables: Contents;
  readonly pool: Contents;
}

export interface History {
  /** Oldest first. */
  readonly migrations: readonly MigrationRecord[];
  readonly runs: readonly ProgramRun[];
  readonly leaseToken: number;
  readonly pool: readonly PoolMigration[];
  readonly states: readonly CollectedState[];
  /** The tables when all was over: control does not write them. */
  readonly tablesAtEnd: Contents;
  readonly limits: {
    readonly inPool: number;
    readonly perHour: number;
    readonly perRun: number;
    readonly collectionSeconds: number;
  };
}

export type InvariantName = "I1" | "I2" | "I3" | "I4" | "I5" | "I6" | "I7" | "I8";

export interface Invariant {
  /** A sentence that is true when the check gives nothing. */
  readonly sentence: string;
  readonly check: (history: History) => readonly string[];
}

export const invariants: Readonly<Record<InvariantName, Invariant>> = {
  I1: { sentence: "never more migrations at once, in a run and in an hour than allowed", check: capsHold },
  I2: { sentence: "no VM has two open rows, and the pool no migration without a row", check: oneOpenRow },
  I3: {
    sentence: "no move is from a collection that was old or of before a migration's end",
    check: freshOnly,
  },
  I4: { sentence: "no excluded VM or host is in any plan", check: exclusionsHold },
  I5: { sentence: "under constant load no plan leaves the pool less balanced", check: neverWorse },
  I6: { sentence: "under constant load plans become empty, and nothing comes back", check: comesToRest },
  I7: { sentence: "every move has a reason and its figures", check: reasonsKept },
  I8: { sentence: "the tables equal one state of the pool", check: tablesTrue },
};

/** Every invariant that the history breaks, as "I2: ...". */
export function broken(history: History): readonly string[] {
  return Object.entries(invariants).flatMap(([name, { check }]) =>
    check(history).map((what) => `${name}: ${what}`),
  );
}

function capsHold({ pool, migrations, limits }: History): string[] {
  const faults: string[] = [];
  for (const begun of pool) {
    const atOnce = pool.filter(
      ({ beganAt, endedAt }) => beganAt <= begun.beganAt && (endedAt === null || endedAt > begun.beganAt),
    ).length;
    if (atOnce > limits.inPool) faults.push(`${atOnce} migrations at once when ${begun.vm} began`);
  }
  const started = migrations.filter(({ state }) => state !== "refused");
  for (const last of started) {
    const within = started.filter(({ plannedAt }) => {
      const before = last.plannedAt.getTime() - plannedAt.getTime();
      return before >= 0 && before < 3_600_000;
    }).length;
    if (within > limits.perHour) faults.push(`${within} migrations in the hour before ${last.id}`);
  }
  for (const runId of new Set(started.map((row) => row.runId))) {
    const own = started.filter((row) => row.runId === runId).length;
    if (own > limits.perRun) faults.push(`${own} migrations in run ${runId}`);
  }
  return faults;
}

const never = 8.64e15;

function oneOpenRow({ migrations, pool, leaseToken }: History): string[] {
  const faults: string[] = [];
  migrations.forEach((row, index) => {
    const end = row.finishedAt?.getTime() ?? never;
    for (const other of migrations.slice(index + 1)) {
      if (other.vm !== row.vm) continue;
      const otherEnd = other.finishedAt?.getTime() ?? never;
      if (other.plannedAt.getTime() < end && row.plannedAt.getTime() < otherEnd)
        faults.push(`rows ${row.id} and ${other.id} of VM ${row.vm} were open at once`);
    }
    if (isOpen(row.state) !== (row.finishedAt === null))
      faults.push(`row ${row.id} is ${row.state} and ended`);
    if (row.token > leaseToken) faults.push(`row ${row.id} has token ${row.token}, above the lease's`);
  });
  for (const key of new Set(pool.map(keyOf))) {
    const made = pool.filter((each) => keyOf(each) === key).length;
    const meant = migrations.filter((each) => each.state !== "refused" && keyOf(each) === key).length;
    if (made > meant) faults.push(`the pool made ${made} migrations ${key}, the log has ${meant}`);
  }
  return faults;
}

function keyOf({ vm, source, destination }: Omit<PoolMigration, "beganAt" | "endedAt">): string {
  return `${vm}: ${source} > ${destination}`;
}

/** Ends after which older pictures of the pool are not to be trusted. */
const moving = ["succeeded", "failed", "cancelled", "lost", "overtaken"];

function freshOnly({ migrations, states, limits }: History): string[] {
  const faults: string[] = [];
  for (const row of migrations) {
    const state = states.find(({ collectionId }) => collectionId === row.collectionId);
    if (state === undefined)
      faults.push(`${row.id} is from collection ${row.collectionId}, which nobody stored`);
    else {
      const age = (row.plannedAt.getTime() - state.startedAt.getTime()) / 1000;
      if (age > limits.collectionSeconds) faults.push(`${row.id} is from a collection ${age} s old`);
    }
    for (const earlier of migrations) {
      const { runId, finishedAt, collectionsAtEnd } = earlier;
      if (runId === row.runId || finishedAt === null || collectionsAtEnd === null) continue;
      if (!moving.includes(earlier.state) || finishedAt > row.plannedAt) continue;
      if (row.collectionId <= collectionsAtEnd)
        faults.push(
          `${row.id} is from collection ${row.collectionId}, ${earlier.id} ended at ${collectionsAtEnd}`,
        );
    }
  }
  return faults;
}

function exclusionsHold({ migrations, states }: History): string[] {
  return migrations.flatMap((row) => {
    const excluded = states.find(({ collectionId }) => collectionId === row.collectionId)?.excluded ?? [];
    return [row.vm, row.source, row.destination]
      .filter((uuid) => excluded.includes(uuid))
      .map((uuid) => `${row.id} moves what is excluded: ${uuid}`);
  });
}

/** Pairs above the threshold, and by how much of it the worst is. */
function imbalance({ snapshot, rules }: CollectedState): { broken: number; worst: number } {
  const over = rules.flatMap((rule) => {
    const { means, verdicts } = evaluate(snapshot.hosts, rule);
    return verdicts.map(({ value, term }) => {
      const decisive = termsOf(rule)[term];
      if (decisive === undefined) return 0;
      return termExcess(decisive, value, means[term] ?? null) / Math.max(1, decisive.amount);
    });
  });
  return { broken: over.filter((each) => each > 0).length, worst: Math.max(0, ...over) };
}

/** Loads are read with this much doubt, in percent. */
const doubt = 2;

/** Whether the same VMs run under the same load and the same rules, wherever they are. */
function alike(a: CollectedState, b: CollectedState): boolean {
  if (JSON.stringify([a.rules, a.excluded]) !== JSON.stringify([b.rules, b.excluded])) return false;
  const running = ({ snapshot: { vms } }: CollectedState) =>
    new Map(vms.filter((vm) => vm.powerState === "Running").map((vm) => [vm.uuid, vm.vcpuAverage]));
  const [before, after] = [running(a), running(b)];
  if (before.size !== after.size) return false;
  const serving = ({ snapshot: { hosts } }: CollectedState) =>
    hosts.filter(({ enabled, live, read }) => enabled && live && read).map(({ uuid }) => uuid);
  if (serving(a).join() !== serving(b).join()) return false;
  return [...before].every(([vm, load]) => {
    const later = after.get(vm);
    return later !== undefined && (load === null || later === null || Math.abs(load - later) <= doubt);
  });
}

/** All VMs that run are measured: nobody has just come. */
function isSettled({ snapshot }: CollectedState): boolean {
  return snapshot.vms.every(({ powerState, isControlDomain, vcpuAverage }) => {
    return powerState !== "Running" || isControlDomain || vcpuAverage !== null;
  });
}

/** Whether VMs are where migrations for the rules put them between the two states, and nobody else moved any. */
function movedByUs(from: CollectedState, to: CollectedState, migrations: History["migrations"]): boolean {
  const places = new Map<string, string>(
    from.snapshot.placements.map((each) => [each.vmUuid, each.hostUuid]),
  );
  for (const { vm, destination, state, collectionId, rule } of migrations) {
    if (
      rule === null ||
      state !== "succeeded" ||
      collectionId < from.collectionId ||
      collectionId >= to.collectionId
    )
      continue;
    places.set(vm, destination);
  }
  return to.snapshot.placements.every(({ vmUuid, hostUuid }) => places.get(vmUuid) === hostUuid);
}

/** Stretches of settled states under constant load, in which only control moved VMs. */
function stretches({ states, migrations }: History): readonly (readonly CollectedState[])[] {
  const found: CollectedState[][] = [];
  for (const state of states) {
    if (!isSettled(state)) continue;
    const current = found.at(-1);
    const last = current?.at(-1);
    if (
      current !== undefined &&
      last !== undefined &&
      alike(last, state) &&
      movedByUs(last, state, migrations)
    )
      current.push(state);
    else found.push([state]);
  }
  return found;
}

/** How many pairs of states I5 has compared, and how many stretches I6: for tests that want some. */
export function constantLoad(history: History): { readonly plans: number; readonly hostPower: number } {
  const all = stretches(history);
  const plans = all.flatMap((stretch) => stretch.slice(1).filter((to, n) => acted(history, stretch[n], to)));
  return { plans: plans.length, hostPower: all.filter(({ length }) => length > runsToRest).length };
}

function acted({ migrations }: History, from: CollectedState | undefined, to: CollectedState): boolean {
  if (from === undefined) return false;
  return migrations.some(
    ({ collectionId, state }) =>
      state === "succeeded" && collectionId >= from.collectionId && collectionId < to.collectionId,
  );
}

function neverWorse(history: History): string[] {
  return stretches(history).flatMap((stretch) =>
    stretch.slice(1).flatMap((to, n) => {
      const from = stretch[n];
      if (from === undefined || !acted(history, from, to)) return [];
      const [before, after] = [imbalance(from), imbalance(to)];
      if (after.broken < before.broken) return [];
      const where = `between collections ${from.collectionId} and ${to.collectionId}`;
      if (after.broken > before.broken)
        return [`${before.broken} broken pairs became ${after.broken} ${where}`];
      return after.worst > before.worst + doubt / 100 ? [`the worst pair became worse ${where}`] : [];
    }),
  );
}

/** So many runs under constant load may still move something. */
export const runsToRest = 3;

function comesToRest(history: History): string[] {
  return stretches(history).flatMap((stretch) => {
    const [first, last] = [stretch[0], stretch.at(-1)];
    if (first === undefined || last === undefined) return [];
    const rows = history.migrations.filter(
      ({ collectionId, state }) =>
        state !== "refused" && collectionId >= first.collectionId && collectionId <= last.collectionId,
    );
    const restless = stretch.slice(runsToRest).map(({ collectionId }) => collectionId);
    return rows.flatMap((row) => [
      ...(restless.includes(row.collectionId) ? [`${row.id} still moves from ${row.collectionId}`] : []),
      ...rows
        .filter(({ vm, source, plannedAt }) => {
          return vm === row.vm && source === row.destination && plannedAt < row.plannedAt;
        })
        .map(({ id }) => `${row.id} takes VM ${row.vm} back to where ${id} took it from`),
    ]);
  });
}

function reasonsKept({ migrations, runs }: History): string[] {
  return migrations.flatMap((row) => {
    const faults: string[] = [];
    if (!/\S/.test(row.reason)) faults.push(`${row.id} has no reason`);
    const figures = row.figures as Record<string, unknown> | null;
    for (const name of ["mean", "sourceBefore", "sourceAfter", "destinationBefore", "destinationAfter"]) {
      if (typeof figures?.[name] !== "number") faults.push(`${row.id} lacks the figure ${name}`);
    }
    if (!runs.some(({ id }) => id === row.runId)) faults.push(`${row.id} is of no run`);
    return faults;
  });
}

function tablesTrue({ states, tablesAtEnd }: History): string[] {
  const last = states.at(-1);
  return [
    ...states.flatMap(({ collectionId, tables, pool }) =>
      differences(`collection ${collectionId}`, tables, pool),
    ),
    ...(last === undefined ? [] : differences("the end", tablesAtEnd, last.tables)),
  ];
}

function differences(when: string, found: Contents, wanted: Contents): string[] {
  return (["hosts", "vms", "places"] as const)
    .filter((part) => [...found[part]].sort().join("\n") !== [...wanted[part]].sort().join("\n"))
    .map((part) => `at ${when} the tables' ${part} are not the pool's`);
}
