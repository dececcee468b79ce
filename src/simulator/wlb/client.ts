/** The pool's client of its workload balancing server: whom it asks, as whom, for how long, and what it remembers. */
import { isIP } from "node:net";
import { masterOf, type PoolModel, poolRefOf, refOrNull } from "../metrics/model.ts";
import { SimFailure } from "../server/failure.ts";
import { type KnownUuids, WlbAnswer } from "./answers.ts";
import { joiningParameters, requestBytes, type WlbMethod } from "./request.ts";
import { exchange, type WlbDoor } from "./wire.ts";

/** Of the client that the requests were recorded of. */
const clientVersion = "26.17";
const usualSeconds = 30;
const reportSeconds = 600;

interface WlbAccount {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/** @throws SimFailure LICENSE_RESTRICTION where the pool may not have it. */
export function assertWlbLicensed({ db }: PoolModel, poolRef: string): void {
  if (db.map("pool", poolRef, "restrictions")["restrict_wlb"] === "true")
    throw new SimFailure("LICENSE_RESTRICTION", ["WLB"]);
}

/** The server that the pool was initialised with. @throws SimFailure WLB_NOT_INITIALIZED. */
function accountOf(model: PoolModel): WlbAccount {
  const { db, wlb } = model;
  const pool = poolRefOf(model);
  assertWlbLicensed(model, pool);
  const url = db.text("pool", pool, "wlb_url");
  if (url === "") throw new SimFailure("WLB_NOT_INITIALIZED");
  const { secretRef } = wlb;
  const password =
    secretRef !== null && db.has("secret", secretRef) ? db.text("secret", secretRef, "value") : "";
  return { url, user: db.text("pool", pool, "wlb_username"), password };
}

/** @throws SimFailure WLB_NOT_INITIALIZED or WLB_DISABLED: only recommendations hang on that. */
export function assertWlbEnabled(model: PoolModel): void {
  accountOf(model);
  if (model.db.get("pool", poolRefOf(model), "wlb_enabled") !== true) throw new SimFailure("WLB_DISABLED");
}

/** Whether starts and evacuations ask by themselves. */
export function consultsWlb(model: PoolModel): boolean {
  const { db } = model;
  const pool = poolRefOf(model);
  return (
    db.text("pool", pool, "wlb_url") !== "" &&
    db.get("pool", pool, "wlb_enabled") === true &&
    db.map("pool", pool, "restrictions")["restrict_wlb"] !== "true" &&
    String(db.map("pool", pool, "other_config")["wlb_choose_host_disable"]).toLowerCase() !== "true"
  );
}

/** Asks the pool's server. @throws SimFailure */
export function askWlb(model: PoolModel, method: WlbMethod, parameters: string): Promise<WlbAnswer> {
  return askAt(model, accountOf(model), method, parameters);
}

/** Tells a server of the pool, and remembers it where it agrees. @throws SimFailure; then everything stays as it was. */
export async function joinWlb(
  model: PoolModel,
  account: WlbAccount,
  own: { readonly user: string; readonly password: string },
): Promise<void> {
  const { db } = model;
  const pool = poolRefOf(model);
  assertWlbLicensed(model, pool);
  const address = masterAddress(model);
  const parameters = joiningParameters(db.text("pool", pool, "uuid"), { ...own, address });
  (await askAt(model, account, "AddXenServer", parameters)).assertAdded();
  forgetSecret(model);
  model.wlb.secretRef = db.create("secret", { value: account.password });
  db.update("pool", pool, { wlb_url: account.url, wlb_username: account.user });
}

/** Forgets the server, whatever it says to that, and where nobody is there to say anything. */
export async function leaveWlb(model: PoolModel, parameters: string): Promise<void> {
  await askWlb(model, "RemoveXenServer", parameters).catch((error: unknown) => {
    if (!(error instanceof SimFailure) || error.code === "WLB_NOT_INITIALIZED") throw error;
  });
  forgetSecret(model);
  model.db.update("pool", poolRefOf(model), { wlb_url: "", wlb_username: "", wlb_enabled: false });
}

function forgetSecret({ db, wlb }: PoolModel): void {
  if (wlb.secretRef !== null && db.has("secret", wlb.secretRef)) db.destroy("secret", wlb.secretRef);
  wlb.secretRef = null;
}

async function askAt(
  model: PoolModel,
  { url, user, password }: WlbAccount,
  method: WlbMethod,
  parameters: string,
): Promise<WlbAnswer> {
  const door = doorOf(model, url);
  const untilClosed = method === "ExecuteReport" || method === "GetDiagnostics";
  const bytes = requestBytes(method, parameters, { host: door.host, user, password, version: clientVersion });
  const seconds = untilClosed
    ? secondsOf(model, "wlb_reports_timeout", reportSeconds)
    : secondsOf(model, "wlb_timeout", usualSeconds);
  const late = new AbortController();
  // The time in the queue counts.
  const timer = setTimeout(
    () => late.abort(new SimFailure("WLB_TIMEOUT", [ocamlFloat(seconds)])),
    seconds * 1000,
  );
  try {
    const { signal } = late;
    return new WlbAnswer(
      method,
      await model.wlb.calls.run(() => exchange(door, bytes, { untilClosed, signal }), signal),
    );
  } finally {
    clearTimeout(timer);
  }
}

function secondsOf(model: PoolModel, key: string, usual: number): number {
  const text = model.db.map("pool", poolRefOf(model), "other_config")[key];
  const seconds = Number(text ?? usual);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : usual;
}

/** "30." */
function ocamlFloat(value: number): string {
  return Number.isInteger(value) ? `${value}.` : String(value);
}

/** host:port, an IPv6 address in brackets; a user and a path are dropped. @throws SimFailure WLB_URL_INVALID. */
function doorOf(model: PoolModel, url: string): WlbDoor {
  const [, v6, name, port] =
    /^(?:[^@/]*@)?(?:\[([0-9a-f:.]+)\]|([^:/@[\]]+)):(\d{1,5})(?:\/.*)?$/i.exec(url) ?? [];
  const host = v6 ?? name;
  if (host === undefined || Number(port) > 65_535) throw new SimFailure("WLB_URL_INVALID", [url]);
  const verifies = model.db.get("pool", poolRefOf(model), "wlb_verify_cert") === true;
  const trusted = verifies ? [...model.wlb.authorities.values()] : null;
  const own = masterAddress(model);
  // On the loopback every simulated host has an address of its own, and is seen by it.
  const isLocal = /^127\./.test(own) && /^(127\.[\d.]+|localhost)$/.test(host);
  return { host, port: Number(port), trusted, ...(isLocal ? { from: own } : {}) };
}

/** Without the port that simulated hosts may have in it. */
function masterAddress(model: PoolModel): string {
  const address = model.db.text("host", masterOf(model), "address");
  return isIP(address) === 6 ? address : address.replace(/:\d+$/, "");
}

/** What the pool has, for answers to be held against. */
export function knownUuids({ db }: PoolModel): KnownUuids {
  const uuidsOf = (cls: string) => new Set(db.all(cls).map((ref) => db.text(cls, ref, "uuid")));
  const [hosts, vms] = [uuidsOf("host"), uuidsOf("VM")];
  return {
    isHost: (uuid) => hosts.has(uuid),
    isVm: (uuid) => vms.has(uuid),
    liveHosts: liveHosts({ db }).length,
  };
}

/** Hosts whose metrics say that they are live, enabled or not. */
export function liveHosts({ db }: Pick<PoolModel, "db">): string[] {
  return db.all("host").filter((host) => {
    const metrics = db.text("host", host, "metrics");
    return db.has("host_metrics", metrics) && db.get("host_metrics", metrics, "live") === true;
  });
}

/** The control domain of the host with that uuid. */
export function controlDomainOf(model: PoolModel, hostUuid: string): string {
  const host = model.db.byUuid("host", hostUuid);
  return refOrNull(model, "host", host, "control_domain") ?? host;
}
