/** Sessions: login, idle expiry, quotas. They are objects of the pool's database and die with it. */

import { createHash, randomUUID } from "node:crypto";
import type { SimulatedPoolLike } from "../objects/contract.ts";
import { nullRef, simMap } from "../objects/datamodel.ts";
import { permissionsOf, type Role } from "../objects/roles.ts";
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
    const role = this.#pool.roleOf?.(user) ?? null;
    const subject = role === null ? null : this.#subjectOf(user);
    const fields = {
      this_host: this.#pool.masterRef,
      last_active: now,
      validation_time: now,
      is_local_superuser: role === null,
      subject: subject ?? nullRef,
      auth_user_sid: subject === null ? "" : this.#pool.db.text("subject", subject, "subject_identifier"),
      auth_user_name: user,
      rbac_permissions: role === null ? [] : permissionsOf(role),
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

  /** The role of a session that lives; null for the local superuser's. */
  roleOf(ref: string): Role | null {
    return this.#pool.roleOf?.(this.#pool.db.text("session", ref, "auth_user_name")) ?? null;
  }

  /** Whether the task was opened by this session's user. */
  ownsTask(ref: string, task: string): boolean {
    const { db } = this.#pool;
    const opener = db.all("session").find((session) => db.list("session", session, "tasks").includes(task));
    return (
      opener !== undefined &&
      db.text("session", opener, "auth_user_sid") === db.text("session", ref, "auth_user_sid")
    );
  }

  /** The directory's user as the pool knows it; made at its first login. */
  #subjectOf(user: string): string {
    const { db } = this.#pool;
    const subject_identifier = `S-1-5-21-${createHash("sha256").update(user).digest().readUInt32BE(0)}-1103`;
    const known = db
      .all("subject")
      .find((ref) => db.text("subject", ref, "subject_identifier") === subject_identifier);
    return (
      known ?? db.create("subject", { subject_identifier, other_config: simMap([["subject-name", user]]) })
    );
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
