/** What mysql2 is told about one server: how to get there, whom to trust, and what it must never do. */
import net from "node:net";
import type { ConnectionOptions } from "mysql2/promise";
import type { ServerAddress } from "../settings/address.ts";
import { isLoopback, proofsOnly } from "./authentication.ts";

/**
 * Where MySQL is and how to log in. Servers are tried in their order.
 *
 * The password is told to nobody but over TLS to a server that `caPem` vouches for, over a socket or on the machine
 * itself; elsewhere its knowledge is proven. What is read and written can still be seen, and changed, by somebody who
 * sits between.
 */
export interface StoreOptions {
  /** A host that begins with "/" is the path of a Unix socket; it has no port. */
  readonly servers: readonly ServerAddress[];
  /** A local socket; used instead of `servers`. */
  readonly socketPath?: string;
  /** Whose account it should be; for messages. */
  readonly program?: "xcp-collect" | "xcp-manager" | "xcp-control" | "xcp-wlb";
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Authorities to trust, as PEM; turns TLS on. The certificate must also carry the server's name. */
  readonly caPem?: string;
  readonly connectTimeoutMs: number;
  /** The longest that one statement may run. */
  readonly statementTimeoutMs: number;
}

/** One way to one server. */
export interface Place {
  /** As messages name it: "host:port", or the socket's path. */
  readonly name: string;
  readonly address: { readonly host: string; readonly port: number } | { readonly socketPath: string };
}

export function driverOptions(
  options: StoreOptions,
  place: Place,
  database: string | null,
): ConnectionOptions {
  return {
    ...place.address,
    user: options.user,
    password: options.password,
    ...(database === null ? {} : { database }),
    charset: "UTF8MB4_GENERAL_CI",
    timezone: "Z",
    supportBigNumbers: true,
    multipleStatements: false,
    // A server may ask its client for any local file; this client has none to give.
    flags: ["-LOCAL_FILES"],
    connectTimeout: options.connectTimeoutMs,
    enableKeepAlive: true,
    ...(isExposed(options, place) ? { authPlugins: proofsOnly(options.password) } : {}),
    ...(options.caPem === undefined ? {} : tlsOptions(options.caPem, place)),
  };
}

/** Whether others may read what is said on the way to `place`, or pose as the server. */
export function isExposed({ caPem }: Pick<StoreOptions, "caPem">, { address }: Place): boolean {
  return caPem === undefined && "host" in address && !isLoopback(address.host);
}

/** TLS in which the certificate must be signed by `caPem` and carry the name, or the address, we connect to. */
function tlsOptions(caPem: string, { address }: Place): ConnectionOptions {
  const ssl = { ca: caPem, rejectUnauthorized: true, verifyIdentity: true, minVersion: "TLSv1.2" };
  if (!("host" in address) || net.isIP(address.host) === 0) return { ssl };
  return { ssl, stream: () => addressedSocket(address.host, address.port) };
}

/**
 * A socket that tells TLS which address the certificate must carry. mysql2 leaves the name out for an address, and
 * Node then asks for a certificate of "localhost"; of what a socket knows, Node looks at `_host` before that.
 */
function addressedSocket(host: string, port: number): net.Socket {
  const socket = net.connect({ host, port, noDelay: true, keepAlive: true });
  return Object.assign(socket, { _host: host });
}
