/**
 * What xapi makes of an answer of a workload balancing server: an independent reading of the protocol, to judge ours
 * by. It gives the recorded verdict of the real client on every recorded answer (test/wlb/verdicts.test.ts).
 */
import { childOf, NotXml, parseClientXml, textOf, type XmlElement } from "./clientXml.ts";

/** One answer as it came over the wire. */
export interface Exchange {
  readonly method: string;
  readonly status: number;
  readonly body: string;
  readonly framing?: "chunked" | "connection stays open" | "later than the timeout";
}

/** What the client knows of its own pool. */
export interface ClientPool {
  /** Hosts whose metrics say that they are live. */
  readonly liveHosts: readonly string[];
  readonly hosts: readonly string[];
  readonly vms: readonly string[];
  /** Of pool.initialize_wlb: what it would store. */
  readonly user?: string;
  readonly url?: string;
}

/** Rows as the API returns them before references are looked up; or the error with its parameters. */
export type Verdict =
  | { readonly result: readonly (readonly string[])[] }
  | { readonly error: string; readonly parameters: readonly string[] };

class ClientError extends Error {
  readonly verdict: Verdict;

  constructor(error: string, parameters: readonly string[]) {
    super(`${error} ${parameters.join(", ")}`);
    this.verdict = { error, parameters };
  }
}

/** What the client makes of `exchange`. */
export function readAnswer(exchange: Exchange, pool: ClientPool): Verdict {
  if (exchange.method === "RemoveXenServer") return { result: forgotten };
  try {
    return { result: rowsOf(exchange, pool) };
  } catch (error) {
    if (error instanceof ClientError) return error.verdict;
    throw error;
  }
}

/** Whatever is answered. */
const forgotten = [
  ["db wlb_username="],
  ["db wlb_password=OpaqueRef:NULL"],
  ["db wlb_url="],
  ["db wlb_enabled=false"],
];

function rowsOf(exchange: Exchange, pool: ClientPool): readonly (readonly string[])[] {
  const { method, status, framing } = exchange;
  const streams = method === "ExecuteReport" || method === "GetDiagnostics";
  if (framing === "later than the timeout") throw new ClientError("WLB_TIMEOUT", ["3."]);
  if (framing === "connection stays open" && streams) throw new ClientError("WLB_TIMEOUT", ["4."]);
  if (status === 401 || status === 403) throw new ClientError("WLB_AUTHENTICATION_FAILED", []);
  if (status !== 200) throw new ClientError("WLB_CONNECTION_RESET", []);
  if (framing === "chunked") throw malformed(method, "the sizes of the chunks are read as XML");
  let root: XmlElement;
  try {
    root = parseClientXml(exchange.body);
  } catch (error) {
    if (error instanceof NotXml) throw malformed(method, error.message);
    throw error;
  }
  const body = childOf(root, "Body");
  const result = childOf(childOf(body, `${method}Response`), `${method}Result`);
  if (result === null) {
    const text = textOf(childOf(childOf(body, "Fault"), "Reason"), "Text");
    if (text !== null) throw new ClientError("WLB_INTERNAL_ERROR", ["Exception:", text]);
    throw malformed(method, "expected data is missing");
  }
  if (method === "SetXenPoolConfiguration") return afterSend(result);
  const code = textOf(result, "ResultCode");
  if (code !== null && code !== "0") {
    throw new ClientError("WLB_INTERNAL_ERROR", [code, textOf(result, "ErrorMessage") ?? ""]);
  }
  return readers[method]?.(result, pool) ?? [];
}

function malformed(method: string, reason: string): ClientError {
  return new ClientError("WLB_MALFORMED_RESPONSE", [method, reason]);
}

/** Nothing at all may stand in the answer to a send. */
function afterSend(result: XmlElement): readonly (readonly string[])[] {
  if (result.children.length === 0) return [];
  const code = textOf(result, "ResultCode");
  if (code === null) throw malformed("unknown", "a leaf where a path should go on");
  throw new ClientError("WLB_INTERNAL_ERROR", [code, textOf(result, "ErrorMessage") ?? ""]);
}

const readers: Readonly<
  Record<string, (result: XmlElement, pool: ClientPool) => readonly (readonly string[])[]>
> = {
  AddXenServer: (result, { user = "", url = "" }) => {
    if (childOf(result, "Id") === null) throw malformed("AddXenServer", "no Id");
    return [[`db wlb_username=${user}`], ["db wlb_password=OpaqueRef:newsecret"], [`db wlb_url=${url}`]];
  },
  GetXenPoolConfiguration: (result) => {
    const parms = childOf(result, "OptimizationParms");
    if (parms === null) throw malformed("GetXenPoolConfiguration", "no OptimizationParms");
    return elementsOf(parms).map((each) => [textOf(each, "Key") ?? "", textOf(each, "Value") ?? ""]);
  },
  VMGetRecommendations: (result, pool) => {
    const list = childOf(result, "Recommendations");
    if (list === null) throw malformed("VMGetRecommendations", "no Recommendations");
    if (list.children.length !== 0 && list.children.length !== pool.liveHosts.length) {
      throw malformed("VMGetRecommendations", "not as many as hosts");
    }
    return elementsOf(list).map((each) => placement(each, pool));
  },
  HostGetRecommendations: (result, pool) => {
    if (result.children.length === 0) return [];
    const list = childOf(result, "Recommendations");
    if (list === null) throw malformed("HostGetRecommendations", "no Recommendations");
    return elementsOf(list).map((each) => {
      const host = textOf(each, "HostUuid");
      const id = textOf(each, "RecommendationId");
      if (host === null || id === null) throw malformed("HostGetRecommendations", "missing a field");
      const vm = textOf(each, "VmUuid") ?? "";
      if (!pool.hosts.includes(host) || (vm !== "" && !pool.vms.includes(vm))) {
        throw malformed("HostGetRecommendations", "invalid uuid");
      }
      return [vm === "" ? `control domain of ${host}` : vm, "WLB", host, wholeNumber(id)];
    });
  },
  GetOptimizationRecommendations: (result, pool) => {
    if (result.children.length === 0) return [];
    const list = childOf(result, "Recommendations");
    const optimization = textOf(result, "OptimizationId");
    if (list === null || optimization === null)
      throw malformed("GetOptimizationRecommendations", "no list or id");
    const id = wholeNumber(optimization);
    return elementsOf(list).map((each) => move(each, id, pool));
  },
  ExecuteReport: (result) => streamed(result, "XmlDataSet", "ExecuteReport"),
  GetDiagnostics: (result) => streamed(result, "DiagnosticData", "GetDiagnostics"),
};

function elementsOf({ children }: XmlElement): XmlElement[] {
  return children.map((child) => (typeof child === "string" ? { name: "", children: [] } : child));
}

function placement(each: XmlElement, { hosts }: ClientPool): readonly string[] {
  const method = "VMGetRecommendations";
  const [host, id, stars, reason] = ["HostUuid", "RecommendationId", "Stars", "ZeroScoreReason"].map((name) =>
    textOf(each, name),
  );
  if (host == null || id == null || stars == null || reason == null)
    throw malformed(method, "missing a field");
  const [score, number] = [floatOf(stars), wholeNumber(id)];
  if (!hosts.includes(host)) throw malformed(method, "invalid uuid");
  if (score === 0) return [host, "WLB", "0.0", number, reason];
  if (reason !== "None") throw malformed(method, "stars and a reason");
  return [host, "WLB", floatText(score), number];
}

function move(each: XmlElement, optimization: string, { hosts, vms }: ClientPool): readonly string[] {
  const method = "GetOptimizationRecommendations";
  const [vm, id, reason] = ["VmToMoveUuid", "RecommendationId", "Reason"].map((name) => textOf(each, name));
  const host = textOf(each, vm ? "MoveToHostUuid" : "MoveFromHostUuid");
  if (id == null || reason == null || host === null) throw malformed(method, "missing a field");
  const number = wholeNumber(id);
  if (vm ? !vms.includes(vm) : !hosts.includes(host)) throw malformed(method, "invalid uuid");
  return [vm ? vm : `control domain of ${host}`, "WLB", host, optimization, number, reason];
}

function streamed(result: XmlElement, name: string, method: string): readonly (readonly string[])[] {
  const element = childOf(result, name);
  if (element === null) throw malformed(method, "truncated");
  const [text] = element.children;
  return typeof text === "string" ? [[text]] : [];
}

/** What OCaml's float_of_string takes, as far as decimal numbers go. */
function floatOf(text: string): number {
  if (/^[+-]?(\d[\d_]*\.?[\d_]*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text.replaceAll("_", ""));
  throw malformed("unknown", `no number: ${text}`);
}

/** As OCaml prints a float. */
function floatText(value: number): string {
  return Number.isInteger(value) ? `${value}.` : String(value);
}

function wholeNumber(text: string): string {
  return floatOf(text).toFixed(0);
}

/**
 * What the layer above the client asks of its rows: every live host once and no other; no VM sent where it is, and no
 * VM twice. Null where nothing is wrong.
 */
export function faultAbove(
  method: string,
  rows: readonly (readonly string[])[],
  pool: ClientPool & { readonly residentOn?: ReadonlyMap<string, string> },
): string | null {
  const keys = rows.map(([key = ""]) => key);
  if (new Set(keys).size !== keys.length) return "one object comes twice";
  if (method === "VMGetRecommendations") {
    const same = keys.length === pool.liveHosts.length && pool.liveHosts.every((host) => keys.includes(host));
    return same ? null : "VM recommendations must only target live hosts and target all of them";
  }
  if (method !== "HostGetRecommendations") return null;
  const stays = rows.find(([vm = "", , host]) => pool.residentOn?.get(vm) === host);
  return stays === undefined ? null : `${stays[0]} is there already`;
}
