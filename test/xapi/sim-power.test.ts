import { describe, expect, test } from "vitest";
import { machineOf } from "../../src/simulator/behaviour/machines.ts";
import { isLive } from "../../src/simulator/behaviour/reach.ts";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { runCommand } from "../../src/simulator/commands/commands.ts";
import { type CalledPool, openScenario } from "./simPool.ts";

const seconds = 1000;
const minutes = 60 * seconds;

const text = `
pool P product=XCP-ng version=8.3
host A master memory=8192
host B memory=8192 power-on=wake-on-lan boot=2m
host C memory=8192 power-on=IPMI boot=2m
vm one on=B memory=1024 tools
vm two on=B memory=2048 tools
`;

/** Starts an Async call and answers its task. */
const begin = async (p: CalledPool, method: string, host: string): Promise<string> =>
  String(await p.call(`Async.host.${method}`, p.host(host)));
const field = (p: CalledPool, host: string, name: string): unknown =>
  p.pool.db.get("host", p.host(host), name);
const allowed = (p: CalledPool, host: string): readonly string[] =>
  p.pool.db.list("host", p.host(host), "allowed_operations");
const current = (p: CalledPool, host: string): unknown[] =>
  Object.values(p.pool.db.map("host", p.host(host), "current_operations"));
const lives = (p: CalledPool, host: string): boolean => isLive(p.pool.model, p.host(host));
const outcome = (p: CalledPool, task: string): unknown[] => [
  p.task(task, "status"),
  ...(p.task(task, "error_info") as string[]),
];
const kinds = (p: CalledPool, host: string): string[] =>
  p.pool.model.power.events.filter((event) => event.hostRef === p.host(host)).map(({ kind }) => kind);

/** Disables the empty host and waits until it is off. */
async function switchOff(p: CalledPool, host: string): Promise<void> {
  await p.call("host.disable", p.host(host));
  await p.call("host.shutdown", p.host(host));
  await p.pool.clock.advance(40 * seconds);
  expect(machineOf(p.pool.model, p.host(host)).state).toBe("off");
}

describe("maintenance", () => {
  test("a disabled host keeps its VMs and takes no others", async () => {
    const p = await openScenario(text);
    await p.call("host.disable", p.host("C"));
    expect(field(p, "C", "enabled")).toBe(false);
    expect(await p.failure("VM.pool_migrate", p.vm("one"), p.host("C"), {})).toEqual([
      "HOST_DISABLED",
      p.host("C"),
    ]);
    await p.call("host.disable", p.host("B"));
    expect(p.pool.db.list("host", p.host("B"), "resident_VMs")).toContain(p.vm("one"));
    await p.call("host.enable", p.host("C"));
    expect(field(p, "C", "enabled")).toBe(true);
  });

  test("the master may be disabled too", async () => {
    const p = await openScenario(text);
    await p.call("host.disable", p.host("A"));
    expect(field(p, "A", "enabled")).toBe(false);
  });

  test("shutting down needs a disabled host, and the operations say so before", async () => {
    const p = await openScenario(text);
    expect(allowed(p, "C")).not.toContain("shutdown");
    expect(await p.failure("host.shutdown", p.host("C"))).toEqual(["HOST_NOT_DISABLED"]);
    const task = await begin(p, "shutdown", "C");
    await p.pool.clock.advance(0);
    expect(outcome(p, task)).toEqual(["failure", "HOST_NOT_DISABLED"]);
    await p.call("host.disable", p.host("C"));
    expect(allowed(p, "C")).toEqual(expect.arrayContaining(["shutdown", "reboot", "evacuate", "provision"]));
  });

  test("a message about a host is refused as told, as often as told", async () => {
    const p = await openScenario(text);
    runCommand(p.pool, "refuse host.disable INTERNAL_ERROR host=B params=broken times=1");
    expect(await p.failure("host.disable", p.host("C"))).toBeNull();
    expect(await p.failure("host.disable", p.host("B"))).toEqual(["INTERNAL_ERROR", "broken"]);
    expect(await p.failure("host.disable", p.host("B"))).toBeNull();
  });
});

describe("evacuation", () => {
  test("every VM leaves, the host shows it, and no VM comes meanwhile", async () => {
    const p = await openScenario(text);
    await p.call("host.disable", p.host("B"));
    const task = await begin(p, "evacuate", "B");
    await p.pool.clock.advance(2 * seconds);
    expect(current(p, "B")).toEqual(["evacuate"]);
    expect(allowed(p, "B")).not.toContain("vm_migrate");
    expect(allowed(p, "B")).not.toContain("provision");
    await p.pool.clock.advance(2 * minutes);
    expect(outcome(p, task)).toEqual(["success"]);
    expect(current(p, "B")).toEqual([]);
    const places = ["one", "two"].map((vm) => p.pool.db.text("VM", p.vm(vm), "resident_on"));
    expect(places).not.toContain(p.host("B"));
    expect(p.pool.db.all("task")).toEqual([task]);
  });

  test("who stands in the way is told by name, and an evacuation ends with the first of them", async () => {
    const p = await openScenario(`${text}vm stuck on=B memory=512 tools blocked="keep it here"\n`);
    const stuck = ["OPERATION_BLOCKED", p.vm("stuck"), "keep it here"];
    expect(await p.call("host.get_vms_which_prevent_evacuation", p.host("B"))).toEqual({
      [p.vm("stuck")]: stuck,
    });
    expect(await p.failure("host.assert_can_evacuate", p.host("B"))).toEqual([
      "CANNOT_EVACUATE_HOST",
      stuck.join(","),
    ]);
    expect(await p.failure("host.evacuate", p.host("B"))).toEqual(stuck);
    expect(p.pool.db.list("host", p.host("B"), "resident_VMs")).toContain(p.vm("one"));
  });

  test("without another enabled host, and without enough memory, every VM is in the way", async () => {
    const p = await openScenario(`
      pool P product=XCP-ng version=8.3
      host A master memory=8192
      host B memory=8192
      vm big on=A memory=6000 tools
      vm one on=B memory=2048 tools`);
    expect(await p.call("host.get_vms_which_prevent_evacuation", p.host("B"))).toEqual({
      [p.vm("one")]: ["HOST_NOT_ENOUGH_FREE_MEMORY", p.vm("one")],
    });
    await p.call("host.disable", p.host("A"));
    expect(await p.call("host.get_vms_which_prevent_evacuation", p.host("B"))).toEqual({
      [p.vm("one")]: ["NO_HOSTS_AVAILABLE", p.vm("one")],
    });
  });

  test("a shutdown waits for a migration that is just arriving", async () => {
    const p = await openScenario(text);
    await p.migrate("one", "C");
    await p.pool.clock.advance(seconds);
    expect(allowed(p, "C")).not.toContain("evacuate");
    await p.call("host.disable", p.host("C"));
    const task = await begin(p, "shutdown", "C");
    await p.pool.clock.advance(seconds);
    expect([p.task(task, "status"), current(p, "C")]).toEqual(["pending", ["vm_migrate"]]);
    await p.pool.clock.advance(30 * seconds);
    expect(outcome(p, task)).toEqual(["success"]);
  });
});

describe("shutting down", () => {
  test("it answers at once, goes dark after ten seconds and off after thirty", async () => {
    const p = await openScenario(text);
    await p.call("host.disable", p.host("C"));
    await p.call("host.shutdown", p.host("C"));
    expect([lives(p, "C"), current(p, "C")]).toEqual([true, ["shutdown"]]);
    expect(p.pool.hostCondition(p.host("C"))).toBe("serving");
    await p.pool.clock.advance(10 * seconds);
    expect([lives(p, "C"), p.pool.hostCondition(p.host("C"))]).toEqual([false, "gone"]);
    expect(machineOf(p.pool.model, p.host("C")).state).toBe("leaving");
    await p.pool.clock.advance(20 * seconds);
    expect(machineOf(p.pool.model, p.host("C")).state).toBe("off");
    expect([lives(p, "C"), current(p, "C")]).toEqual([false, ["shutdown"]]);
    expect(kinds(p, "C")).toEqual(["asked-off", "dark", "off"]);
    expect(await p.failure("host.disable", p.host("C"))).toEqual(["HOST_OFFLINE", p.host("C")]);
    expect(await p.failure("host.enable", p.host("C"))).toEqual(["HOST_OFFLINE", p.host("C")]);
    expect(await p.failure("host.shutdown", p.host("C"))).toEqual(["HOST_OFFLINE", p.host("C")]);
    expect(await p.failure("VM.pool_migrate", p.vm("one"), p.host("C"), {})).toEqual(["HOST_NOT_LIVE"]);
  });

  test("a host that still runs VMs is not refused: it moves what moves, and stops the rest", async () => {
    const p = await openScenario(`${text}vm stuck on=B memory=512 tools blocked="keep it here"\n`);
    await p.call("host.disable", p.host("B"));
    await p.call("host.shutdown", p.host("B"));
    await p.pool.clock.advance(3 * minutes);
    expect(machineOf(p.pool.model, p.host("B")).state).toBe("off");
    expect(p.pool.db.text("VM", p.vm("one"), "power_state")).toBe("Running");
    expect(p.pool.db.text("VM", p.vm("stuck"), "power_state")).toBe("Halted");
    const stopped = p.pool.model.power.events.filter(({ kind }) => kind === "vm-stopped");
    expect(stopped.map(({ about }) => about)).toEqual([p.pool.db.text("VM", p.vm("stuck"), "uuid")]);
  });

  test("an old host stops all VMs that are left on it", async () => {
    const p = await openScenario(text.replace("XCP-ng version=8.3", "XCP version=1.1"));
    await p.call("host.disable", p.host("B"));
    await p.call("host.shutdown", p.host("B"));
    await p.pool.clock.advance(minutes);
    expect(["one", "two"].map((vm) => p.pool.db.text("VM", p.vm(vm), "power_state"))).toEqual([
      "Halted",
      "Halted",
    ]);
  });

  test("the master takes the whole API along, and comes back by its power button", async () => {
    const p = await openScenario(text);
    await p.call("host.disable", p.host("A"));
    await p.call("host.shutdown", p.host("A"));
    await p.pool.clock.advance(40 * seconds);
    expect(p.pool.hostCondition(p.host("A"))).toBe("gone");
    expect(p.pool.db.count("session")).toBe(0);
    runCommand(p.pool, "power-button A");
    await p.pool.clock.advance(180 * seconds);
    expect(await p.failure("host.get_all")).toEqual(["HOST_STILL_BOOTING"]);
    await p.pool.clock.advance(10 * seconds);
    expect(field(p, "A", "enabled")).toBe(true);
    expect(await p.failure("host.get_all")).toBeNull();
  });

  test("a host that is stuck has accepted the shutdown and runs on", async () => {
    const p = await openScenario(text);
    runCommand(p.pool, "stuck C");
    await p.call("host.disable", p.host("C"));
    await p.call("host.shutdown", p.host("C"));
    await p.pool.clock.advance(60 * minutes);
    expect([lives(p, "C"), current(p, "C")]).toEqual([true, ["shutdown"]]);
    expect(await p.failure("VM.pool_migrate", p.vm("one"), p.host("C"), {})).toEqual([
      "HOST_DISABLED",
      p.host("C"),
    ]);
    expect(await p.failure("host.enable", p.host("C"))).toBeNull();
  });

  test("a reboot comes back by itself", async () => {
    const p = await openScenario(text);
    await p.call("host.disable", p.host("C"));
    await p.call("host.reboot", p.host("C"));
    await p.pool.clock.advance(3 * minutes);
    expect([lives(p, "C"), field(p, "C", "enabled"), current(p, "C")]).toEqual([true, true, []]);
    expect(kinds(p, "C")).toEqual(["asked-off", "dark", "off", "booting", "live", "enabled"]);
  });
});

describe("waking", () => {
  test.each(["B", "C"])(
    "host %s boots for two minutes, is live first and enabled ten seconds later",
    async (host) => {
      const p = await openScenario(text);
      await emptied(p, host);
      await switchOff(p, host);
      expect(allowed(p, host)).toContain("power_on");
      const task = await begin(p, "power_on", host);
      await p.pool.clock.advance(119 * seconds);
      expect([lives(p, host), p.pool.hostCondition(p.host(host))]).toEqual([false, "gone"]);
      expect(current(p, host)).toEqual(["shutdown", "power_on"]);
      await p.pool.clock.advance(2 * seconds);
      expect([lives(p, host), field(p, host, "enabled")]).toEqual([true, false]);
      expect(p.pool.hostCondition(p.host(host))).toBe("starting");
      expect(await p.failure("host.enable", p.host(host))).toEqual(["HOST_STILL_BOOTING"]);
      await p.pool.clock.advance(10 * seconds);
      expect(outcome(p, task)).toEqual(["success"]);
      expect([field(p, host, "enabled"), current(p, host)]).toEqual([true, []]);
      expect(allowed(p, host)).not.toContain("power_on");
      expect(kinds(p, host).slice(3)).toEqual(["asked-on", "booting", "live", "enabled"]);
    },
  );

  test("a live host, and one without a power-on mode, are refused", async () => {
    const p = await openScenario(text.replace(" power-on=IPMI boot=2m", ""));
    expect(await p.failure("host.power_on", p.host("B"))).toEqual(["HOST_IS_LIVE", p.host("B")]);
    await switchOff(p, "C");
    expect(allowed(p, "C")).not.toContain("power_on");
    expect(await p.failure("host.power_on", p.host("C"))).toEqual(["HOST_POWER_ON_MODE_DISABLED"]);
    await p.call("host.set_power_on_mode", p.host("C"), "wake-on-lan", {});
    expect(allowed(p, "C")).toContain("power_on");
  });

  test.each([
    ["wake-on-lan", 5],
    ["IPMI", 10],
    ["my-script", 10],
  ])("by %s a host that never wakes is waited for %i minutes, without a word", async (mode, wait) => {
    const p = await openScenario(text.replace("power-on=IPMI", `power-on=${mode} wake=never`));
    await switchOff(p, "C");
    const task = await begin(p, "power_on", "C");
    await p.pool.clock.advance(wait * minutes - seconds);
    expect(p.task(task, "status")).toBe("pending");
    await p.pool.clock.advance(seconds);
    expect(outcome(p, task)).toEqual([
      "failure",
      "INTERNAL_ERROR",
      'Failure("The host failed to power on.")',
    ]);
    expect(machineOf(p.pool.model, p.host("C")).state).toBe("off");
    expect(kinds(p, "C").slice(3)).toEqual(["asked-on", "not-woken"]);
  });

  test("a management board with another password says no at once, and yes when the password is right", async () => {
    const p = await openScenario(text.replace("power-on=IPMI", "power-on=IPMI wake=wrong-password"));
    await switchOff(p, "C");
    const task = await begin(p, "power_on", "C");
    await p.pool.clock.advance(3 * seconds);
    expect(outcome(p, task)).toEqual([
      "failure",
      "XENAPI_PLUGIN_FAILURE",
      "main",
      "IPMI_POWERON_FAILED",
      expect.stringContaining("IPMI"),
    ]);
    runCommand(p.pool, "wake C works boot=30s");
    const again = await begin(p, "power_on", "C");
    await p.pool.clock.advance(minutes);
    expect(outcome(p, again)).toEqual(["success"]);
  });

  test.each([
    ["XCP-ng version=8.3", "DRAC", "ModuleNotFoundError", "No module named 'DRAC'"],
    ["XCP version=1.1", "IPMI", "ImportError", "No module named IPMI"],
  ])(
    "on %s a script for %s that is missing is told in the words of its Python",
    async (product, mode, error, words) => {
      const p = await openScenario(
        text
          .replace("XCP-ng version=8.3", product)
          .replace("power-on=IPMI", `power-on=${mode} wake=no-script`),
      );
      await switchOff(p, "C");
      const task = await begin(p, "power_on", "C");
      await p.pool.clock.advance(seconds);
      expect(outcome(p, task)).toEqual(["failure", "XENAPI_PLUGIN_FAILURE", "main", error, words]);
    },
  );

  test("a host that boots slower than it is waited for has failed, and comes yet", async () => {
    const p = await openScenario(text.replace("power-on=IPMI boot=2m", "power-on=wake-on-lan boot=7m"));
    await switchOff(p, "C");
    const task = await begin(p, "power_on", "C");
    await p.pool.clock.advance(6 * minutes);
    expect(p.task(task, "status")).toBe("failure");
    await p.pool.clock.advance(2 * minutes);
    expect([lives(p, "C"), field(p, "C", "enabled")]).toEqual([true, true]);
  });

  test("a board's one command is lost on a machine that is still going down, packets are not", async () => {
    const p = await openScenario(text);
    await emptied(p, "B");
    const tasks = [];
    for (const host of ["B", "C"]) {
      await p.call("host.disable", p.host(host));
      await p.call("host.shutdown", p.host(host));
    }
    await p.pool.clock.advance(15 * seconds);
    for (const host of ["B", "C"]) tasks.push(await begin(p, "power_on", host));
    await p.pool.clock.advance(11 * minutes);
    expect(tasks.map((task) => p.task(task, "status"))).toEqual(["success", "failure"]);
    expect(machineOf(p.pool.model, p.host("C")).state).toBe("off");
  });

  test("maintenance that was to last, and an update's guidance, keep a host disabled after its boot", async () => {
    const p = await openScenario(text.replace("boot=2m\nvm", "boot=2m pending-guidance\nvm"));
    await emptied(p, "B");
    await p.call("host.disable", p.host("B"), false);
    await p.call("host.shutdown", p.host("B"));
    await switchOff(p, "C");
    for (const host of ["B", "C"]) await begin(p, "power_on", host);
    await p.pool.clock.advance(5 * minutes);
    expect([lives(p, "B"), lives(p, "C")]).toEqual([true, true]);
    expect([field(p, "B", "enabled"), field(p, "C", "enabled")]).toEqual([false, false]);
    expect(await p.failure("host.enable", p.host("B"))).toBeNull();
    expect(await p.failure("host.enable", p.host("C"))).toEqual([
      "HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY",
      p.host("C"),
    ]);
  });

  test("a host that crashed is woken once the pool knows that it is dead", async () => {
    const p = await openScenario(text);
    runCommand(p.pool, "crash B");
    expect(await p.failure("host.power_on", p.host("B"))).toEqual(["HOST_IS_LIVE", p.host("B")]);
    await p.pool.clock.advance(10 * minutes);
    const task = await begin(p, "power_on", "B");
    await p.pool.clock.advance(3 * minutes);
    expect(outcome(p, task)).toEqual(["success"]);
    expect(p.pool.db.text("VM", p.vm("one"), "power_state")).toBe("Halted");
    expect(p.pool.hostCondition(p.host("B"))).toBe("serving");
  });
});

describe("what a host measured and how long it was on", () => {
  test("its archives have a gap for the time it was off", async () => {
    const p = await openScenario(text);
    await p.pool.clock.advance(20 * seconds);
    const started = p.pool.clock.now();
    await switchOff(p, "C");
    await begin(p, "power_on", "C");
    await p.pool.clock.advance(5 * minutes);
    const at = (afterMs: number) => p.pool.measures.hostSources(p.host("C"), started + afterMs).length;
    expect(at(-10 * seconds)).toBeGreaterThan(0);
    expect(at(100 * seconds)).toBe(0);
    expect(at(4 * minutes)).toBeGreaterThan(0);
  });

  test("host-hours count from power to power, with who asked", async () => {
    const p = await openScenario(text);
    const { power } = p.pool;
    await p.pool.clock.advance(60 * minutes);
    await switchOff(p, "C");
    await p.pool.clock.advance(60 * minutes);
    await begin(p, "power_on", "C");
    await p.pool.clock.advance(60 * minutes);
    const now = p.pool.clock.now();
    expect(power.hoursOn(p.host("A"), now)).toBeCloseTo(3 + 40 / 3600, 6);
    // On for an hour and 30 seconds of going down, and for the hour since it was woken.
    expect(power.hoursOn(p.host("C"), now)).toBeCloseTo(2 + 30 / 3600, 6);
    expect(power.hoursOn(p.host("C"), now, now - 60 * minutes)).toBeCloseTo(1, 6);
    expect(power.events.filter(({ kind }) => kind.startsWith("asked")).map(({ by }) => by)).toEqual([
      "root",
      "root",
    ]);
    expect(runCommand(p.pool, "power")).toContain("C: on, 2.01 h on");
    expect(runCommand(p.pool, "show")).toContain("C: cpu");
  });

  test("a host that begins off costs nothing until it is woken", async () => {
    const p = await openScenario(text.replace("boot=2m\nvm", "boot=2m off\nvm"));
    expect([lives(p, "C"), field(p, "C", "enabled")]).toEqual([false, false]);
    await p.pool.clock.advance(60 * minutes);
    expect(p.pool.model.power.hoursOn(p.host("C"), p.pool.clock.now())).toBe(0);
    await begin(p, "power_on", "C");
    await p.pool.clock.advance(30 * minutes);
    expect(p.pool.model.power.hoursOn(p.host("C"), p.pool.clock.now())).toBeCloseTo(0.5, 6);
    expect([lives(p, "C"), field(p, "C", "enabled")]).toEqual([true, true]);
  });
});

describe("power in a scenario", () => {
  const problem = (lines: string): string => {
    try {
      SimulatedPool.fromScenario(lines, { manualClock: true });
      return "";
    } catch (error) {
      return String(error);
    }
  };

  test.each([
    ["host A wake=never", "wake=never needs power-on=MODE"],
    ["host A power-on=wake-on-lan wake=wrong-password", "wake-on-lan knows neither passwords nor scripts"],
    ["host A power-on=IPMI wake=perhaps", "must be one of works, never, wrong-password, no-script"],
    ["host A boot=long", "long is not a time such as 30s, 5m or 2h"],
    ["host A off", "the master must be on"],
    ["host A\nhost B off\nvm one on=B", "host B is off"],
  ])("%s is a problem", (lines, words) => {
    expect(problem(lines)).toContain(words);
  });

  test("hosts that are generated can be woken too, and boards have an address, a user and a secret", async () => {
    const p = await openScenario("generate hosts=3 vms=0 power-on=IPMI boot=90s");
    expect(machineOf(p.pool.model, p.host("host-02")).bootMs).toBe(90 * seconds);
    expect(field(p, "host-02", "power_on_mode")).toBe("IPMI");
    expect(Object.keys(p.pool.db.map("host", p.host("host-02"), "power_on_config"))).toEqual([
      "power_on_ip",
      "power_on_user",
      "power_on_password_secret",
    ]);
  });
});

describe("high availability", () => {
  const pool = `
    pool P product=XCP-ng version=8.3 ha=1
    host A master memory=8192
    host B memory=8192 power-on=wake-on-lan boot=1m
    host C memory=8192 power-on=wake-on-lan boot=1m
    vm one on=A memory=3000 tools ha=restart
    vm two on=B memory=3000 tools ha=restart
    vm best on=B memory=256 tools ha=best-effort`;
  const told = (p: CalledPool): unknown[] =>
    ["ha_host_failures_to_tolerate", "ha_plan_exists_for", "ha_overcommitted"].map((name) =>
      p.pool.db.get("pool", p.pool.db.all("pool")[0] ?? "", name),
    );

  test("one host may be disabled, a second would break the plan", async () => {
    const p = await openScenario(pool);
    expect(told(p)).toEqual([1, 1, false]);
    await p.call("host.disable", p.host("C"));
    expect(told(p)).toEqual([1, 1, false]);
    const broken = ["HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN"];
    expect(await p.failure("host.disable", p.host("B"))).toEqual(broken);
    expect(await p.failure("host.evacuate", p.host("B"))).toEqual(broken);
    expect(field(p, "B", "enabled")).toBe(true);
  });

  test("a failure the pool could not survive is told in the pool's own fields", async () => {
    const p = await openScenario(pool.replace("one on=A memory=3000", "one on=A memory=6000"));
    expect(told(p)).toEqual([1, 1, false]);
    runCommand(p.pool, "crash C");
    await p.pool.clock.advance(10 * minutes);
    expect(told(p)).toEqual([1, 0, true]);
    await begin(p, "power_on", "C");
    await p.pool.clock.advance(3 * minutes);
    expect(told(p)).toEqual([1, 1, false]);
  });

  test("a VM that HA does not protect stands in the way of an evacuation", async () => {
    const p = await openScenario(pool);
    expect(await p.call("host.get_vms_which_prevent_evacuation", p.host("B"))).toEqual({
      [p.vm("best")]: ["HOST_EVACUATE_VM_NOT_HA_PROTECTED", p.vm("best")],
    });
  });
});

/** Moves the VMs of the host away, where it has any. */
async function emptied(p: CalledPool, host: string): Promise<void> {
  const task = await begin(p, "evacuate", host);
  await p.pool.clock.advance(2 * minutes);
  expect(p.task(task, "status")).toBe("success");
}
