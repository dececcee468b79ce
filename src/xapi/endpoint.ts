/** Where a pool member listens: scheme, host and port. */

import { isIP, isIPv6 } from "node:net";
import { AppError } from "../domain/errors.ts";

export interface Endpoint {
  readonly secure: boolean;
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** For messages and the Host header's sake: "https://10.0.0.1", "http://[::1]:8080". */
  readonly url: string;
}

function endpoint(secure: boolean, host: string, port: number): Endpoint {
  const usual = port === (secure ? 443 : 80);
  const shown = isIPv6(host) ? `[${host}]` : host;
  return { secure, host, port, url: `${secure ? "https" : "http"}://${shown}${usual ? "" : `:${port}`}` };
}

/** The endpoint that `url` names. Throws AppError("settings"), whose message never repeats a password in it. */
export function parseEndpoint(url: string): Endpoint {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.hostname === "") {
    throw new AppError("settings", "XenHost: each entry must be an address such as https://10.0.0.1");
  }
  const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
  if (parsed.username !== "" || parsed.password !== "") {
    throw new AppError("settings", `XenHost: leave user and password out of the address of ${host}`);
  }
  if (parsed.pathname !== "/" || parsed.search !== "" || parsed.hash !== "") {
    throw new AppError("settings", `XenHost: nothing may follow host and port in the address of ${host}`);
  }
  const secure = parsed.protocol === "https:";
  return endpoint(secure, host, parsed.port === "" ? (secure ? 443 : 80) : Number(parsed.port));
}

/** Members whose own address does not lead to them from here: advertised to reachable address. */
export type AddressMap = ReadonlyMap<string, string>;

/**
 * The member at `address`, reached as `from` was: same scheme, and same port unless the address brings its own.
 * null where `address` is no address: it comes from the network.
 */
export function siblingEndpoint(from: Endpoint, address: string, map: AddressMap): Endpoint | null {
  const advertised = address.trim();
  const text = map.get(advertised) ?? advertised;
  if (isIP(text) !== 0) return endpoint(from.secure, text, from.port);
  const parts = /^(?:\[([^\]]+)\]|([A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})))(?::(\d{1,5}))?$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  if (parts === null || host === undefined || (parts[1] !== undefined && !isIPv6(host))) return null;
  const port = parts[3] === undefined ? from.port : Number(parts[3]);
  return port >= 1 && port <= 65_535 ? endpoint(from.secure, host, port) : null;
}
