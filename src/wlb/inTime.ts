/** A limit on how long a pool is kept waiting: it asks one thing at a time, and starts no VM meanwhile. */
import { type WlbCode, WlbRefusal } from "../wlbProtocol/methods.ts";

/** What `work` comes to; where it takes longer than `ms`, the refusal. The work goes on: what it changes may still be done. */
export async function inTime<T>(
  work: Promise<T>,
  ms: number,
  refusal: { readonly code: WlbCode; readonly says: string },
): Promise<T> {
  let late: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new WlbRefusal(refusal.code, refusal.says)), ms);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(late);
    // Whatever it comes to later nobody waits for any more.
    work.catch(() => {});
  }
}
