import { describe, expect, test } from "vitest";
import { AppError } from "../../src/domain/errors.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { type CalledPool, openScenario } from "./simPool.ts";

const text = `
pool P product=XCP-ng version=8.2
host A master memory=8192
host B memory=8192
vm one on=A memory=1024 tools
vm two on=B memory=1024 tools
vm off halted memory=512
`;

const live = (p: CalledPool, host: string): unknown =>
  p.pool.db.get("host_metrics", p.pool.db.text("host", p.host(host), "metrics"), "live");

describe("outages", () => {
  test("a crashed host counts as live for ten minutes, and calls to it fail", async () => {
    const p = await openScenario(text);
    runCommand(p.pool, "crash B");
    expect(p.pool.hostCondition(p.host("B"))).toBe("gone");
    expect(live(p, "B")).toBe(true);
    const cannot = ["CANNOT_CONTACT_HOST", p.host("B")];
    expect(await p.failure("host.query_data_source", p.host("B"), "cpu0")).toEqual(cannot);
    expect(await p.failure("VM.query_data_source", p.vm("two"), "cpu0")).toEqual(cannot);
    expect(await p.failure("VM.pool_migrate", p.vm("two"), p.host("A"), {})).toEqual(cannot);
    expect(p.pool.db.text("VM", p.vm("two"), "scheduled_to_be_resident_on")).toBe("OpaqueRef:NULL");
    await p.pool.clock.advance(599_999);
    expect(live(p, "B")).toBe(true);
    await p.pool.clock.advance(1);
    expect(live(p, "B")).toBe(false);
    expect(await p.failure("host.query_data_source", p.host("B"), "cpu0")).toEqual([
      "HOST_OFFLINE",
      p.host("B"),
    ]);
    expect(p.pool.db.text("VM", p.vm("two"), "power_state")).toBe("Running");
  });

  test("a crashed host that boots finds its VMs dead and is starting for a while", async () => {
    const p = await openScenario(text);
    runCommand(p.pool, "crash B");
    await p.pool.clock.advance(60_000);
    runCommand(p.pool, "recover B");
    expect(p.pool.hostCondition(p.host("B"))).toBe("starting");
    expect(p.pool.db.text("VM", p.vm("two"), "power_state")).toBe("Halted");
    await p.pool.clock.advance(31_000);
    expect(p.pool.hostCondition(p.host("B"))).toBe("serving");
    await p.pool.clock.advance(600_000);
    expect(live(p, "B")).toBe(true);
    expect(() => runCommand(p.pool, "recover B")).toThrow("has not crashed");
  });

  test.each(["A", "B"])("a migration from A to B fails when %s crashes", async (host) => {
    const p = await openScenario(text);
    const task = await p.migrate("one", "B");
    await p.pool.clock.advance(3000);
    runCommand(p.pool, `crash ${host}`);
    await p.pool.clock.advance(1000);
    expect(p.task(task, "status")).toBe("failure");
    expect(p.task(task, "error_info")).toEqual([expect.stringMatching("INTERNAL_ERROR"), expect.any(String)]);
    expect(p.pool.db.text("VM", p.vm("one"), "resident_on")).toBe(p.host("A"));
  });

  test("a toolstack restart of the master loses sessions and tasks, and the migration goes on without them", async () => {
    const p = await openScenario(text);
    const task = await p.migrate("one", "B");
    await p.pool.clock.advance(2000);
    runCommand(p.pool, "restart-toolstack A for=20s");
    expect([p.pool.db.count("session"), p.pool.db.has("task", task)]).toEqual([0, false]);
    expect(p.pool.hostCondition(p.host("A"))).toBe("gone");
    await p.pool.clock.advance(17_000);
    expect(p.pool.hostCondition(p.host("A"))).toBe("starting");
    await p.pool.clock.advance(5000);
    expect(p.pool.hostCondition(p.host("A"))).toBe("serving");
    expect(await p.failure("task.get_status", task)).toEqual(["HANDLE_INVALID", "task", task]);
    expect(p.pool.db.text("VM", p.vm("one"), "resident_on")).toBe(p.host("B"));
  });

  test("a new master is the pool's, and both hosts restart", async () => {
    const p = await openScenario(text);
    runCommand(p.pool, "master B for=10s");
    expect(p.pool.masterRef).toBe(p.host("B"));
    expect(p.pool.db.count("session")).toBe(0);
    expect([p.pool.hostCondition(p.host("A")), p.pool.hostCondition(p.host("B"))]).toEqual(["gone", "gone"]);
    await p.pool.clock.advance(10_000);
    expect(p.pool.hostCondition(p.host("B"))).toBe("serving");
  });
});

describe("calls that are not answered as usual", () => {
  test("a fault hits the named calls, on the named host, as often as it was told", async () => {
    const p = await openScenario(text);
    const ask = (host: string, method: string) => p.pool.beforeAnswer(p.host(host), method);
    runCommand(p.pool, "garbage VM.* times=2");
    runCommand(p.pool, "close * host=B times=always");
    expect(await ask("A", "host.get_all")).toBe("answer");
    expect(await ask("A", "VM.get_all_records")).toBe("garbage");
    expect(await ask("A", "Async.VM.pool_migrate")).toBe("garbage");
    expect(await ask("A", "VM.get_all_records")).toBe("answer");
    expect([await ask("B", "host.get_all"), await ask("B", "host.get_all")]).toEqual(["close", "close"]);
    runCommand(p.pool, "end-faults");
    expect(await ask("B", "host.get_all")).toBe("answer");
  });

  test.each(["hang", "http-500"])("%s is what the server is told to do", async (fault) => {
    const p = await openScenario(text);
    runCommand(p.pool, `${fault} session.login_with_password`);
    expect(await p.pool.beforeAnswer(p.host("A"), "session.login_with_password")).toBe(fault);
    expect(await p.pool.beforeAnswer(p.host("A"), "session.login_with_password")).toBe("answer");
  });

  test("a slow call waits its virtual time", async () => {
    const p = await openScenario(text);
    runCommand(p.pool, "slow host.get_all by=7s");
    let answered = false;
    const answer = p.pool.beforeAnswer(p.host("A"), "host.get_all").then((fault) => {
      answered = true;
      return fault;
    });
    await p.pool.clock.advance(6999);
    expect(answered).toBe(false);
    await p.pool.clock.advance(1);
    expect(await answer).toBe("answer");
  });
});

describe("commands", () => {
  test("a data source has no value for as long as it was told, and others keep theirs", async () => {
    const p = await openScenario(text);
    const cpu = async (name: string): Promise<number> =>
      Number(await p.call("host.query_data_source", p.host("A"), name));
    runCommand(p.pool, "nan A cpu0 for=30s");
    expect(await cpu("cpu0")).toBeNaN();
    expect(await cpu("cpu1")).toBeGreaterThan(0);
    await p.pool.clock.advance(29_000);
    expect(await cpu("cpu0")).toBeNaN();
    await p.pool.clock.advance(6000);
    expect(await cpu("cpu0")).toBeGreaterThan(0);
  });

  test("a VM's load changes on command, its past does not", async () => {
    const p = await openScenario(text);
    await p.pool.clock.advance(60_000);
    expect(runCommand(p.pool, "load one cpu=90%")).toContain("one");
    await p.pool.clock.advance(5000);
    expect(await p.call("VM.query_data_source", p.vm("one"), "cpu0")).toBeCloseTo(0.9, 5);
    const { sampleVm } = await import("../../src/simulator/metrics/metrics.ts");
    const past = sampleVm(p.pool.model, p.vm("one"), p.pool.clock.now() - 20_000);
    expect(past.find((source) => source.name === "cpu0")?.value).toBeCloseTo(0.05, 5);
  });

  test("VMs start, pause, halt and vanish, hosts go into maintenance and come back", async () => {
    const p = await openScenario(text);
    const { db } = p.pool;
    const state = (name: string): unknown => db.get("VM", p.vm(name), "power_state");
    expect(runCommand(p.pool, "start off on=B")).toBe("off runs on B");
    runCommand(p.pool, "pause one");
    runCommand(p.pool, "halt two");
    expect([state("off"), state("one"), state("two")]).toEqual(["Running", "Paused", "Halted"]);
    runCommand(p.pool, "unpause one");
    expect(state("one")).toBe("Running");
    runCommand(p.pool, 'block one "backup runs"');
    expect(db.list("VM", p.vm("one"), "allowed_operations")).not.toContain("pool_migrate");
    runCommand(p.pool, "unblock one");
    expect(db.list("VM", p.vm("one"), "allowed_operations")).toContain("pool_migrate");
    const uuid = db.text("VM", p.vm("two"), "uuid");
    runCommand(p.pool, `destroy ${uuid.slice(0, 8)}`);
    expect(() => p.vm("two")).toThrow("no VM");
    runCommand(p.pool, "disable B");
    expect(db.get("host", p.host("B"), "enabled")).toBe(false);
    runCommand(p.pool, "enable B");
    expect(db.get("host", p.host("B"), "enabled")).toBe(true);
    expect(runCommand(p.pool, "show")).toContain("A: cpu ");
  });

  test("help names every command, and mistakes are told with the usage", async () => {
    const p = await openScenario(text);
    const help = runCommand(p.pool, "help");
    for (const command of ["crash HOST", "fail-migration CODE", "nan HOST|VM SOURCE", "load VM"]) {
      expect(help).toContain(command);
    }
    expect(runCommand(p.pool, "help crash")).toContain("ten more minutes");
    expect(runCommand(p.pool, "  # nothing")).toBe("");
    const message = (line: string): string => {
      try {
        return `no failure: ${runCommand(p.pool, line)}`;
      } catch (error) {
        expect(error).toBeInstanceOf(AppError);
        return (error as AppError).message;
      }
    };
    expect(message("explode")).toBe('there is no command "explode"; help lists them');
    expect(message("toString")).toBe('there is no command "toString"; help lists them');
    expect(message("crash")).toBe("usage: crash HOST");
    expect(message("crash Z")).toBe('there is no host "Z"');
    expect(message("crash A loud=1")).toBe("crash has no loud=; usage: crash HOST");
    expect(message("hang VM.* times=0")).toBe("times=0: must be a number from 1, or always");
    expect(message("nan A cpu0 for=soon")).toBe("soon is not a time such as 30s, 5m or 2h");
    expect(message("load one cpu=lots")).toBe("must be a percentage such as 50%");
    expect(message("fail-migration X at=later")).toBe("at=later: must be start, end or a percentage");
    expect(message("start one")).toBe("one is Running, not Halted");
    expect(message('halt "Control domain on host: A"')).toContain("control domain");
    expect(message('crash "A')).toContain("open quote");
  });
});
