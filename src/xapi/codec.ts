/** XML-RPC text of calls, and the envelope of answers: what lies between the wire and a value. */

import xmlrpc from "xmlrpc";
import serializer from "xmlrpc/lib/serializer.js";
import { XapiError } from "./errors.ts";
import { decodeResponse, type XapiStruct, type XapiValue, XmlError, XmlFault } from "./xml.ts";

/** A parameter that XAPI wants as a float. */
export class XapiFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** What a call may carry. Numbers are XAPI ints and travel as decimal text. */
export type XapiParameter =
  | string
  | boolean
  | number
  | XapiFloat
  | readonly XapiParameter[]
  | { readonly [name: string]: XapiParameter };

/** A parameter that XML cannot carry. Its message names the place and the character, never the text. */
export class UnsendableError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UnsendableError";
  }
}

/** The body of a call. Throws UnsendableError. */
export function encodeCall(method: string, params: readonly XapiParameter[]): string {
  // Checked here, since the builder's own error would show the text, and the text may be a password.
  return serializer.serializeMethodCall(
    method,
    params.map((param, index) => wireForm(param, index)),
  );
}

type WireForm =
  | string
  | boolean
  | Text
  | Double
  | readonly WireForm[]
  | { readonly [name: string]: WireForm };

/**
 * A string as escaped text. Left to itself the builder puts strings with a `<` or `&` into CDATA and splits only the
 * first `]]>` in it: the rest of such a password would be read as XML.
 */
class Text extends xmlrpc.CustomType {
  override tagName = "string";
}

/** Left to itself the builder writes a whole number as an int, which old pools refuse where they want a float. */
class Double extends xmlrpc.CustomType {
  override tagName = "double";
}

function wireForm(param: XapiParameter, index: number): WireForm {
  if (typeof param === "boolean") return param;
  if (typeof param === "number") {
    if (!Number.isSafeInteger(param)) throw new UnsendableError(`parameter ${index + 1} is no whole number`);
    return String(param);
  }
  if (param instanceof XapiFloat) return new Double(param.value.toFixed(3));
  if (typeof param === "string") {
    checkCharacters(param, index);
    return param === "" ? param : new Text(param);
  }
  if (Array.isArray(param)) return param.map((item: XapiParameter) => wireForm(item, index));
  const struct: Record<string, WireForm> = Object.create(null);
  for (const [name, value] of Object.entries(param)) {
    checkCharacters(name, index);
    struct[name] = wireForm(value, index);
  }
  return struct;
}

// Everything outside XML 1.0's Char production: xapi would answer HTTP 500, or cut the text at this place.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Surrogate}]/u;

function checkCharacters(text: string, index: number): void {
  const found = forbidden.exec(text)?.[0];
  if (found === undefined) return;
  const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  throw new UnsendableError(
    `parameter ${index + 1} holds the character U+${code}, which XML-RPC cannot carry`,
  );
}

/**
 * The result in an answer of `method`.
 * Throws XapiError for a refusal, by envelope or by fault, and XmlError for what is no answer of XAPI.
 */
export function decodeAnswer(xml: string, method: string): XapiValue {
  const answer = decodeOrRefuse(xml, method);
  // system.* answers its value bare.
  if (!(answer instanceof Map)) {
    if (method.startsWith("system.")) return answer;
    throw new XmlError("the answer is not in XAPI's envelope");
  }
  return valueIn(answer, method);
}

/** The value in the envelope of an answer. Throws XapiError for a refusal and XmlError for what is no envelope. */
export function valueIn(envelope: XapiStruct, method: string): XapiValue {
  const value = envelope.get("Value");
  if (envelope.get("Status") === "Success" && value !== undefined) return value;
  if (envelope.get("Status") !== "Failure") throw new XmlError("the answer is not in XAPI's envelope");
  throw refusal(envelope.get("ErrorDescription"), method);
}

function decodeOrRefuse(xml: string, method: string): XapiValue {
  try {
    return decodeResponse(xml);
  } catch (error) {
    // Today's xapi writes ["Fault", text] for the same: one code for both.
    if (error instanceof XmlFault) throw new XapiError("Fault", [error.faultString], method);
    throw error;
  }
}

function refusal(description: XapiValue | undefined, method: string): XapiError {
  const words = Array.isArray(description) ? description.map(String) : [];
  const [code, ...params] = words;
  return new XapiError(
    code ?? "INTERNAL_ERROR",
    code === undefined ? ["no error description"] : params,
    method,
  );
}
