/**
 * Which addresses belong to the pool, so that the password and the session id may go there. What a host says of another
 * is no proof: whoever answers in a member's place may name a host of his own.
 */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { AddressMap, Endpoint } from "./endpoint.ts";

/** What is known of the members from elsewhere than from the pool that answers. */
export interface KnownMembers {
  /** Addresses of the hosts by the last collection; null where there is none. */
  readonly collected: readonly string[] | null;
  /** Addresses that somebody has vouched for (--allow-redirect). */
  readonly allowed: readonly string[];
}

export const nobodyKnown: KnownMembers = { collected: null, allowed: [] };

export class Members {
  readonly #urls: readonly Endpoint[];
  readonly #known: KnownMembers;
  readonly #addressMap: AddressMap;

  /** `urls`: the members of the settings. */
  constructor(urls: readonly Endpoint[], known: KnownMembers, addressMap: AddressMap) {
    this.#urls = urls;
    this.#known = known;
    this.#addressMap = addressMap;
  }

  /** Whether `address`, as a slave names its master, is a member's; it leads to `endpoint`. */
  async knows(address: string, endpoint: Endpoint): Promise<boolean> {
    const advertised = address.trim();
    const { collected, allowed } = this.#known;
    if (this.#addressMap.has(advertised)) return true;
    const reached = [advertised, `${endpoint.host}:${endpoint.port}`];
    if ([...this.#addressMap.values()].some((one) => reached.some((other) => sameAddress(one, other))))
      return true;
    if ([...(collected ?? []), ...allowed].some((one) => sameAddress(one, advertised))) return true;
    const ports = advertised.endsWith(`:${endpoint.port}`) ? [endpoint.port] : null;
    const candidates = this.#urls.filter(({ port }) => ports === null || ports.includes(port));
    for (const { host } of candidates) if (await leadsTo(host, endpoint.host)) return true;
    return false;
  }

  /** Whether a host of the pool may be asked with the session at `address`: before any collection all it names may. */
  async mayAsk(address: string, endpoint: Endpoint): Promise<boolean> {
    return this.#known.collected === null || (await this.knows(address, endpoint));
  }
}

function sameAddress(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.toLowerCase();
}

/** Whether the settings' `host`, a name or an address, is `address`. */
async function leadsTo(host: string, address: string): Promise<boolean> {
  if (sameAddress(host, address)) return true;
  if (isIP(host) !== 0 || isIP(address) === 0) return false;
  try {
    return (await lookup(host, { all: true })).some((found) => found.address === address);
  } catch {
    return false;
  }
}
