/**
 * The planner's budget, as work instead of time: every loop says what it does, and each kind of work has a fixed price,
 * so that the same input ends the search at the same place on every machine. Pure.
 */

/**
 * What one of each costs: fitted to the CPU time of long searches in pools of 8 to 64 hosts (`npm run bench -- plan
 * --budget`), on the machine that bench/README.md names, where a search takes 0.8 to 1.1 times its budget; the first of a
 * process, when nothing is compiled yet, up to 1.6 times.
 */
const nanoseconds = {
  /** A VM held against a host, for each rule. */
  fit: 20,
  /** A VM moved in the state, for each rule. */
  move: 28,
  /** A pair, a host or a VM looked at. */
  look: 6,
  /** An item of a cover made ready, for each of its dimensions. */
  item: 28,
  /** A number looked at in the search for a cover. */
  cover: 10,
  /** An entry of the state set back. */
  reset: 3,
  /** A draw of chance. */
  draw: 20,
  /** A state put aside in the exact search, for each VM. */
  child: 100,
} as const;

export class Work {
  readonly #budget: number;
  #spent = 0;
  #allowed: number;

  /** `milliseconds`: how long all of it would take on the machine that the prices were measured on. */
  constructor(milliseconds: number) {
    this.#budget = milliseconds * 1e6;
    this.#allowed = this.#budget;
  }

  charge(kind: keyof typeof nanoseconds, times: number): void {
    this.#spent += nanoseconds[kind] * times;
  }

  /** Lets `more` end when this part of the budget is spent. */
  allow(part: number): void {
    this.#allowed = this.#budget * part;
  }

  /** Whether there is budget left. */
  more(): boolean {
    return this.#spent < this.#allowed;
  }

  /** Whether less than this part of the budget is spent. */
  within(part: number): boolean {
    return this.#spent < this.#budget * part;
  }
}
