/**
 * HTTP to one pool member: keep-alive, a deadline for every request, a limit for every answer.
 * Knows neither XML nor sessions.
 */

import { setMaxListeners } from "node:events";
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { AppError, describeError } from "../domain/errors.ts";
import { megabytes } from "../text/format.ts";
import type { AnswerBudget, KeptAnswers } from "./answerBudget.ts";
import type { Endpoint } from "./endpoint.ts";
import { XapiUnreachable } from "./errors.ts";
import { type Limiter, limiter } from "./limiter.ts";
import { type ConnectPolicy, connectSocket, type ShownCertificate, shownCertificate } from "./tls.ts";
import { userAgent } from "./userAgent.ts";

export interface TransportOptions extends ConnectPolicy {
  readonly callTimeoutMs: number;
  /** One for all members. */
  readonly budget: AnswerBudget;
  /** Requests in flight to one member, and so its connections; xapi serves each in a thread of its own. */
  readonly parallelCalls: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpCall {
  /** For messages: "VM.get_all_records". */
  readonly what: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /**
   * "repeatable": harmless to send twice, goes over a kept connection.
   * "once": must not be sent twice, so it never goes over a connection that may have died unnoticed.
   */
  readonly sending: "repeatable" | "once";
  readonly deadlineMs?: number | undefined;
  /** Takes the body as text, piece by piece while it arrives; the answer's `body` is then "". What it throws ends the call. */
  readonly receive?: (text: string) => void;
  /** The largest answer that makes sense; the budget bounds it too. */
  readonly maxBytes?: number;
  /** Where the answer's share of the budget stays when it has come whole; left out, it is given back. */
  readonly kept?: KeptAnswers | undefined;
  /** Sends even when the client's signal was aborted: a logout. */
  readonly despiteAbort?: boolean;
  /** How long the answer to what was sent is still awaited after the client's signal was aborted; 0 where left out. */
  readonly graceMs?: number;
}

export interface HttpAnswer {
  readonly contentType: string;
  readonly body: string;
}

export class Transport {
  readonly endpoint: Endpoint;
  readonly #options: TransportOptions;
  readonly #agent: Agent;
  readonly #closing = new AbortController();
  readonly #oneOfFew: Limiter;
  #certificate: ShownCertificate | null = null;

  constructor(endpoint: Endpoint, options: TransportOptions) {
    this.endpoint = endpoint;
    this.#options = options;
    // Every call in flight waits for these two: many are no leak.
    setMaxListeners(0, this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal]));
    this.#oneOfFew = limiter(options.parallelCalls);
    this.#agent = new Agent({ keepAlive: true, maxFreeSockets: options.parallelCalls });
    // Asynchronous, so that the agent gets no socket before its peer is verified.
    Object.assign(this.#agent, { createConnection: this.#createConnection });
  }

  /**
   * The body of a 200 answer, decoded as UTF-8. Rejects with XapiUnreachable, AppError or the signal's reason; where the signal
   * came after a request that acts had been sent, with XapiUnreachable "aborted".
   */
  async send(call: HttpCall): Promise<HttpAnswer> {
    // The deadline starts when the request does: a long queue of quick calls is no failure.
    return await this.#oneOfFew(async () => {
      try {
        return await this.#attempt(call, call.sending === "once");
      } catch (error) {
        if (!(error instanceof StaleConnection) || call.sending !== "repeatable")
          throw await this.#named(error);
        return await this.#attempt(call, true).catch(async (again: unknown) => {
          throw await this.#named(again);
        });
      }
    });
  }

  /** The SHA-256 of the certificate that the member shows; null where it shows none. Nothing is sent to it. */
  async shownFingerprint(): Promise<string | null> {
    const shown = await shownCertificate(this.endpoint, this.#options, this.#closing.signal).catch(
      () => null,
    );
    if (shown !== null) this.#certificate = shown;
    return shown?.fingerprint ?? null;
  }

  /** The certificate that the member showed last, trusted or not; null where it has shown none yet. */
  get certificate(): ShownCertificate | null {
    return this.#certificate;
  }

  /** The failure of a request; where http:// was written for a port that speaks TLS it says so. */
  async #named(error: unknown): Promise<unknown> {
    const failure = error instanceof StaleConnection ? error.failure : error;
    if (this.endpoint.secure || !(failure instanceof XapiUnreachable) || !looksLikeTls.has(failure.reason))
      return failure;
    if ((await this.shownFingerprint()) === null) return failure;
    const https = this.endpoint.url.replace(/^http:/, "https:");
    return new XapiUnreachable(
      "no-connection",
      `${this.endpoint.url}: this port speaks TLS, and http:// is plain: write ${https}`,
      { sent: true, cause: failure },
    );
  }

  /** Breaks every request and connection. */
  close(): void {
    this.#closing.abort(
      new XapiUnreachable("aborted", `${this.endpoint.url}: the client was closed`, { sent: true }),
    );
    this.#agent.destroy();
  }

  readonly #createConnection = (_: unknown, done: (error: Error | null, socket?: Socket) => void): void => {
    const onShown = (certificate: ShownCertificate) => {
      this.#certificate = certificate;
    };
    connectSocket(this.endpoint, this.#options, this.#closing.signal, onShown).then(
      (socket) => done(null, socket),
      (error: Error) => done(error),
    );
  };

  #attempt(call: HttpCall, fresh: boolean): Promise<HttpAnswer> {
    const closing = this.#closing.signal;
    const stopping = call.despiteAbort === true ? undefined : this.#options.signal;
    return new Promise((resolve, reject) => {
      closing.throwIfAborted();
      stopping?.throwIfAborted();
      const request = httpRequest({
        method: call.method,
        path: call.path,
        headers: headersOf(call, this.endpoint, fresh),
        setHost: false,
        ...(fresh ? { createConnection: this.#freshConnection } : { agent: this.#agent }),
      });
      const deadlineMs = call.deadlineMs ?? this.#options.callTimeoutMs;
      const giveUp = (reason: unknown): void => {
        settle();
        reject(reason);
        request.destroy();
      };
      const late = () =>
        giveUp(this.#failure(call, "deadline", `no complete answer within ${deadlineMs / 1000} s`));
      const timer = setTimeout(late, deadlineMs);
      let grace: NodeJS.Timeout | undefined;
      const stop = (): void => {
        const { graceMs = 0 } = call;
        const sent = request.socket !== null;
        // The member may act on what it has been sent, whether or not we hear of it.
        const acts = sent && call.sending === "once";
        const { reason: cause } = stopping ?? {};
        const reason = acts ? this.#failure(call, "aborted", describeError(cause), { cause }) : cause;
        if (graceMs === 0 || !sent) giveUp(reason);
        else grace = setTimeout(giveUp, graceMs, reason);
      };
      const forget = [
        onAbort(closing, () => giveUp(closing.reason)),
        ...(stopping === undefined ? [] : [onAbort(stopping, stop)]),
      ];
      // A request whose connection never came about emits no "close": nothing of it may keep the program alive.
      const settle = (): void => {
        clearTimeout(timer);
        clearTimeout(grace);
        for (const each of forget) each();
      };
      let answered = false;
      request.on("close", () => {
        // Of a request that was answered nothing is lost.
        if (!answered) giveUp(this.#failure(call, "lost", "the connection was closed without an answer"));
      });
      request.on("error", (error) => giveUp(this.#explain(call, error, request)));
      const done = (answer: HttpAnswer): void => {
        answered = true;
        settle();
        resolve(answer);
      };
      request.on("response", (response) => this.#read(call, response, done, giveUp));
      request.end(call.body);
    });
  }

  // Node's types know only the form that returns the socket.
  readonly #freshConnection = this.#createConnection as unknown as () => Socket;

  #read(
    call: HttpCall,
    response: IncomingMessage,
    done: (answer: HttpAnswer) => void,
    giveUp: (reason: unknown) => void,
  ): void {
    const { budget } = this.#options;
    const limit = Math.min(call.maxBytes ?? budget.limit, budget.limit);
    const decoder = new StringDecoder("utf8");
    const pieces: string[] = [];
    const receive =
      response.statusCode === 200 && call.receive ? call.receive : (text: string) => void pieces.push(text);
    const orGiveUp = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        giveUp(error);
      }
    };
    let size = 0;
    response.on("error", (error) => giveUp(this.#cutShort(call, error)));
    response.on("data", (chunk: Buffer) => {
      if (size + chunk.length > limit) return giveUp(this.#tooLarge(call, limit));
      if (!budget.take(chunk.length)) return giveUp(this.#tooLarge(call, null));
      size += chunk.length;
      orGiveUp(() => receive(decoder.write(chunk)));
    });
    response.on("end", () => {
      if (!response.complete) return giveUp(this.#cutShort(call));
      orGiveUp(() => receive(decoder.end()));
      call.kept?.keep(size);
      if (call.kept !== undefined) size = 0;
      done({ contentType: response.headers["content-type"] ?? "", body: pieces.join("") });
    });
    response.on("close", () => {
      budget.give(size);
      size = 0;
    });
    if (response.statusCode !== 200) giveUp(this.#badStatus(call, response));
    else if (Number(response.headers["content-length"] ?? 0) > limit) giveUp(this.#tooLarge(call, limit));
  }

  #cutShort(call: HttpCall, cause?: unknown): XapiUnreachable {
    return this.#failure(call, "lost", "the answer was cut short", { cause });
  }

  /** `limit`: of the one answer; null where all together are too large. */
  #tooLarge(call: HttpCall, limit: number | null): XapiUnreachable {
    const bytes = limit ?? this.#options.budget.limit;
    const shown = bytes < 1024 * 1024 ? `${bytes} bytes` : `${megabytes(bytes)} MB`;
    const what = limit === null ? "the pool's answers are together larger" : "the answer is larger";
    const setting = bytes === this.#options.budget.limit ? " (XenAnswerMaxMb)" : "";
    return this.#failure(call, "too-large", `${what} than ${shown}${setting}`);
  }

  #badStatus(call: HttpCall, response: IncomingMessage): XapiUnreachable {
    const status = response.statusCode ?? 0;
    const location = response.headers.location?.slice(0, 100);
    const where = location === undefined || status > 399 ? "" : ` with a redirect to ${location}`;
    if (status === 429) return this.#failure(call, "http", throttled, { status });
    const hint = !this.endpoint.secure && location?.startsWith("https:") ? "; write https:// in XenHost" : "";
    return this.#failure(call, "http", `the answer is HTTP ${status}${where}, not XAPI's${hint}`, { status });
  }

  /** Names an error of Node's; our own, from the connection, pass as they are. */
  #explain(call: HttpCall, error: Error & { code?: string }, request: ClientRequest): unknown {
    if (error instanceof AppError) return error;
    const code = error.code ?? "";
    if (code.startsWith("HPE_"))
      return this.#failure(call, "garbled", "the answer is not HTTP", { cause: error });
    const lost = this.#failure(call, "lost", "the connection was lost before an answer", { cause: error });
    // Without an answer on a kept connection: the member had closed it while nobody looked.
    return request.reusedSocket && (code === "ECONNRESET" || code === "EPIPE")
      ? new StaleConnection(lost)
      : lost;
  }

  #failure(
    call: HttpCall,
    reason: XapiUnreachable["reason"],
    why: string,
    more: { status?: number; cause?: unknown } = {},
  ): XapiUnreachable {
    return new XapiUnreachable(reason, `${this.endpoint.url}: ${call.what}: ${why}`, { sent: true, ...more });
  }
}

/** A kept connection turned out dead before any byte of an answer. */
class StaleConnection extends Error {
  readonly failure: XapiUnreachable;

  constructor(failure: XapiUnreachable) {
    super(failure.message);
    this.failure = failure;
  }
}

const throttled = `the answer is HTTP 429: calls are limited there; raise the limit of the User-Agent ${userAgent}`;

/** How a request in plain HTTP fails on a port that speaks TLS. */
const looksLikeTls: ReadonlySet<XapiUnreachable["reason"]> = new Set(["lost", "garbled"]);

function onAbort(signal: AbortSignal, act: () => void): () => void {
  signal.addEventListener("abort", act);
  return () => signal.removeEventListener("abort", act);
}

function headersOf(call: HttpCall, endpoint: Endpoint, fresh: boolean): Record<string, string> {
  // xapi takes 1024 bytes of headers at most, and no body without its length.
  return {
    Host: endpoint.url.replace(/^https?:\/\//, ""),
    ...call.headers,
    ...(call.body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(call.body)) }),
    Connection: fresh ? "close" : "keep-alive",
  };
}
