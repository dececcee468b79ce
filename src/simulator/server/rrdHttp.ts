/** GET /rrd_updates, /host_rrd and /vm_rrd of one host: who may ask, what was asked, which answer. */

import { rrdDocument } from "../metrics/rrdDocument.ts";
import { type Consolidation, type Subject, updatesTable } from "../metrics/rrdTable.ts";
import type { MeasureStore, SimulatedPoolLike } from "../objects/contract.ts";
import { type RrdManners, type ServerProfile, todaysProfile } from "../objects/profile.ts";
import type { Dispatcher } from "./dispatch.ts";
import { tableJson, tableXml } from "./rrdText.ts";

export interface RrdRequest {
  readonly hostRef: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface RrdAnswer {
  readonly status: number;
  /** Null for an answer that does not tell. */
  readonly contentType: string | null;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the body ends where the connection does, as whole documents do. */
  readonly untilClosed?: boolean;
  readonly connection: "keep-alive" | "close";
}

export interface RrdServices {
  readonly pool: SimulatedPoolLike;
  readonly measures: MeasureStore;
  readonly dispatcher: Dispatcher;
  /** Where a host's listener is, such as https://127.0.0.2:8443. */
  readonly urlOf: (hostRef: string) => string;
}

const paths = ["/rrd_updates", "/host_rrd", "/vm_rrd", "/rrd_unarchive"];

/** The path of a request for measures; null for any other. */
export function rrdPath(url: string): string | null {
  const path = url.split("?")[0] ?? "";
  return paths.find((known) => path === known || path.startsWith(`${known}/`)) ?? null;
}

/** Answers a GET whose path rrdPath knows. */
export async function answerRrd(services: RrdServices, request: RrdRequest): Promise<RrdAnswer> {
  const query = new URLSearchParams(
    request.url.slice(request.url.indexOf("?") + 1 || request.url.length + 1),
  );
  if (!(await isAdmitted(services, request, query))) return unauthorised();
  switch (rrdPath(request.url)) {
    case "/rrd_updates":
      return updates(services, request, query);
    case "/host_rrd":
      return document(services, subjectOfHost(services, request.hostRef), services.measures.newestMs());
    default:
      return vmDocument(services, request, query);
  }
}

/** Whether the request has a session, in its query or a cookie, or a user with his password. */
export async function isAdmitted(
  { pool, dispatcher }: Pick<RrdServices, "pool" | "dispatcher">,
  { hostRef, headers }: Pick<RrdRequest, "hostRef" | "headers">,
  query: URLSearchParams,
): Promise<boolean> {
  const session = query.get("session_id") ?? cookie(headers["cookie"], "session_id");
  if (session !== null) return dispatcher.admits(session);
  const basic = /^Basic +(\S+)$/i.exec(String(headers["authorization"] ?? ""))?.[1];
  if (basic === undefined) return false;
  const [user = "", ...password] = Buffer.from(basic, "base64").toString("utf8").split(":");
  const leaves = profileOf(pool).leaksSessions && hostRef !== pool.masterRef;
  return dispatcher.admitsUser(user, password.join(":"), leaves);
}

function cookie(header: string | string[] | undefined, name: string): string | null {
  const pairs = String(header ?? "").split(/[;,]\s*/);
  const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  return value === undefined ? null : decodeQuietly(value);
}

function decodeQuietly(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function profileOf(pool: SimulatedPoolLike): ServerProfile {
  return pool.profile ?? todaysProfile;
}

function updates(services: RrdServices, request: RrdRequest, query: URLSearchParams): RrdAnswer {
  const { rrd } = profileOf(services.pool);
  const start = startOf(query.get("start"), services.measures, rrd);
  if (start === null) return problem(query.has("start") ? 500 : rrd.withoutStart);
  const interval = Number(query.get("interval") ?? 0);
  const cf = query.get("cf");
  if (!Number.isFinite(interval) || !isConsolidation(cf)) return problem(500);
  const subjects = [...hostAsked(services, request, query), ...vmsAsked(services, request, query)];
  const table = updatesTable(services.measures, subjects, { start, interval, cf, sorted: rrd.sorted });
  if (table === null) return problem(500);
  if (!wantsJson(query, request.headers["accept"], rrd)) {
    return found("text/xml", tableXml(table, rrd.numbers), rrd);
  }
  const json = tableJson(table, rrd.numbers, rrd.json);
  return json === null ? problem(500) : found(rrd.jsonType, json, rrd);
}

/** Seconds since 1970; null for what is missing or no number. */
function startOf(text: string | null, store: MeasureStore, rrd: RrdManners): number | null {
  if (text === null || !/^-?\d+$/.test(text)) return null;
  const start = Number(text);
  return start < 0 && rrd.negativeStart ? store.newestMs() / 1000 + start : start;
}

function isConsolidation(cf: string | null): cf is Consolidation | null {
  return cf === null || cf === "AVERAGE" || cf === "MIN" || cf === "MAX";
}

function hostAsked(services: RrdServices, { hostRef }: RrdRequest, query: URLSearchParams): Subject[] {
  const { rrd } = profileOf(services.pool);
  const asked = rrd.hostMustBeTrue ? query.get("host") === "true" : query.has("host");
  return asked ? [subjectOfHost(services, hostRef)] : [];
}

function vmsAsked(services: RrdServices, { hostRef }: RrdRequest, query: URLSearchParams): Subject[] {
  const { rrd } = profileOf(services.pool);
  const all = services.measures.vmsOf(hostRef).map((ref) => subjectOfVm(services, ref));
  // rrdd keeps its VMs in a hash table: nobody should count on their order.
  all.sort((a, b) => (a.uuid.slice(-6) < b.uuid.slice(-6) ? -1 : 1));
  const given = query.getAll("vm_uuid");
  const wanted = rrd.vmUuid === "several" ? given : given.slice(-1);
  if (wanted.length === 0 || (rrd.vmUuid === "one-or-all" && wanted[0] === "all")) return all;
  return all.filter(({ uuid }) => wanted.includes(uuid));
}

function subjectOfHost({ pool }: RrdServices, ref: string): Subject {
  return {
    owner: "host",
    ref,
    uuid: pool.db.text("host", ref, "uuid"),
    minMax: profileOf(pool).rrd.hostMinMax,
  };
}

function subjectOfVm({ pool }: RrdServices, ref: string): Subject {
  const [poolRef = ""] = pool.db.all("pool");
  const minMax = pool.db.map("pool", poolRef, "other_config")["create_min_max_in_new_VM_RRDs"] === "true";
  return { owner: "vm", ref, uuid: pool.db.text("VM", ref, "uuid"), minMax };
}

function wantsJson(query: URLSearchParams, accept: string | string[] | undefined, rrd: RrdManners): boolean {
  if (!rrd.readsAccept || accept === undefined) return query.has("json");
  const ranges = String(accept)
    .split(",")
    .map((range) => {
      const [type = "", ...rest] = range
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const quality = rest.find((parameter) => parameter.startsWith("q="));
      return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) };
    })
    .toSorted((a, b) => b.quality - a.quality);
  const best = ranges.find(({ type }) => jsonRanges.includes(type) || xmlRanges.includes(type));
  return best !== undefined && jsonRanges.includes(best.type);
}

const jsonRanges = ["application/json", "application/*", "*/*"];
const xmlRanges = ["text/xml", "text/*"];

function vmDocument(services: RrdServices, request: RrdRequest, query: URLSearchParams): RrdAnswer {
  const { pool, measures } = services;
  const ref = pool.db.all("VM").find((vm) => pool.db.text("VM", vm, "uuid") === query.get("uuid"));
  const last = ref === undefined ? null : measures.lastMeasuredMs(ref);
  if (ref === undefined || last === null) return problem(404);
  const home = measures.homeOf(ref);
  const owner = home ?? pool.masterRef;
  if (owner !== request.hostRef) {
    const path = home === null ? "/rrd_unarchive" : "/vm_rrd";
    const location = `${services.urlOf(owner)}${path}?${request.url.split("?")[1] ?? ""}`;
    return { ...problem(302), headers: { Location: location } };
  }
  return document(services, subjectOfVm(services, ref), last);
}

function document({ pool, measures }: RrdServices, subject: Subject, lastMs: number): RrdAnswer {
  const { rrd } = profileOf(pool);
  return {
    status: 200,
    contentType: "text/xml",
    body: rrdDocument(measures, subject, lastMs, rrd.numbers),
    untilClosed: true,
    connection: "close",
  };
}

function found(contentType: string | null, body: string, { connection }: RrdManners): RrdAnswer {
  return { status: 200, contentType, body, connection };
}

const reasons: Readonly<Record<number, string>> = {
  302: "Found",
  400: "Bad request: start is missing",
  401: "Unauthorised",
  404: "Not found",
  500: "Internal error",
};

function problem(status: number): RrdAnswer {
  const body = `<html><body><h1>HTTP ${status}</h1><p>${reasons[status] ?? ""}</p></body></html>`;
  return { status, contentType: "text/html", body, connection: "close" };
}

function unauthorised(): RrdAnswer {
  return { ...problem(401), headers: { "WWW-Authenticate": 'Basic realm="xapi"' } };
}
