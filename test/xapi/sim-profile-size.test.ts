import { expect, test } from "vitest";
import { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";
import { startSimulator } from "../../src/simulator/server/server.ts";
import { runProgram, startProgram } from "../support/programs.ts";
import { readUpdates, serve } from "./simMeasures.ts";
import { call, callRaw, callXml, post, raw } from "./simServer.ts";

/** Simulators and clients share the machine with other tests: a late timer is no failure, an early one is. */
const timerSlackMs = 2;

test("a latency delays every answer and every new connection, and none for another", async () => {
  const latencyMs = 150;
  const pool = SimulatedPool.fromScenario("pool P\nhost a master", { manualClock: true });
  const running = await startSimulator(pool, { http: true, https: false, latencyMs });
  try {
    const url = running.masterUrl;
    const begun = performance.now();
    await callRaw(url, "system.isAlive:x");
    const fresh = performance.now() - begun;
    expect(fresh).toBeGreaterThanOrEqual(2 * (latencyMs - timerSlackMs));

    const many = performance.now();
    await Promise.all(Array.from({ length: 20 }, () => callRaw(url, "system.isAlive:x")));
    expect(performance.now() - many).toBeLessThan(20 * latencyMs);

    const kept = performance.now();
    const one = post("/", callXml("system.isAlive:x", []));
    expect(await raw(url, one.repeat(3), 3)).toHaveLength(3);
    const took = performance.now() - kept;
    expect(took).toBeGreaterThanOrEqual(4 * (latencyMs - timerSlackMs));
  } finally {
    await running.stop();
    pool.close();
  }
});

test("a latency delays TLS connections too, and stopping waits for none of them", async () => {
  const pool = SimulatedPool.fromScenario("pool P\nhost a master", { manualClock: true });
  const running = await startSimulator(pool, { http: true, https: true, latencyMs: 30 });
  const { connect } = await import("node:tls");
  const { hostname, port } = new URL(running.masterUrl);
  const begun = performance.now();
  await new Promise<void>((done, fail) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      socket.destroy();
      done();
    });
    socket.on("error", fail);
  });
  expect(performance.now() - begun).toBeGreaterThanOrEqual(30 - timerSlackMs);
  await running.stop();
  pool.close();
});

test("xcp-sim plays the release that --profile names, as late as --latency says", async () => {
  const sim = await startProgram("xcp-sim", ["--http", "--profile", "xcp-1.1", "--latency", "40"]);
  await sim.waitFor(/Ctrl-C ends\./);
  const [url = ""] = /XenHost=(\S+)/.exec(sim.output.stdout)?.[1]?.split(",") ?? [];
  const begun = performance.now();
  const session = String(await call(url, "session.login_with_password", "root", "xenroot"));
  expect(performance.now() - begun).toBeGreaterThanOrEqual(2 * (40 - timerSlackMs));
  expect(await callRaw(url, "host.get_all_records", session)).toContain("<value>1.1.0</value>");
  sim.child.kill("SIGTERM");
  expect(await sim.ended).toMatchObject({ code: 0 });
  const { code, stderr } = await runProgram("xcp-sim", ["--profile", "xcp-9"]);
  expect(code).toBe(2);
  expect(stderr).toContain("xcp-ng-8.3-ga");
});

test("records of full size are as big as a real pool's, and those of an ordinary pool are not", async () => {
  const sizes: number[] = [];
  for (const flag of ["", "full-size"]) {
    const p = await serve(`pool P\ngenerate hosts=4 vms=60 ${flag}`);
    const body = await callRaw(p.url(), "VM.get_all_records", p.session);
    sizes.push(body.length / p.pool.db.count("VM"));
    await p.stop();
  }
  expect(sizes[0]).toBeLessThan(10_000);
  expect(sizes[1]).toBeGreaterThan(12_500);
  expect(sizes[1]).toBeLessThan(18_000);
});

test("64 hosts with 2,400 VMs of full size: all VMs in XML again and again, changed or not, and every host's measures", async () => {
  const p = await serve("pool Big product=XCP-ng version=8.3\ngenerate hosts=64 vms=2400 full-size");
  try {
    const first = await callRaw(p.url(), "VM.get_all_records", p.session);
    expect(first.length).toBeGreaterThan(30_000_000);
    const begun = performance.now();
    const again = await callRaw(p.url(), "VM.get_all_records", p.session);
    expect(again).toBe(first);
    // A tenth of a second on an idle machine.
    expect(performance.now() - begun).toBeLessThan(10_000);

    const [vm = ""] = p.pool.db.all("VM");
    await call(p.url(), "VM.set_name_description", p.session, vm, "changed a moment ago");
    const changed = await callRaw(p.url(), "VM.get_all_records", p.session);
    expect(changed).toContain("<value>changed a moment ago</value>");

    await p.pool.clock.advance(30_000);
    const asked = performance.now();
    let columns = 0;
    for (const index of p.running.hosts.keys()) {
      const read = readUpdates((await p.updates("cf=AVERAGE&host=true", { host: index, seconds: 10 })).body);
      expect(read.rowCount).toBeLessThanOrEqual(3);
      columns += read.columnCount;
    }
    expect(columns).toBeGreaterThan(2400 * 7);
    // A few milliseconds a host on an idle machine.
    expect(performance.now() - asked).toBeLessThan(64 * 150);
  } finally {
    await p.stop();
  }
}, 120_000);

test("a record's text follows its object, whoever changes it", async () => {
  const p = await serve("pool P\nhost a master\nhost b\nvm web on=a");
  try {
    const vm = p.pool.db.all("VM").find((ref) => p.pool.db.get("VM", ref, "name_label") === "web") ?? "";
    const [a = "", b = ""] = p.pool.db.all("host");
    const host = async (ref: string): Promise<string> => callRaw(p.url(), "host.get_record", p.session, ref);
    expect(await host(a)).toContain(vm);
    expect(await host(b)).not.toContain(vm);
    p.pool.db.set("VM", vm, "resident_on", b);
    expect(await host(a)).not.toContain(vm);
    expect(await host(b)).toContain(vm);
    p.pool.db.destroy("VM", vm);
    expect(await host(b)).not.toContain(vm);
  } finally {
    await p.stop();
  }
});
