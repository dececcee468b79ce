/** A workload balancing server that answers what it is told to, byte for byte, and keeps what it was asked. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { generate } from "selfsigned";

export type Framing = "content-length, close" | "connection stays open" | "chunked" | "never";

export interface CannedAnswer {
  readonly status: number;
  readonly body: string;
  readonly framing: Framing;
  /** Milliseconds before it is sent. */
  readonly afterMs?: number;
}

export interface CannedServer {
  readonly port: number;
  readonly certificate: string;
  /** Every request that came, whole. */
  readonly requests: Buffer[];
  /** What the next ones are answered; may look at the request. */
  answer: (request: Buffer) => CannedAnswer;
  stop(): Promise<void>;
}

export interface CannedIdentity {
  readonly keyType?: "rsa" | "ec";
  readonly commonName?: string;
  /** DNS names are of type 2, addresses of type 7. */
  readonly altNames?: readonly { readonly type: 2 | 7; readonly value?: string; readonly ip?: string }[];
}

export async function startCannedServer(identity: CannedIdentity = {}): Promise<CannedServer> {
  const {
    keyType = "rsa",
    commonName = "localhost",
    altNames = [{ type: 2, value: "localhost" }],
  } = identity;
  const made = await generate([{ name: "commonName", value: commonName }], {
    keyType,
    keySize: 2048,
    algorithm: "sha256",
    extensions: altNames.length === 0 ? [] : [{ name: "subjectAltName", altNames }],
  } as unknown as Parameters<typeof generate>[1]);
  const sockets = new Set<tls.TLSSocket>();
  const canned: CannedServer = {
    port: 0,
    certificate: made.cert,
    requests: [],
    answer: () => ({ status: 404, body: "", framing: "content-length, close" }),
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  const server = tls.createServer({ key: made.private, cert: made.cert }, (socket) => {
    sockets.add(socket);
    let bytes = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const split = bytes.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/.exec(bytes.toString("latin1"))?.[1]);
      if (split < 0 || bytes.length < split + 4 + length) return;
      canned.requests.push(bytes);
      const { afterMs = 0, ...answer } = canned.answer(bytes);
      setTimeout(() => send(socket, answer), afterMs);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(canned, { port: (server.address() as AddressInfo).port });
}

function send(socket: tls.TLSSocket, { status, body, framing }: CannedAnswer): void {
  if (framing === "never" || socket.destroyed) return;
  const length = Buffer.byteLength(body);
  if (framing === "chunked") {
    const chunk = `${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    return void socket.end(`HTTP/1.1 ${status} OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
  }
  socket.write(`HTTP/1.1 ${status} OK\r\nContent-Length: ${length}\r\n\r\n${body}`);
  if (framing === "content-length, close") socket.end();
}
