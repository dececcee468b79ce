/**
 * The endpoint on the wire: HTTPS as a pool's client can read it. Every answer has its length and closes the connection;
 * slow and endless requests are cut off. Knows nothing of what is asked.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { AppError } from "../domain/errors.ts";
import type { ServerAddress } from "../settings/address.ts";

/** A request with its whole body. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly soapAction: string | undefined;
  readonly authorization: string | undefined;
  /** What the client calls this server; without a port where it is a pool. */
  readonly hostHeader: string | undefined;
  /** The peer's address, an IPv4 one in its usual form. */
  readonly address: string;
  /** Null where it is longer than 1 MiB. */
  readonly body: string | null;
}

export interface WireAnswer {
  readonly status: number;
  readonly body: string;
}

export interface TlsServerOptions {
  readonly listen: ServerAddress;
  readonly key: string;
  readonly cert: string;
  readonly answer: (request: WireRequest) => Promise<WireAnswer>;
  /** The answer to a request that `answer` failed at, in words that tell its sender so. */
  readonly excuse: (why: string) => WireAnswer;
  /** Told of what could not be answered at all. */
  readonly failed: (error: unknown) => void;
  /** Milliseconds for a handshake and for a whole request; 5 s and 10 s when absent. */
  readonly handshakeMs?: number;
  readonly requestMs?: number;
}

export interface RunningTlsServer {
  readonly address: string;
  readonly port: number;
  /** Takes no more connections, lets the answers under way be finished, and ends. */
  readonly stop: () => Promise<void>;
}

/** A configuration with some hundred keys is 50 kB. */
const mostBytes = 1024 * 1024;
/** Of what is longer so much is read and thrown away: whoever still sends reads no answer. */
const mostPassedOver = 16 * mostBytes;
const mostConnections = 256;
const stopMs = 2000;

/** @throws AppError "settings" where the address cannot be listened to. */
export async function startTlsServer(options: TlsServerOptions): Promise<RunningTlsServer> {
  const requestMs = options.requestMs ?? 10_000;
  const server = https.createServer(
    {
      key: options.key,
      cert: options.cert,
      minVersion: "TLSv1.2",
      // A pool offers the last one alone. It is by far the slowest: who offers others is served by them.
      ecdhCurve: "X25519:P-256:P-384",
      handshakeTimeout: options.handshakeMs ?? 5000,
      // A pool connects anew for each request; whoever else sends several has to do so as well.
      keepAlive: false,
      requestTimeout: requestMs,
      headersTimeout: requestMs,
      connectionsCheckingInterval: Math.min(1000, requestMs / 2),
      maxHeaderSize: 16 * 1024,
      sessionTimeout: 300,
    },
    (request, response) => void respond(options, request, response),
  );
  server.maxConnections = mostConnections;
  server.keepAliveTimeout = 1;
  server.timeout = requestMs * 4;
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A peer that goes away in the middle is no failure of ours.
    socket.on("error", () => {});
  });
  server.on("tlsClientError", () => {});
  server.on("clientError", (_error, socket) => {
    // Whoever goes on sending would keep the other half open for ever.
    if (socket.writable) socket.end(plain(400), () => socket.destroy());
    else socket.destroy();
  });
  await listening(server, options.listen);
  const { address, port } = server.address() as AddressInfo;
  return {
    address,
    port,
    stop: () =>
      new Promise((resolve) => {
        const late = setTimeout(() => {
          for (const socket of sockets) socket.destroy();
        }, stopMs);
        server.close(() => {
          clearTimeout(late);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function listening(server: https.Server, { host, port }: ServerAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new AppError("settings", `cannot listen to ${host}:${port}`, {
          cause,
          next: "set WlbListen to an address of this machine and a port that is free",
        }),
      ),
    );
    server.listen({ host, port }, () => {
      server.removeAllListeners("error");
      server.on("error", () => {});
      resolve();
    });
  });
}

function plain(status: number): string {
  return `HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
}

async function respond(
  { answer, excuse, failed }: TlsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const body = await bodyOf(request);
    send(
      response,
      await answer({
        method: request.method ?? "",
        path: request.url ?? "",
        soapAction: single(request.headers["soapaction"]),
        authorization: request.headers.authorization,
        hostHeader: request.headers.host,
        address: (request.socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/, ""),
        body,
      }),
    );
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    failed(error);
    send(response, excuse("xcp-wlb could not answer; see its log"));
  }
}

/** Null where there is too much of it. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostPassedOver) return null;
    if (bytes <= mostBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes > mostBytes ? null : Buffer.concat(chunks).toString("utf8");
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** The whole answer at once, with its length: in chunks no pool could read it. */
function send(response: ServerResponse, { status, body }: WireAnswer): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = Buffer.from(body, "utf8");
  response.writeHead(status, {
    "Content-Type": "text/xml; charset=utf-8",
    "Content-Length": bytes.length,
    Connection: "close",
  });
  response.end(bytes);
}
