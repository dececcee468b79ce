/**
 * How long one VM's stars take: `starsFor` at 64 hosts and 2,400 VMs, and beside it all rules evaluated over all hosts for each
 * host, as it was done. `npm run bench -- stars [VMs [rounds]]`
 */
import process from "node:process";
import { assessAsked } from "../../src/decide/placing.ts";
import { occupiesHost } from "../../src/domain/pool.ts";
import type { Rule, ServeRule } from "../../src/domain/rule.ts";
import { noOptions, serveDefaults } from "../../src/domain/rule.ts";
import { starsFor } from "../../src/wlb/placement.ts";
import { aControlState, aStored } from "../../test/support/fixtures.ts";
import { wholeRules } from "../../test/support/plan/wholeRules.ts";
import { controlDefaults } from "../same/settings.ts";
import { poolOf } from "../wlb/pool.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const [count = 40, rounds = 5] = process.argv.slice(2).map(Number);
const serve: ServeRule = { serve: "CPU", ...serveDefaults, ...noOptions };

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Milliseconds of CPU for each of `vms`, the median of the rounds after the first. */
function timed<T>(vms: readonly T[], ask: (vm: T) => void): number {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const before = process.cpuUsage();
    for (const vm of vms) ask(vm);
    const { user, system } = process.cpuUsage(before);
    if (round > 0) times.push((user + system) / 1000 / vms.length);
  }
  return median(times);
}

function measure(what: string, rules: readonly Rule[], serving: readonly ServeRule[]): void {
  const { snapshot } = poolOf();
  const control = controlDefaults();
  const input = { stored: aStored(snapshot), samples: [], rules, serving, unknown: [] };
  const assessment = assessAsked({ ...input, controlState: aControlState() }, control, null);
  const pool = assessment.stored?.snapshot ?? snapshot;
  const basis = { ...assessment, snapshot: pool };
  const halted = pool.vms.filter(({ powerState }) => !occupiesHost(powerState)).slice(0, count);
  const running = pool.vms.filter(({ powerState }) => powerState === "Running").slice(0, count);
  for (const [kind, vms] of [
    ["halted", halted],
    ["running", running],
  ] as const) {
    const now = timed(vms, ({ uuid }) => starsFor(basis, control, uuid, null, new Set()));
    const whole = timed(vms.slice(0, 5), (vm) => {
      const on = wholeRules(pool, rules, vm, () => Number.NEGATIVE_INFINITY);
      for (const { uuid } of pool.hosts) on(uuid);
    });
    const ratio = (whole / now).toFixed(1);
    say(
      `${what}, ${kind}: ${now.toFixed(2)} ms of CPU a VM; all rules over all hosts ${whole.toFixed(1)} ms; ${ratio} times as long`,
    );
  }
}

const { rules } = poolOf();
say(`64 hosts, 2,400 VMs, medians of ${rounds} rounds`);
measure(`${rules.length} rules`, rules, []);
measure(`${rules.length} rules and SERVE`, rules, [serve]);
measure("SERVE alone", [], [serve]);
