/** The one thread that asks the workload balancing server: one request at a time, the newest that waits comes next. */

export class CallStack {
  readonly #waiting: (() => void)[] = [];
  #isBusy = false;

  /** Does `work` when its turn comes; rejects with the signal's reason where that comes first. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#isBusy) await this.#turn(signal);
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      const next = this.#waiting.pop();
      if (next === undefined) this.#isBusy = false;
      else next();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(signal.reason);
      };
      this.#waiting.push(begin);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}
