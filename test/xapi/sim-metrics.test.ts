import { describe, expect, test } from "vitest";
import { sampleHost, sampleVm } from "../../src/simulator/metrics/metrics.ts";
import { type CalledPool, openScenario, openThesis } from "./simPool.ts";

const kib = 1024;

/** What the collector makes of a host: the thesis' rounded columns. */
async function hostRow(p: CalledPool, name: string): Promise<Record<string, number>> {
  const ask = async (source: string): Promise<number> =>
    Number(await p.call("host.query_data_source", p.host(name), source));
  const cpus = await Promise.all([0, 1, 2, 3].map((cpu) => ask(`cpu${cpu}`)));
  return {
    total: Math.round((await ask("memory_total_kib")) / kib),
    free: Math.round((await ask("memory_free_kib")) / kib),
    xapi: Math.round((await ask("xapi_memory_usage_kib")) / kib),
    xapiFree: Math.round((await ask("xapi_free_memory_kib")) / kib),
    loRx: Math.round((await ask("pif_lo_rx")) / kib),
    loTx: Math.round((await ask("pif_lo_tx")) / kib),
    rx: Math.round((await ask("pif_eth0_rx")) / kib),
    tx: Math.round((await ask("pif_eth0_tx")) / kib),
    loadavg: await ask("loadavg"),
    cpu: Math.round((100 * cpus.reduce((sum, cpu) => sum + cpu, 0)) / 4),
  };
}

async function vmRow(p: CalledPool, name: string, vcpus: number): Promise<Record<string, number>> {
  const ask = async (source: string): Promise<number> =>
    Number(await p.call("VM.query_data_source", p.vm(name), source));
  const cpus = await Promise.all(Array.from({ length: vcpus }, (_, cpu) => ask(`cpu${cpu}`)));
  return {
    memory: (await ask("memory")) / kib / kib,
    free: Math.round((await ask("memory_internal_free")) / kib),
    rx: Math.round((await ask("vif_0_rx")) / kib),
    tx: Math.round((await ask("vif_0_tx")) / kib),
    cpu: Math.round((100 * cpus.reduce((sum, cpu) => sum + cpu, 0)) / vcpus),
  };
}

describe("the thesis' pool", () => {
  test("measures what chapter 6 shows before the move", async () => {
    const p = await openThesis();
    const common = { total: 4069, loadavg: 0 };
    const host1 = { free: 1791, xapi: 6, xapiFree: 2, loRx: 2, loTx: 2, rx: 14, tx: 6, cpu: 25 };
    const host2 = { free: 1529, xapi: 2, xapiFree: 1, loRx: 0, loTx: 0, rx: 19, tx: 15, cpu: 100 };
    expect(await hostRow(p, "Host1")).toEqual({ ...common, ...host1 });
    expect(await hostRow(p, "Host2")).toEqual({ ...common, ...host2 });
    expect(await vmRow(p, "VM1 - Debian", 2)).toEqual({ memory: 1024, free: 813, rx: 6, tx: 0, cpu: 50 });
    expect(await vmRow(p, "VM2 - Debian", 2)).toEqual({ memory: 256, free: 84, rx: 10, tx: 0, cpu: 99 });
    expect(await vmRow(p, "VM3 - Ubuntu", 3)).toEqual({ memory: 1024, free: 365, rx: 10, tx: 0, cpu: 66 });
  });

  test("measures 75 and 50 percent, and the memory moved, after VM2 went to Host1", async () => {
    const p = await openThesis();
    const task = await p.migrate("VM2 - Debian", "Host1");
    await p.pool.clock.advance(40_000);
    expect(p.task(task, "status")).toBe("success");
    expect(await hostRow(p, "Host1")).toMatchObject({ cpu: 75, free: 4069 - 2539 });
    expect(await hostRow(p, "Host2")).toMatchObject({ cpu: 50, free: 4069 - 2279 });
    expect(await vmRow(p, "VM2 - Debian", 2)).toMatchObject({ cpu: 99 });
  });

  test("compute_free_memory is the memory less what is promised, and grows where a VM leaves", async () => {
    const p = await openThesis();
    const mib = 1024 * 1024;
    expect(await p.call("host.compute_free_memory", p.host("Host1"))).toBe(1791 * mib);
    await p.migrate("VM2 - Debian", "Host1");
    await p.pool.clock.advance(1000);
    expect(await p.call("host.compute_free_memory", p.host("Host1"))).toBe((1791 - 261) * mib);
    expect(await p.call("host.compute_free_memory", p.host("Host2"))).toBe(1529 * mib);
    await p.pool.clock.advance(40_000);
    expect(await p.call("host.compute_free_memory", p.host("Host2"))).toBe((1529 + 261) * mib);
  });

  test("the stream of a migration shows on both hosts' interfaces", async () => {
    const p = await openThesis();
    await p.migrate("VM2 - Debian", "Host1");
    await p.pool.clock.advance(15_000);
    const stream = (100_000_000 / 8) * 0.963;
    expect(await p.call("host.query_data_source", p.host("Host1"), "pif_eth0_rx")).toBeCloseTo(
      14 * kib + stream,
      -1,
    );
    expect(await p.call("host.query_data_source", p.host("Host2"), "pif_eth0_tx")).toBeCloseTo(
      15 * kib + stream,
      -1,
    );
  });
});

const pair = `
pool P product=XCP-ng version=8.2
host A master cpus=2 memory=8192 base-cpu=10%
host B cpus=2 memory=8192 base-cpu=10%
vm busy on=A vcpus=2 memory=512 cpu=100% tools
vm busier on=A vcpus=4 memory=512 cpu=100%
vm noisy on=B vcpus=1 memory=512 cpu=noise(50%,20%) rx=noise(100,50) tools
vm off halted memory=512
vm still on=B paused memory=512 tools
`;

describe("data sources", () => {
  test("a saturated host is full, and its VMs' values add up to it", async () => {
    const p = await openScenario(pair);
    const at = p.pool.clock.now();
    const mean = (samples: { name: string; value: number }[]): number => {
      const cpus = samples.filter((sample) => /^cpu\d+$/.test(sample.name));
      return cpus.reduce((sum, sample) => sum + sample.value, 0) / cpus.length;
    };
    const host = mean(sampleHost(p.pool.model, p.host("A"), at)) * 2;
    const busy = mean(sampleVm(p.pool.model, p.vm("busy"), at)) * 2;
    const busier = mean(sampleVm(p.pool.model, p.vm("busier"), at)) * 4;
    expect(host).toBeCloseTo(2, 5);
    expect(busy + busier).toBeCloseTo(1.9, 5);
    expect(busy).toBeCloseTo(busier, 5);
  });

  test("values hold for five seconds and are 32-bit floats", async () => {
    const p = await openScenario(pair);
    const ask = () => p.call("VM.query_data_source", p.vm("noisy"), "cpu0");
    const first = await ask();
    await p.pool.clock.advance(4999);
    expect(await ask()).toBe(first);
    await p.pool.clock.advance(1);
    expect(await ask()).not.toBe(first);
    expect(Math.fround(Number(first))).toBe(first);
  });

  test("a past slot reads the same after the pool has changed", async () => {
    const p = await openScenario(pair);
    const { model, clock } = p.pool;
    const at = clock.now();
    await clock.advance(600_000);
    const then = sampleHost(model, p.host("A"), at + 30_000);
    const task = await p.migrate("busy", "B");
    await clock.advance(60_000);
    expect(p.task(task, "status")).toBe("success");
    // More slots than are remembered, so that the old one is worked out anew.
    for (let slot = 0; slot < 200; slot += 1) sampleHost(model, p.host("A"), at + slot * 5000);
    expect(sampleHost(model, p.host("A"), at + 30_000)).toEqual(then);
  });

  test("a guest without tools has no free memory to tell, and loopback is gone since 7.1", async () => {
    const p = await openScenario(pair);
    const names = async (cls: string, ref: string): Promise<string[]> =>
      ((await p.call(`${cls}.get_data_sources`, ref)) as { name_label: string }[]).map(
        (source) => source.name_label,
      );
    expect(await names("VM", p.vm("busier"))).toEqual(
      expect.arrayContaining(["cpu0", "cpu3", "memory", "memory_target", "vif_0_rx", "vif_0_tx"]),
    );
    expect(await names("VM", p.vm("busier"))).not.toContain("memory_internal_free");
    expect(await names("VM", p.vm("busy"))).toContain("memory_internal_free");
    expect(await names("host", p.host("A"))).not.toContain("pif_lo_rx");
    const thesis = await openThesis();
    const host = (await thesis.call("host.get_data_sources", thesis.host("Host1"))) as {
      name_label: string;
      units: string;
    }[];
    expect(host.find((source) => source.name_label === "pif_lo_rx")?.units).toBe("B/s");
    expect(host.find((source) => source.name_label === "memory_total_kib")?.units).toBe("KiB");
  });

  test("a control domain has CPUs and memory, but neither interfaces nor tools", async () => {
    const p = await openThesis();
    const names = sampleVm(p.pool.model, p.vm("Control domain on host: Host1"), p.pool.clock.now()).map(
      (s) => s.name,
    );
    expect(names).toEqual(["cpu0", "cpu1", "cpu2", "cpu3", "memory"]);
  });

  test("a paused VM uses no CPU and withholds its memory", async () => {
    const p = await openScenario(pair);
    expect(await p.call("VM.query_data_source", p.vm("still"), "cpu0")).toBe(0);
    expect(await p.call("VM.query_data_source", p.vm("still"), "memory")).toBeNaN();
  });

  test("an unknown source and a halted VM fail as their release does", async () => {
    const p = await openScenario(pair);
    const off = p.vm("off");
    expect(await p.failure("VM.query_data_source", off, "memory")).toEqual([
      "VM_BAD_POWER_STATE",
      off,
      "running;paused",
      "halted",
    ]);
    expect((await p.failure("host.query_data_source", p.host("A"), "nonsense"))?.[0]).toBe("INTERNAL_ERROR");
    const old = await openScenario(pair.replace("XCP-ng version=8.2", "XenServer version=6.0"));
    expect(await old.failure("VM.query_data_source", old.vm("off"), "memory")).toEqual([
      "INTERNAL_ERROR",
      "Not_found",
    ]);
    expect(await old.failure("host.query_data_source", old.host("A"), "nonsense")).toEqual([
      "INVALID_VALUE",
      "data-source",
      "nonsense",
    ]);
  });

  test("the same seed gives the same measures, another one does not", async () => {
    const history = async (seed: number): Promise<unknown> => {
      const p = await openScenario(pair, { seed });
      const rows: unknown[] = [];
      for (let slot = 0; slot < 5; slot += 1) {
        await p.pool.clock.advance(5000);
        rows.push(sampleHost(p.pool.model, p.host("B"), p.pool.clock.now()));
        rows.push(sampleVm(p.pool.model, p.vm("noisy"), p.pool.clock.now()));
      }
      return rows;
    };
    expect(await history(3)).toEqual(await history(3));
    expect(await history(3)).not.toEqual(await history(4));
  });
});
