/** A TLS server that says nothing and counts every byte that clients send after the handshake. */

import type { AddressInfo, Socket } from "node:net";
import { createServer } from "node:tls";

export interface RecordingServer extends AsyncDisposable {
  readonly url: string;
  readonly address: string;
  handshakes(): number;
  /** What arrived inside TLS. */
  received(): Buffer;
}

export async function startRecordingServer(
  tls: { readonly key: string; readonly cert: string },
  at: { host?: string; port?: number } = {},
): Promise<RecordingServer> {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  let handshakes = 0;
  const server = createServer(tls, (socket) => {
    handshakes++;
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  server.on("tlsClientError", () => {});
  const host = at.host ?? "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${host}:${port}`,
    address: `${host}:${port}`,
    handshakes: () => handshakes,
    received: () => Buffer.concat(chunks),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
