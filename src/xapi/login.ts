/**
 * Finds the pool's master among the members and opens a session there.
 * A member that is away or not ready is passed over; a wrong password is never tried a second time.
 */

import { AppError, describeError } from "../domain/errors.ts";
import { type AddressMap, type Endpoint, siblingEndpoint } from "./endpoint.ts";
import { CertificateError, XapiError, XapiUnreachable } from "./errors.ts";
import { readRef } from "./fields.ts";
import type { Members } from "./members.ts";
import { readRecords } from "./recordCodec.ts";
import type { HostRef, PoolRecord, PoolRef } from "./records.ts";
import { type CallOptions, callMethod, type Secrets } from "./rpc.ts";
import type { Transport } from "./transport.ts";
import { withAllMembers } from "./untrusted.ts";
import { type XapiValue, XmlError } from "./xml.ts";

export interface LoginOptions {
  readonly user: string;
  readonly password: string;
  readonly originator: string;
  readonly expectedPoolUuid: string | null;
  readonly addressMap: AddressMap;
  /** Whose addresses the password and the session id may follow. */
  readonly known: Members;
  /** Fingerprints that every host's certificate must be among; where there are any, they prove who a host is. */
  readonly pins: readonly string[];
  readonly secrets: Secrets;
  readonly transportTo: (endpoint: Endpoint) => Transport;
}

/** An open session at the master. */
export interface Login {
  readonly transport: Transport;
  readonly session: string;
  readonly poolRef: PoolRef;
  readonly pool: PoolRecord;
}

const maxRedirects = 2;

/**
 * Logs in at the first of `members` that is the master or names it.
 * Rejects with AppError: "login" for wrong credentials, "certificate", or "pool" when no master was found.
 */
export async function findMaster(members: readonly Endpoint[], options: LoginOptions): Promise<Login> {
  const search = new Search(options);
  try {
    for (const member of members) {
      const login = await search.from(member);
      if (login !== null) return login;
    }
  } catch (error) {
    // Somebody may sit between: that ends the search, and no other member is told anything.
    if (!(error instanceof CertificateError)) throw error;
    throw await withAllMembers(error, members, options.pins, options.transportTo);
  }
  throw search.failure();
}

class Search {
  readonly #options: LoginOptions;
  /** Members that gave no session, by URL, and why: none of them is asked again but for a redirect. */
  readonly #problems = new Map<string, string>();
  readonly #dead = new Set<string>();

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** The login at `member` or where it points to, or null with the problem noted. */
  async from(member: Endpoint): Promise<Login | null> {
    let endpoint = member;
    for (let redirects = 0; !this.#dead.has(endpoint.url); redirects++) {
      const result = await this.#ask(endpoint);
      if (!("master" in result)) return result.login;
      const next = siblingEndpoint(endpoint, result.master, this.#options.addressMap);
      if (next === null) return this.#note(endpoint, "it is not the master and names no address for it");
      if (redirects === maxRedirects) {
        return this.#note(
          endpoint,
          `it is not the master either, after ${maxRedirects} redirects; its master: ${next.url}`,
        );
      }
      if (this.#options.pins.length === 0 && !(await this.#options.known.knows(result.master, next))) {
        return this.#note(endpoint, strangerNamed(next, result.master.trim()));
      }
      this.#note(endpoint, `it is not the master, it names ${next.url}`);
      endpoint = next;
    }
    return null;
  }

  async #ask(endpoint: Endpoint): Promise<{ login: Login | null } | { master: string }> {
    try {
      return { login: await logIn(this.#options.transportTo(endpoint), this.#options) };
    } catch (error) {
      if (error instanceof XapiError && error.code === "HOST_IS_SLAVE")
        return { master: error.params[0] ?? "" };
      if (!passesOver(error)) throw loginFailure(error, endpoint, this.#options.user);
      this.#dead.add(endpoint.url);
      return { login: this.#note(endpoint, describeError(error)) };
    }
  }

  #note(endpoint: Endpoint, problem: string): null {
    this.#problems.set(endpoint.url, problem.replace(`${endpoint.url}: `, ""));
    return null;
  }

  failure(): AppError {
    const lines = [...this.#problems].map(([url, problem]) => `  ${url}: ${problem}`);
    return new AppError("pool", ["no member of the pool serves as its master:", ...lines, advice].join("\n"));
  }
}

function strangerNamed({ url }: Endpoint, address: string): string {
  return (
    `it is not the master, it names ${url}, which neither XenHost nor the last collection knows: nothing was sent there. ` +
    `If that is a member of your pool, add it to XenHost, or run once with --allow-redirect ${address}`
  );
}

const advice =
  "Check XenHost, the network, and on the host: systemctl status xapi (service xapi status on XenServer 6 and older).";

/** A member whose answer is about itself, so that another one may serve. */
function passesOver(error: unknown): boolean {
  if (error instanceof XapiUnreachable) return error.reason !== "aborted";
  return error instanceof WrongMember || (error instanceof XapiError && !aboutTheUser.test(error.code));
}

/** Refusals of whoever logs in: the same everywhere, and asking again may lock the account. Others are the member's. */
const aboutTheUser = /AUTH|RBAC|SUBJECT|PASSWORD|SUPERUSER/;

function loginFailure(error: unknown, endpoint: Endpoint, user: string): unknown {
  if (!(error instanceof XapiError)) return error;
  if (error.code === "SESSION_AUTHENTICATION_FAILED") {
    const message = `${endpoint.url} does not accept the password of user "${user}"; check XenUsr and XenPass`;
    return new AppError("login", message, { cause: error });
  }
  const message = `${endpoint.url} refuses the login of user "${user}": ${error.message}`;
  return new AppError("login", message, { cause: error });
}

/** Somebody answered, but not as the master of the pool that is meant. */
class WrongMember extends Error {}

/** Logs in, and once more when the member forgets the new session before it was of use: its toolstack has restarted. */
async function logIn(transport: Transport, options: LoginOptions): Promise<Login> {
  try {
    return await logInOnce(transport, options);
  } catch (error) {
    if (!(error instanceof XapiError && error.code === "SESSION_INVALID")) throw error;
    return logInOnce(transport, options);
  }
}

async function logInOnce(transport: Transport, options: LoginOptions): Promise<Login> {
  const session = await openSession(transport, options);
  options.secrets.add(session, "[session]");
  try {
    const { poolRef, pool } = await readPool(transport, session, options);
    return { transport, session, poolRef, pool };
  } catch (error) {
    await logOut(transport, session, options.secrets);
    throw error;
  }
}

async function openSession(transport: Transport, options: LoginOptions): Promise<string> {
  const { user, password, originator, secrets } = options;
  // A session whose ref never reaches us would stay at the pool for a day.
  const call: CallOptions = { secrets, sending: "once", graceMs: loginGraceMs };
  const method = "session.login_with_password";
  try {
    return readSession(
      await callMethod(transport, method, [user, password, "1.1", originator], call),
      transport,
    );
  } catch (error) {
    if (!(error instanceof XapiError && error.code === "MESSAGE_PARAMETER_COUNT_MISMATCH")) throw error;
    return readSession(await callMethod(transport, method, [user, password], call), transport);
  }
}

function readSession(value: unknown, transport: Transport): string {
  if (typeof value === "string" && /^OpaqueRef:[\w-]+$/.test(value)) return value;
  throw new XapiUnreachable("garbled", `${transport.endpoint.url}: the login's answer is no session`, {
    sent: true,
  });
}

async function readPool(
  transport: Transport,
  session: string,
  options: LoginOptions,
): Promise<{ poolRef: PoolRef; pool: PoolRecord }> {
  const call: CallOptions = { secrets: options.secrets, sending: "repeatable" };
  const answer = await callMethod(transport, "pool.get_all_records", [session], call);
  const pools = understood(transport, "pool.get_all_records", () => readRecords("pool", answer));
  const [entry] = pools;
  if (entry === undefined || pools.size > 1)
    throw new WrongMember(`it knows ${pools.size} pools instead of one`);
  const [poolRef, pool] = entry;
  const expected = options.expectedPoolUuid;
  if (expected !== null && pool.uuid.toLowerCase() !== expected.toLowerCase()) {
    throw new WrongMember(
      `it belongs to the pool ${pool.uuid}, but the pool ${expected} is meant (XenPoolUuid, or the last collection); was it ejected?`,
    );
  }
  const asked = await thisHost(transport, session, call);
  if (asked !== null && pool.master !== asked) {
    throw new WrongMember("the pool has another master than the host that answered; the master is changing");
  }
  return { poolRef, pool };
}

/** The host that serves the session, or null where the pool does not say. */
async function thisHost(transport: Transport, session: string, call: CallOptions): Promise<HostRef | null> {
  let value: XapiValue;
  try {
    value = await callMethod(transport, "session.get_this_host", [session, session], call);
  } catch (error) {
    if (error instanceof XapiError && error.code !== "SESSION_INVALID") return null;
    throw error;
  }
  return understood(transport, "session.get_this_host", () => readRef<HostRef>(value, "session.this_host"));
}

/** What `read` makes of an answer; one that makes no sense is the member's fault, and another one is asked. */
function understood<T>(transport: Transport, method: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const message = `${transport.endpoint.url}: ${method}: the answer makes no sense: ${error.message}`;
    throw new XapiUnreachable("garbled", message, { sent: true });
  }
}

/** Longest time that a login on its way, and a logout, may each hold up the end of a program. */
const loginGraceMs = 5000;
const logoutMs = 5000;

/** Ends the session at the pool, as well as it can: a session left behind is collected by the pool in a day. */
export async function logOut(transport: Transport, session: string, secrets: Secrets): Promise<void> {
  const call: CallOptions = { secrets, sending: "repeatable", deadlineMs: logoutMs, despiteAbort: true };
  await callMethod(transport, "session.logout", [session], call).catch(() => {});
}
