/** What the programs ask a pool for: typed verbs over one session. */

import type { EventBatch } from "./events.ts";
import type { XapiClass } from "./recordCodec.ts";
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
import type { HttpAnswer } from "./transport.ts";

/**
 * One session with a pool's master.
 * Every verb rejects with XapiError (the pool refused) or XapiUnreachable (no usable answer came).
 */
export interface XapiClient {
  /** The pool that answered, as read at login. */
  readonly pool: PoolRecord;
  /** Scheme, host and port of the master that answers, e.g. "https://10.0.0.1". */
  readonly url: string;
  /** How often this session was opened: one more whenever the pool had forgotten it, or has another master. */
  readonly logins: number;

  pools(): Promise<Records<PoolRef, PoolRecord>>;
  hosts(): Promise<Records<HostRef, HostRecord>>;
  hostMetrics(): Promise<Records<HostMetricsRef, HostMetricsRecord>>;
  vms(): Promise<Records<VmRef, VmRecord>>;
  /** VMs that are neither template nor snapshot: a pool may hold more of those than of machines. */
  machines(): Promise<Records<VmRef, VmRecord>>;
  vmMetrics(): Promise<Records<VmMetricsRef, VmMetricsRecord>>;
  vmGuestMetrics(): Promise<Records<VmGuestMetricsRef, VmGuestMetricsRecord>>;
  /** Empty on pools that are too old for groups. */
  vmGroups(): Promise<Records<VmGroupRef, VmGroupRecord>>;
  vbds(): Promise<Records<VbdRef, VbdRecord>>;
  /** Drives that hold something. */
  loadedVbds(): Promise<Records<VbdRef, VbdRecord>>;
  vdis(): Promise<Records<VdiRef, VdiRecord>>;
  /** Disks that are no snapshots. */
  currentVdis(): Promise<Records<VdiRef, VdiRecord>>;
  srs(): Promise<Records<SrRef, SrRecord>>;
  pbds(): Promise<Records<PbdRef, PbdRecord>>;
  vifs(): Promise<Records<VifRef, VifRecord>>;
  pifs(): Promise<Records<PifRef, PifRecord>>;
  networks(): Promise<Records<NetworkRef, NetworkRecord>>;

  /** The refs of all objects of a class, those that no other verb reads among them. */
  refs(name: XapiClass): Promise<readonly string[]>;
  /** A token for `changes` from this moment on. Rejects with XapiError where the pool tells no events. */
  eventToken(): Promise<string>;
  /** What of `classes` has changed since `token`, each object once, without waiting for anything. */
  changes(classes: readonly XapiClass[], token: string): Promise<EventBatch>;

  /** The newest 5-second value; NaN where the source has none. */
  queryHostDataSource(host: HostRef, name: string): Promise<number>;
  queryVmDataSource(vm: VmRef, name: string): Promise<number>;
  /** Has the VM's host record the source from now on; one that it records already goes on. */
  recordVmDataSource(vm: VmRef, name: string): Promise<void>;
  /** The host's own clock, to the second. */
  serverTime(host: HostRef): Promise<Date>;

  vm(vm: VmRef): Promise<VmRecord>;
  vmByUuid(uuid: string): Promise<VmRef>;
  host(host: HostRef): Promise<HostRecord>;
  hostByUuid(uuid: string): Promise<HostRef>;
  /** The fresh metrics record of a host, found through host.get_metrics. */
  hostMetricsOf(host: HostRef): Promise<HostMetricsRecord>;
  /** Bytes that xapi would still give to arriving VMs. */
  computeFreeMemory(host: HostRef): Promise<number>;
  /** Resolves when `vm` may run on `host`; rejects with the XapiError that says why not. */
  assertCanBootHere(vm: VmRef, host: HostRef): Promise<void>;

  /** The VMs on the host by its own record, its control domain among them. */
  residentVms(host: HostRef): Promise<readonly VmRef[]>;
  /** The host takes no more VMs until it is enabled, or has booted; those on it stay. */
  hostDisable(host: HostRef): Promise<void>;
  hostEnable(host: HostRef): Promise<void>;
  /** The VMs that keep the host from being emptied, each with the failure that says why; none where it can be. */
  vmsWhichPreventEvacuation(host: HostRef): Promise<ReadonlyMap<VmRef, EvacuationBlocker>>;
  /**
   * Asks the host to shut down and returns the task at once. The task succeeds before the host is down, and a host that
   * still runs VMs stops those it cannot move: empty it first. The caller destroys the task.
   */
  hostShutdownAsync(host: HostRef): Promise<TaskRef>;
  /** Switches the host on and returns the task at once; it succeeds when the host is live. The caller destroys the task. */
  hostPowerOnAsync(host: HostRef): Promise<TaskRef>;

  /** Starts a live migration and returns its task at once. The caller destroys the task. */
  poolMigrateAsync(vm: VmRef, host: HostRef): Promise<TaskRef>;
  task(task: TaskRef): Promise<TaskRecord>;
  /** A request only: the task may still succeed. */
  cancelTask(task: TaskRef): Promise<void>;
  destroyTask(task: TaskRef): Promise<void>;

  /**
   * The body of a GET on a member, on a fresh connection, authorised by this session and under the same trust.
   * `address` is host.address; scheme and port are those of the pool's URL unless it carries its own port.
   */
  httpGet(
    address: string,
    path: string,
    query: Readonly<Record<string, string>>,
    deadlineMs?: number,
  ): Promise<HttpAnswer>;

  /** Runs `work`: the records that are read meanwhile share one budget, since all of them are kept. */
  together<T>(work: () => Promise<T>): Promise<T>;

  /** The SHA-256 of the certificate that the host at `address` shows; null where it shows none. Nothing is sent there. */
  shownFingerprint(address: string): Promise<string | null>;

  /**
   * When the certificate ends that the host at `address` showed at the last connection of this client to it, trusted or
   * not; null where none was made, or in plain HTTP. Connects to nobody.
   */
  certificateEnd(address: string): Date | null;
  /** The same of the master that answers. */
  masterCertificateEnd(): Date | null;

  /** What this session may do; null where the pool is too old to say. */
  sessionRights(): Promise<SessionRights | null>;

  /** Logs out and closes the connections. Never throws; later verbs are refused. */
  close(): Promise<void>;
}

/** What a session may do. */
export interface SessionRights {
  /** Of the pool's own root, or a member: roles mean nothing to it. */
  readonly isLocalSuperuser: boolean;
  /** Permissions in small letters, "vm.pool_migrate"; empty of a local superuser. */
  readonly permissions: ReadonlySet<string>;
}

/** XAPI's code and parameters. */
export interface EvacuationBlocker {
  readonly code: string;
  readonly params: readonly string[];
}
