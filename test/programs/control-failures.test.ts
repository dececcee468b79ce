/** Migrations that fail, hang, vanish or lie: what control says, tries next and leaves behind. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { acknowledgeBreaker } from "../../src/store/breaker.ts";
import { openMigrations } from "../../src/store/migrations.ts";
import { type Arena, openArena, type Ring, type Told } from "../support/controlArena.ts";
import { cpu25, threeHosts } from "../support/controlPools.ts";

let arena: Arena;
beforeAll(async () => {
  arena = await openArena();
});
afterEach(() => arena.shut());
afterAll(() => arena.close());

async function unbalanced(options: { speed?: number; first?: string } = {}): Promise<Ring> {
  const ring = await arena.open(threeHosts, options);
  if (options.first !== undefined) ring.command(options.first);
  await ring.collect(cpu25);
  return ring;
}

/** Nothing of ours is left in the pool. */
function expectNothingLeft(ring: Ring): void {
  expect(ring.pool.db.all("task").length).toBe(0);
  expect(ring.pool.db.all("session").length).toBe(0);
}

function linesOf(told: Told, pattern: RegExp): string[] {
  return told.lines.filter((line) => pattern.test(line));
}

describe("a migration that works", () => {
  it("is announced, started, followed and checked; task and session are gone afterwards", async () => {
    const ring = await unbalanced();
    const told = await ring.control();
    expect(told.code).toBe(0);
    expect(told.lines[0]).toMatch(
      /^small: hot -> cold1; CpuAverage hot 90 -> 45, cold1 0 -> 45 \(mean 33\.33 %/,
    );
    expect(told.lines[1]).toBe("Starting Migration ...");
    expect(told.lines.slice(-3)).toEqual([
      "End Migration",
      `small (${ring.uuid("VM", "small")}) is on cold1`,
      "1 VM moved",
    ]);
    expect(ring.where("small")).toBe("cold1");
    expect(ring.migrations).toEqual(["small -> cold1"]);
    expectNothingLeft(ring);
  });

  it("is not taken for ended when its progress reaches 1 and falls again", async () => {
    const ring = await unbalanced({ speed: 2 });
    ring.command("slow-migration 0.1");
    const { db } = ring.pool;
    const pending = () => db.all("task").filter((task) => db.text("task", task, "status") === "pending");
    let pendingAtFull = 0;
    const told = await ring.control({
      onLine: (line) => {
        if (line === "Progress: 1") pendingAtFull = pending().length;
      },
    });
    expect(pendingAtFull).toBe(1);
    const seen = linesOf(told, /^Progress/).map((line) => Number(line.slice("Progress: ".length)));
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(told).toMatchObject({ code: 0 });
    expect(ring.where("small")).toBe("cold1");
  });

  it("tells JSON events, one object a line", async () => {
    const ring = await unbalanced();
    const told = await ring.control({ json: true });
    expect(told.lines).toEqual([]);
    const events = told.objects.map(({ event }) => event);
    expect(events.filter((event) => event !== "progress")).toEqual([
      "plan",
      "move",
      "start",
      "end",
      "result",
      "summary",
    ]);
    expect(told.objects[1]).toMatchObject({ vm: ring.uuid("VM", "small"), to: ring.uuid("host", "cold1") });
    expect(told.objects.at(-2)).toMatchObject({ event: "result", outcome: { kind: "moved" } });
  });
});

describe("a migration that fails", () => {
  it("F34: never-this-vm: the next best VM goes instead", async () => {
    const ring = await unbalanced();
    ring.command("fail-migration VM_LACKS_FEATURE VM at=start");
    const told = await ring.control();
    expect(told.code).toBe(3);
    expect(told.text).toMatch(
      /^small \(.+\) could not be moved to cold1: VM_LACKS_FEATURE \(.+\); it stays on hot$/m,
    );
    expect(ring.migrations).toEqual(["small -> cold1", "big -> cold1"]);
    expect([ring.where("small"), ring.where("big")]).toEqual(["hot", "cold1"]);
    expectNothingLeft(ring);
  });

  it("F34: never-this-pair: the same VM goes to the next best host", async () => {
    const ring = await unbalanced({ first: "block big" });
    ring.command("fail-migration VM_REQUIRES_SR VM OpaqueRef:sr at=start");
    const told = await ring.control();
    expect(told.code).toBe(3);
    expect(told.text).toMatch(/could not be moved to cold1: VM_REQUIRES_SR \(.+\); it stays on hot/);
    expect(ring.migrations).toEqual(["small -> cold1", "small -> cold2"]);
    expect(ring.where("small")).toBe("cold2");
    expectNothingLeft(ring);
  });

  it("on the way: the VM goes elsewhere, and where it fails there too another one goes instead", async () => {
    const ring = await unbalanced();
    ring.command("fail-migration INTERNAL_ERROR lost at=50% vm=small times=always");
    const told = await ring.control();
    expect(told.code).toBe(3);
    expect(told.text).toMatch(/could not be moved to cold1: INTERNAL_ERROR \(lost\); it stays on hot/);
    expect(ring.migrations).toEqual(["small -> cold1", "small -> cold2", "big -> cold1"]);
    expect(ring.where("big")).toBe("cold1");
    expectNothingLeft(ring);
  });

  it("stop: nothing more is tried, and the reason ends the run", async () => {
    const ring = await unbalanced();
    ring.command("fail-migration LICENCE_RESTRICTION Xen_motion at=start times=always");
    const told = await ring.control();
    expect(told.code).toBe(3);
    expect(ring.migrations).toEqual(["small -> cold1"]);
    expect(told.lines.at(-1)).toBe("ended early: LICENCE_RESTRICTION (Xen_motion)");
    expectNothingLeft(ring);
  });

  it("F37: every one: the breaker opens after two suspects, the next run is refused until somebody acknowledges", async () => {
    const ring = await unbalanced();
    ring.command("fail-migration INTERNAL_ERROR lost at=start times=always");
    const told = await ring.control();
    expect(told.code).toBe(3);
    // Of the first two one VM may be what is wrong; of three at least two VMs or hosts are.
    expect(ring.migrations).toEqual(["small -> cold1", "small -> cold2", "big -> cold1"]);
    expect(told.lines).toContain("0 VMs moved");
    expect(told.lines.at(-1)).toMatch(/^ended early: too many migrations failed: the breaker is open/);
    expectNothingLeft(ring);
    await ring.collect(cpu25);
    const next = await ring.control();
    expect(next.code).toBe(4);
    expect(next.text).toMatch(
      /^refused: breaker: 3 migrations in a row failed, the last one: INTERNAL_ERROR \(lost\), limit closed for another 30 min; .*xcp-control --ack$/,
    );
    expect(ring.migrations).toHaveLength(3);
    await acknowledgeBreaker(arena.controller, "a test");
    const after = await ring.control();
    expect(after.text).not.toContain("refused: breaker");
    // What failed rests meanwhile: small wherever it should go, and cold1 that two VMs did not reach.
    expect(ring.migrations.slice(3)).toEqual(["big -> cold2"]);
  });

  it("counts towards the moves of one run", async () => {
    const ring = await unbalanced();
    ring.command("fail-migration INTERNAL_ERROR lost at=start times=always");
    expect((await ring.control({ maxMoves: 1 })).code).toBe(3);
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });

  it("and takes the VM with it: that is told, and nothing else is moved", async () => {
    const ring = await unbalanced();
    ring.command("lose-vm");
    const told = await ring.control();
    expect(told.code).toBe(3);
    expect(told.text).toMatch(
      /^small \(.+\) does not run any more: INTERNAL_ERROR .+; the VM is Halted now$/m,
    );
    expect(ring.migrations).toEqual(["small -> cold1"]);
    expectNothingLeft(ring);
  });

  it("F36: because somebody halts or destroys the VM meanwhile: told, nothing else is moved", async () => {
    for (const [deed, told] of [
      ["halt", /Halted now/],
      ["destroy", /it left the pool/],
    ] as const) {
      const ring = await unbalanced({ speed: 2 });
      const result = await ring.control({
        onLine: (line) => {
          if (line.startsWith("Progress: 0.") && ring.migrations.length === 1) {
            try {
              ring.command(`${deed} small`);
            } catch {
              // Done at an earlier line.
            }
          }
        },
      });
      expect(result.code).toBe(3);
      expect(result.text).toMatch(told);
      expect(ring.migrations).toEqual(["small -> cold1"]);
    }
  });
});

describe("a task that is not the truth", () => {
  it("success without a move counts as failed", async () => {
    const ring = await unbalanced({ speed: 1 });
    ring.command("stall-migration at=10%");
    const told = await ring.control({
      maxMoves: 1,
      onLine: (line) => {
        const { db, model } = ring.pool;
        const [task] = db.all("task");
        if (!line.startsWith("Progress: 0.") || task === undefined) return;
        for (const vm of model.migrations.keys()) {
          db.set("VM", vm, "current_operations", Object.create(null));
          db.set("VM", vm, "scheduled_to_be_resident_on", "OpaqueRef:NULL");
        }
        db.set("task", task, "status", "success");
      },
    });
    expect(told.code).toBe(3);
    expect(told.text).toMatch(
      /could not be moved to cold1: the task reports success, but the VM did not move; it stays on hot/,
    );
  });

  it("F23: a toolstack restart in mid-migration is waited out; a VM that arrived counts as moved", async () => {
    const ring = await unbalanced({ speed: 20 });
    ring.command("slow-migration 4");
    let restarted = false;
    const told = await ring.control({
      onLine: (line) => {
        if (restarted || !line.startsWith("Progress: 0.")) return;
        restarted = true;
        ring.command("restart-toolstack hot for=20s");
      },
    });
    expect(restarted).toBe(true);
    expect(told.text).toContain("End Migration");
    expect(told.code).toBe(0);
    expect(ring.where("small")).toBe("cold1");
    expect(ring.migrations).toEqual(["small -> cold1"]);
    expect(ring.pool.db.all("session").length).toBe(0);
  });

  it("F23: a toolstack restart in mid-migration with the VM left on its host counts as failed", async () => {
    const ring = await unbalanced({ speed: 20 });
    ring.command("fail-migration INTERNAL_ERROR lost at=90%");
    let restarted = false;
    const told = await ring.control({
      maxMoves: 1,
      onLine: (line) => {
        if (restarted || !line.startsWith("Progress: 0.")) return;
        restarted = true;
        ring.command("restart-toolstack hot for=10s");
      },
    });
    expect(told.code).toBe(3);
    expect(told.text).toMatch(/could not be moved to cold1: its task vanished; it stays on hot/);
    expect(ring.where("small")).toBe("hot");
  });

  it("a master change in mid-migration is followed to the new master", async () => {
    const ring = await unbalanced({ speed: 20 });
    ring.command("slow-migration 4");
    let changed = false;
    const told = await ring.control({
      onLine: (line) => {
        if (changed || !line.startsWith("Progress: 0.")) return;
        changed = true;
        ring.command("master cold2 for=10s");
      },
    });
    expect(changed).toBe(true);
    expect(told).toMatchObject({ code: 0 });
    expect(ring.where("small")).toBe("cold1");
  });

  it("a login that the pool refuses meanwhile ends the watching: the password is not tried again and again", async () => {
    const ring = await unbalanced({ speed: 20 });
    ring.command("stall-migration at=30%");
    let attempts = 0;
    const told = await ring.control({
      onLine: (line) => {
        if (!line.startsWith("Progress: 0.") || attempts > 0) return;
        for (const session of ring.pool.db.all("session")) ring.pool.db.destroy("session", session);
        ring.pool.authenticate = () => {
          attempts += 1;
          return false;
        };
      },
    });
    expect(told.code).toBe(3);
    expect(told.text).toMatch(/^small .*does not accept the password/m);
    expect(told.lines.at(-1)).toMatch(/^ended early: how the last migration ends is not known/);
    expect(attempts).toBe(1);
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });

  it("a request whose answer is lost is never repeated, nor followed by another VM's", async () => {
    const ring = await unbalanced();
    ring.command("close Async.VM.pool_migrate");
    const told = await ring.control();
    expect(told.code).toBe(3);
    expect(told.text).toMatch(/^small .*: no answer to the request: .*; whether it began is not known$/m);
    expect(ring.migrations).toEqual([]);
    expect(told.lines.filter((line) => line === "Starting Migration ...")).toHaveLength(1);
    expect(ring.where("big")).toBe("hot");
  });

  it("F41: a request whose answer a signal did not let come in is open, never called refused; the next run closes it", async () => {
    const ring = await unbalanced();
    ring.command("mute Async.VM.pool_migrate");
    const stop = new AbortController();
    const running = ring.control({ graceMs: 0, signal: stop.signal });
    // The pool has begun it, and says nothing.
    await expect.poll(() => ring.migrations).toEqual(["small -> cold1"]);
    stop.abort();
    const told = await running;
    expect(told.code).toBe(3);
    expect(told.text).toMatch(
      /^small .*: no answer to the request: .*Async.VM.pool_migrate: stopped by a signal/m,
    );
    expect(told.lines.at(-1)).toMatch(/^ended early: how the last migration ends is not known/);
    expect(await openMigrations(arena.manager)).toHaveLength(1);
    await expect.poll(() => ring.where("small")).toBe("cold1");
    const next = await ring.control({ maxAgeSeconds: 600 });
    expect(next.text).toMatch(/^An earlier run's migration succeeded: small /m);
    expect(ring.migrations.filter((move) => move.startsWith("small "))).toEqual(["small -> cold1"]);
  });
});

describe("a migration that never ends", () => {
  it("is cancelled after its time and counts as failed", async () => {
    const ring = await unbalanced();
    ring.command("stall-migration at=30%");
    const told = await ring.control({ timeoutMs: 300, maxMoves: 1 });
    expect(told.code).toBe(3);
    expect(told.text).toMatch(
      /it took longer than 0 s \(ControlMigrationMinutes\), so it was cancelled; it stays on hot/,
    );
    expect(ring.where("small")).toBe("hot");
    expectNothingLeft(ring);
  });

  it("F38: and is not cancelled by the pool is left in the end, and nothing else is started before it is closed", async () => {
    const ring = await unbalanced();
    ring.command("stall-migration at=30%");
    ring.command("garbage task.cancel times=always");
    const told = await ring.control({ timeoutMs: 30_000, hastySeconds: 2, maxAgeSeconds: 86_400 });
    expect(told.code).toBe(3);
    expect(told.text).toMatch(/the pool did not cancel it; the migration goes on in the pool/);
    expect(told.lines.at(-1)).toMatch(/^ended early: how the last migration ends is not known/);
    expect(ring.migrations).toEqual(["small -> cold1"]);
    expect(ring.pool.db.all("task").length).toBe(1);
    expect(ring.pool.db.all("session").length).toBe(0);
    expect(await openMigrations(arena.controller)).toMatchObject([{ state: "running" }]);
    await ring.collect(cpu25);
    const next = await ring.control({ timeoutMs: 30_000, hastySeconds: 2, maxAgeSeconds: 86_400 });
    expect(next.code).toBe(3);
    expect(next.text).toMatch(/An earlier run's migration stays open: small .*the pool did not cancel it/);
    expect(next.lines.at(-1)).toMatch(/^ended early: 1 migration of an earlier run cannot be closed yet/);
    expect(ring.migrations).toEqual(["small -> cold1"]);
  });
});
