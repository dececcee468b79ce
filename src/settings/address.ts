/** Addresses as the settings write them. Pure. */

/** A server by TCP; or by a Unix socket, whose path is the host then: it begins with "/", and the port is 0. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

const mysqlPort = 3306;

/** "host", "host:port", "[::1]:port", a bare IPv6 address, or a socket's path; port 3306 when none is written. */
export function parseServer(text: string): ServerAddress | { problem: string } {
  if (text.startsWith("/")) return { host: text, port: 0 };
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/@]+))(?::(\d+))?$/.exec(text);
  if (match === null) {
    if (/^[0-9a-fA-F:.]+:[0-9a-fA-F:.]*$/.test(text)) return { host: text, port: mysqlPort };
    return {
      problem: `"${text}" is no server; write host, host:port or the path of a socket, several separated by commas`,
    };
  }
  const port = match[3] === undefined ? mysqlPort : Number(match[3]);
  if (port < 1 || port > 65535) return { problem: `port ${match[3]} is out of range (1 to 65535)` };
  return { host: match[1] ?? match[2] ?? "", port };
}

/** "host:port" or "[::]:port", to listen to; port 0 is any that is free. Null for anything else. */
export function parseListen(text: string): ServerAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/@]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match === null || port > 65535 ? null : { host: match[1] ?? match[2] ?? "", port };
}

/** A pool member as a URL without a path: https unless http:// is written out. */
export function parseXenUrl(text: string): string | { problem: string } {
  const problem = { problem: `"${withoutUser(text)}" is no host; write host, host:port or http://host` };
  const bare = /^[0-9a-fA-F:]+$/.test(text) && text.split(":").length > 2 ? `[${text}]` : text;
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(bare) ? bare : `https://${bare}`;
  let url: URL;
  try {
    url = new URL(withScheme);
  } catch {
    return problem;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return problem;
  if (url.username !== "" || url.password !== "") {
    return { problem: "holds a user or password; they belong into XenUsr and XenPass" };
  }
  if (url.hostname === "" || url.pathname !== "/" || url.search !== "" || url.hash !== "") return problem;
  return `${url.protocol}//${url.host}`;
}

/** What stands before an @ may be a password. */
function withoutUser(text: string): string {
  return text.replace(/^.*@/, "...@");
}

/** "advertised=reachable": where a member is reached that names itself by another address. */
export function parseAddressPair(text: string): readonly [string, string] | { problem: string } {
  const [advertised, reachable, ...rest] = text.split("=").map((part) => part.trim());
  if (advertised && reachable && rest.length === 0) return [advertised, reachable];
  return { problem: `"${text}" is no pair; write advertised=reachable, several separated by commas` };
}
