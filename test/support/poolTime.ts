/** The time of a simulated pool whose clock is moved by hand. */
import { pause } from "../../src/privateServer/processes.ts";
import type { SimulatedPool } from "../../src/simulator/behaviour/simulatedPool.ts";

/**
 * The pool's time goes on until `work` is done: a second of it at each turn. A busy machine takes fewer turns while it
 * works, so that nothing comes too late for it. Where the clock runs by itself, only waits.
 */
export async function flowing<T>(pool: SimulatedPool, work: Promise<T>): Promise<T> {
  if (pool.clock.speed !== 0) return work;
  let isDone = false;
  const end = (): void => {
    isDone = true;
  };
  work.then(end, end);
  while (!isDone) {
    await pool.clock.advance(1_000);
    await pause(5);
  }
  return work;
}
