/**
 * The closed loop on recorded loads in short: half a day of real VMs on hosts that share their CPUs when they are full.
 * Counted, not timed. `npm run bench -- loop --traces FILE` is the long form. Skipped where the loads are not there.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { StarvedCauses } from "../support/loop/causes.ts";
import { controlSettings, link, play } from "../support/loop/live.ts";
import { recordedPolicies } from "../support/loop/recordedPolicies.ts";
import { SharedCpus } from "../support/loop/shared.ts";
import { readTraces, TracedDay, type Traces } from "../support/loop/traces.ts";

const file = fileURLToPath(new URL("../../../shared/traces/data/bitbrains-a.trace.gz", import.meta.url));
const hours = 10;

function lived(traces: Traces, name: string, percent: number) {
  const day = new TracedDay(traces, { hosts: 8, vms: 160, slot: 2016, hours, percent });
  const policy = recordedPolicies.find((each) => each.name === name)?.of(day);
  if (policy === undefined) throw new Error(`no policy ${name}`);
  const cpus = new SharedCpus(link.cpus, "waits");
  const causes = new StarvedCauses(link.cpus, 300);
  const { figures } = play(
    {
      day,
      rules: [{ subject: "CpuAverage", threshold: 20 }],
      measure: (truth, seconds) => {
        causes.see(truth, seconds);
        return cpus.see(truth, seconds);
      },
    },
    { ...policy, decide: (settings) => causes.listening(policy.decide(settings)) },
    { hours, everySeconds: 300, settings: controlSettings(), onEth0: false, cpuMs: () => 0 },
  );
  const explained = [...causes.minutes.values()].reduce((sum, each) => sum + each, 0);
  return {
    starved: cpus.starvedMinutes,
    explained,
    migrations: figures.migrations,
    back: figures.flapsInHour,
  };
}

describe.skipIf(!existsSync(file))(
  "half a day of recorded loads (skipped where ../shared/traces is missing)",
  () => {
    it("SERVE spares VMs most of their waiting for few migrations, and moves none where hosts have room", () => {
      const traces = readTraces(file);
      const off = lived(traces, "off", 60);
      const serve = lived(traces, "SERVE alone", 60);
      expect(off.migrations).toBe(0);
      expect(off.starved).toBeGreaterThan(500);
      expect(serve.starved).toBeLessThan(off.starved / 3);
      expect(serve.explained).toBeCloseTo(serve.starved, 3);
      expect(serve.migrations).toBeGreaterThan(0);
      expect(serve.migrations).toBeLessThan(20);
      expect(serve.back).toBe(0);
      expect(lived(traces, "SERVE alone", 25).migrations).toBe(0);
    }, 300_000);
  },
);
