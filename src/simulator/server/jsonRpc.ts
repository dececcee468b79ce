/** JSON-RPC as xapi speaks it: 2.0, and the older form without a version. */

import type { SimValue, WireType } from "../objects/datamodel.ts";
import type { SimFailure } from "./failure.ts";
import { valueJson } from "./jsonWriter.ts";
import { MalformedRequest } from "./requestXml.ts";
import type { RpcCall, RpcValue } from "./rpcValue.ts";

/** A JSON call, with what its answer must repeat. */
export interface JsonCall extends RpcCall {
  readonly version: 1 | 2;
  readonly id: number | string;
}

/** The call that `body` holds; throws MalformedRequest. Batches and notifications are not understood. */
export function readCallJson(body: string): JsonCall {
  const call = parseObject(body);
  const version = call["jsonrpc"];
  if (version !== undefined && version !== "2.0") throw new MalformedRequest("unknown JSON-RPC version");
  const { method, params, id } = call;
  if (typeof method !== "string") throw new MalformedRequest("method must be a string");
  if (!Array.isArray(params)) throw new MalformedRequest("params must be an array");
  if (typeof id !== "string" && !Number.isInteger(id))
    throw new MalformedRequest("id must be a string or an int");
  return {
    method,
    params: params.map(toRpc),
    id: id as number | string,
    version: version === undefined ? 1 : 2,
  };
}

function parseObject(body: string): Record<string, unknown> {
  try {
    const call: unknown = JSON.parse(body);
    if (typeof call === "object" && call !== null && !Array.isArray(call))
      return call as Record<string, unknown>;
  } catch {
    // Falls through: both are the same to the caller.
  }
  throw new MalformedRequest("not a JSON object");
}

function toRpc(value: unknown): RpcValue {
  if (typeof value === "string") return { kind: "string", text: value };
  if (typeof value === "boolean") return { kind: "bool", bool: value };
  if (Number.isSafeInteger(value)) return { kind: "int", text: String(value) };
  if (typeof value === "number") return { kind: "float", number: value };
  if (Array.isArray(value)) return { kind: "array", items: value.map(toRpc) };
  if (value === null || typeof value !== "object") return { kind: "nil" };
  return {
    kind: "struct",
    members: new Map(Object.entries(value).map(([name, item]) => [name, toRpc(item)])),
  };
}

/** The answer to a call that went well. */
export function successJson(call: JsonCall, value: SimValue, type: WireType): string {
  const result = valueJson(value, type);
  const id = JSON.stringify(call.id);
  if (call.version === 2) return `{"jsonrpc":"2.0","result":${result},"id":${id}}`;
  return `{"result":${result},"error":null,"id":${id}}`;
}

/** The answer to a call that failed. */
export function failureJson(call: JsonCall, failure: SimFailure): string {
  const id = JSON.stringify(call.id);
  if (call.version === 1) {
    return `{"result":null,"error":${JSON.stringify([failure.code, ...failure.params])},"id":${id}}`;
  }
  const error = JSON.stringify({ code: 1, message: failure.code, data: failure.params });
  return `{"jsonrpc":"2.0","error":${error},"id":${id}}`;
}
