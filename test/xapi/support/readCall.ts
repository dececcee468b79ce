/** A call as the simulated pool reads it, in the values that the client sends. */
import { readCallXml } from "../../../src/simulator/server/requestXml.ts";
import type { RpcValue } from "../../../src/simulator/server/rpcValue.ts";
import type { XapiValue } from "../../../src/xapi/xml.ts";

export interface ReadCall {
  readonly method: string;
  readonly params: readonly XapiValue[];
}

/** The method and parameters of `xml`. Throws MalformedRequest where it is no call. */
export function readCall(xml: string): ReadCall {
  const { method, params } = readCallXml(xml);
  return { method, params: params.map(plain) };
}

function plain(value: RpcValue): XapiValue {
  switch (value.kind) {
    case "string":
      return value.text;
    case "int":
      return Number(value.text);
    case "float":
      return value.number;
    case "bool":
      return value.bool;
    case "array":
      return value.items.map(plain);
    case "struct":
      return new Map([...value.members].map(([name, each]) => [name, plain(each)]));
    default:
      throw new Error(`the client sends no ${value.kind}`);
  }
}
