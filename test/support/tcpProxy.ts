/**
 * A TCP proxy that counts what passes and can cut, hold back, swallow or answer it: the network between a program and
 * its server, with the faults of real ones.
 */
import net from "node:net";

/** One piece of bytes as it arrived. A piece is not a message: streams split and join where they like. */
export interface WireEvent {
  /** 1 for the first event of the proxy's life. */
  readonly number: number;
  /** 1 for the first connection. */
  readonly connection: number;
  /** "up" is from the client to the server. */
  readonly direction: "up" | "down";
  readonly bytes: Buffer;
}

/**
 * What becomes of an event: passed on, both ends cut, lost without a trace, replaced by other bytes (and both ends cut
 * after them), or answered to its sender while the other end never hears of it.
 */
export type Verdict =
  | "pass"
  | "cut"
  | "swallow"
  | { readonly replace: Buffer }
  | { readonly last: Buffer }
  | { readonly answer: Buffer };

export interface TcpProxy {
  readonly host: string;
  readonly port: number;
  /** Where new connections lead; may be changed when the server moves. */
  target: { readonly host: string; readonly port: number };
  /** Assesses each event; passes all on where it is unset. */
  assess: ((event: WireEvent) => Verdict) | undefined;
  /** Milliseconds that each event is held back, in both directions. */
  delayMs: number;
  readonly connections: number;
  readonly events: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Cuts every open connection. */
  cutAll(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const proxy = new ForwardingProxy(target);
  await proxy.listen();
  return proxy;
}

class ForwardingProxy implements TcpProxy {
  readonly host = "127.0.0.1";
  port = 0;
  assess: ((event: WireEvent) => Verdict) | undefined = undefined;
  delayMs = 0;
  connections = 0;
  events = 0;
  bytesUp = 0;
  bytesDown = 0;
  target: { readonly host: string; readonly port: number };
  readonly #server: net.Server;
  readonly #open = new Set<net.Socket>();

  constructor(target: { host: string; port: number }) {
    this.target = target;
    this.#server = net.createServer((client) => this.#join(client));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, this.host, () => {
        const address = this.#server.address();
        if (address !== null && typeof address === "object") this.port = address.port;
        resolve();
      });
    });
  }

  cutAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  close(): Promise<void> {
    this.cutAll();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #join(client: net.Socket): void {
    const connection = ++this.connections;
    const server = net.connect(this.target);
    const ends = [client, server];
    for (const end of ends) {
      end.setNoDelay(true);
      this.#open.add(end);
      end.on("error", () => {});
      end.on("close", () => {
        this.#open.delete(end);
        for (const other of ends) other.destroy();
      });
    }
    const cut = () => ends.forEach((end) => void end.destroy());
    this.#pipe(client, server, cut, (bytes) => this.#event(connection, "up", bytes));
    this.#pipe(server, client, cut, (bytes) => this.#event(connection, "down", bytes));
  }

  #event(connection: number, direction: "up" | "down", bytes: Buffer): Verdict {
    const event = { number: ++this.events, connection, direction, bytes };
    if (direction === "up") this.bytesUp += bytes.length;
    else this.bytesDown += bytes.length;
    return this.assess?.(event) ?? "pass";
  }

  #pipe(from: net.Socket, to: net.Socket, cut: () => void, assess: (bytes: Buffer) => Verdict): void {
    // Held-back pieces keep their order.
    let queue = Promise.resolve();
    from.on("data", (bytes: Buffer) => {
      const verdict = assess(bytes);
      const act = () => {
        if (verdict === "pass") to.write(bytes);
        else if (verdict === "cut") cut();
        else if (verdict !== "swallow" && "replace" in verdict) to.write(verdict.replace);
        else if (verdict !== "swallow" && "last" in verdict) to.end(verdict.last, cut);
        else if (verdict !== "swallow") from.write(verdict.answer);
      };
      if (this.delayMs === 0) act();
      else queue = queue.then(() => new Promise((resolve) => setTimeout(resolve, this.delayMs))).then(act);
    });
  }
}
