/** A pool's client on the wire: its bytes, its limits on TLS, and every byte of the answer until the end. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import type { WlbMethod } from "../../../src/wlbProtocol/methods.ts";

/** What xapi allows its tunnel: TLS 1.2, two suites with RSA, one curve. */
export const xapiTls = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.2",
  ciphers: "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256",
  ecdhCurve: "secp384r1",
} as const;

export interface WireReply {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** True where the server closed the connection behind the answer. */
  readonly ended: boolean;
}

export interface Door {
  readonly host?: string;
  readonly port: number;
  /** The local address that is connected from. */
  readonly from?: string;
}

/** Sends `bytes` over TLS as xapi does, and reads until the server closes. Rejects where that takes `ms`. */
export async function exchange(
  { host = "127.0.0.1", port, from }: Door,
  bytes: string,
  ms = 20_000,
): Promise<WireReply> {
  const socket = tls.connect({
    host,
    port,
    ...(from === undefined ? {} : { localAddress: from }),
    ...xapiTls,
    // As with wlb_verify_cert false.
    rejectUnauthorized: false,
  } as tls.ConnectionOptions);
  return conversation(socket, bytes, ms, "secureConnect");
}

async function conversation(
  socket: net.Socket,
  bytes: string,
  ms: number,
  ready: "connect" | "secureConnect",
): Promise<WireReply> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const late = setTimeout(() => socket.destroy(new Error(`no end of the answer within ${ms} ms`)), ms);
  try {
    const end = once(socket, "end");
    await once(socket, ready);
    socket.write(bytes);
    await end;
    return parsed(Buffer.concat(chunks).toString("utf8"));
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

function parsed(text: string): WireReply {
  const split = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, split).split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(first.split(" ")[1]),
    headers: new Map(headers),
    body: text.slice(split + 4),
    ended: true,
  };
}

export interface Caller {
  readonly user: string;
  readonly password: string;
  /** The Host header. */
  readonly host?: string;
}

/** The bytes of a request as a pool sends it. */
export function requestBytes(
  method: WlbMethod,
  parameters: string,
  { user, password, host }: Caller,
): string {
  const body = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">
  <s:Body>
    <${method} xmlns="http://schemas.citrix.com/DWM">
      <request xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
        ${parameters}
      </request>
    </${method}>
  </s:Body>
</s:Envelope>`;
  return wholeRequest(method, body, Buffer.from(`${user}:${password}`).toString("base64"), host);
}

/** The same around any body. */
export function wholeRequest(method: string, body: string, basic: string, host = "localhost"): string {
  return [
    "POST /Citrix.Dwm.WorkloadBalance/Service HTTP/1.1",
    `content-length: ${Buffer.byteLength(body)}`,
    "user-agent: xapi/26.17",
    "connection: close",
    `SOAPAction: "http://schemas.citrix.com/DWM/IWorkloadBalance/${method}"`,
    "Content-Type: text/xml; charset=utf-8",
    `Authorization: Basic ${basic}`,
    `Host: ${host}`,
    "",
    body,
  ].join("\r\n");
}

const stunnelPlaces = ["/usr/bin/stunnel4", "/usr/bin/stunnel"];

/** The tunnel's program; null where Debian's package stunnel4 is not installed. */
export const stunnelFile: string | null = stunnelPlaces.find((file) => existsSync(file)) ?? null;

export interface Verification {
  /** PEM of the certificates that are trusted. */
  readonly caPem: string;
  /** The name that wlb_url has. */
  readonly name: string;
}

/** What came of an exchange through the tunnel: the answer, or what the tunnel said in its log. */
export type TunnelOutcome = { readonly reply: WireReply } | { readonly log: string };

/** Sends `bytes` through stunnel with the options that xapi gives it, verifying where asked to. */
export async function throughStunnel(
  port: number,
  bytes: string,
  verification: Verification | null = null,
): Promise<TunnelOutcome> {
  if (stunnelFile === null) throw new Error("stunnel4 is not installed");
  const folder = await mkdtemp(join(tmpdir(), "xcp-stunnel-"));
  const entrance = await freePort();
  const verify =
    verification === null
      ? []
      : ["verifyChain = yes", `CAfile = ${join(folder, "ca.pem")}`, `checkHost = ${verification.name}`];
  if (verification !== null) await writeFile(join(folder, "ca.pem"), verification.caPem);
  const config = [
    "foreground = yes",
    "pid =",
    "debug = debug",
    "[pool]",
    "client = yes",
    `accept = 127.0.0.1:${entrance}`,
    `connect = 127.0.0.1:${port}`,
    "sslVersion = TLSv1.2",
    `ciphers = ${xapiTls.ciphers}`,
    `curve = ${xapiTls.ecdhCurve}`,
    ...verify,
    "",
  ].join("\n");
  const file = join(folder, "stunnel.conf");
  await writeFile(file, config);
  const child = spawn(stunnelFile, [file], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
  }
  try {
    const socket = await connected(entrance);
    return { reply: await conversation(socket, bytes, 20_000, "connect" as const) };
  } catch {
    return { log };
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
    await rm(folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Connects as soon as the tunnel listens; the socket says "connect" a turn later. */
async function connected(port: number): Promise<net.Socket> {
  for (let tries = 0; tries < 200; tries++) {
    const probe = net.connect({ host: "127.0.0.1", port });
    const isThere = await once(probe, "connect").then(
      () => true,
      () => false,
    );
    probe.destroy();
    if (isThere) return net.connect({ host: "127.0.0.1", port });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("stunnel does not listen");
}
