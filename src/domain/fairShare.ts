/** How a full host shares its CPUs among those who want them. Pure. */

/**
 * Max-min fair shares of `capacity`: who wants less than an equal part gets all of it, and what is left over is shared
 * equally among the others (Bertsekas, Gallager: Data Networks, 6.5.2, of one link). It is what a scheduler comes to
 * that gives every VM the same weight, as Xen's does by default.
 * @param demands what each wants, 0 or more, in the unit of `capacity` (CPUs).
 * @returns what each gets, in the same order: at most what it wants, together at most `capacity`.
 */
export function maxMinShares(capacity: number, demands: readonly number[]): number[] {
  const total = demands.reduce((sum, demand) => sum + demand, 0);
  if (total <= capacity) return [...demands];
  const shares = demands.map(() => 0);
  let left = Math.max(0, capacity);
  const smallestFirst = demands
    .map((_, index) => index)
    .sort((a, b) => (demands[a] ?? 0) - (demands[b] ?? 0));
  smallestFirst.forEach((index, place) => {
    const share = Math.min(demands[index] ?? 0, left / (demands.length - place));
    shares[index] = share;
    left -= share;
  });
  return shares;
}
