/**
 * The floor: the calls that collect makes, in the same order and as many at once over the same transport, their
 * answers parsed by the general decoder and thrown away. No records, no snapshot, no database.
 */
import type { XenSettings } from "../../src/settings/types.ts";
import { AnswerBudget } from "../../src/xapi/answerBudget.ts";
import { encodeCall } from "../../src/xapi/codec.ts";
import { parseEndpoint } from "../../src/xapi/endpoint.ts";
import { XapiError } from "../../src/xapi/errors.ts";
import { Members, nobodyKnown } from "../../src/xapi/members.ts";
import { xapiOptions } from "../../src/xapi/options.ts";
import { Secrets } from "../../src/xapi/rpc.ts";
import { parseRrdUpdates } from "../../src/xapi/rrd.ts";
import { XapiSession } from "../../src/xapi/session.ts";
import { Transport } from "../../src/xapi/transport.ts";
import { decodeResponse, type XapiStruct, type XapiValue } from "../../src/xapi/xml.ts";

export interface FloorResult {
  readonly floorMs: number;
  /** Of which in the parser. */
  readonly parseMs: number;
  /** Bytes of each call's answer. */
  readonly bytes: Readonly<Record<string, number>>;
}

const first: readonly (readonly string[])[] = [
  ["host_metrics.get_all_records"],
  ["VM_guest_metrics.get_all_records"],
  ["VM_group.get_all_records"],
  ["VBD.get_all_records_where", 'field "empty" = "false"'],
  ["VDI.get_all_records_where", 'field "is_a_snapshot" = "false"'],
  ["SR.get_all_records"],
  ["PBD.get_all_records"],
  ["VIF.get_all_records"],
  ["PIF.get_all_records"],
  ["network.get_all_records"],
];
const last: readonly (readonly string[])[] = [
  ["host.get_all_records"],
  ["VM_metrics.get_all_records"],
  ["VM.get_all_records_where", 'field "is_a_template" = "false" and field "is_a_snapshot" = "false"'],
  ["pool.get_all_records"],
];

/** Fetches what collect fetches; with `parse` off the answers are not even looked at, but for the hosts' addresses. */
export async function fetchAll(xen: XenSettings, { parse }: { parse: boolean }): Promise<FloorResult> {
  const startedMs = performance.now();
  const session = await openSession(xen);
  const bytes: Record<string, number> = {};
  let parseMs = 0;
  const timed = <T>(work: () => T): T => {
    const beganMs = performance.now();
    const result = work();
    parseMs += performance.now() - beganMs;
    return result;
  };
  const call = async ([method = "", ...params]: readonly string[]): Promise<XapiValue> => {
    const { transport, session: ref } = session.login;
    const body = encodeCall(method, [ref, ...params]);
    const headers = { "Content-Type": "text/xml", Accept: "text/xml", "User-Agent": "xcp-balance" };
    const answer = await transport.send({
      what: method,
      method: "POST",
      path: "/",
      headers,
      body,
      sending: "repeatable",
    });
    bytes[method] = answer.body.length;
    return parse || method.startsWith("host.") ? timed(() => decodeResponse(answer.body)) : null;
  };
  const measures = async (address: string, start: number): Promise<void> => {
    const path = `/rrd_updates?start=${start}&cf=AVERAGE&host=true`;
    const { body } = await session.get(address, path, undefined);
    bytes["/rrd_updates"] = (bytes["/rrd_updates"] ?? 0) + body.length;
    if (parse) timed(() => parseRrdUpdates(body));
  };
  try {
    await Promise.all(first.map(call));
    const [hosts = null] = await Promise.all(last.map(call));
    const members = structOf(hosts);
    const now = await session.call("host.get_servertime", [[...members.keys()][0] ?? ""], "repeatable");
    if (!(now instanceof Date)) throw new XapiError("no date", []);
    const start = Math.floor(now.getTime() / 1000) - 10;
    await inParallel([...members.values()], xen.parallelCalls, (host) => measures(addressOf(host), start));
  } finally {
    await session.close();
  }
  return { floorMs: performance.now() - startedMs, parseMs, bytes };
}

/** A session as the client opens it, for calls that the client has no verb for. */
export function openSession(xen: XenSettings): Promise<XapiSession> {
  const options = xapiOptions(xen, "xcp-bench", new AbortController().signal);
  const policy = {
    ...options,
    parallelCalls: xen.parallelCalls,
    now: () => new Date(),
    budget: new AnswerBudget(xen.answerMaxBytes),
  };
  const transports = new Map<string, Transport>();
  const members = options.urls.map(parseEndpoint);
  return XapiSession.open({
    ...options,
    expectedPoolUuid: null,
    addressMap: xen.addressMap,
    known: new Members(members, nobodyKnown, xen.addressMap),
    pins: xen.fingerprints,
    budget: policy.budget,
    secrets: new Secrets(),
    members,
    transportTo: (endpoint) => {
      const known = transports.get(endpoint.url) ?? new Transport(endpoint, policy);
      transports.set(endpoint.url, known);
      return known;
    },
    closeTransports: () => {
      for (const transport of transports.values()) transport.close();
    },
  });
}

function structOf(answer: XapiValue): XapiStruct {
  const envelope: XapiStruct = answer instanceof Map ? answer : new Map();
  const value = envelope.get("Value");
  if (!(value instanceof Map)) throw new Error("the pool lists no hosts");
  return value;
}

function addressOf(host: XapiValue): string {
  const record: XapiStruct = host instanceof Map ? host : new Map();
  return String(record.get("address"));
}

async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
