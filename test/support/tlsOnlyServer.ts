/** The first half of a MySQL server's greeting, with TLS: shows a certificate, and records what comes after it. */
import net from "node:net";
import tls from "node:tls";

export interface TlsOnlyServer {
  readonly host: string;
  readonly port: number;
  /** Bytes that arrived inside TLS, where a client would send its name and password. */
  readonly secretBytes: number;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1; `offersTls` false is a server without TLS. */
export async function startTlsOnlyServer(
  certificate: { key: string; cert: string },
  offersTls = true,
): Promise<TlsOnlyServer> {
  const sockets = new Set<net.Socket>();
  const state = { secretBytes: 0 };
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.write(greeting(offersTls));
    if (!offersTls) return;
    // The request for TLS is 36 bytes; what follows it, perhaps in the same piece, is TLS already.
    const start = () => {
      if (socket.read(36) === null) return;
      socket.off("readable", start);
      const secure = new tls.TLSSocket(socket, { isServer: true, ...certificate });
      secure.on("error", () => {});
      secure.on("data", (bytes: Buffer) => {
        state.secretBytes += bytes.length;
        secure.write(accessDenied());
      });
    };
    socket.on("readable", start);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  return {
    host: "127.0.0.1",
    port: address.port,
    get secretBytes() {
      return state.secretBytes;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function packet(sequence: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([body.length & 0xff, body.length >> 8, 0, sequence]), body]);
}

/** Protocol 10, with the capabilities that a client needs to go on. */
function greeting(offersTls: boolean): Buffer {
  const capabilities = 0x00_0a_82_00 | 0x0f | (offersTls ? 0x0800 : 0);
  const low = [capabilities & 0xff, (capabilities >> 8) & 0xff];
  const high = [(capabilities >> 16) & 0xff, (capabilities >> 24) & 0xff];
  return packet(
    0,
    Buffer.concat([
      Buffer.from([10]),
      Buffer.from("8.4.0\0\x01\0\0\0saltsalt\0", "latin1"),
      Buffer.from([...low, 45, 2, 0, ...high, 21]),
      Buffer.alloc(10),
      Buffer.from("saltsaltsalt\0mysql_native_password\0", "latin1"),
    ]),
  );
}

function accessDenied(): Buffer {
  const body = Buffer.from("\xff\x15\x04#28000Access denied", "latin1");
  return packet(3, body);
}
