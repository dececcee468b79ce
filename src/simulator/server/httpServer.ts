/** One host's listener: HTTP with xapi's limits and manners, XML-RPC and JSON-RPC behind it. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { AnswerFault, MeasureStore, SimulatedPoolLike } from "../objects/contract.ts";
import { type ServerProfile, todaysProfile } from "../objects/profile.ts";
import type { Dispatcher } from "./dispatch.ts";
import { isDocument, serveDocument } from "./documentHttp.ts";
import { type SimFailure, toFailure } from "./failure.ts";
import { failureJson, readCallJson, successJson } from "./jsonRpc.ts";
import { MalformedRequest, readCallXml } from "./requestXml.ts";
import type { RpcCall } from "./rpcValue.ts";
import { answerRrd, rrdPath } from "./rrdHttp.ts";
import { delayConnections, sendMeasures } from "./rrdSockets.ts";
import { bareXml, failureXml, faultXml, successXml, type XmlDialect } from "./xmlWriter.ts";

const bodyBytesMax = 300 * 1024;
const firstRequestMs = 60_000;
/** How long a host that is gone may still hold its connections. */
const watchMs = 200;

/** What a listener serves. */
export interface ListenerOptions {
  readonly pool: SimulatedPoolLike;
  readonly dispatcher: Dispatcher;
  readonly hostRef: string;
  /** Where this listener sends callers while its host is a slave: the master by the same scheme. */
  readonly masterAddress: () => string;
  /** Where a host's measures are to be had, without a path. */
  readonly urlOf: (hostRef: string) => string;
  /** Real milliseconds by which every connection and every answer comes later. */
  readonly latencyMs?: number;
  /** PEM; absent for plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

interface Protocol {
  readonly contentType: string;
  readonly call: RpcCall;
  success(answer: Awaited<ReturnType<Dispatcher["answer"]>>): string;
  failure(failure: SimFailure): string;
}

/** A server that does not listen yet. */
export function createListener(options: ListenerOptions): Server {
  const settings = {
    maxHeaderSize: (options.pool.profile ?? todaysProfile).headerBytesMax,
    headersTimeout: firstRequestMs,
    requestTimeout: firstRequestMs,
    keepAliveTimeout: 0,
  };
  const listener = inOrder((request, response) => serve(options, request, response));
  const server =
    options.tls === undefined
      ? createServer(settings, listener)
      : createTlsServer({ ...settings, ...options.tls }, listener);
  server.on("connection", (socket: Socket) => {
    if (isGone(options)) socket.destroy();
  });
  if (options.latencyMs) delayConnections(server, options.latencyMs);
  cutWhileGone(server, options);
  return server;
}

function isGone({ pool, hostRef }: ListenerOptions): boolean {
  return pool.hostCondition(hostRef) === "gone";
}

/** A host that goes takes the calls that wait on it along. */
function cutWhileGone(server: Server, options: ListenerOptions): void {
  const watch = setInterval(() => {
    if (isGone(options)) server.closeAllConnections();
  }, watchMs).unref();
  server.once("close", () => clearInterval(watch));
}

type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Serves the requests of one connection strictly one after the other. */
function inOrder(serveOne: Serve): (request: IncomingMessage, response: ServerResponse) => void {
  const last = new WeakMap<Socket, Promise<void>>();
  return (request, response) => {
    const before = last.get(request.socket) ?? Promise.resolve();
    const now = before.then(() => serveOne(request, response)).catch(() => void request.socket.destroy());
    last.set(request.socket, now);
  };
}

async function serve(
  options: ListenerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (options.latencyMs) await sleep(options.latencyMs);
  if (isGone(options)) return cut(request);
  const path = request.method === "GET" ? rrdPath(request.url ?? "/") : null;
  if (path !== null && options.pool.measures !== undefined)
    return serveMeasures(options, options.pool.measures, request, response, path);
  if (isDocument(request)) return serveDocument(options, request, response);
  if (request.method !== "POST") return send(request, response, html(403, "Forbidden"));
  const length = Number(request.headers["content-length"]);
  if (!Number.isInteger(length)) return send(request, response, html(500, "We require a content-length"));
  if (length > bodyBytesMax) return send(request, response, html(500, "The request is too large"));
  const profile = options.pool.profile ?? todaysProfile;
  const protocol = readProtocol(profile, request.url ?? "/", await readBody(request));
  if (protocol === null) return send(request, response, notUnderstood(profile));
  const fault = await options.pool.beforeAnswer(options.hostRef, protocol.call.method);
  const carriedOut = fault === "answer" || fault === "mute" || fault === "drop";
  if (!carriedOut) return misbehave(fault, request, response, protocol);
  const body = await answer(options, protocol);
  if (isGone(options)) return cut(request);
  if (fault !== "answer") return misbehave(fault, request, response, protocol);
  send(request, response, { status: 200, contentType: protocol.contentType, body });
}

async function serveMeasures(
  options: ListenerOptions,
  measures: MeasureStore,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const { pool, dispatcher, hostRef, urlOf } = options;
  const fault = await pool.beforeAnswer(hostRef, path);
  if (fault !== "answer") return misbehave(fault, request, response, { contentType: "text/xml" });
  const ready = pool.hostCondition(hostRef) === "serving";
  const services = { pool, measures, dispatcher, urlOf };
  const asked = { hostRef, url: request.url ?? "/", headers: request.headers };
  const answer = ready ? await answerRrd(services, asked) : null;
  if (isGone(options)) return cut(request);
  if (answer === null) return send(request, response, html(500, "The toolstack is starting"));
  await sendMeasures(request, response, answer);
}

function cut(request: IncomingMessage): void {
  request.socket.destroy();
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The call in whichever protocol its path speaks; null when it is malformed. */
function readProtocol(profile: ServerProfile, path: string, body: Buffer): Protocol | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    const json = path.startsWith("/jsonrpc") ? profile.jsonRpc : null;
    return json === null ? xmlProtocol(text, profile.xml) : jsonProtocol(text, json);
  } catch (error) {
    // TextDecoder throws TypeError for what is not UTF-8.
    if (error instanceof MalformedRequest || error instanceof TypeError) return null;
    throw error;
  }
}

/** What a server of its era makes of a body that is no call. */
function notUnderstood({ xml }: ServerProfile): Reply {
  if (xml === "new") return html(500, "The request could not be understood");
  return { status: 200, contentType: "text/xml", body: faultXml(1, "Failed to parse supplied XML") };
}

function xmlProtocol(body: string, dialect: XmlDialect): Protocol {
  return {
    contentType: "text/xml",
    call: readCallXml(body),
    success: ({ value, type, bare }) => (bare ? bareXml : successXml)(value, type, dialect),
    failure: (failure) =>
      dialect === "old" && failure.code === "Fault"
        ? faultXml(0, failure.params[0] ?? "")
        : failureXml(failure, dialect),
  };
}

/** A server that knows no JSON-RPC 2.0 answers in the older form, whatever the call says. */
function jsonProtocol(body: string, highest: 1 | 2): Protocol {
  const asked = readCallJson(body);
  const call = highest === 1 ? { ...asked, version: highest } : asked;
  return {
    contentType: "application/json",
    call,
    success: ({ value, type }) => successJson(call, value, type),
    failure: (failure) => failureJson(call, failure),
  };
}

async function answer(options: ListenerOptions, protocol: Protocol): Promise<string> {
  try {
    return protocol.success(
      await options.dispatcher.answer(options.hostRef, protocol.call, options.masterAddress),
    );
  } catch (thrown) {
    return protocol.failure(toFailure(thrown));
  }
}

function misbehave(
  fault: Exclude<AnswerFault, "answer">,
  request: IncomingMessage,
  response: ServerResponse,
  { contentType }: Pick<Protocol, "contentType">,
): Promise<void> | void {
  switch (fault) {
    case "hang":
    case "mute":
      // For ever: the requests behind it on this connection wait too.
      return new Promise((done) => request.socket.once("close", () => done()));
    case "close":
    case "drop":
      return cut(request);
    case "http-500":
      return send(request, response, html(500, "Internal error"));
    case "http-429":
      return send(request, response, html(429, "Too many requests"));
    case "garbage":
      return send(request, response, {
        status: 200,
        contentType,
        body: '<?xml version="1.0"?><methodRes\u0001{',
      });
  }
}

function html(status: number, text: string): Reply {
  return {
    status,
    contentType: "text/html",
    body: `<html><body><h1>HTTP ${status}</h1><p>${text}</p></body></html>`,
  };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body }: Reply,
): void {
  const bytes = Buffer.from(body, "utf-8");
  response.sendDate = false;
  response.writeHead(status, {
    "content-length": bytes.length,
    connection: status < 400 && staysOpen(request) ? "keep-alive" : "close",
    "cache-control": "no-cache, no-store",
    "content-type": contentType,
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "X-Requested-With",
  });
  response.end(bytes);
}

function staysOpen(request: IncomingMessage): boolean {
  const wish = request.headers.connection?.toLowerCase();
  return request.httpVersion === "1.0" ? wish === "keep-alive" : wish !== "close";
}
