/** One XML-RPC call over a transport, with secrets kept out of whatever it throws. */

import { AppError } from "../domain/errors.ts";
import { decodeAnswer, encodeCall, UnsendableError, type XapiParameter } from "./codec.ts";
import { XapiError, XapiUnreachable } from "./errors.ts";
import type { HttpCall, Transport } from "./transport.ts";
import { userAgent } from "./userAgent.ts";
import { type XapiValue, XmlError } from "./xml.ts";

/** Texts that no error may show, and what stands in their place. */
export class Secrets {
  readonly #replacements = new Map<string, string>();

  add(secret: string, replacement: string): void {
    // A very short password would turn every message into riddles, and is no secret.
    if (secret.length >= 4) this.#replacements.set(secret, replacement);
  }

  scrub(text: string): string {
    let result = text;
    for (const [secret, replacement] of this.#replacements) result = result.replaceAll(secret, replacement);
    return result;
  }
}

export interface CallOptions
  extends Pick<HttpCall, "sending" | "deadlineMs" | "despiteAbort" | "graceMs" | "kept" | "maxBytes"> {
  readonly secrets: Secrets;
}

/** Takes an answer's body piece by piece and gives its meaning at the end. */
export interface AnswerReader<T> {
  write(text: string): void;
  /** Throws XapiError for a refusal and XmlError for what is no such answer. */
  end(): T;
}

/** The result of `method`. Rejects with XapiError, XapiUnreachable, AppError or the reason of an abort. */
export async function callMethod(
  transport: Transport,
  method: string,
  params: readonly XapiParameter[],
  options: CallOptions,
): Promise<XapiValue> {
  return readMethod(transport, method, params, { ...options, maxBytes: mostWhole }, new WholeAnswer(method));
}

/** What `reader` makes of the answer of `method` while it arrives. Rejects as callMethod does. */
export async function readMethod<T>(
  transport: Transport,
  method: string,
  params: readonly XapiParameter[],
  options: CallOptions,
  reader: AnswerReader<T>,
): Promise<T> {
  const { secrets, ...sending } = options;
  const { url } = transport.endpoint;
  try {
    const body = encodeCall(method, params);
    const receive = (text: string) => reader.write(text);
    await transport.send({ what: method, method: "POST", path: "/", headers, body, receive, ...sending });
    return reader.end();
  } catch (error) {
    throw nameFailure(error, method, url, secrets);
  }
}

/** Far more than any answer that is not read while it arrives, in bytes. */
const mostWhole = 64 * 1024 * 1024;

/** Any answer, read when it is whole. */
class WholeAnswer implements AnswerReader<XapiValue> {
  readonly #method: string;
  readonly #pieces: string[] = [];

  constructor(method: string) {
    this.#method = method;
  }

  write(text: string): void {
    this.#pieces.push(text);
  }

  end(): XapiValue {
    return decodeAnswer(this.#pieces.join(""), this.#method);
  }
}

const headers = { "Content-Type": "text/xml", Accept: "text/xml", "User-Agent": userAgent };

function nameFailure(error: unknown, method: string, url: string, secrets: Secrets): unknown {
  if (error instanceof XapiError) {
    return new XapiError(
      error.code,
      error.params.map((param) => secrets.scrub(param)),
      method,
    );
  }
  if (error instanceof UnsendableError) {
    // Only a user, a password or a name can hold such a character, and names are never sent.
    return new AppError("login", `${url}: ${method}: ${error.message}; check XenUsr and XenPass`);
  }
  if (error instanceof XmlError) {
    const message = `${url}: ${method}: the answer is not XAPI's: ${secrets.scrub(error.message)}`;
    return new XapiUnreachable("garbled", message, { sent: true });
  }
  return error;
}
