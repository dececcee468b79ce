/** Connections that behave as xapi's do: closed behind every answer with measures, and late where asked for. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RrdAnswer } from "./rrdHttp.ts";

/** Hands a new connection to the server only after a while: what a client sends meanwhile waits in the socket. */
export function delayConnections(server: Server, latencyMs: number): void {
  const listeners = server.listeners("connection");
  const waiting = new Set<Socket>();
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const broken = (): void => void socket.destroy();
    socket.on("error", broken);
    waiting.add(socket);
    setTimeout(() => {
      socket.off("error", broken);
      waiting.delete(socket);
      if (!socket.destroyed) for (const listener of listeners) Reflect.apply(listener, server, [socket]);
    }, latencyMs);
  });
  server.once("close", () => {
    for (const socket of waiting) socket.destroy();
  });
}

/**
 * Whatever the answer says of the connection, xapi closes it behind every one of these. Resolves when it is
 * closed, so that a request behind is never served.
 */
export function sendMeasures(
  request: IncomingMessage,
  response: ServerResponse,
  answer: RrdAnswer,
): Promise<void> {
  const { socket } = request;
  if (socket.destroyed) return Promise.resolve();
  const closed = new Promise<void>((done) => socket.once("close", () => done()));
  const bytes = Buffer.from(answer.body, "utf-8");
  response.sendDate = false;
  if (answer.untilClosed) {
    const type = answer.contentType === null ? "" : `content-type: ${answer.contentType}\r\n`;
    request.socket.write(
      `HTTP/1.0 200 OK\r\nConnection: close\r\nCache-Control: no-cache, no-store\r\n${type}\r\n`,
    );
    socket.end(bytes);
    return closed;
  }
  response.writeHead(answer.status, {
    Connection: answer.connection,
    "Content-Length": bytes.length,
    "Cache-Control": "no-cache, no-store",
    ...(answer.contentType === null ? {} : { "content-type": answer.contentType }),
    ...answer.headers,
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "X-Requested-With",
  });
  response.end(bytes, () => socket.end());
  return closed;
}
