/** Several transfers at once: as many as hosts, pool and the plan's waits allow, each answered for by itself. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { listMigrations } from "../../src/store/migrations.ts";
import { pauseControl, resumeControl } from "../../src/store/pause.ts";
import { type Arena, type ControlChange, openArena, type Ring, type Told } from "../support/controlArena.ts";
import { checkHistory, migrationRows } from "../support/controlCrashes.ts";
import { cpu25 } from "../support/controlPools.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

/** Two hot hosts with three VMs each, and two cold ones that take two each. */
const twoHot = `
pool "Two" product=XCP-ng version=8.2 bandwidth=1000
host hot1 master cpus=4 memory=16384 base-cpu=0%
host hot2 cpus=4 memory=16384 base-cpu=0%
host cold1 cpus=4 memory=16384 base-cpu=0%
host cold2 cpus=4 memory=16384 base-cpu=0%
${["hot1", "hot2"].map((host) => ["a", "b", "c"].map((vm) => `vm ${vm}-${host} on=${host} vcpus=4 memory=1024 cpu=30% tools`).join("\n")).join("\n")}
`;

async function unbalanced(scenario = twoHot, threshold = 10): Promise<Ring> {
  const ring = await arena.open(scenario);
  await ring.collect({ ...cpu25, threshold });
  return ring;
}

/** The most that were between "start" and "end" at once, in the events of a run. */
function mostAtOnce({ objects }: Told): number {
  let [now, most] = [0, 0];
  for (const { event, outcome } of objects) {
    if (event === "start") most = Math.max(most, ++now);
    if (event === "result" && (outcome as { kind: string }).kind !== "refused") now--;
  }
  return most;
}

const json = (change: ControlChange["change"] = {}): ControlChange => ({ json: true, change });

describe("several transfers at once", () => {
  it("run side by side up to the pool's limit and one host's, and the plan is done either way", async () => {
    for (const [change, most] of [
      [{ maxMigrationsInPool: 4, transfersPerHost: 2 }, 2],
      [{ maxMigrationsInPool: 1, transfersPerHost: 2 }, 1],
    ] as const) {
      const ring = await unbalanced();
      const told = await ring.control(json(change));
      expect(told.code).toBe(0);
      expect(mostAtOnce(told)).toBe(most);
      expect(ring.migrations).toHaveLength(2);
      checkHistory(await ring.history());
      await arena.shut();
    }
  });

  it("a host gives and takes as many as ControlTransfersPerHost at a time", async () => {
    const one = `${twoHot}vm d-hot1 on=hot1 vcpus=4 memory=1024 cpu=30% tools\n`.replaceAll(
      "cpu=30%",
      "cpu=25%",
    );
    const ring = await unbalanced(one.replaceAll("on=hot2", "on=hot1"), 5);
    const told = await ring.control(json({ maxMigrationsInPool: 8, transfersPerHost: 1 }));
    expect(told.code).toBe(0);
    expect(ring.migrations.length).toBeGreaterThan(2);
    expect(mostAtOnce(told)).toBe(1);
  });

  it("a move waits for the one that makes room for it, however many places are free", async () => {
    const ring = await unbalanced(
      `
pool "Tight" product=XCP-ng version=8.2 bandwidth=4000
host hot master cpus=4 memory=16384 base-cpu=0%
host mid cpus=4 memory=8192 base-cpu=0%
host tiny cpus=4 memory=4096 base-cpu=0%
vm x on=hot vcpus=4 memory=5120 cpu=45% tools
vm z on=hot vcpus=4 memory=5120 cpu=45% tools
vm y on=mid vcpus=4 memory=2048 cpu=5% tools
`,
      25,
    );
    const told = await ring.control(json({ maxMigrationsInPool: 4 }));
    expect(told.code).toBe(0);
    expect(ring.migrations).toEqual(["y -> tiny", expect.stringMatching(/^[xz] -> mid$/)]);
    expect(mostAtOnce(told)).toBe(1);
  });

  it("lines of progress name the VM while there are several, and the events tell rate and time left", async () => {
    const ring = await unbalanced();
    const text = await ring.control();
    const named = text.lines.flatMap(
      (line) => /^Progress: [01](?:\.\d+)? \(([abc]-hot[12])\)$/.exec(line)?.[1] ?? [],
    );
    expect(new Set(named).size).toBe(2);
    // The thesis' lines say which they mean from the moment that there is a second one.
    const starts = text.lines.filter((line) => line.startsWith("Starting Migration"));
    expect(starts[0]).toBe("Starting Migration ...");
    expect(starts[1]).toMatch(/^Starting Migration \.\.\. \([abc]-hot[12]\)$/);
    const ends = text.lines.filter((line) => line.startsWith("End Migration"));
    expect(ends.map((line) => /\((.+)\)/.exec(line)?.[1]).toSorted()).toEqual([...new Set(named)].toSorted());
    await arena.shut();
    const again = await unbalanced();
    const { objects } = await again.control({ json: true });
    const moving = objects.filter(
      ({ event, progress }) => event === "progress" && (progress as number) > 0.1 && (progress as number) < 1,
    );
    expect(moving.length).toBeGreaterThan(0);
    for (const { vm, bytesPerSecond, secondsLeft } of moving) {
      expect(vm).toMatch(/^[0-9a-f-]{36}$/);
      expect(bytesPerSecond).toBeGreaterThan(0);
      expect(secondsLeft).toBeGreaterThanOrEqual(0);
    }
  });

  it("on a terminal one line each is drawn again, without the thesis' lines", async () => {
    const ring = await unbalanced();
    const drawn: (readonly string[])[] = [];
    const told = await ring.control({ show: (lines) => drawn.push(lines) });
    expect(told.code).toBe(0);
    expect(told.text).not.toMatch(/Progress|Starting Migration|End Migration/);
    expect(Math.max(...drawn.map((lines) => lines.length))).toBe(2);
    expect(drawn.flat()).toContainEqual(
      expect.stringMatching(
        /^[abc]-hot[12] from hot[12] to cold[12]: \d+ %, \d+ MB\/s, \d+ (?:s|min|h)\b.* left$/,
      ),
    );
    expect(drawn.at(-1)).toEqual([]);
  });
});

describe("when one of several goes wrong", () => {
  it("the others are awaited, and only then the rest is planned anew", async () => {
    const ring = await unbalanced();
    ring.command("fail-migration INTERNAL_ERROR broken at=30% times=1");
    const told = await ring.control({ json: true });
    const story = told.objects.flatMap(({ event, outcome }) => {
      if (event === "result") return (outcome as { kind: string }).kind;
      return event === "start" ? "start" : [];
    });
    expect(story.slice(0, 5)).toEqual(["start", "start", "failed", "moved", "start"]);
    expect(story.slice(5)).toEqual(["moved"]);
    const moves = told.objects.filter(({ event }) => event === "move").map(({ vm, to }) => `${vm}>${to}`);
    expect(new Set(moves).size).toBe(moves.length);
    expect(told.code).toBe(3);
    checkHistory(await ring.history());
  });

  it("F40: a pause: those that run are awaited, no other one starts", async () => {
    const ring = await unbalanced(twoHot.replaceAll("cpu=30%", "cpu=33%"), 4);
    let paused: Promise<void> | null = null;
    const told = await ring.control({
      json: true,
      onLine: (line) => {
        if (line.includes('"event":"start"'))
          paused ??= pauseControl(arena.manager, { by: "ann", reason: "", seconds: null });
      },
    });
    expect(paused).not.toBeNull();
    await paused;
    await resumeControl(arena.manager);
    expect(told.code).toBe(0);
    expect(told.text + JSON.stringify(told.objects.at(-1))).toContain("paused by ann");
    expect(ring.migrations.length).toBeLessThanOrEqual(2);
    for (const row of await listMigrations(arena.manager)) expect(row.state).not.toBe("running");
    checkHistory(await ring.history());
  });

  it("a signal that ends the watching leaves both open, and the next run awaits them side by side", async () => {
    const ring = await unbalanced(twoHot.replace("bandwidth=1000", "bandwidth=200"));
    const stop = new AbortController();
    // A start is announced before the pool has been asked; progress is told of what it has taken.
    const onTheirWay = new Set<unknown>();
    const first = await ring.control({
      json: true,
      graceMs: 0,
      signal: stop.signal,
      onLine: (line) => {
        const { event, vm } = JSON.parse(line) as { event?: string; vm?: string };
        if (event === "progress") onTheirWay.add(vm);
        if (onTheirWay.size === 2) stop.abort();
      },
    });
    expect(first.code).toBe(3);
    expect((await listMigrations(arena.manager)).map(({ state }) => state)).toEqual(["running", "running"]);
    const second = await ring.control({ json: true, maxAgeSeconds: 600 });
    const events = second.objects.map(({ event }) => event).filter((event) => event !== "progress");
    expect(events.slice(0, 4)).toEqual(["adopted", "adopted", "closed", "closed"]);
    expect((await migrationRows(arena)).map(({ state }) => state)).toEqual(
      expect.arrayContaining(["succeeded", "succeeded"]),
    );
    checkHistory(await ring.history());
  });
});
