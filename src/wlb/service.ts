/** The nine methods: who may ask what, and which answer it gets. Answers come from memory but for what changes something. */
import { isIP } from "node:net";
import { describeError } from "../domain/errors.ts";
import type { Uuid } from "../domain/pool.ts";
import { hostPart } from "../domain/workloadBalancing.ts";
import type { WlbSettings } from "../settings/types.ts";
import { configureWlbPool, connectWlbPool } from "../store/wlb.ts";
import { plural, span } from "../text/format.ts";
import { longest, printable, shorten } from "../text/text.ts";
import {
  addedAnswer,
  configurationAnswer,
  diagnosticsAnswer,
  doneAnswer,
  evacuationAnswer,
  faultAnswer,
  nextId,
  optimizationAnswer,
  placementAnswer,
  refusalAnswer,
  reportAnswer,
} from "../wlbProtocol/answer.ts";
import { changeOf, completeConfiguration } from "../wlbProtocol/configuration.ts";
import { type WlbMethod, WlbRefusal, wlbPath } from "../wlbProtocol/methods.ts";
import { methodOf, readRequest, type WlbRequest } from "../wlbProtocol/request.ts";
import type { AccountKey } from "./accountKey.ts";
import { type Gatekeeper, userIn } from "./gatekeeper.ts";
import { inTime } from "./inTime.ts";
import type { Meters } from "./meters.ts";
import { writeReport } from "./reports/report.ts";
import type { WireAnswer, WireRequest } from "./tlsServer.ts";
import type { PoolView } from "./view.ts";

export interface ServiceOptions {
  readonly views: readonly PoolView[];
  readonly gatekeeper: Gatekeeper;
  readonly accountKey: AccountKey;
  readonly settings: WlbSettings;
  readonly meters: Meters;
  readonly say: (line: string) => void;
  /** What GetDiagnostics tells. */
  readonly diagnostics: () => Promise<string>;
}

/**
 * How long a pool waits at most, in milliseconds: for something to be stored, for an evacuation (a pool gives up after 30 s),
 * and for a report, during which it asks nothing else.
 */
const databaseMs = 5000;
const evacuationMs = 20_000;
const reportMs = 30_000;

/** Keys that one line of the log names. */
const mostNamed = 100;

/** A request that was let in. */
interface Asked {
  readonly request: WlbRequest;
  readonly address: string;
  readonly hostHeader: string | undefined;
}

export class WlbService {
  readonly #options: ServiceOptions;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  /** The answer to one request on the wire. Never rejects for what the peer did. */
  async answer(wire: WireRequest): Promise<WireAnswer> {
    const { gatekeeper, say, settings } = this.#options;
    const admission = await gatekeeper.admit(wire.address, wire.authorization);
    if (admission !== "admitted") {
      const user = printable(shorten(userIn(wire.authorization), longest.name));
      // Said once: whoever goes on guessing must not fill the log.
      if (admission === "refused" && wire.authorization !== undefined)
        say(`refused: a wrong user or password from ${wire.address}, as ${user}`);
      if (admission === "now locked out")
        say(
          `locked out: a wrong user or password from ${wire.address}, as ${user}, too often; it is heard again in ${span(settings.lockMs / 1000)} (WlbLockMinutes)`,
        );
      return { status: 401, body: "" };
    }
    if (wire.path !== wlbPath) return { status: 404, body: "" };
    if (wire.method !== "POST") return { status: 405, body: "" };
    const method = methodOf(wire.soapAction);
    if (method === null)
      return { status: 200, body: faultAnswer("SOAPAction names none of the nine methods") };
    const { body } = wire;
    if (body === null) return { status: 200, body: faultAnswer("the request is longer than 1 MiB") };
    return { status: 200, body: await this.#bodyOf(method, { ...wire, body }) };
  }

  async #bodyOf(
    method: WlbMethod,
    { address, hostHeader, body }: WireRequest & { readonly body: string },
  ): Promise<string> {
    const note = this.#options.meters.began(method);
    try {
      const answered = await this.#ask({ request: readRequest(method, body), address, hostHeader });
      note("answered");
      return answered;
    } catch (error) {
      note(error instanceof WlbRefusal ? "refused" : "failed");
      if (error instanceof WlbRefusal) {
        this.#options.say(`${method} from ${address}: ${error.message}`);
        return refusalAnswer(method, error.code, error.message);
      }
      // What went wrong is the operator's business; the pool needs an answer that it understands.
      this.#options.say(`${method} from ${address} failed: ${String(error)}`);
      return refusalAnswer(method, "unknownFailure", "xcp-wlb could not answer; see its log");
    }
  }

  #ask(asked: Asked): Promise<string> | string {
    const { request } = asked;
    switch (request.method) {
      case "AddXenServer":
        return this.#add(request, asked);
      case "RemoveXenServer":
        return this.#remove(request.pool, asked);
      case "SetXenPoolConfiguration":
        return this.#configure(request.pool, request.values, asked);
      case "GetXenPoolConfiguration":
        return configurationAnswer(this.#configurationOf(this.#bound(request.pool, asked)));
      case "VMGetRecommendations":
        return this.#place(request.pool, request.vm, asked);
      case "HostGetRecommendations":
        return this.#evacuate(request.pool, request.host, asked);
      case "GetOptimizationRecommendations":
        return this.#optimize(request.pool, asked);
      case "ExecuteReport":
        return this.#report(request.report, request.parameters, asked);
      case "GetDiagnostics":
        return this.#options.diagnostics().then(diagnosticsAnswer);
      default:
        return request satisfies never;
    }
  }

  /** The view of a pool that is collected, connected or not. */
  #collected(pool: Uuid): PoolView {
    const view = this.#options.views.find((each) => each.pool === pool);
    if (view !== undefined) return view;
    const [waiting] = this.#options.views.filter((each) => each.status === null);
    if (waiting !== undefined)
      throw new WlbRefusal("noCurrentMetrics", "xcp-wlb has not read its database yet");
    throw new WlbRefusal("poolUnknown", `pool ${pool} is unknown here: run xcp-collect for it first`);
  }

  /** The view of a connected pool, asked by somebody who may speak for it. */
  #bound(pool: Uuid, { address }: Asked): PoolView {
    const view = this.#collected(pool);
    const bound = view.status?.bound;
    if (bound?.pool !== pool || view.isLeaving) {
      throw new WlbRefusal("poolUnknown", `pool ${pool} is not connected: xe pool-initialize-wlb does it`);
    }
    if (address !== bound.boundTo && !this.#isKnown(view, address)) {
      throw new WlbRefusal(
        "poolUnknown",
        `pool ${pool} is unknown to ${address}: it was added from elsewhere`,
      );
    }
    return view;
  }

  /** Hosts of the pool, and what the settings allow. */
  #isKnown(view: PoolView, address: string): boolean {
    const own = address.toLowerCase();
    return (
      this.#options.settings.allowedAddresses.includes(own) ||
      (view.status?.hostAddresses.some((each) => each.toLowerCase() === own) ?? false)
    );
  }

  async #add(request: WlbRequest & { method: "AddXenServer" }, asked: Asked): Promise<string> {
    const { pool, user, password, poolUrl } = request;
    const view = this.#collected(pool);
    const target = addressIn(poolUrl);
    if (target === null || !this.#isKnown(view, target)) {
      throw new WlbRefusal(
        "unreachable",
        `${printable(target ?? "the pool's address")} is no collected host of the pool: WlbAllowedAddresses can name it`,
      );
    }
    if (user === "" || password.reveal() === "") {
      throw new WlbRefusal("credentialsInvalid", "the pool's own user and password must not be empty");
    }
    const bound = view.status?.bound ?? null;
    if (bound?.pool === pool) this.#bound(pool, asked);
    const { address, hostHeader } = asked;
    const store = async () => {
      await connectWlbPool(view.db, {
        pool,
        boundTo: address,
        endpoint: hostHeader === undefined || hostHeader === "" ? null : endpointOf(hostHeader),
        address: target,
        userName: user,
        password: this.#options.accountKey.seal(password, pool),
      });
      view.stays();
    };
    const isBound = () => view.status?.bound?.pool === pool;
    await this.#saved(view, "the pool cannot be connected now", store, isBound);
    this.#options.say(
      `pool ${pool} (${printable(view.status?.poolName ?? "")}) is connected, from ${address}, with its account ${printable(user)}`,
    );
    return addedAnswer(1);
  }

  async #remove(pool: Uuid, asked: Asked): Promise<string> {
    const view = this.#bound(pool, asked);
    // The pool forgets us whatever is answered: what cannot be forgotten here now is as soon as it can.
    view.leaves();
    const says = "the pool's account cannot be forgotten now, and is as soon as it can";
    // The refresh forgets it.
    await this.#saved(
      view,
      says,
      async () => {},
      () => view.status?.bound?.pool !== pool,
    );
    this.#options.say(`pool ${pool} is disconnected, from ${asked.address}; its account is forgotten`);
    return doneAnswer("RemoveXenServer");
  }

  #configurationOf(view: PoolView): ReadonlyMap<string, string> {
    const { control } = view;
    const hosts = view.basis?.snapshot.hosts ?? [];
    return completeConfiguration(
      view.status?.configuration ?? new Map(),
      hosts.map(({ uuid, powerOnMode }) => ({ uuid, canPowerOn: powerOnMode !== "" })),
      { recentMoveMinutes: control.vmCooldownMinutes, pollIntervals: control.breaches },
    );
  }

  async #configure(pool: Uuid, sent: ReadonlyMap<string, string>, asked: Asked): Promise<string> {
    const view = this.#bound(pool, asked);
    const stored = view.status?.configuration ?? new Map<string, string>();
    const change = changeOf(sent, this.#configurationOf(view), stored);
    if (typeof change === "string") throw new WlbRefusal("outOfRange", change);
    const store = () => configureWlbPool(view.db, pool, change.set, change.gone);
    const isRead = () =>
      [...change.set].every(([key, value]) => view.status?.configuration.get(key) === value);
    await this.#saved(view, "the configuration cannot be stored now", store, isRead);
    const idle = listed(change.withoutEffect);
    this.#options.say(
      `the configuration of pool ${pool} was changed from ${asked.address}${idle === "" ? "" : `; accepted, has no effect: ${idle}`}`,
    );
    return doneAnswer("SetXenPoolConfiguration");
  }

  /**
   * Has something stored, and waits until answers go by it; where the database is away says `says`, at once if that is
   * known. What a large pool's answers are made of may take longer than its waiting: what `inForce` tells is enough.
   */
  async #saved(
    view: PoolView,
    says: string,
    store: () => Promise<void>,
    inForce: () => boolean,
  ): Promise<void> {
    const refusal = { code: "notSavedNow", says: `${says}: the database is away` } as const;
    if (view.trouble === null) {
      const stored = store().catch((cause: unknown) => {
        this.#options.say(`${says}: ${describeError(cause)}`);
        throw new WlbRefusal(refusal.code, refusal.says);
      });
      await inTime(stored, databaseMs, refusal);
      await inTime(view.refresh(), databaseMs, refusal).catch((late: unknown) => {
        if (!inForce()) throw late;
      });
    }
    if (view.trouble !== null) throw new WlbRefusal(refusal.code, refusal.says);
  }

  /** Nothing is answered by what is too old: the pool then places by itself, at once. */
  #requireFresh(view: PoolView): void {
    const age = view.ageSeconds();
    const { maxAgeSeconds } = this.#options.settings;
    if (age >= 0 && age <= maxAgeSeconds && view.basis !== null) return;
    const said = Number.isFinite(age) ? `collected ${span(age)} ago` : "never collected";
    throw new WlbRefusal(
      "noCurrentMetrics",
      `no current picture of the pool: ${said}, the limit is ${maxAgeSeconds} s (WlbMaxAgeSeconds); is xcp-collect running?`,
    );
  }

  #place(pool: Uuid, vm: Uuid, asked: Asked): string {
    const view = this.#bound(pool, asked);
    this.#requireFresh(view);
    const stars = view.stars(vm);
    if (stars === null) {
      throw new WlbRefusal("invalidArgument", `VM ${vm} is not in the collected pool: it may be newer`);
    }
    return placementAnswer(stars, view.takeIds(stars.length));
  }

  async #evacuate(pool: Uuid, host: Uuid, asked: Asked): Promise<string> {
    const view = this.#bound(pool, asked);
    this.#requireFresh(view);
    const started = view.startedOn(host);
    // One that runs there by now and is not in the answer would be an error to the pool, which then evacuates nothing.
    if (started > 0) {
      throw new WlbRefusal(
        "noCurrentMetrics",
        `${plural(started, "VM")} may have been started there since the collection: the next one tells`,
      );
    }
    const outcome = await inTime(view.evacuate(host), evacuationMs, {
      code: "noCurrentMetrics",
      says: "the plan of the evacuation was not ready in time",
    });
    if ("refused" in outcome) throw new WlbRefusal(outcome.refused, outcome.why);
    let id = view.takeIds(outcome.moves.length);
    const moves = outcome.moves.map((move) => {
      const own = id;
      id = nextId(id);
      return { ...move, id: own };
    });
    return evacuationAnswer({ moves, complete: outcome.complete });
  }

  #optimize(pool: Uuid, asked: Asked): string {
    const view = this.#bound(pool, asked);
    this.#requireFresh(view);
    const { plan } = view;
    return optimizationAnswer(plan?.planId ?? 1, plan?.severity ?? "Low", plan?.advice ?? []);
  }

  async #report(name: string, parameters: ReadonlyMap<string, string>, asked: Asked): Promise<string> {
    const written = writeReport(name, parameters, {
      ofPool: (pool) => this.#readable(this.#bound(pool, asked)),
      ofHost: (host) => this.#readable(this.#ofHost(host, asked)),
    });
    const late = { code: "noCurrentMetrics", says: "the history could not be read in time" } as const;
    return reportAnswer(await inTime(written, reportMs, late));
  }

  /** The view, where its database is there. */
  #readable(view: PoolView): PoolView {
    if (view.trouble === null) return view;
    throw new WlbRefusal("noCurrentMetrics", "the history cannot be read now: the database is away");
  }

  #ofHost(host: Uuid, asked: Asked): PoolView {
    const view = this.#options.views.find((each) =>
      each.basis?.snapshot.hosts.some(({ uuid }) => uuid.toLowerCase() === host),
    );
    if (view?.pool == null) throw new WlbRefusal("invalidArgument", `host ${host} is of no collected pool`);
    return this.#bound(view.pool, asked);
  }
}

/** The first few by name: somebody may send thousands. */
function listed(keys: readonly string[]): string {
  const shown = keys.slice(0, mostNamed).map((key) => printable(shorten(key, longest.name)));
  return [...shown, ...(keys.length > mostNamed ? [`and ${keys.length - mostNamed} more`] : [])].join(", ");
}

/** The address in "http://192.0.2.10:80/", an IPv6 one without brackets; null where it is no such URL. */
function addressIn(url: string): string | null {
  const [, host = ""] = /^https?:\/\/(\[[^\]]+\]|[^/:@\s]+)(?::\d+)?\/?$/.exec(url.trim()) ?? [];
  return host === "" ? null : hostPart(host);
}

/** The host of a Host header: a pool sends it without a port, and an IPv6 address without brackets. */
function endpointOf(header: string): string {
  return isIP(header) === 6 ? header.toLowerCase() : hostPart(header);
}
