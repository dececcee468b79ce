/**
 * The invariants I1 to I8 over a recorded history: many runs of collect and control over a pool that changes between
 * them; and for each invariant a history that breaks it, so that no check is empty.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Rule } from "../../src/domain/rule.ts";
import { exclude, include } from "../../src/store/exclusions.ts";
import { type Arena, openArena, type Ring } from "../support/controlArena.ts";
import { cpu25 } from "../support/controlPools.ts";
import {
  type CollectedState,
  constantLoad,
  type History,
  type InvariantName,
  invariants,
} from "../support/invariants.ts";

const scenario = `
pool "Four" product=XCP-ng version=8.2 bandwidth=1000
host h1 master cpus=8 memory=8192 base-cpu=0%
host h2 cpus=8 memory=8192 base-cpu=0%
host h3 cpus=8 memory=8192 base-cpu=0%
host h4 cpus=8 memory=8192 base-cpu=0%
vm a1 on=h1 vcpus=2 memory=256 cpu=90% tools
vm a2 on=h1 vcpus=2 memory=512 cpu=90% tools
vm a3 on=h1 vcpus=2 memory=1024 cpu=80% tools
vm a4 on=h1 vcpus=2 memory=256 cpu=60% tools
vm b1 on=h2 vcpus=2 memory=256 cpu=20% tools
vm b2 on=h2 vcpus=2 memory=256 cpu=20% tools
vm c1 on=h3 vcpus=2 memory=512 cpu=10% tools
vm d1 on=h4 vcpus=2 memory=256 cpu=10% tools
`;

const cpu12: Rule = { subject: "CpuAverage", threshold: 12 };

/** What happens before each stretch of five runs. */
const phases: readonly {
  readonly rules: readonly Rule[];
  readonly happens: (ring: Ring, arena: Arena) => Promise<void>;
}[] = [
  { rules: [cpu25], happens: async () => undefined },
  {
    rules: [cpu12],
    happens: async (ring, arena) => {
      const who = { by: "ann", reason: "licence" };
      await exclude(arena.manager, { kind: "VM", uuid: ring.uuid("VM", "b1") as never, ...who });
      await exclude(arena.manager, { kind: "HOST", uuid: ring.uuid("host", "h4") as never, ...who });
      ring.command("load b1 cpu=95%");
      ring.command("load b2 cpu=95%");
      ring.command("load a3 cpu=95%");
    },
  },
  {
    rules: [cpu25, { subject: "OccupiedMemoryMb", threshold: 500 }],
    happens: async (ring, arena) => {
      await include(arena.manager, ring.uuid("VM", "b1") as never);
      await include(arena.manager, ring.uuid("host", "h4") as never);
      ring.command("halt a4");
      ring.command("load c1 cpu=100%");
    },
  },
  {
    rules: [cpu12],
    happens: async (ring) => {
      ring.command(`start a4 on=${ring.uuid("host", "h2")}`);
      ring.command("load d1 cpu=90%");
    },
  },
];

const instant = { sampleCount: 1, breaches: 1, vmCooldownMinutes: 0 };

let arena: Arena;
let history: History;

beforeAll(async () => {
  arena = await openArena();
  const ring = await arena.open(scenario, { speed: 100 });
  for (const { rules, happens } of phases) {
    await happens(ring, arena);
    for (let run = 0; run < 5; run++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      await ring.collect(...rules);
      const { code, text } = await ring.control({ change: instant });
      expect([0, 4], text).toContain(code);
    }
  }
  history = await ring.history();
}, 60_000);
afterAll(() => arena?.close());

describe("the recorded history", () => {
  it("has plans that were carried out, and stretches of constant load, to speak of", () => {
    expect(history.states).toHaveLength(20);
    expect(history.migrations.length).toBeGreaterThan(3);
    expect(history.pool.length).toBeGreaterThan(3);
    const { plans, hostPower } = constantLoad(history);
    expect(plans).toBeGreaterThan(1);
    expect(hostPower).toBeGreaterThan(1);
  });

  for (const name of Object.keys(invariants) as InvariantName[]) {
    it(`${name}: ${invariants[name].sentence}`, () => {
      expect(invariants[name].check(history)).toEqual([]);
    });
  }
});

type Rows = History["migrations"];
const rowsChanged = (change: (row: Rows[number], index: number) => Partial<Rows[number]>) => () => ({
  ...history,
  migrations: history.migrations.map((row, index) => ({ ...row, ...change(row, index) })),
});
const statesChanged = (change: (state: CollectedState, index: number) => Partial<CollectedState>) => () => ({
  ...history,
  states: history.states.map((state, index) => ({ ...state, ...change(state, index) })),
});
const limitsChanged = (limits: Partial<History["limits"]>) => () => ({
  ...history,
  limits: { ...history.limits, ...limits },
});

/** All CPUs of one host busy from some state on, in figures only. */
function heated(state: CollectedState): Partial<CollectedState> {
  const hosts = state.snapshot.hosts.map((host, index) =>
    index === 0 ? { ...host, cpuAverage: 100 } : host,
  );
  return { snapshot: { ...state.snapshot, hosts } };
}

const corruptions: readonly (readonly [InvariantName, string, () => History])[] = [
  [
    "I1",
    "three migrations at once",
    () => {
      const [first] = history.pool;
      return first === undefined
        ? history
        : { ...history, pool: [first, first, first].map((each) => ({ ...each, endedAt: null })) };
    },
  ],
  ["I1", "more migrations in an hour than allowed", limitsChanged({ perHour: 1 })],
  ["I1", "more migrations in a run than allowed", limitsChanged({ perRun: 0 })],
  [
    "I2",
    "a second row of a VM that is open",
    () => ({ ...history, migrations: [...history.migrations, ...history.migrations.map(twin)] }),
  ],
  ["I2", "a migration of the pool that no row meant", () => ({ ...history, migrations: [] })],
  ["I2", "a closed row without an end", rowsChanged(() => ({ finishedAt: null }))],
  ["I2", "a row under a token that nobody had", () => ({ ...history, leaseToken: 0 })],
  ["I3", "a plan from a collection that is too old", limitsChanged({ collectionSeconds: -1 })],
  [
    "I3",
    "a plan from a collection of before a migration's end",
    rowsChanged(() => ({ collectionId: history.states[0]?.collectionId ?? 0 })),
  ],
  ["I3", "a plan from no collection", rowsChanged(() => ({ collectionId: -1 }))],
  [
    "I4",
    "a move of an excluded VM",
    statesChanged(() => ({ excluded: history.migrations.map(({ vm }) => vm) })),
  ],
  [
    "I4",
    "a move to an excluded host",
    statesChanged(() => ({ excluded: history.migrations.map(({ destination }) => destination) })),
  ],
  [
    "I5",
    "a host that is hotter after a plan",
    statesChanged((state, index) => (index % 5 === 0 ? {} : heated(state))),
  ],
  [
    "I6",
    "a move after the pool had come to rest",
    () => {
      const [row] = history.migrations;
      const late = history.states[4]?.collectionId ?? 0;
      return row === undefined
        ? history
        : { ...history, migrations: [...history.migrations, { ...row, id: "late", collectionId: late }] };
    },
  ],
  [
    "I6",
    "a VM that comes back",
    () => {
      const [row] = history.migrations;
      if (row === undefined) return history;
      const plannedAt = new Date(row.plannedAt.getTime() + 1000);
      const { source: destination, destination: source } = row;
      return {
        ...history,
        migrations: [...history.migrations, { ...row, id: "back", plannedAt, source, destination }],
      };
    },
  ],
  ["I7", "a move without a reason", rowsChanged(() => ({ reason: " " }))],
  ["I7", "a move without figures", rowsChanged(() => ({ figures: null }))],
  ["I7", "a move of no run", () => ({ ...history, runs: [] })],
  [
    "I8",
    "a place that is of no moment of the pool",
    statesChanged(({ tables }) => ({ tables: { ...tables, places: tables.places.slice(1) } })),
  ],
  [
    "I8",
    "tables that control has written",
    () => ({ ...history, tablesAtEnd: { ...history.tablesAtEnd, hosts: [] } }),
  ],
];

/** The same row under another name, that never ends. */
function twin(row: Rows[number]): Rows[number] {
  return { ...row, id: `${row.id} again` };
}

describe("a history that breaks an invariant is caught", () => {
  it.each(corruptions)("%s: %s", (name, _, corrupt) => {
    expect(invariants[name].check(corrupt())).not.toEqual([]);
  });

  it("and every invariant is among those that were broken", () => {
    expect(new Set(corruptions.map(([name]) => name))).toEqual(new Set(Object.keys(invariants)));
  });
});
