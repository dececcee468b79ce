/** A session with the pool's master that renews itself once when the pool has forgotten it. */

import { type AnswerBudget, KeptAnswers } from "./answerBudget.ts";
import type { XapiParameter } from "./codec.ts";
import { type Endpoint, siblingEndpoint } from "./endpoint.ts";
import { XapiError, XapiUnreachable } from "./errors.ts";
import { findMaster, type Login, type LoginOptions, logOut } from "./login.ts";
import { type AnswerReader, callMethod, readMethod } from "./rpc.ts";
import type { HttpAnswer, HttpCall, Transport } from "./transport.ts";
import { userAgent } from "./userAgent.ts";
import type { XapiValue } from "./xml.ts";

/** Far more than the measures of a host and its VMs, in bytes. */
const mostOfOneHost = 64 * 1024 * 1024;

export interface SessionOptions extends LoginOptions {
  readonly members: readonly Endpoint[];
  readonly closeTransports: () => void;
  readonly budget: AnswerBudget;
}

export class XapiSession {
  readonly #options: SessionOptions;
  #current: Login;
  #renewal: Promise<Login> | null = null;
  #logins = 1;
  #closed = false;

  private constructor(options: SessionOptions, login: Login) {
    this.#options = options;
    this.#current = login;
  }

  static async open(options: SessionOptions): Promise<XapiSession> {
    try {
      return new XapiSession(options, await findMaster(options.members, options));
    } catch (error) {
      options.closeTransports();
      throw error;
    }
  }

  get login(): Login {
    return this.#current;
  }

  /** How often this session was opened: one more whenever the pool had forgotten it, or has another master. */
  get logins(): number {
    return this.#logins;
  }

  /** `text` of the pool's without the secrets of this session, for what is kept or shown. */
  scrub(text: string): string {
    return this.#options.secrets.scrub(text);
  }

  /**
   * Calls `method` with the session as its first parameter.
   * "once" calls are repeated only where the pool has said that it did nothing.
   */
  call(method: string, params: readonly XapiParameter[], sending: HttpCall["sending"]): Promise<XapiValue> {
    const { secrets } = this.#options;
    return this.#withLogin((login) =>
      callMethod(login.transport, method, [login.session, ...params], { secrets, sending }),
    );
  }

  /** Calls a harmless `method` about the session itself: "session.get_auth_user_name". */
  callOnItself(method: string): Promise<XapiValue> {
    const { secrets } = this.#options;
    return this.#withLogin((login) =>
      callMethod(login.transport, method, [login.session, login.session], { secrets, sending: "repeatable" }),
    );
  }

  /**
   * What a new reader makes of the answer of a harmless `method`, while it arrives; `kept`: where its share of the
   * budget stays.
   */
  read<T>(
    method: string,
    params: readonly XapiParameter[],
    newReader: () => AnswerReader<T>,
    kept?: KeptAnswers,
  ): Promise<T> {
    const options = { secrets: this.#options.secrets, sending: "repeatable", kept } as const;
    return this.#withLogin((login) =>
      readMethod(login.transport, method, [login.session, ...params], options, newReader()),
    );
  }

  /** GETs `path` from the member at `address`, as the pool names it, which knows the master's sessions. */
  get(address: string, path: string, deadlineMs: number | undefined): Promise<HttpAnswer> {
    return this.#withLogin(async (login) => {
      const call: HttpCall = {
        what: `GET ${path.replace(/\?.*/, "")}`,
        method: "GET",
        path,
        // As a cookie, since a query ends up in logs.
        headers: { Accept: "text/xml", "User-Agent": userAgent, Cookie: `session_id=${login.session}` },
        // xapi closes the connection after such an answer, whatever it says in the header.
        sending: "once",
        deadlineMs,
        maxBytes: mostOfOneHost,
      };
      return (await this.#memberAt(address, login)).send(call);
    });
  }

  /** Runs `work`, whose bulk answers are kept until its end and share one budget. */
  async together<T>(work: (kept: KeptAnswers) => Promise<T>): Promise<T> {
    const kept = new KeptAnswers(this.#options.budget);
    try {
      return await work(kept);
    } finally {
      kept.end();
    }
  }

  /** The SHA-256 of the certificate that the host at `address` shows; null where it shows none. Nothing is sent there. */
  async shownFingerprint(address: string): Promise<string | null> {
    const { addressMap, transportTo } = this.#options;
    const endpoint = siblingEndpoint(this.#current.transport.endpoint, address, addressMap);
    return endpoint === null || !endpoint.secure ? null : transportTo(endpoint).shownFingerprint();
  }

  /**
   * When the certificate ends that the host at `address` showed at the last connection to it, trusted or not; null where
   * none was made, or in plain HTTP. Connects to nobody.
   */
  certificateEnd(address: string): Date | null {
    const { addressMap, transportTo } = this.#options;
    const endpoint = siblingEndpoint(this.#current.transport.endpoint, address, addressMap);
    return endpoint === null ? null : (transportTo(endpoint).certificate?.validTo ?? null);
  }

  /** The same of the master that answers. */
  masterCertificateEnd(): Date | null {
    return this.#current.transport.certificate?.validTo ?? null;
  }

  /** Logs out and closes every connection. Never throws. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#renewal?.catch(() => {});
    await logOut(this.#current.transport, this.#current.session, this.#options.secrets);
    this.#options.closeTransports();
  }

  async #memberAt(address: string, login: Login): Promise<Transport> {
    const { addressMap, known, pins } = this.#options;
    const endpoint = siblingEndpoint(login.transport.endpoint, address, addressMap);
    if (endpoint === null) {
      throw new XapiUnreachable("no-connection", "a host of the pool has no usable address", { sent: false });
    }
    if (pins.length > 0 || (await known.mayAsk(address, endpoint)))
      return this.#options.transportTo(endpoint);
    const message = `${endpoint.url} is new: the session goes there only when XenHost or the last collection knows it`;
    throw new XapiUnreachable("no-connection", message, { sent: false });
  }

  async #withLogin<T>(work: (login: Login) => Promise<T>): Promise<T> {
    this.#checkOpen();
    const used = this.#current;
    try {
      return await work(used);
    } catch (error) {
      if (this.#closed || !forgotten(error)) throw error;
    }
    return await work(await this.#renewed(used));
  }

  /** The login that follows `used`; one for all calls that find out at the same time. */
  #renewed(used: Login): Promise<Login> {
    if (this.#current !== used) return Promise.resolve(this.#current);
    this.#renewal ??= this.#renew(used).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew(used: Login): Promise<Login> {
    const { members } = this.#options;
    const order = [
      used.transport.endpoint,
      ...members.filter((one) => one.url !== used.transport.endpoint.url),
    ];
    // The pool that was met first is meant from now on, whoever answers.
    const login = await findMaster(order, { ...this.#options, expectedPoolUuid: used.pool.uuid });
    this.#current = login;
    this.#logins += 1;
    return login;
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new XapiUnreachable("aborted", "the connection to the pool was closed", { sent: false });
  }
}

/** The pool does not know our session any more, or another host is the master: nothing was done. */
function forgotten(error: unknown): boolean {
  if (error instanceof XapiUnreachable) return error.status === 401;
  return error instanceof XapiError && (error.code === "SESSION_INVALID" || error.code === "HOST_IS_SLAVE");
}
