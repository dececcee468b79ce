/** The verbs of XapiClient, each one a method of XAPI called in a session. */

import type { KeptAnswers } from "./answerBudget.ts";
import { XapiFloat, type XapiParameter } from "./codec.ts";
import { XapiError, XapiUnreachable } from "./errors.ts";
import { type EventBatch, readEventBatch } from "./events.ts";
import { readRef } from "./fields.ts";
import { type RecordOf, readRecord, type XapiClass } from "./recordCodec.ts";
import { RecordsReader } from "./recordStream.ts";
import type {
  HostMetricsRecord,
  HostMetricsRef,
  HostRecord,
  HostRef,
  NetworkRecord,
  NetworkRef,
  PbdRecord,
  PbdRef,
  PifRecord,
  PifRef,
  PoolRecord,
  PoolRef,
  Records,
  Ref,
  SrRecord,
  SrRef,
  TaskRecord,
  TaskRef,
  VbdRecord,
  VbdRef,
  VdiRecord,
  VdiRef,
  VifRecord,
  VifRef,
  VmGroupRecord,
  VmGroupRef,
  VmGuestMetricsRecord,
  VmGuestMetricsRef,
  VmMetricsRecord,
  VmMetricsRef,
  VmRecord,
  VmRef,
} from "./records.ts";
import { readDate, readDouble, readInteger } from "./scalars.ts";
import type { XapiSession } from "./session.ts";
import { SharedTexts } from "./sharedTexts.ts";
import type { HttpAnswer } from "./transport.ts";
import type { EvacuationBlocker, SessionRights, XapiClient } from "./xapiClient.ts";
import { type XapiValue, XmlError } from "./xml.ts";

export class SessionClient implements XapiClient {
  readonly #session: XapiSession;
  /** What the records that are read together have in common; undefined where each is read for itself. */
  #together: { readonly kept: KeptAnswers; readonly texts: SharedTexts } | undefined;

  constructor(session: XapiSession) {
    this.#session = session;
  }

  get pool(): PoolRecord {
    return this.#session.login.pool;
  }

  get url(): string {
    return this.#session.login.transport.endpoint.url;
  }

  get logins(): number {
    return this.#session.logins;
  }

  pools(): Promise<Records<PoolRef, PoolRecord>> {
    return this.#all("pool");
  }

  hosts(): Promise<Records<HostRef, HostRecord>> {
    return this.#all("host");
  }

  hostMetrics(): Promise<Records<HostMetricsRef, HostMetricsRecord>> {
    return this.#all("host_metrics");
  }

  vms(): Promise<Records<VmRef, VmRecord>> {
    return this.#all("VM");
  }

  machines(): Promise<Records<VmRef, VmRecord>> {
    return this.#where("VM", 'field "is_a_template" = "false" and field "is_a_snapshot" = "false"');
  }

  vmMetrics(): Promise<Records<VmMetricsRef, VmMetricsRecord>> {
    return this.#all("VM_metrics");
  }

  vmGuestMetrics(): Promise<Records<VmGuestMetricsRef, VmGuestMetricsRecord>> {
    return this.#all("VM_guest_metrics");
  }

  async vmGroups(): Promise<Records<VmGroupRef, VmGroupRecord>> {
    try {
      return await this.#all("VM_group");
    } catch (error) {
      if (!isAbsent(error)) throw error;
      return Object.assign(new Map<VmGroupRef, VmGroupRecord>(), { skipped: [], fields: new Set<string>() });
    }
  }

  vbds(): Promise<Records<VbdRef, VbdRecord>> {
    return this.#all("VBD");
  }

  loadedVbds(): Promise<Records<VbdRef, VbdRecord>> {
    return this.#where("VBD", 'field "empty" = "false"');
  }

  vdis(): Promise<Records<VdiRef, VdiRecord>> {
    return this.#all("VDI");
  }

  currentVdis(): Promise<Records<VdiRef, VdiRecord>> {
    return this.#where("VDI", 'field "is_a_snapshot" = "false"');
  }

  srs(): Promise<Records<SrRef, SrRecord>> {
    return this.#all("SR");
  }

  pbds(): Promise<Records<PbdRef, PbdRecord>> {
    return this.#all("PBD");
  }

  vifs(): Promise<Records<VifRef, VifRecord>> {
    return this.#all("VIF");
  }

  pifs(): Promise<Records<PifRef, PifRecord>> {
    return this.#all("PIF");
  }

  networks(): Promise<Records<NetworkRef, NetworkRecord>> {
    return this.#all("network");
  }

  refs(name: XapiClass): Promise<readonly string[]> {
    return this.#read(`${name}.get_all`, [], readTargets);
  }

  eventToken(): Promise<string> {
    return this.#read("event.inject", ["pool", this.#session.login.poolRef], (value) => {
      if (typeof value === "string") return value;
      throw new XmlError("the token is no text");
    });
  }

  changes(classes: readonly XapiClass[], token: string): Promise<EventBatch> {
    const names = classes.map((name) => name.toLowerCase());
    return this.#read("event.from", [names, token, new XapiFloat(0)], (value) =>
      readEventBatch(value, classes),
    );
  }

  queryHostDataSource(host: HostRef, name: string): Promise<number> {
    return this.#read("host.query_data_source", [host, name], readNumber);
  }

  queryVmDataSource(vm: VmRef, name: string): Promise<number> {
    return this.#read("VM.query_data_source", [vm, name], readNumber);
  }

  recordVmDataSource(vm: VmRef, name: string): Promise<void> {
    return this.#write("VM.record_data_source", [vm, name], () => undefined);
  }

  serverTime(host: HostRef): Promise<Date> {
    return this.#read("host.get_servertime", [host], (value) => {
      const date = typeof value === "string" ? readDate(value) : value;
      if (date instanceof Date) return date;
      throw new XmlError("the result is no date");
    });
  }

  vm(vm: VmRef): Promise<VmRecord> {
    return this.#one("VM", vm);
  }

  vmByUuid(uuid: string): Promise<VmRef> {
    return this.#read("VM.get_by_uuid", [uuid], readTarget<VmRef>);
  }

  host(host: HostRef): Promise<HostRecord> {
    return this.#one("host", host);
  }

  hostByUuid(uuid: string): Promise<HostRef> {
    return this.#read("host.get_by_uuid", [uuid], readTarget<HostRef>);
  }

  async hostMetricsOf(host: HostRef): Promise<HostMetricsRecord> {
    const metrics = await this.#read("host.get_metrics", [host], readTarget<HostMetricsRef>);
    return await this.#one("host_metrics", metrics);
  }

  computeFreeMemory(host: HostRef): Promise<number> {
    return this.#read("host.compute_free_memory", [host], (value) => {
      const bytes = typeof value === "string" ? readInteger(value) : value;
      if (typeof bytes === "number") return bytes;
      throw new XmlError("the result is no whole number");
    });
  }

  assertCanBootHere(vm: VmRef, host: HostRef): Promise<void> {
    return this.#read("VM.assert_can_boot_here", [vm, host], () => undefined);
  }

  /** The VMs on the host by its own record, its control domain among them. */
  residentVms(host: HostRef): Promise<readonly VmRef[]> {
    return this.#read("host.get_resident_VMs", [host], readTargets<VmRef>);
  }

  hostDisable(host: HostRef): Promise<void> {
    return this.#write("host.disable", [host], () => undefined);
  }

  hostEnable(host: HostRef): Promise<void> {
    return this.#write("host.enable", [host], () => undefined);
  }

  vmsWhichPreventEvacuation(host: HostRef): Promise<ReadonlyMap<VmRef, EvacuationBlocker>> {
    return this.#read("host.get_vms_which_prevent_evacuation", [host], (value) =>
      readBlockers(value, (text) => this.#session.scrub(text)),
    );
  }

  hostShutdownAsync(host: HostRef): Promise<TaskRef> {
    return this.#write("Async.host.shutdown", [host], readTarget<TaskRef>);
  }

  hostPowerOnAsync(host: HostRef): Promise<TaskRef> {
    return this.#write("Async.host.power_on", [host], readTarget<TaskRef>);
  }

  poolMigrateAsync(vm: VmRef, host: HostRef): Promise<TaskRef> {
    return this.#write("Async.VM.pool_migrate", [vm, host, { live: "true" }], readTarget<TaskRef>);
  }

  /** What a task failed with ends up in rows, reports and mail: no secret that the pool echoes stays in it. */
  async task(task: TaskRef): Promise<TaskRecord> {
    const record = await this.#one("task", task);
    return { ...record, error_info: record.error_info.map((text) => this.#session.scrub(text)) };
  }

  cancelTask(task: TaskRef): Promise<void> {
    return this.#write("task.cancel", [task], () => undefined);
  }

  destroyTask(task: TaskRef): Promise<void> {
    return this.#write("task.destroy", [task], () => undefined);
  }

  httpGet(
    address: string,
    path: string,
    query: Readonly<Record<string, string>>,
    deadlineMs?: number,
  ): Promise<HttpAnswer> {
    const search = new URLSearchParams(query).toString();
    return this.#session.get(address, search === "" ? path : `${path}?${search}`, deadlineMs);
  }

  together<T>(work: () => Promise<T>): Promise<T> {
    return this.#session.together(async (kept) => {
      this.#together = { kept, texts: new SharedTexts() };
      try {
        return await work();
      } finally {
        this.#together = undefined;
      }
    });
  }

  shownFingerprint(address: string): Promise<string | null> {
    return this.#session.shownFingerprint(address);
  }

  certificateEnd(address: string): Date | null {
    return this.#session.certificateEnd(address);
  }

  masterCertificateEnd(): Date | null {
    return this.#session.masterCertificateEnd();
  }

  async sessionRights(): Promise<SessionRights | null> {
    const about = async <T>(method: string, read: (value: XapiValue) => T) =>
      this.#understood(method, await this.#session.callOnItself(method), read);
    try {
      return {
        isLocalSuperuser: await about("session.get_is_local_superuser", readBoolean),
        permissions: new Set(await about("session.get_rbac_permissions", readTexts)),
      };
    } catch (error) {
      if (!isAbsent(error)) throw error;
      return null;
    }
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #all<C extends XapiClass>(name: C): Promise<Records<Ref<C>, RecordOf<C>>> {
    return this.#records(name, `${name}.get_all_records`, []);
  }

  /** The objects that `expression` selects; a pool that cannot select sends all of them. */
  async #where<C extends XapiClass>(name: C, expression: string): Promise<Records<Ref<C>, RecordOf<C>>> {
    try {
      return await this.#records(name, `${name}.get_all_records_where`, [expression]);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      return this.#all(name);
    }
  }

  #records<C extends XapiClass>(
    name: C,
    method: string,
    params: readonly XapiParameter[],
  ): Promise<Records<Ref<C>, RecordOf<C>>> {
    const { kept, texts } = this.#together ?? {};
    const reader = () => new RecordsReader(name, method, { texts });
    return this.#session.read(method, params, reader, kept);
  }

  #one<C extends XapiClass>(name: C, ref: Ref<C>): Promise<RecordOf<C>> {
    return this.#read(`${name}.get_record`, [ref], (value) => readRecord(name, value));
  }

  async #read<T>(
    method: string,
    params: readonly XapiParameter[],
    read: (value: XapiValue) => T,
  ): Promise<T> {
    return this.#understood(method, await this.#session.call(method, params, "repeatable"), read);
  }

  async #write<T>(
    method: string,
    params: readonly XapiParameter[],
    read: (value: XapiValue) => T,
  ): Promise<T> {
    return this.#understood(method, await this.#session.call(method, params, "once"), read);
  }

  #understood<T>(method: string, value: XapiValue, read: (value: XapiValue) => T): T {
    try {
      return read(value);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      throw new XapiUnreachable("garbled", `${this.url}: ${method}: ${this.#session.scrub(error.message)}`, {
        sent: true,
      });
    }
  }
}

/** Whether the pool does not know the message. */
function isAbsent(error: unknown): boolean {
  return error instanceof XapiError && /^MESSAGE_(METHOD_UNKNOWN|REMOVED)$/.test(error.code);
}

function readNumber(value: XapiValue): number {
  const number = typeof value === "string" ? readDouble(value) : value;
  if (typeof number === "number") return number;
  throw new XmlError("the result is no number");
}

function readBoolean(value: XapiValue): boolean {
  if (typeof value === "boolean") return value;
  throw new XmlError("the result is no boolean");
}

function readTexts(value: XapiValue): string[] {
  if (!Array.isArray(value)) throw new XmlError("the result is no list of texts");
  return value.map((each) => {
    if (typeof each === "string") return each.toLowerCase();
    throw new XmlError("the result is no list of texts");
  });
}

function readBlockers(
  value: XapiValue,
  scrub: (text: string) => string,
): ReadonlyMap<VmRef, EvacuationBlocker> {
  if (!(value instanceof Map)) throw new XmlError("the result is no map");
  return new Map([...value].map(([vm, words]) => [vm as VmRef, readBlocker(words, scrub)]));
}

function readBlocker(words: XapiValue, scrub: (text: string) => string): EvacuationBlocker {
  if (!Array.isArray(words)) throw new XmlError("a reason is no list of texts");
  const [code, ...params] = words.map((word) => {
    if (typeof word === "string") return scrub(word);
    throw new XmlError("a reason is no list of texts");
  });
  if (code === undefined) throw new XmlError("a reason has no code");
  return { code, params };
}

function readTargets<R extends string>(value: XapiValue): R[] {
  if (!Array.isArray(value)) throw new XmlError("the result is no list");
  return value.map((each) => readTarget<R>(each));
}

function readTarget<R extends string>(value: XapiValue): R {
  const ref = readRef<R>(value, "the result");
  if (ref === null) throw new XmlError("the result is no object");
  return ref;
}
