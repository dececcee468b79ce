import { describe, expect, test } from "vitest";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { nullRef } from "../../src/simulator/objects/datamodel.ts";
import { type CalledPool, openScenario, openThesis } from "./simPool.ts";

/** What a task looked like whenever it changed: [virtual ms since now, status, progress]. */
function watchTask(p: CalledPool, task: string): [number, string, number][] {
  const startMs = p.pool.clock.now();
  const seen: [number, string, number][] = [];
  p.pool.db.journal.onChange(() => {
    if (!p.pool.db.has("task", task)) return;
    const status = p.pool.db.text("task", task, "status");
    const progress = p.pool.db.number("task", task, "progress");
    const last = seen.at(-1);
    if (last?.[1] !== status || last[2] !== progress)
      seen.push([p.pool.clock.now() - startMs, status, progress]);
  });
  return seen;
}

const three = `
pool P product=XCP-ng version=8.2 bandwidth=1000
host A master memory=16384 cpus=16
host B memory=16384 cpus=16
host C memory=16384 cpus=16
vm one on=A memory=1024 cpu=0% tools
vm two on=A memory=1024 cpu=0% tools
vm three on=B memory=1024 cpu=0% tools
vm elastic on=A memory=2048 min=1024 cpu=0% tools
`;

/** Seconds that a task took; the pool is advanced until all have ended. */
async function secondsOf(p: CalledPool, tasks: readonly string[]): Promise<number[]> {
  await p.pool.clock.advance(120_000);
  return tasks.map((task) => {
    expect(p.task(task, "status")).toBe("success");
    return (Number(p.task(task, "finished")) - Number(p.task(task, "created"))) / 1000;
  });
}

describe("the life of a migration's task", () => {
  test("the thesis' VM2 takes 26 seconds, its progress reaches 1 and falls while pending, its status is last", async () => {
    const p = await openThesis();
    const task = await p.migrate("VM2 - Debian", "Host1");
    const seen = watchTask(p, task);
    await p.pool.clock.advance(60_000);
    const ended = seen.find(([, status]) => status !== "pending");
    expect(ended?.slice(1)).toEqual(["success", 1]);
    expect((ended?.[0] ?? 0) / 1000).toBeCloseTo(26, 1);
    const pending = seen.filter(([, status]) => status === "pending").map(([, , progress]) => progress);
    const top = pending.indexOf(1);
    expect(top).toBeGreaterThan(90);
    expect(pending.slice(top)).toEqual([1, 0, 0.5, 1]);
    expect(pending[top - 1]).toBeCloseTo(10 / 11, 6);
    expect(p.task(task, "result")).toBe("<value></value>");
    expect(p.task(task, "name_label")).toBe("Async.VM.pool_migrate");
  });

  test("an XCP 1.1 pool shows one ramp to 0.95, then 1", async () => {
    const p = await openScenario(
      three.replace("XCP-ng version=8.2", "XCP version=1.1").replaceAll(" tools", " tools mode=pv"),
    );
    const task = await p.migrate("one", "B");
    const seen = watchTask(p, task);
    await p.pool.clock.advance(60_000);
    const progress = seen.map(([, , value]) => value);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(Math.max(...progress.filter((value) => value < 1))).toBeCloseTo(0.95, 6);
  });

  test("a synchronous call leaves no task", async () => {
    const p = await openScenario(three);
    const done = p.call("VM.pool_migrate", p.vm("one"), p.host("B"), {});
    await p.pool.clock.advance(60_000);
    await done;
    expect(p.pool.db.text("VM", p.vm("one"), "resident_on")).toBe(p.host("B"));
    expect(p.pool.db.count("task")).toBe(0);
  });
});

describe("what an observer sees", () => {
  test("the promise at once, the placement only at the end, everything cleared after it", async () => {
    const p = await openThesis();
    const { db, clock } = p.pool;
    const vm = p.vm("VM2 - Debian");
    const [source, target] = [p.host("Host2"), p.host("Host1")];
    const domid = db.number("VM", vm, "domid");
    const task = await p.migrate("VM2 - Debian", "Host1");
    await clock.advance(10_000);
    expect(db.map("VM", vm, "current_operations")).toEqual({ [task]: "pool_migrate" });
    expect(db.map("host", target, "current_operations")).toEqual({ [task]: "vm_migrate" });
    expect(db.list("VM", vm, "allowed_operations")).toEqual(["hard_shutdown", "hard_reboot"]);
    expect(db.text("VM", vm, "scheduled_to_be_resident_on")).toBe(target);
    expect(db.text("VM", vm, "resident_on")).toBe(source);
    expect(db.text("VM", vm, "power_state")).toBe("Running");
    // Both hosts hold the memory.
    const free = async (host: string): Promise<number> =>
      Number(await p.call("host.query_data_source", host, "memory_free_kib")) / 1024;
    expect(await free(target)).toBe(1791 - 261);
    expect(await free(source)).toBe(1529);
    await clock.advance(20_000);
    expect(db.map("VM", vm, "current_operations")).toEqual({});
    expect(db.map("host", target, "current_operations")).toEqual({});
    expect(db.text("VM", vm, "scheduled_to_be_resident_on")).toBe(nullRef);
    expect(db.text("VM", vm, "resident_on")).toBe(target);
    expect(db.list("host", source, "resident_VMs")).not.toContain(vm);
    expect(db.number("VM", vm, "domid")).toBeGreaterThan(domid);
    expect(db.list("VM", vm, "allowed_operations")).toContain("pool_migrate");
  });

  test("the placement and the promise change in one event", async () => {
    const p = await openThesis();
    const vm = p.vm("VM2 - Debian");
    const pairs = new Set<string>();
    p.pool.db.journal.onChange(() => {
      pairs.add(
        ["resident_on", "scheduled_to_be_resident_on"]
          .map((field) => p.pool.db.text("VM", vm, field))
          .join(" "),
      );
    });
    await p.migrate("VM2 - Debian", "Host1");
    await p.pool.clock.advance(40_000);
    const [source, target] = [p.host("Host2"), p.host("Host1")];
    expect([...pairs]).toEqual(
      [`${source} ${nullRef}`, `${source} ${target}`, `${target} ${nullRef}`].slice(-pairs.size),
    );
    expect(pairs).toContain(`${target} ${nullRef}`);
  });

  test("between the hosts nobody has the VM's measures", async () => {
    const p = await openThesis();
    const vm = p.vm("VM2 - Debian");
    await p.migrate("VM2 - Debian", "Host1");
    await p.pool.clock.advance(25_000);
    expect(await p.failure("VM.query_data_source", vm, "cpu0")).toBeNull();
    await p.pool.clock.advance(800);
    expect(p.pool.db.text("VM", vm, "resident_on")).toBe(p.host("Host2"));
    expect((await p.failure("VM.query_data_source", vm, "cpu0"))?.[0]).toBe("INTERNAL_ERROR");
    await p.pool.clock.advance(1000);
    expect(await p.failure("VM.query_data_source", vm, "cpu0")).toBeNull();
  });

  test("the first point after the move is wrong or missing, the second is right", async () => {
    const p = await openThesis();
    const vm = p.vm("VM2 - Debian");
    const cpu = async (): Promise<number> => Number(await p.call("VM.query_data_source", vm, "cpu0"));
    const before = await cpu();
    await p.migrate("VM2 - Debian", "Host1");
    // The domain starts at about 26 s; the slot that ends at 30 s holds its first point.
    await p.pool.clock.advance(31_000);
    const first = await cpu();
    expect(Number.isNaN(first) || first < before - 0.1).toBe(true);
    await p.pool.clock.advance(5000);
    expect(await cpu()).toBeCloseTo(before, 1);
  });

  test("a guest with room is shrunk before the copy and grows back after it", async () => {
    const p = await openScenario(three);
    const vm = p.vm("elastic");
    const mib = async (): Promise<number> =>
      Number(await p.call("VM.query_data_source", vm, "memory")) / 1024 / 1024;
    const task = await p.migrate("elastic", "B");
    await p.pool.clock.advance(6000);
    expect(p.task(task, "status")).toBe("pending");
    expect(await mib()).toBe(1024);
    await p.pool.clock.advance(30_000);
    expect(p.task(task, "status")).toBe("success");
    expect(await mib()).toBe(2048);
  });

  test("a newer pool tells the move in a message", async () => {
    const p = await openScenario(three.replace("8.2", "8.3"));
    await p.migrate("one", "B");
    await p.pool.clock.advance(60_000);
    const { db } = p.pool;
    const messages = db
      .all("message")
      .map((ref) => [db.text("message", ref, "name"), db.text("message", ref, "body")]);
    expect(messages).toEqual([["VM_MIGRATED", "VM 'one' migrated from host 'A' to host 'B'"]]);
  });
});

describe("time", () => {
  test("parallel streams share the bandwidth of the host they have in common", async () => {
    const alone = await openScenario(three);
    const [single = 0] = await secondsOf(alone, [await alone.migrate("one", "B")]);
    expect(single).toBeCloseTo((1024 * 1024 * 1024) / ((1e9 / 8) * 0.963) + 0.65, 1);
    const together = await openScenario(three);
    const both = await secondsOf(together, [
      await together.migrate("one", "B"),
      await together.migrate("two", "C"),
    ]);
    for (const seconds of both) expect(seconds).toBeCloseTo(2 * (single - 0.65) + 0.65, 1);
    const apart = await openScenario(`${three}\nhost D memory=16384`);
    const separate = await secondsOf(apart, [
      await apart.migrate("one", "C"),
      await apart.migrate("three", "D"),
    ]);
    for (const seconds of separate) expect(seconds).toBeCloseTo(single, 1);
  });

  test("a stream that ends gives its share to the others", async () => {
    const p = await openScenario(three);
    const tasks = [await p.migrate("one", "B")];
    await p.pool.clock.advance(4000);
    tasks.push(await p.migrate("two", "C"));
    const [first = 0, second = 0] = await secondsOf(p, tasks);
    const stream = (1024 * 1024 * 1024) / ((1e9 / 8) * 0.963);
    // Each sends for itself while it is alone and at half the pace while they are two.
    expect(first).toBeCloseTo(0.65 + 2 * stream - 4, 1);
    expect(second).toBeCloseTo(0.65 + 2 * stream - 4, 1);
  });

  test("a busy guest dirties memory and takes longer", async () => {
    const p = await openScenario(`${three}\nvm hot on=A memory=1024 cpu=100% tools`);
    const [cold = 0] = await secondsOf(p, [await p.migrate("one", "B")]);
    const [hot = 0] = await secondsOf(p, [await p.migrate("hot", "C")]);
    expect(hot).toBeGreaterThan(cold * 1.1);
  });
});

describe("waiting, cancelling, failing", () => {
  test("a second migration of the same VM waits for the first, then goes on", async () => {
    const p = await openScenario(three);
    const first = await p.migrate("one", "B");
    const second = await p.migrate("one", "C");
    await p.pool.clock.advance(5000);
    expect([p.task(first, "status"), p.task(second, "status")]).toEqual(["pending", "pending"]);
    expect(p.task(second, "progress")).toBe(0);
    await secondsOf(p, [first, second]);
    expect(p.pool.db.text("VM", p.vm("one"), "resident_on")).toBe(p.host("C"));
  });

  test("cancelling during the stream leaves the VM where it was", async () => {
    const p = await openScenario(three);
    const { db } = p.pool;
    const task = await p.migrate("one", "B");
    await p.pool.clock.advance(3000);
    expect(p.task(task, "allowed_operations")).toEqual(["cancel"]);
    await p.call("task.cancel", task);
    await p.pool.clock.advance(100);
    expect(p.task(task, "status")).toBe("cancelled");
    const vm = p.vm("one");
    expect([db.text("VM", vm, "resident_on"), db.text("VM", vm, "scheduled_to_be_resident_on")]).toEqual([
      p.host("A"),
      nullRef,
    ]);
    expect(db.map("VM", vm, "current_operations")).toEqual({});
    expect(db.map("host", p.host("B"), "current_operations")).toEqual({});
  });

  test("a waiting migration can be cancelled, one at its end cannot", async () => {
    const p = await openThesis();
    const first = await p.migrate("VM2 - Debian", "Host1");
    const waiting = await p.migrate("VM2 - Debian", "Host1");
    await p.pool.clock.advance(1000);
    await p.call("task.cancel", waiting);
    await p.pool.clock.advance(10);
    expect(p.task(waiting, "status")).toBe("cancelled");
    await p.pool.clock.advance(25_750 - 1010);
    expect(p.task(first, "allowed_operations")).toEqual([]);
    await p.call("task.cancel", first);
    await p.pool.clock.advance(1000);
    expect(p.task(first, "status")).toBe("success");
  });

  test.each(["start", "0%", "40%", "100%", "end"])(
    "a migration that is told to fail at %s fails with that code and reverts",
    async (at) => {
      const p = await openScenario(three);
      runCommand(p.pool, `fail-migration VM_FAILED_SUSPEND_ACKNOWLEDGMENT VM at=${at}`);
      const task = await p.migrate("one", "B");
      await p.pool.clock.advance(60_000);
      expect(p.task(task, "status")).toBe("failure");
      expect(p.task(task, "error_info")).toEqual(["VM_FAILED_SUSPEND_ACKNOWLEDGMENT", p.vm("one")]);
      expect(p.pool.db.text("VM", p.vm("one"), "resident_on")).toBe(p.host("A"));
      expect(p.pool.db.map("VM", p.vm("one"), "current_operations")).toEqual({});
      const again = await p.migrate("one", "B");
      await secondsOf(p, [again]);
    },
  );

  test("a stalled migration never ends until somebody cancels it, a slowed one takes its factor longer", async () => {
    const p = await openScenario(three);
    runCommand(p.pool, "stall-migration vm=one at=30%");
    runCommand(p.pool, "slow-migration 3 vm=three");
    const slow = await p.migrate("three", "C");
    const stalled = await p.migrate("one", "B");
    await p.pool.clock.advance(7_200_000);
    expect(p.task(stalled, "status")).toBe("pending");
    expect(p.task(stalled, "progress")).toBeCloseTo((0.3 * 10) / 11, 6);
    expect((Number(p.task(slow, "finished")) - Number(p.task(slow, "created"))) / 1000).toBeGreaterThan(25);
    await p.call("task.cancel", stalled);
    await p.pool.clock.advance(10);
    expect(p.task(stalled, "status")).toBe("cancelled");
  });

  test("a guest that halts during its migration ends it", async () => {
    const p = await openScenario(three);
    const task = await p.migrate("one", "B");
    await p.pool.clock.advance(3000);
    runCommand(p.pool, "halt one");
    await p.pool.clock.advance(1000);
    expect(p.task(task, "error_info")).toEqual(["VM_BAD_POWER_STATE", p.vm("one"), "running", "halted"]);
    expect(p.pool.db.text("VM", p.vm("one"), "power_state")).toBe("Halted");
    expect(p.pool.db.text("VM", p.vm("one"), "scheduled_to_be_resident_on")).toBe(nullRef);
  });

  test("a stream that breaks at the last step takes the VM with it", async () => {
    const p = await openScenario(three);
    runCommand(p.pool, "lose-vm");
    const task = await p.migrate("one", "B");
    await p.pool.clock.advance(60_000);
    expect(p.task(task, "status")).toBe("failure");
    expect(p.pool.db.text("VM", p.vm("one"), "power_state")).toBe("Halted");
  });

  test("migrating to the host it is on is real work with the same end", async () => {
    const p = await openScenario(three);
    await secondsOf(p, [await p.migrate("one", "A")]);
    expect(p.pool.db.text("VM", p.vm("one"), "resident_on")).toBe(p.host("A"));
    expect(p.pool.db.text("VM", p.vm("one"), "scheduled_to_be_resident_on")).toBe(nullRef);
  });

  test("a host that is being emptied takes no VM", async () => {
    const p = await openScenario(three);
    const { simMap } = await import("../../src/simulator/objects/datamodel.ts");
    p.pool.db.set("host", p.host("B"), "current_operations", simMap([["OpaqueRef:t", "evacuate"]]));
    expect(await p.failure("VM.pool_migrate", p.vm("one"), p.host("B"), {})).toEqual([
      "OTHER_OPERATION_IN_PROGRESS",
      "host",
      p.host("B"),
      "evacuate",
      "OpaqueRef:t",
    ]);
  });
});

test("the same seed and the same calls give the same history", async () => {
  const history = async (): Promise<unknown[]> => {
    const p = await openScenario(three, { seed: 5 });
    const tasks = [await p.migrate("one", "B"), await p.migrate("two", "C")];
    const seen = tasks.map((task) => watchTask(p, task));
    await p.pool.clock.advance(60_000);
    return [tasks, seen, p.pool.db.all("VM").map((vm) => p.pool.db.record("VM", vm))];
  };
  expect(await history()).toEqual(await history());
});
