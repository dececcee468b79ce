/** What xcp-wlb counts of itself since its start: requests, how they ended, and how long they took. */
import { type WlbMethod, wlbMethods } from "../wlbProtocol/methods.ts";

/** "refused" is an answer that says why there is none, "failed" one that should not have been. */
export const results = ["answered", "refused", "failed"] as const;
export type RequestResult = (typeof results)[number];

/** A pool holds a lock while it asks where a VM starts: longer is too long. */
const slowSeconds = 0.1;

export interface MethodCounts {
  readonly byResult: Readonly<Record<RequestResult, number>>;
  /** Of all of them together, from the whole request to the whole answer. */
  readonly seconds: number;
  readonly slow: number;
}

const none: MethodCounts = { byResult: { answered: 0, refused: 0, failed: 0 }, seconds: 0, slow: 0 };

export class Meters {
  readonly #counts = new Map<WlbMethod, MethodCounts>(wlbMethods.map((method) => [method, none]));
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** A request that is heard; to be told how it ended, once. */
  began(method: WlbMethod): (result: RequestResult) => void {
    const beganMs = this.#monotonicMs();
    return (result) => {
      const seconds = (this.#monotonicMs() - beganMs) / 1000;
      const before = this.#counts.get(method) ?? none;
      this.#counts.set(method, {
        byResult: { ...before.byResult, [result]: before.byResult[result] + 1 },
        seconds: before.seconds + seconds,
        slow: before.slow + (seconds > slowSeconds ? 1 : 0),
      });
    };
  }

  get counts(): ReadonlyMap<WlbMethod, MethodCounts> {
    return this.#counts;
  }
}
