/** The pool as the programs ask it: typed verbs over one XAPI session. */

import type { SecureVersion } from "node:tls";
import { AnswerBudget } from "./answerBudget.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { type KnownMembers, Members, nobodyKnown } from "./members.ts";
import { Secrets } from "./rpc.ts";
import { XapiSession } from "./session.ts";
import type { Trust } from "./tls.ts";
import { Transport } from "./transport.ts";
import { SessionClient } from "./verbs.ts";
import type { XapiClient } from "./xapiClient.ts";

export type { Trust } from "./tls.ts";
export type { HttpAnswer } from "./transport.ts";

export interface XapiOptions {
  /** Members of the pool, tried in turn: "https://10.0.0.1", "http://127.0.0.1:8080". */
  readonly urls: readonly string[];
  readonly user: string;
  readonly password: string;
  readonly trust: Trust;
  readonly minTlsVersion: SecureVersion;
  readonly connectTimeoutMs: number;
  /** From the request's start to the answer's last byte. */
  readonly callTimeoutMs: number;
  /** All answers that are held at the same time, together. */
  readonly maxResponseBytes: number;
  /** Requests in flight to one member; 8 when left out. */
  readonly parallelCalls?: number | undefined;
  /** Names this program in the pool's session table. */
  readonly originator: string;
  /** Where members are reached whose own address does not lead there from here (NAT): advertised to reachable. */
  readonly addressMap?: ReadonlyMap<string, string> | undefined;
  /** Members that are known beside `urls`; nobody when left out. */
  readonly known?: KnownMembers | undefined;
  /** A pool with another uuid is refused. */
  readonly expectedPoolUuid?: string | undefined;
  /** Ends every call when aborted; the logout is still sent. */
  readonly signal?: AbortSignal | undefined;
  /** The clock that pinned certificates are checked by; this machine's when left out. */
  readonly now?: (() => Date) | undefined;
}

/** Logs in at the pool's master, wherever among `urls` or behind a redirect it is. Rejects with AppError. */
export async function connectXapi(options: XapiOptions): Promise<XapiClient> {
  const transports = new Map<string, Transport>();
  const policy = {
    ...options,
    parallelCalls: options.parallelCalls ?? 8,
    now: options.now ?? (() => new Date()),
    budget: new AnswerBudget(options.maxResponseBytes),
  };
  const secrets = new Secrets();
  secrets.add(options.password, "[password]");
  const members = distinct(options.urls.map(parseEndpoint));
  const addressMap = options.addressMap ?? new Map<string, string>();
  const session = await XapiSession.open({
    user: options.user,
    password: options.password,
    originator: options.originator,
    expectedPoolUuid: options.expectedPoolUuid ?? null,
    addressMap,
    known: new Members(members, options.known ?? nobodyKnown, addressMap),
    pins: options.trust.kind === "fingerprints" ? options.trust.sha256 : [],
    secrets,
    members,
    transportTo: (endpoint) => {
      const known = transports.get(endpoint.url) ?? new Transport(endpoint, policy);
      transports.set(endpoint.url, known);
      return known;
    },
    closeTransports: () => {
      for (const transport of transports.values()) transport.close();
    },
    budget: policy.budget,
  });
  return new SessionClient(session);
}

/** The members of `options.urls` that speak https, and the SHA-256 that each shows; null where none was reached. */
export async function shownFingerprints(
  options: XapiOptions,
): Promise<readonly { readonly url: string; readonly fingerprint: string | null }[]> {
  const policy = {
    ...options,
    parallelCalls: 1,
    now: options.now ?? (() => new Date()),
    budget: new AnswerBudget(options.maxResponseBytes),
  };
  const members = distinct(options.urls.map(parseEndpoint)).filter(({ secure }) => secure);
  return Promise.all(
    members.map(async (endpoint) => {
      const transport = new Transport(endpoint, policy);
      const fingerprint = await transport.shownFingerprint();
      transport.close();
      return { url: endpoint.url, fingerprint };
    }),
  );
}

function distinct(endpoints: readonly Endpoint[]): Endpoint[] {
  return [...new Map(endpoints.map((endpoint) => [endpoint.url, endpoint])).values()];
}
