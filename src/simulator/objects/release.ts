/** Which release of xapi the pool plays: what differs among them in names of data sources, errors and progress. */

/**
 * Eras of the data sources: A = XCP 1.0-1.5, XenServer 5.6-6.0; B = XCP 1.6, XenServer 6.1; C = 6.2-7.0;
 * E = 7.1-8.2; F = XCP-ng 8.3, XenServer 8.
 */
export type Era = "A" | "B" | "C" | "E" | "F";

export interface Release {
  readonly product: string;
  readonly version: string;
  readonly apiMajor: number;
  readonly apiMinor: number;
  readonly era: Era;
}

/** Products and versions by the API they speak (major, minor). */
const apiOf: Readonly<Record<string, readonly [number, number]>> = {
  "XCP 1.0": [1, 8],
  "XCP 1.1": [1, 8],
  "XCP 1.5": [1, 9],
  "XCP 1.6": [1, 10],
  "XenServer 5.6": [1, 8],
  "XenServer 6.0": [1, 9],
  "XenServer 6.1": [1, 10],
  "XenServer 6.2": [2, 0],
  "XenServer 6.5": [2, 3],
  "XenServer 7.0": [2, 5],
  "XenServer 7.1": [2, 6],
  "XenServer 7.6": [2, 11],
  "XenServer 8": [2, 21],
  "XCP-ng 7.6": [2, 11],
  "XCP-ng 8.0": [2, 12],
  "XCP-ng 8.1": [2, 14],
  "XCP-ng 8.2": [2, 15],
  "XCP-ng 8.3": [2, 21],
};

/** "XCP 1.0, XCP 1.1 ...": what a scenario may name. */
export const knownReleases: string = Object.keys(apiOf).join(", ");

/** The release of a product by its name and version ("8.3" or "8.3.0"), or null for one that is not known. */
export function findRelease(product: string, version: string): Release | null {
  const known = Object.entries(apiOf).find(
    ([name]) => `${product} ${version}` === name || `${product} ${version}`.startsWith(`${name}.`),
  );
  return known === undefined ? null : releaseOfApi(product, version, ...known[1]);
}

/** The release that speaks this version of the API, as a host record tells it. */
export function releaseOfApi(product: string, version: string, apiMajor: number, apiMinor: number): Release {
  return { product, version, apiMajor, apiMinor, era: eraOf(apiMajor, apiMinor) };
}

function eraOf(major: number, minor: number): Era {
  if (major < 2) return minor >= 10 ? "B" : "A";
  if (minor <= 5) return "C";
  return minor <= 15 ? "E" : "F";
}

/** Whether the release speaks at least this version of the API. */
export function isAtLeast(release: Release, apiMajor: number, apiMinor: number): boolean {
  return release.apiMajor > apiMajor || (release.apiMajor === apiMajor && release.apiMinor >= apiMinor);
}
