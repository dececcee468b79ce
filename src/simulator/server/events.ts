/** event.from and its older brother event.next: what changed since a token, waited for in real time. */

import { createHash } from "node:crypto";
import type { Change } from "../behaviour/journal.ts";
import type { ObjectDatabase } from "../objects/database.ts";
import { classes, epoch, type SimMap, type SimValue, simMap } from "../objects/datamodel.ts";
import { refCountNames } from "../objects/refCountNames.ts";
import { SimFailure } from "./failure.ts";
import type { Sessions } from "./sessions.ts";

/** Changes that fall together within this time are told together. */
const batchMs = 50;

/** In which operations are told. */
const order: readonly Change["operation"][] = ["add", "mod", "del"];

interface Wanted {
  readonly matches: (change: Pick<Change, "cls" | "ref">) => boolean;
  readonly onlyTasks: boolean;
}

interface Registration {
  readonly names: Set<string>;
  generation: number;
}

/** Tells the sessions of one pool what changed. */
export class Events {
  readonly #db: ObjectDatabase;
  readonly #sessions: Sessions;
  readonly #stopped: AbortSignal;
  readonly #registrations = new Map<string, Registration>();

  /** `stopped` wakes whoever still waits when the simulator ends. */
  constructor(db: ObjectDatabase, sessions: Sessions, stopped: AbortSignal) {
    this.#db = db;
    this.#sessions = sessions;
    this.#stopped = stopped;
  }

  /** event.from: waits until something wanted changed after `token`, or for `timeoutSeconds`. */
  async from(
    session: string,
    names: readonly string[],
    token: string,
    timeoutSeconds: number,
  ): Promise<SimMap> {
    const since = readToken(token);
    const wanted = readWanted(names);
    const deadline = performance.now() + timeoutSeconds * 1000;
    for (;;) {
      const left = deadline - performance.now();
      if (!wanted.onlyTasks && left > 0) await this.#pause(Math.min(batchMs, left));
      this.#sessions.require(session);
      const changes = this.#db.journal.since(since).filter(wanted.matches);
      if (changes.length > 0 || performance.now() >= deadline || this.#stopped.aborted)
        return this.#batch(changes, this.#db.journal.newest(since, wanted.matches));
      await this.#change(deadline);
    }
  }

  /** event.inject: an artificial change of an object; whoever waits from the token returned is told of it. */
  inject(cls: string, ref: string): string {
    const name = [...classes.keys()].find((known) => known.toLowerCase() === cls.toLowerCase());
    if (name === undefined || !this.#db.has(name, ref)) throw new SimFailure("HANDLE_INVALID", [cls, ref]);
    return writeToken(this.#db.journal.touch(name, ref) - 1);
  }

  /** event.register: starts or widens the session's queue. */
  register(session: string, names: readonly string[]): void {
    const known = this.#registrations.get(session);
    for (const name of names) known?.names.add(name);
    if (known !== undefined) return;
    this.#registrations.set(session, { names: new Set(names), generation: this.#db.journal.generation });
  }

  /** event.unregister. */
  unregister(session: string, names: readonly string[]): void {
    const registration = this.#registrations.get(session);
    for (const name of names) registration?.names.delete(name);
    if (registration?.names.size === 0) this.#registrations.delete(session);
  }

  /** event.next: waits without end for what the session registered for. */
  async next(session: string): Promise<readonly SimValue[]> {
    const registration = this.#registrations.get(session);
    if (registration === undefined) throw new SimFailure("SESSION_NOT_REGISTERED", [trackId(session)]);
    for (;;) {
      await this.#pause(batchMs);
      this.#sessions.require(session);
      const { matches } = readWanted([...registration.names]);
      const changes = this.#db.journal.since(registration.generation).filter(matches);
      registration.generation = this.#db.journal.generation;
      if (changes.length > 0 || this.#stopped.aborted) return changes.map((change) => this.#oldEvent(change));
      await this.#change(Number.POSITIVE_INFINITY);
    }
  }

  /** What came first, then what changed, then what went; the token is of the newest of them, not of the pool. */
  #batch(changes: readonly Change[], newest: number): SimMap {
    const counts = new Map<string, number>();
    for (const spec of classes.values()) {
      if (spec.stored) counts.set(spec.name.toLowerCase(), this.#db.count(spec.name));
    }
    const ordered = order.flatMap((operation) => changes.filter((change) => change.operation === operation));
    return simMap([
      ["events", ordered.map((change) => this.#event(change))],
      ["valid_ref_counts", simMap(refCountNames.map((name) => [name, counts.get(name) ?? 0]))],
      ["token", writeToken(newest)],
    ]);
  }

  #event(change: Change): SimMap {
    const told: [string, SimValue][] = [
      ["id", String(change.id)],
      ["timestamp", "0.0"],
      ["class", change.cls.toLowerCase()],
      ["operation", change.operation],
      ["ref", change.ref],
    ];
    return simMap([...told, ...this.#snapshot(change)]);
  }

  #oldEvent(change: Change): SimMap {
    const uuid = change.operation === "del" ? "" : this.#db.text(change.cls, change.ref, "uuid");
    const told: [string, SimValue][] = [
      ["id", change.id],
      ["timestamp", epoch],
      ["class", change.cls.toLowerCase()],
      ["operation", change.operation],
      ["ref", change.ref],
      ["obj_uuid", uuid],
    ];
    return simMap([...told, ...this.#snapshot(change)]);
  }

  #snapshot(change: Change): [string, SimValue][] {
    if (change.operation === "del") return [];
    const value = this.#db.record(change.cls, change.ref);
    return [
      [
        "snapshot",
        simMap([
          ["type", `record:${change.cls}`],
          ["value", value],
        ]),
      ],
    ];
  }

  #pause(ms: number): Promise<void> {
    return new Promise((done) => {
      const finish = () => {
        clearTimeout(timer);
        this.#stopped.removeEventListener("abort", finish);
        done();
      };
      const timer = setTimeout(finish, ms);
      this.#stopped.addEventListener("abort", finish);
      if (this.#stopped.aborted) finish();
    });
  }

  /** Waits for any change at all, or for the deadline. */
  #change(deadline: number): Promise<void> {
    return new Promise((done) => {
      const finish = () => {
        clearTimeout(timer);
        forget();
        this.#stopped.removeEventListener("abort", finish);
        done();
      };
      const left = Math.min(deadline - performance.now(), 2 ** 31 - 1);
      const timer = setTimeout(finish, Math.max(0, left));
      const forget = this.#db.journal.onChange(finish);
      this.#stopped.addEventListener("abort", finish);
      if (this.#stopped.aborted) finish();
    });
  }
}

function readWanted(names: readonly string[]): Wanted {
  const wanted = new Set(names.map((name) => lowerClass(name)));
  const all = wanted.has("*");
  return {
    matches: ({ cls, ref }) => {
      if (classes.get(cls)?.enumerable !== true) return false;
      const name = cls.toLowerCase();
      return all || wanted.has(name) || wanted.has(`${name}/${ref}`);
    },
    onlyTasks: wanted.size > 0 && [...wanted].every((name) => name === "task" || name.startsWith("task/")),
  };
}

/** Class names are told apart regardless of case, refs are not. */
function lowerClass(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? name.toLowerCase() : name.slice(0, slash).toLowerCase() + name.slice(slash);
}

function readToken(token: string): number {
  if (token === "") return 0;
  const parts = /^(\d{1,20}),(\d{1,20})$/.exec(token);
  if (parts === null) throw new SimFailure("EVENT_FROM_TOKEN_PARSE_FAILURE", [token]);
  return Number(parts[1]);
}

/** Two numbers; the second counts messages in xapi and is always 0 here: messages are counted with the rest. */
function writeToken(generation: number): string {
  return `${String(generation).padStart(20, "0")},${"0".repeat(20)}`;
}

function trackId(session: string): string {
  return `trackid=${createHash("md5").update(session).digest("hex")}`;
}
