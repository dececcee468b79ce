/** A network that swallows everything in the midst of a run, as a pulled cable does: neither end is told. */
import net from "node:net";

export interface BlackHole {
  readonly host: string;
  readonly port: number;
  /** From now on nothing passes, and the server's connections stay open whatever the clients do. */
  swallow(): void;
  close(): Promise<void>;
}

/** Passes connections on to `target`; `watch` sees what the clients send and may call `swallow` before it passes. */
export async function startBlackHole(
  target: { readonly host: string; readonly port: number },
  watch: (bytes: Buffer, hole: BlackHole) => void,
): Promise<BlackHole> {
  let swallows = false;
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const onward = net.connect({ ...target, allowHalfOpen: true });
    for (const socket of [client, onward]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
    }
    client.on("data", (bytes: Buffer) => {
      watch(bytes, hole);
      if (!swallows) onward.write(bytes);
    });
    onward.on("data", (bytes: Buffer) => {
      if (!swallows) client.write(bytes);
    });
    client.on("close", () => {
      if (!swallows) onward.destroy();
    });
    onward.on("close", () => {
      if (!swallows) client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const hole: BlackHole = {
    host: "127.0.0.1",
    port: (server.address() as net.AddressInfo).port,
    swallow: () => {
      swallows = true;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return hole;
}
