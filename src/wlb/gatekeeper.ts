/**
 * Who may ask: HTTP Basic authentication against a salted hash, with a limit on failures for each address. A password
 * that was right once is known again by a keyed digest that lives as long as the process: hashing it anew for each
 * request would take longer than the answer, and a pool waits for it with a lock held.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { WlbSettings } from "../settings/types.ts";
import { hasPassword } from "./password.ts";

/**
 * "now locked out" is the failure after which an address is locked out, "locked out" whatever it asks then; "busy" tells
 * nothing of the password, for there was no time to look at it.
 */
export type Admission = "admitted" | "refused" | "now locked out" | "locked out" | "busy";

/** Counted since the start. */
export interface LoginCounts {
  readonly failures: number;
  readonly lockouts: number;
}

interface Failures {
  count: number;
  /** By the clock that is given in; 0 while it is not locked out. */
  lockedUntil: number;
}

/** Addresses that are remembered, and hashes that are computed or waited for at once. */
const mostAddresses = 10_000;
const mostWaiting = 16;

export class Gatekeeper {
  readonly #settings: Pick<WlbSettings, "user" | "passwordHash" | "failures" | "lockMs">;
  readonly #monotonicMs: () => number;
  readonly #key = randomBytes(32);
  readonly #failures = new Map<string, Failures>();
  #known: Buffer | null = null;
  #waiting = 0;
  #counts: LoginCounts = { failures: 0, lockouts: 0 };
  #tail: Promise<unknown> = Promise.resolve();

  constructor(
    settings: Pick<WlbSettings, "user" | "passwordHash" | "failures" | "lockMs">,
    monotonicMs: () => number,
  ) {
    this.#settings = settings;
    this.#monotonicMs = monotonicMs;
  }

  /**
   * Whether a request from `address` with this Authorization header may be heard. One without the header counts as no
   * attempt.
   */
  async admit(address: string, header: string | undefined): Promise<Admission> {
    if (this.#isLocked(address)) return "locked out";
    const credentials = credentialsIn(header);
    if (credentials === null) return "refused";
    const digest = this.#digestOf(`${credentials.user}\0${credentials.password}`);
    if (this.#known !== null && timingSafeEqual(digest, this.#known)) {
      this.#failures.delete(address);
      return "admitted";
    }
    // Whoever guesses in numbers must not have those locked out who know.
    if (this.#waiting >= mostWaiting) return "busy";
    if (!(await this.#isRight(credentials))) return this.#failed(address);
    this.#known = digest;
    this.#failures.delete(address);
    return "admitted";
  }

  get counts(): LoginCounts {
    return this.#counts;
  }

  /** How many addresses are locked out now. */
  get lockedOut(): number {
    const now = this.#monotonicMs();
    return [...this.#failures.values()].filter(({ lockedUntil }) => now < lockedUntil).length;
  }

  /** One hash after the other: who guesses keeps one core busy at most. */
  async #isRight({ user, password }: { user: string; password: string }): Promise<boolean> {
    this.#waiting++;
    try {
      const turn = this.#tail.then(() => hasPassword(this.#settings.passwordHash.reveal(), password));
      this.#tail = turn.catch(() => {});
      const isUser = timingSafeEqual(this.#digestOf(user), this.#digestOf(this.#settings.user));
      return (await turn) && isUser;
    } finally {
      this.#waiting--;
    }
  }

  #digestOf(text: string): Buffer {
    return createHmac("sha256", this.#key).update(text).digest();
  }

  #isLocked(address: string): boolean {
    const found = this.#failures.get(address);
    if (found === undefined || found.lockedUntil === 0) return false;
    if (this.#monotonicMs() < found.lockedUntil) return true;
    this.#failures.delete(address);
    return false;
  }

  #failed(address: string): Admission {
    const found = this.#failures.get(address) ?? { count: 0, lockedUntil: 0 };
    // Of attempts that were under way together only one locks the address out.
    const locksOut = found.lockedUntil === 0 && found.count + 1 >= this.#settings.failures;
    found.count++;
    if (locksOut) found.lockedUntil = this.#monotonicMs() + this.#settings.lockMs;
    this.#counts = {
      failures: this.#counts.failures + 1,
      lockouts: this.#counts.lockouts + (locksOut ? 1 : 0),
    };
    this.#failures.delete(address);
    this.#failures.set(address, found);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > mostAddresses && oldest !== undefined) this.#failures.delete(oldest);
    if (locksOut) return "now locked out";
    return found.lockedUntil > 0 ? "locked out" : "refused";
  }
}

/** The user's name in a header; "" where there is none. */
export function userIn(header: string | undefined): string {
  return credentialsIn(header)?.user ?? "";
}

function credentialsIn(header: string | undefined): { user: string; password: string } | null {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,4096})$/i.exec(header?.trim() ?? "") ?? [];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
