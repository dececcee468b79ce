/** Tests of the simulator's server: a small pool that does nothing by itself, and raw requests to it. */
import { connect, type Socket } from "node:net";
import type {
  AnswerFault,
  HostCondition,
  MessageDefinition,
  SimClock,
  SimulatedPoolLike,
} from "../../src/simulator/objects/contract.ts";
import { ObjectDatabase } from "../../src/simulator/objects/database.ts";
import { readCallJson } from "../../src/simulator/server/jsonRpc.ts";
import { readCallXml } from "../../src/simulator/server/requestXml.ts";
import type { RpcValue } from "../../src/simulator/server/rpcValue.ts";
import { escapeXml } from "../../src/simulator/server/xmlWriter.ts";

/** A clock that stands still until a test moves it. */
export class HandClock implements SimClock {
  readonly speed = 1;
  ms: number = Date.UTC(2026, 7, 21, 2, 0, 23);
  now(): number {
    return this.ms;
  }
  async sleep(): Promise<void> {}
}

export interface SmallPool extends SimulatedPoolLike {
  readonly clock: HandClock;
  readonly messages: Map<string, MessageDefinition>;
  masterRef: string;
  readonly slaveRef: string;
  readonly vmRef: string;
  condition: Map<string, HostCondition>;
  fault: AnswerFault;
}

/** Two hosts and a VM on the first of them; user root, password secret. */
export function smallPool(): SmallPool {
  let minted = 0;
  const db = new ObjectDatabase(() => `00000000-0000-4000-8000-${String(++minted).padStart(12, "0")}`);
  const [masterRef, slaveRef] = ["xen1", "xen2"].map((name) => {
    const metrics = db.create("host_metrics", { live: true, memory_total: 8 * 1024 ** 3 });
    return db.create("host", { name_label: name, hostname: name, enabled: true, metrics });
  }) as [string, string];
  db.create("pool", { name_label: "small", master: masterRef });
  const metrics = db.create("VM_metrics", { memory_actual: 1024 ** 3 });
  const vmRef = db.create("VM", {
    name_label: "web",
    power_state: "Running",
    resident_on: masterRef,
    metrics,
  });
  const condition = new Map<string, HostCondition>();
  return {
    db,
    clock: new HandClock(),
    masterRef,
    slaveRef,
    vmRef,
    messages: new Map(),
    badPasswordDelayMs: 0,
    condition,
    fault: "answer",
    authenticate: (user, password) => user === "root" && password === "secret",
    hostCondition: (ref) => condition.get(ref) ?? "serving",
    async beforeAnswer() {
      return this.fault;
    },
  };
}

/** What came back of one raw request. */
export interface RawReply {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** The bytes of a POST with the headers xapi needs. */
export function post(path: string, body: string, headers: readonly string[] = []): string {
  const length = Buffer.byteLength(body);
  return [`POST ${path} HTTP/1.1`, "Host: x", `Content-Length: ${length}`, ...headers, "", body].join("\r\n");
}

/** Sends bytes and reads until the server closes or `replies` whole answers came. */
export async function raw(url: string, bytes: string | Buffer, replies = 1): Promise<RawReply[]> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.write(bytes);
  try {
    return await readReplies(socket, replies);
  } finally {
    socket.destroy();
  }
}

async function readReplies(socket: Socket, wanted: number): Promise<RawReply[]> {
  const chunks: Buffer[] = [];
  const replies: RawReply[] = [];
  let missing = 0;
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    missing -= (chunk as Buffer).length;
    // Joining on every chunk of an answer of 30 MB would copy it five hundred times.
    if (missing > 0) continue;
    let received = Buffer.concat(chunks.splice(0));
    for (;;) {
      const end = received.indexOf("\r\n\r\n");
      const head = received.subarray(0, Math.max(0, end)).toString();
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      missing = end < 0 ? 1 : end + 4 + length - received.length;
      if (missing > 0) break;
      const body = received.subarray(end + 4, end + 4 + length).toString();
      received = received.subarray(end + 4 + length);
      replies.push({ status: Number(head.split(" ")[1]), head, body });
      if (replies.length === wanted) return replies;
    }
    chunks.push(received);
  }
  return replies;
}

/** A parameter as a `<value>`: text stays without a tag, numbers are ints. */
export type Param =
  | string
  | number
  | boolean
  | { readonly double: number }
  | readonly Param[]
  | { readonly map: object };

/** The XML of a call. */
export function callXml(method: string, params: readonly Param[]): string {
  const written = params.map((param) => `<param>${paramXml(param)}</param>`).join("");
  return `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${written}</params></methodCall>`;
}

function paramXml(param: Param): string {
  if (typeof param === "string") return `<value>${escapeXml(param)}</value>`;
  if (typeof param === "number") return `<value><int>${param}</int></value>`;
  if (typeof param === "boolean") return `<value><boolean>${param ? 1 : 0}</boolean></value>`;
  if (Array.isArray(param))
    return `<value><array><data>${param.map(paramXml).join("")}</data></array></value>`;
  if ("double" in param) return `<value><double>${param.double}</double></value>`;
  const members = Object.entries((param as { map: object }).map).map(
    ([name, value]) => `<member><name>${escapeXml(name)}</name>${paramXml(value as Param)}</member>`,
  );
  return `<value><struct>${members.join("")}</struct></value>`;
}

/** Calls by XML-RPC and answers the body as it came. */
export async function callRaw(url: string, method: string, ...params: Param[]): Promise<string> {
  const [reply] = await raw(url, post("/", callXml(method, params)));
  return reply?.body ?? "";
}

/** Calls and answers the Value as plain data; throws the ErrorDescription as an array. */
export async function call(url: string, method: string, ...params: Param[]): Promise<unknown> {
  const answer = plain(readAnswer(await callRaw(url, method, ...params))) as Record<string, unknown>;
  if (answer["Status"] !== "Success") throw answer["ErrorDescription"];
  return answer["Value"];
}

/** The one value of an XML-RPC response. */
export function readAnswer(xml: string): RpcValue {
  const asCall = xml
    .replace("<methodResponse>", "<methodCall><methodName>answer</methodName>")
    .replace("</methodResponse>", "</methodCall>");
  const [value] = readCallXml(asCall).params;
  if (value === undefined) throw new Error(`no answer: ${xml.slice(0, 200)}`);
  return value;
}

/** A request's value as plain data; ints are numbers only where they were tagged. */
export function plain(value: RpcValue): unknown {
  switch (value.kind) {
    case "string":
    case "datetime":
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
      return Object.fromEntries([...value.members].map(([name, item]) => [name, plain(item)]));
    case "nil":
      return null;
  }
}

/** Calls by JSON-RPC 2.0 and answers the body's text. */
export async function callJson(url: string, method: string, ...params: unknown[]): Promise<string> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  readCallJson(body);
  const [reply] = await raw(url, post("/jsonrpc", body));
  return reply?.body ?? "";
}
