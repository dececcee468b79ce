/**
 * The optimum of a consolidation by HiGHS: fewest hosts on, then least to copy, where only VMs of emptied hosts move. Hosts to
 * spare are not asked: whether their VMs would find places is no linear question.
 */
import highsModule from "highs";
import type { Snapshot } from "../../src/domain/pool.ts";
import { toPacking } from "../../src/power/packing.ts";
import { options, rule } from "./pools.ts";

const unitBytes = 512 * 1024 * 1024;

export interface Optimum {
  readonly hostsOn: number;
  readonly copyBytes: number;
}

/** Null where the solver's time was over. */
export type Solver = (snapshot: Snapshot, seconds: number) => Optimum | null;

export async function loadSolver(): Promise<Solver> {
  // Its types describe the CommonJS build, Node loads the other one, whose default export is the loader itself.
  const load = highsModule as unknown as typeof highsModule.default;
  const highs = await load();
  return (snapshot, seconds) => {
    const { text, price, hosts } = write(snapshot);
    return highs.withModel({ format: "lp", data: text }, (model) => {
      model.options.set({ output_flag: false, time_limit: seconds, mip_rel_gap: 0, mip_abs_gap: 0.5 });
      model.run();
      if (model.getModelStatus() !== highs.constants.modelStatus.optimal) return null;
      const value = Math.round(model.getObjectiveValue() + price * hosts);
      const hostsOn = Math.floor(value / price);
      return { hostsOn, copyBytes: (value - hostsOn * price) * unitBytes };
    });
  };
}

/** y: the host is emptied; x: the item goes to the host. */
function write(snapshot: Snapshot): {
  readonly text: string;
  readonly price: number;
  readonly hosts: number;
} {
  const p = toPacking(snapshot, rule(0), options);
  const at = (array: ArrayLike<number>, index: number): number => array[index] ?? 0;
  const price = Math.ceil(p.cost.reduce((sum, each) => sum + each, 0) / unitBytes) + 1;
  const objective: string[] = [];
  const rows: string[] = [];
  const names: string[] = [];
  const into: string[][] = Array.from({ length: p.H * p.K }, () => []);
  for (let h = 0; h < p.H; h++) {
    names.push(`y${h}`);
    objective.push(`- ${price} y${h}`);
    if (p.kept[h] !== null) rows.push(`y${h} = 0`);
  }
  for (let i = 0; i < p.I; i++) {
    const own: string[] = [];
    for (let d = 0; d < p.H; d++) {
      if (d === at(p.home, i) || at(p.open, i * p.H + d) === 0 || at(p.over, d) === 1) continue;
      const x = `x${i}_${d}`;
      names.push(x);
      own.push(x);
      objective.push(`+ ${at(p.cost, i) / unitBytes} ${x}`);
      rows.push(`${x} + y${d} <= 1`);
      for (let k = 0; k < p.K; k++) {
        const w = at(p.weight, i * p.K + k);
        if (w > 0) into[d * p.K + k]?.push(`${w} ${x}`);
      }
    }
    rows.push(`${own.map((x) => `${x} + `).join("")} 0 none - y${at(p.home, i)} = 0`);
  }
  into.forEach((terms, pair) => {
    if (terms.length > 0) rows.push(`${terms.join(" + ")} <= ${at(p.room, pair) - at(p.start, pair) + 1e-7}`);
  });
  rows.push(`${names.filter((name) => name.startsWith("y")).join(" + ")} <= ${p.H - p.minimum}`);
  const text = `Minimize\n cost: ${objective.join("\n ")}\nSubject To\n${rows
    .map((row, index) => ` r${index}: ${row.replaceAll(/ ([+-]) /g, "\n $1 ")}`)
    .join("\n")}\nBinary\n ${names.join("\n ")}\nEnd\n`;
  return { text, price, hosts: p.H };
}
