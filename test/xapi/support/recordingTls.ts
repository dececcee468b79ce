/** A TLS server that says nothing and keeps every byte that clients send after the handshake; mute: no handshake. */

import { EventEmitter, once } from "node:events";
import { type AddressInfo, createServer as createPlain, type Socket } from "node:net";
import { createServer } from "node:tls";

export interface RecordingServer extends AsyncDisposable {
  readonly url: string;
  readonly address: string;
  /** All that arrived inside TLS, once every connection is over; fails where there was none. */
  received(): Promise<Buffer>;
}

export async function startRecordingServer(
  tls: { readonly key: string; readonly cert: string },
  at: { port?: number; mute?: boolean } = {},
): Promise<RecordingServer> {
  const chunks: Buffer[] = [];
  const over = new EventEmitter();
  const sockets = new Set<Socket>();
  let connections = 0;
  const record = (socket: Socket): void => {
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
  };
  const server = at.mute === true ? createPlain() : createServer(tls, record);
  server.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) over.emit("quiet");
    });
  });
  server.on("tlsClientError", () => {});
  const host = "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${host}:${port}`,
    address: `${host}:${port}`,
    received: async () => {
      if (connections === 0) throw new Error("nobody connected");
      // Whatever a client has sent arrives before the end of its connection.
      while (sockets.size > 0) await once(over, "quiet");
      return Buffer.concat(chunks);
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
