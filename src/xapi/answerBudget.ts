/**
 * How much of the pool's answers may be held in memory, all together: what arrives, and what a run keeps of it. Without
 * one budget for all, as many endless answers as there are calls at once would each be let grow to the limit.
 */
export class AnswerBudget {
  readonly limit: number;
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Takes `bytes`; false, and nothing taken, where there is no room for them. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.limit) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** Answers whose meaning is kept until all of them are there: what they take of the budget is given back at once. */
export class KeptAnswers {
  readonly #budget: AnswerBudget;
  #bytes = 0;

  constructor(budget: AnswerBudget) {
    this.#budget = budget;
  }

  /** Keeps what a whole answer has taken. */
  keep(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Gives everything back. */
  end(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }
}
