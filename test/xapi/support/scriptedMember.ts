/** A pool member that answers as a test's script says, over real HTTP or HTTPS. */

import { createServer as createHttp, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { SecureVersion, TLSSocket } from "node:tls";
import type { XapiValue } from "../../../src/xapi/xml.ts";
import { readCall } from "./readCall.ts";
import { failure, success, type Written } from "./xapiText.ts";

export interface SeenCall {
  readonly method: string;
  readonly params: readonly XapiValue[];
  /** Counts the connections of this member from 1. */
  readonly connection: number;
  readonly headers: IncomingMessage["headers"];
  readonly url: string;
}

/** The XML to answer, or null where the script has dealt with the response itself. */
export type Script = (call: SeenCall, response: ServerResponse) => string | null;

export interface Member extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** "127.0.0.1:40123", as a slave may name its master. */
  readonly address: string;
  readonly calls: SeenCall[];
  /** The methods that were called, in order. */
  methods(): string[];
  connections(): number;
  /** TLS connections that continued an earlier one's session. */
  resumed(): number;
  close(): Promise<void>;
}

export interface MemberOptions {
  readonly tls?: {
    readonly key: string;
    readonly cert: string;
    readonly minVersion?: SecureVersion;
    readonly maxVersion?: SecureVersion;
    readonly ciphers?: string;
  };
  readonly host?: string;
  readonly port?: number;
}

export async function startMember(script: Script, options: MemberOptions = {}): Promise<Member> {
  const calls: SeenCall[] = [];
  const sockets = new Map<Socket, number>();
  let connections = 0;
  let resumed = 0;
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const parsed = body === "" ? { method: request.method ?? "", params: [] } : readCall(body);
      const connection = sockets.get(request.socket) ?? 0;
      const call = { ...parsed, connection, headers: request.headers, url: request.url ?? "" };
      calls.push(call);
      const xml = script(call, response);
      if (xml === null) return;
      const bytes = Buffer.from(xml, "utf8");
      response.writeHead(200, { "content-type": "text/xml", "content-length": bytes.length });
      response.end(bytes);
    });
  };
  const server = options.tls === undefined ? createHttp(serve) : createHttps(options.tls, serve);
  server.on(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    sockets.set(socket, ++connections);
    if (options.tls !== undefined && (socket as TLSSocket).isSessionReused()) resumed++;
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  const host = options.host ?? "127.0.0.1";
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => {
    for (const socket of sockets.keys()) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return {
    url: `${options.tls === undefined ? "http" : "https"}://${host}:${port}`,
    port,
    address: `${host}:${port}`,
    calls,
    methods: () => calls.map((call) => call.method),
    connections: () => connections,
    resumed: () => resumed,
    close,
    [Symbol.asyncDispose]: close,
  };
}

export const poolUuid = "9d3a1d2c-0000-4000-8000-000000000001";
export const masterRef = "OpaqueRef:host-1";
export const password = "correct horse <&]]> battery é";

export type Answers = Readonly<
  Record<string, string | ((call: SeenCall, response: ServerResponse) => string | null)>
>;

/** A master that lets "root" in and answers `answers`; anything else it does not know. */
export function masterScript(answers: Answers = {}): Script {
  let sessions = 0;
  const standard: Answers = {
    "session.login_with_password": (call) => {
      if (call.params[1] !== password) {
        return failure("SESSION_AUTHENTICATION_FAILED", String(call.params[0]), "Authentication failure");
      }
      return success(`OpaqueRef:session-${++sessions}`);
    },
    "session.logout": success(""),
    "session.get_this_host": success(masterRef),
    "pool.get_all_records": success({ "OpaqueRef:pool": poolRecord() }),
  };
  return (call, response) => {
    const answer = answers[call.method] ?? standard[call.method];
    if (answer === undefined) return failure("MESSAGE_METHOD_UNKNOWN", call.method);
    return typeof answer === "string" ? answer : answer(call, response);
  };
}

/** A slave: whatever it is asked, it names its master. */
export function slaveScript(master: () => string): Script {
  return () => failure("HOST_IS_SLAVE", master());
}

export function poolRecord(changes: Record<string, Written> = {}): Record<string, Written> {
  return { uuid: poolUuid, name_label: "lab", master: masterRef, other_config: {}, ...changes };
}
