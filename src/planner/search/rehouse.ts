/**
 * Finds places for the VMs of a drained host: fewest left behind, then no rule harmed, then least moved elsewhere to
 * make room, then fewest CPU-minutes waited for where a rule serves VMs, then most even. Pure; the same seed gives the same search.
 *
 * VMs of other hosts are moved only where without that one more VM would be left: the search begins without them.
 */

import type { DrainProblem } from "../evacuate/drain.ts";
import { State } from "../state.ts";
import { orderSteps, type Step } from "../steps/order.ts";
import { Cover } from "./cover.ts";
import type { Random } from "./random.ts";
import type { Spread } from "./spread.ts";
import type { Work } from "./work.ts";

/** Places for all VMs that have one. */
export interface Housing {
  /** VM, host, VM, host... of all that are not at home. */
  readonly moves: Int32Array;
  /** The same as steps, each possible when those before it are done. */
  readonly steps: readonly Step[];
  readonly left: number;
  readonly harm: number;
  /** Bytes that are copied beside the VMs of the drained host. */
  readonly extra: number;
  /** CPU-minutes for which VMs are expected to wait on the hosts that remain, and whether that is as good as none more. */
  readonly short: number;
  readonly served: boolean;
  readonly uneven: number;
}

/** How a destination is chosen among those that have room, and who chooses first. */
type PlaceChoice = "even" | "tight" | "roomy";
type RehouseTurn = "largest" | "smallest" | "shuffled";
interface RehouseMode {
  readonly choice: PlaceChoice;
  readonly turn: RehouseTurn;
}
const choices: readonly PlaceChoice[] = ["even", "tight", "roomy"];
const turns: readonly RehouseTurn[] = ["largest", "smallest", "shuffled"];
/** Where not all find room, the smallest first leave the fewest. */
const firstModes: readonly RehouseMode[] = [
  { choice: "even", turn: "largest" },
  { choice: "tight", turn: "largest" },
  { choice: "roomy", turn: "largest" },
  { choice: "tight", turn: "smallest" },
];

/** Rounds of ruin and recreate without progress, and passes of improvement in each. */
const patience = 60;
const passes = 8;
/** Destinations tried when room is made, and sets of VMs tried on each. */
const roomTries = 12;
const setTries = 4;
const coverNodes = 200;

export class Rehousing {
  best: Housing | null = null;
  rounds = 0;
  readonly #drain: DrainProblem;
  readonly #state: State;
  readonly #probe: State;
  readonly #spread: Spread;
  readonly #random: Random;
  readonly #work: Work;
  readonly #covers: Cover[] = [];
  readonly #isLeaving: Uint8Array;
  /** VMs that no host could ever take: nothing leaves fewer. */
  readonly #hopeless: ReadonlySet<number>;
  #others = false;
  #enough = 0;
  readonly #trail: number[] = [];
  readonly #shunned = new Set<number>();

  constructor(
    drain: DrainProblem,
    spread: Spread,
    hopeless: ReadonlySet<number>,
    random: Random,
    work: Work,
  ) {
    this.#drain = drain;
    this.#state = new State(drain.problem, work);
    this.#probe = new State(drain.problem, work);
    this.#spread = spread;
    this.#hopeless = hopeless;
    this.#random = random;
    this.#work = work;
    this.#isLeaving = new Uint8Array(drain.problem.V);
    for (const v of drain.leaving) this.#isLeaving[v] = 1;
  }

  /**
   * The best places found within `rounds` of ruin and recreate, twice: without and with moving others. It ends sooner where
   * moving others costs no more than `enough`, which nothing undercuts.
   */
  run(rounds: number, enough = 0): Housing {
    this.#enough = enough;
    this.#search(rounds);
    if (this.best !== null && this.best.left > this.#hopeless.size) {
      this.#others = true;
      this.#search(rounds);
    }
    return (
      this.best ?? {
        moves: new Int32Array(0),
        steps: [],
        left: 0,
        harm: 0,
        extra: 0,
        short: 0,
        served: true,
        uneven: 0,
      }
    );
  }

  #search(rounds: number): void {
    for (const mode of firstModes) {
      this.#reset();
      this.#fill(mode);
      this.#finish();
      if (this.#perfect() || !this.#work.more()) return;
    }
    const last = this.rounds + rounds;
    for (let stale = 0; stale < patience && this.rounds < last && this.#work.more(); stale++) {
      if (this.#perfect()) return;
      this.rounds++;
      this.#ruin();
      this.#fill(this.#anyMode());
      if (this.#finish()) stale = -1;
    }
  }

  #anyMode(): RehouseMode {
    const choice = choices[this.#random.below(choices.length)] ?? "even";
    return { choice, turn: turns[this.#random.below(turns.length)] ?? "largest" };
  }

  #perfect(): boolean {
    const { best } = this;
    return (
      best !== null &&
      best.left === this.#hopeless.size &&
      best.harm === 0 &&
      best.served &&
      (best.extra <= this.#enough || !this.#others)
    );
  }

  #reset(): void {
    this.#state.reset();
    this.#spread.reset();
    for (const v of this.#hopeless) this.#spread.expect(v, false);
  }

  #move(v: number, d: number): void {
    const from = this.#state.at[v] ?? 0;
    if (from === d) return;
    this.#trail.push(v, from);
    this.#state.move(v, d);
    this.#spread.move(v, from, d);
  }

  #takeBack(mark: number): void {
    while (this.#trail.length > mark) {
      const from = this.#trail.pop() ?? 0;
      const v = this.#trail.pop() ?? 0;
      const at = this.#state.at[v] ?? 0;
      this.#state.move(v, from);
      this.#spread.move(v, at, from);
    }
  }

  /** VMs that are on the drained host though some host might take them. */
  #homeless(turn: RehouseTurn): number[] {
    const { problem, source, leaving } = this.#drain;
    const rank = (v: number): number => {
      if (turn === "shuffled") return this.#random.next();
      return turn === "largest" ? -(problem.need[v] ?? 0) : (problem.need[v] ?? 0);
    };
    return leaving
      .filter((v) => this.#state.at[v] === source && !this.#hopeless.has(v))
      .map((v) => ({ v, rank: rank(v) }))
      .sort((a, b) => a.rank - b.rank || a.v - b.v)
      .map(({ v }) => v);
  }

  /** Houses whom it can: first in what room there is, then by pushing others on. */
  #fill(mode: RehouseMode): void {
    this.#settle(mode);
    for (const v of this.#homeless(mode.turn)) {
      for (const depth of [1, 2]) {
        this.#shunned.clear();
        if (this.#makeRoom(v, depth)) break;
      }
      this.#trail.length = 0;
    }
  }

  #settle({ choice, turn }: RehouseMode): void {
    for (const v of this.#homeless(turn)) {
      const d = this.#choose(v, choice, -1);
      if (d >= 0) this.#move(v, d);
    }
    this.#trail.length = 0;
  }

  /** The preferred host among those that have room for `v`, never `not`; -1 where none has. */
  #choose(v: number, choice: PlaceChoice, not: number): number {
    const state = this.#state;
    const at = state.at[v] ?? 0;
    let best = { d: -1, harm: 0, short: 0, score: 0 };
    for (let d = 0; d < this.#drain.problem.H; d++) {
      if (d === at || d === not || !state.stepFits(v, d)) continue;
      this.#spread.move(v, at, d);
      const { harm, short } = choice === "even" ? this.#spread : alike;
      const score = this.#score(v, d, choice);
      this.#spread.move(v, d, at);
      const shorter = lessBy(short, best.short);
      if (
        best.d < 0 ||
        harm < best.harm ||
        (harm === best.harm && (shorter || (score < best.score && !lessBy(best.short, short))))
      )
        best = { d, harm, short, score };
    }
    this.#work.charge("fit", this.#drain.problem.H);
    return best.d;
  }

  #score(v: number, d: number, choice: PlaceChoice): number {
    const room = (this.#state.free[d] ?? 0) - (this.#drain.problem.need[v] ?? 0);
    if (choice === "even") return this.#spread.uneven();
    return choice === "tight" ? room : -room;
  }

  /** Brings `v` to a host from which others are pushed on for it; false, and nothing changed, where none serves. */
  #makeRoom(v: number, depth: number): boolean {
    const mark = this.#trail.length;
    let best: readonly number[] | null = null;
    let bestPrice = Number.POSITIVE_INFINITY;
    for (const d of this.#candidates(v)) {
      if (!this.#work.more()) break;
      const before = this.#state.cost;
      this.#move(v, d);
      if (this.#unload(d, v, depth)) {
        const price = this.#state.cost - before;
        if (price < bestPrice) [best, bestPrice] = [this.#since(mark), price];
      }
      this.#takeBack(mark);
      if (bestPrice <= (this.#drain.problem.cost[v] ?? 0)) break;
    }
    if (best === null) return false;
    for (let i = 0; i < best.length; i += 2) this.#move(best[i] ?? 0, best[i + 1] ?? 0);
    return true;
  }

  /** Where the VMs are that were moved since `mark`. */
  #since(mark: number): number[] {
    const moved = new Set<number>();
    for (let i = mark; i < this.#trail.length; i += 2) moved.add(this.#trail[i] ?? 0);
    return [...moved].flatMap((v) => [v, this.#state.at[v] ?? 0]);
  }

  /** Hosts that nothing but memory or a group keeps `v` from, those that lack least first. */
  #candidates(v: number): number[] {
    const { problem, source } = this.#drain;
    const { H, shut } = problem;
    const state = this.#state;
    const found: { d: number; lack: number }[] = [];
    for (let d = 0; d < H; d++) {
      if (d === source || d === state.at[v] || problem.free[d] === Number.NEGATIVE_INFINITY) continue;
      if (shut.length > 0 && shut[v * H + d] === 1) continue;
      const lack = Math.max(0, (problem.need[v] ?? 0) - (state.free[d] ?? 0));
      found.push({ d, lack: lack * (1 + 0.5 * this.#random.next()) });
    }
    this.#work.charge("look", H);
    return found
      .sort((a, b) => a.lack - b.lack || a.d - b.d)
      .slice(0, roomTries)
      .map(({ d }) => d);
  }

  /** Pushes VMs from `d` until it can hold `guest`; false where that does not work out. */
  #unload(d: number, guest: number, depth: number): boolean {
    for (let attempt = 0; attempt < setTries; attempt++) {
      if (this.#holds(d)) return true;
      const set = this.#cheapestSet(d, guest, depth);
      if (set === null) return false;
      for (const u of set) {
        if (this.#push(u, d, depth)) continue;
        this.#shunned.add(u);
        break;
      }
    }
    return this.#holds(d);
  }

  #push(u: number, from: number, depth: number): boolean {
    const d = this.#choose(u, this.#others ? "tight" : "even", from);
    if (d >= 0) {
      this.#move(u, d);
      return true;
    }
    return depth > 1 && this.#makeRoom(u, depth - 1);
  }

  #holds(d: number): boolean {
    return (this.#state.free[d] ?? 0) >= 0 && this.#overfull(d) < 0;
  }

  /** A group of which `d` holds more than it may, or -1. */
  #overfull(d: number): number {
    const { H, groups } = this.#drain.problem;
    for (let g = 0; g < groups.names.length; g++) {
      if ((this.#state.members[g * H + d] ?? 0) > (groups.limit[g * H + d] ?? 0)) return g;
    }
    return -1;
  }

  /** VMs of `d` whose going makes it hold again, the cheapest to push; largest first; null where there are none. */
  #cheapestSet(d: number, guest: number, depth: number): number[] | null {
    const { problem } = this.#drain;
    const items = this.#pushable(d, guest);
    const group = this.#overfull(d);
    if (group >= 0) {
      const member = items
        .filter((v) => this.#isMember(v, group))
        .reduce((a, b) => (a < 0 || this.#price(b) < this.#price(a) ? b : a), -1);
      return member < 0 ? null : [member];
    }
    const lack = -(this.#state.free[d] ?? 0);
    const cover = this.#coverOf(depth);
    cover.reserve(items.length, 1);
    items.forEach((v, i) => {
      cover.cost[i] = this.#price(v);
      cover.gain[i] = (problem.need[v] ?? 0) / lack;
    });
    if (!Number.isFinite(cover.solve(coverNodes))) return null;
    return items
      .filter((_, i) => cover.chosen[i] === 1)
      .sort((a, b) => (problem.need[b] ?? 0) - (problem.need[a] ?? 0) || a - b);
  }

  #coverOf(depth: number): Cover {
    const cover = this.#covers[depth] ?? new Cover(this.#work);
    this.#covers[depth] = cover;
    return cover;
  }

  #pushable(d: number, guest: number): number[] {
    const items: number[] = [];
    for (let v = this.#state.first(d); v >= 0; v = this.#state.after(v)) {
      if (v === guest || this.#shunned.has(v)) continue;
      if (this.#others || this.#isLeaving[v] === 1) items.push(v);
    }
    return items.sort((a, b) => a - b);
  }

  #isMember(v: number, group: number): boolean {
    const { groups } = this.#drain.problem;
    return groups.members.subarray(groups.first[v] ?? 0, groups.first[v + 1] ?? 0).includes(group);
  }

  /** One that is on its way already costs nothing more, wherever it ends. */
  #price(v: number): number {
    const { cost, home } = this.#drain.problem;
    return this.#state.at[v] === home[v] ? (cost[v] ?? 0) : 1;
  }

  /** Sends back whom nothing needs elsewhere, evens out, and keeps the result if it is the best; whether it is. */
  #finish(): boolean {
    this.#sendBack();
    this.#improve();
    // Evening out may have opened room.
    this.#settle({ choice: "even", turn: "smallest" });
    const found = this.#housing();
    if (found === null || (this.best !== null && !better(found, this.best, this.#others))) return false;
    this.best = found;
    return true;
  }

  /** VMs of other hosts that were pushed and find room at home again, dearest first. */
  #sendBack(): void {
    const { problem } = this.#drain;
    const pushed = [...this.#state.away.subarray(0, this.#state.awayCount)]
      .filter((v) => this.#isLeaving[v] === 0)
      .sort((a, b) => (problem.cost[b] ?? 0) - (problem.cost[a] ?? 0) || a - b);
    for (const v of pushed) {
      const home = problem.home[v] ?? 0;
      if (this.#state.stepFits(v, home)) this.#move(v, home);
    }
    this.#trail.length = 0;
  }

  /** Moves single VMs, and exchanges pairs, as long as that harms less or evens out. */
  #improve(): void {
    const housed = () => this.#drain.leaving.filter((v) => this.#state.at[v] !== this.#drain.source);
    for (let pass = 0; pass < passes && this.#work.more(); pass++) {
      let changed = false;
      for (const v of housed()) changed = this.#relocate(v) || changed;
      if (!changed || this.#spread.harm > 0) changed = this.#exchange(housed()) || changed;
      if (!changed) return;
    }
  }

  #relocate(v: number): boolean {
    const before = this.#measure();
    const d = this.#choose(v, "even", -1);
    if (d < 0) return false;
    this.#move(v, d);
    if (isLess(this.#measure(), before)) {
      this.#trail.length = 0;
      return true;
    }
    this.#takeBack(0);
    return false;
  }

  #exchange(vms: readonly number[]): boolean {
    let changed = false;
    for (let i = 0; i < vms.length && this.#work.more(); i++) {
      for (let j = i + 1; j < vms.length; j++) changed = this.#swap(vms[i] ?? 0, vms[j] ?? 0) || changed;
    }
    return changed;
  }

  #swap(a: number, b: number): boolean {
    const [hostA, hostB] = [this.#state.at[a] ?? 0, this.#state.at[b] ?? 0];
    if (hostA === hostB) return false;
    const before = this.#measure();
    this.#move(a, this.#drain.source);
    if (this.#state.stepFits(b, hostA)) {
      this.#move(b, hostA);
      if (this.#state.stepFits(a, hostB)) {
        this.#move(a, hostB);
        if (isLess(this.#measure(), before)) {
          this.#trail.length = 0;
          return true;
        }
      }
    }
    this.#takeBack(0);
    return false;
  }

  #measure(): Measure {
    return { harm: this.#spread.harm, short: this.#spread.short, uneven: this.#spread.uneven() };
  }

  /** The state as it is, if it can be reached step by step. */
  #housing(): Housing | null {
    const { source, leaving, problem } = this.#drain;
    const left = leaving.filter((v) => this.#state.at[v] === source);
    const moves = this.#state.save();
    const ordering = orderSteps(this.#probe, moves, this.#work);
    if (!ordering.complete) return null;
    const gone = leaving.reduce((sum, v) => sum + (left.includes(v) ? 0 : (problem.cost[v] ?? 0)), 0);
    const extra = this.#state.cost - gone + ordering.extra;
    for (const v of left) this.#spread.expect(v, false);
    const measure = this.#measure();
    for (const v of left) this.#spread.expect(v, !this.#hopeless.has(v));
    return {
      moves,
      steps: ordering.steps,
      left: left.length,
      ...measure,
      extra,
      served: this.#spread.isServed,
    };
  }

  /** Goes back to the best and unhouses some: a part of all, all guests of one host, or all whom others made room for. */
  #ruin(): void {
    this.#reset();
    const moves = this.best?.moves ?? new Int32Array(0);
    for (let i = 0; i < moves.length; i += 2) this.#move(moves[i] ?? 0, moves[i + 1] ?? 0);
    this.#trail.length = 0;
    const { source, problem } = this.#drain;
    const away = [...this.#state.away.subarray(0, this.#state.awayCount)].sort((a, b) => a - b);
    const kind = this.#random.next();
    const share = 0.1 + 0.6 * this.#random.next();
    const crowded = kind < 0.4 ? this.#random.below(problem.H) : -1;
    for (const v of away) {
      const chosen = crowded >= 0 ? this.#state.at[v] === crowded : this.#random.next() < share;
      if (chosen && this.#isLeaving[v] === 1) this.#move(v, source);
    }
    // Those of other hosts go home last: their room is there only when the guests have left it.
    for (const v of away) {
      const home = problem.home[v] ?? 0;
      if (this.#isLeaving[v] === 0 && this.#state.stepFits(v, home)) this.#move(v, home);
    }
    this.#trail.length = 0;
  }
}

type Measure = Pick<Housing, "harm" | "short" | "uneven">;

/** Where hosts are not told apart by what rules say. */
const alike = { harm: 0, short: 0 } as const;

/** Less by more than rounding. */
function lessBy(a: number, b: number): boolean {
  return a < b - 1e-9 * Math.max(1, b);
}

function isLess(a: Measure, b: Measure): boolean {
  if (a.harm !== b.harm) return a.harm < b.harm;
  if (lessBy(a.short, b.short) || lessBy(b.short, a.short)) return a.short < b.short;
  return lessBy(a.uneven, b.uneven);
}

/** Fewer left; then less harm, less copied beside, less waited for, more even. Others may move only for the first of these. */
function better(a: Housing, b: Housing, others: boolean): boolean {
  if (a.left !== b.left) return a.left < b.left;
  if (others && (a.extra === 0) !== (b.extra === 0)) return a.extra === 0;
  if (a.harm !== b.harm) return a.harm < b.harm;
  if (a.extra !== b.extra) return a.extra < b.extra;
  return isLess(a, b);
}
