/** One XML-RPC call over a transport, with secrets kept out of whatever it throws. */

import { AppError } from "../errors.ts";
import { decodeAnswer, encodeCall, UnsendableError, type XapiParameter } from "./codec.ts";
import { XapiError, XapiUnreachable } from "./errors.ts";
import type { HttpCall, Transport } from "./transport.ts";
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

export interface CallOptions extends Pick<HttpCall, "sending" | "deadlineMs" | "despiteAbort"> {
  readonly secrets: Secrets;
}

/** The result of `method`. Rejects with XapiError, XapiUnreachable, AppError or the reason of an abort. */
export async function callMethod(
  transport: Transport,
  method: string,
  params: readonly XapiParameter[],
  options: CallOptions,
): Promise<XapiValue> {
  const { secrets, ...sending } = options;
  const { url } = transport.endpoint;
  try {
    const body = encodeCall(method, params);
    const call: HttpCall = { what: method, method: "POST", path: "/", headers, body, ...sending };
    return decodeAnswer((await transport.send(call)).body, method);
  } catch (error) {
    throw nameFailure(error, method, url, secrets);
  }
}

const headers = { "Content-Type": "text/xml", Accept: "text/xml", "User-Agent": "xcp-balance" };

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
