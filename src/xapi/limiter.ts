/** Bounds how many jobs run at the same time. Pure: starts nothing by itself. */

/** Runs a job when its turn comes, and gives back what it comes to. */
export type Limiter = <T>(job: () => Promise<T>) => Promise<T>;

/** Runs at most `limit` of the jobs given to it at once, in the order given. */
export function limiter(limit: number): Limiter {
  let free = limit;
  const waiting: (() => void)[] = [];
  return async (job) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
