/** The optimum of small pools by HiGHS: fewest broken pairs, then least to copy, over all final assignments. */
import highsModule from "highs";
import { toProblem } from "../../src/planner/problem.ts";
import { Bounds } from "../../src/planner/search/bound.ts";
import type { Pool } from "../../test/support/plan/pools.ts";

/** Costs are counted in this unit so that the solver's numbers stay small; the generator's sizes are multiples. */
const unitBytes = 512 * 1024 * 1024;

export interface Optimum {
  readonly left: number;
  readonly copyMb: number;
  /** False when time ran out: `copyMb` is then a bound. */
  readonly exact: boolean;
}

export type Solver = (pool: Pool, headroomBytes: number, seconds: number) => Optimum | null;

/** A solver; its order of steps is not asked, so that its optimum may lie below what can be reached. */
export async function loadSolver(): Promise<Solver> {
  // Its types describe the CommonJS build, Node loads the other one, whose default export is the loader itself.
  const load = highsModule as unknown as typeof highsModule.default;
  const highs = await load();
  return (pool, headroomBytes, seconds) => {
    const program = write(pool, headroomBytes);
    return highs.withModel({ format: "lp", data: program.text }, (model) => {
      model.options.set({ output_flag: false, time_limit: seconds, mip_rel_gap: 0, mip_abs_gap: 0.5 });
      model.run();
      const exact = model.getModelStatus() === highs.constants.modelStatus.optimal;
      const value = exact ? model.getObjectiveValue() : Number(model.info.get("mip_dual_bound"));
      if (!Number.isFinite(value)) return null;
      const rounded = exact ? Math.round(value) : Math.max(0, Math.ceil(value - 1e-6));
      const left = Math.floor(rounded / program.pairPrice);
      return { left, copyMb: ((rounded - left * program.pairPrice) * unitBytes) / 1024 / 1024, exact };
    });
  };
}

/** The pool as a linear program: x = VM v goes to host d, z = a broken pair stays so. */
function write({ snapshot, rules }: Pool, headroomBytes: number): { text: string; pairPrice: number } {
  const options = { maxMoves: 1e9, headroomBytes, bannedVms: new Map(), bannedPairs: new Map() };
  const p = toProblem(snapshot, rules, options);
  const bounds = new Bounds(p);
  const at = (array: ArrayLike<number>, index: number): number => array[index] ?? 0;
  const arrivals: string[][] = Array.from({ length: p.H }, () => []);
  const memory: string[][] = Array.from({ length: p.H }, () => []);
  const load: string[][] = Array.from({ length: p.H * p.R }, () => []);
  const mean: string[][] = Array.from({ length: p.R }, () => []);
  const groups = new Map<number, string[]>();
  const objective: string[] = [];
  const once: string[] = [];
  const names: string[] = [];
  for (let v = 0; v < p.V; v++) {
    const h = at(p.home, v);
    const own: string[] = [];
    for (let d = 0; d < p.H; d++) {
      if (d === h || !bounds.couldHold(v, d)) continue;
      const x = `x${v}_${d}`;
      names.push(x);
      own.push(x);
      objective.push(`${at(p.cost, v) / unitBytes} ${x}`);
      arrivals[d]?.push(x);
      const mb = at(p.need, v) / 1024 / 1024;
      memory[d]?.push(`+ ${mb} ${x}`);
      memory[h]?.push(`- ${mb} ${x}`);
      for (let i = at(p.groups.first, v); i < at(p.groups.first, v + 1); i++) {
        for (const [host, sign] of [
          [d, "+"],
          [h, "-"],
        ] as const) {
          const g = at(p.groups.members, i) * p.H + host;
          groups.set(g, [...(groups.get(g) ?? []), `${sign} ${x}`]);
        }
      }
      for (let r = 0; r < p.R; r++) {
        const raw = at(p.weight, v * p.R + r);
        if (raw === 0) continue;
        const [more, less] = [raw * at(p.inverse, d * p.R + r), raw * at(p.inverse, h * p.R + r)];
        load[d * p.R + r]?.push(`+ ${more} ${x}`);
        load[h * p.R + r]?.push(`- ${less} ${x}`);
        if (p.varying[r] === 1) mean[r]?.push(`${signed((more - less) / at(p.counted, r))} ${x}`);
      }
    }
    if (own.length > 0) once.push(`${own.join(" + ")} <= 1`);
  }
  const pairPrice = Math.ceil(p.cost.reduce((sum, each) => sum + each, 0) / unitBytes) + 1;
  const rows = [...once];
  for (let h = 0; h < p.H; h++) {
    const free = Math.max(at(p.free, h), 0) / 1024 / 1024;
    if ((memory[h]?.length ?? 0) > 0) rows.push(`${memory[h]?.join(" ")} <= ${free}`);
  }
  for (const [g, terms] of groups) {
    rows.push(`${terms.join(" ")} <= ${at(p.groups.limit, g) - at(p.groups.count, g)}`);
  }
  for (let pair = 0; pair < p.H * p.R; pair++) {
    const r = pair % p.R;
    const value = at(p.load, pair);
    const room = at(p.mean, r) + at(p.allowed, r) - value + 0.5e-6 * Math.max(1, value);
    const broken = p.broken[pair] === 1;
    const z = broken ? `- ${Math.max(0, -room)} z${pair}` : "";
    if (broken) {
      names.push(`z${pair}`);
      objective.push(`${pairPrice} z${pair}`);
    }
    const terms = load[pair] ?? [];
    if (terms.length > 0 || broken) rows.push(`${terms.join(" ")} ${z} <= ${room}`);
    if (p.varying[r] === 1)
      rows.push(`${terms.join(" ")} ${(mean[r] ?? []).map(negated).join(" ")} ${z} <= ${room}`);
  }
  const lines = (terms: readonly string[], between: string) => terms.join(between);
  const text = `Minimize\n cost: ${lines(objective, "\n + ") || "0 none"}\nSubject To\n${rows
    .filter((row) => !/^\s*<=/.test(row))
    .map((row, index) => ` r${index}: ${row.replaceAll(/([+-]) /g, "\n $1 ")}`)
    .join("\n")}\nBinary\n ${names.join("\n ")}\nEnd\n`;
  return { text, pairPrice };
}

function signed(value: number): string {
  return value < 0 ? `- ${-value}` : `+ ${value}`;
}

function negated(term: string): string {
  return term.startsWith("-") ? `+${term.slice(1)}` : `-${term.slice(1)}`;
}
