/** Sessions: login, idle expiry, quotas. They are objects of the pool's database and die with it. */

import { randomUUID } from "node:crypto";
import type { SimulatedPoolLike } from "../objects/contract.ts";
import { SimFailure } from "./failure.ts";

const idleMs = 24 * 3600 * 1000;
const lastActiveWrittenEveryMs = 600_000;
const perOriginator = 500;
const withoutOriginator = 400;

/** Opens, checks and ends the sessions of one pool. */
export class Sessions {
  readonly #pool: SimulatedPoolLike;

  constructor(pool: SimulatedPoolLike) {
    this.#pool = pool;
  }

  /** A new session; SESSION_AUTHENTICATION_FAILED [user, message] after xapi's delay. */
  async login(user: string, password: string, originator: string): Promise<string> {
    if (!this.#pool.authenticate(user, password)) {
      await new Promise((done) => setTimeout(done, this.#pool.badPasswordDelayMs));
      throw new SimFailure("SESSION_AUTHENTICATION_FAILED", [user, "Authentication failure"]);
    }
    const now = new Date(this.#pool.clock.now());
    const fields = {
      this_host: this.#pool.masterRef,
      last_active: now,
      validation_time: now,
      is_local_superuser: true,
      auth_user_name: user,
      originator,
      uuid: randomUUID(),
    };
    // A ref is a secret, and never one of an earlier run: seeded chance must not name it.
    const ref = this.#pool.db.create("session", fields, `OpaqueRef:${randomUUID()}`);
    this.#enforceQuota(originator);
    return ref;
  }

  /** Throws SESSION_INVALID [ref] unless the session lives; notes that it was used. */
  require(ref: string): void {
    const { db, clock } = this.#pool;
    if (!db.has("session", ref) || this.#expired(ref)) {
      if (db.has("session", ref)) db.destroy("session", ref);
      throw new SimFailure("SESSION_INVALID", [ref]);
    }
    if (clock.now() - this.#lastActive(ref) >= lastActiveWrittenEveryMs) {
      db.set("session", ref, "last_active", new Date(clock.now()));
    }
  }

  logout(ref: string): void {
    if (this.#pool.db.has("session", ref)) this.#pool.db.destroy("session", ref);
  }

  /** Ends the sessions that nobody used for a day. */
  collect(): void {
    for (const ref of this.#pool.db.all("session")) if (this.#expired(ref)) this.logout(ref);
  }

  #lastActive(ref: string): number {
    return Number(this.#pool.db.get("session", ref, "last_active"));
  }

  #expired(ref: string): boolean {
    if (this.#pool.clock.now() - this.#lastActive(ref) <= idleMs) return false;
    return !this.#pool.db.list("session", ref, "tasks").some((task) => this.#isPending(task));
  }

  #isPending(task: string): boolean {
    return this.#pool.db.has("task", task) && this.#pool.db.text("task", task, "status") === "pending";
  }

  /** The sessions of one originator are limited; the one idle for longest goes first. */
  #enforceQuota(originator: string): void {
    const { db } = this.#pool;
    const allowed = originator === "" ? withoutOriginator : perOriginator;
    const same = db.all("session").filter((ref) => db.text("session", ref, "originator") === originator);
    const oldestFirst = same.toSorted((a, b) => this.#lastActive(a) - this.#lastActive(b));
    for (const ref of oldestFirst.slice(0, Math.max(0, same.length - allowed))) this.logout(ref);
  }
}
