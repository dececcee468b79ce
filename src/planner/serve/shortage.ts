/** What of an uncertain demand a host is expected not to serve. Pure. */

/**
 * E[(D - capacity)+] of a demand D that is normal with `mean` and `variance`, in the unit of `mean`; 0 or more.
 *
 * The unit normal loss, s (phi(z) - z (1 - Phi(z))) with z = (capacity - mean) / s: Raiffa, Schlaifer, Applied
 * Statistical Decision Theory (1961), 5.1; the "expected shortage" of Silver, Pyke, Peterson, Inventory Management.
 * Where `variance` is 0 it is what the mean lacks.
 */
export function expectedShortage(mean: number, variance: number, capacity: number): number {
  const room = capacity - mean;
  if (!(variance > 0)) return Math.max(0, -room);
  const deviation = Math.sqrt(variance);
  const z = room / deviation;
  // Beyond this less than one part in ten thousand million of the deviation is expected.
  if (z > 6) return 0;
  if (z < -6) return -room;
  return Math.max(0, deviation * (density(z) - z * beyond(z)));
}

function density(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

/** 1 - Phi(z), to 8e-8: Abramowitz, Stegun, Handbook of Mathematical Functions, 26.2.17. */
function beyond(z: number): number {
  if (z < 0) return 1 - beyond(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return density(z) * series;
}
