/** Takes a call to its message: who may answer, who asks, whether the arguments fit, sync or Async. */

import { randomUUID } from "node:crypto";
import { Tasks } from "../behaviour/tasks.ts";
import { coreMessages } from "../messages/coreMessages.ts";
import { genericMessages, textAt } from "../messages/genericMessages.ts";
import type { MessageDefinition, SimulatedPoolLike, TaskHandle } from "../objects/contract.ts";
import { type SimValue, type WireType, wireType } from "../objects/datamodel.ts";
import { todaysProfile } from "../objects/profile.ts";
import { hasMessage } from "../objects/profileFields.ts";
import { denial, mayDo, permissionOf } from "../objects/roles.ts";
import { Events } from "./events.ts";
import { SimFailure, toFailure } from "./failure.ts";
import { convert, type RpcCall, type RpcValue } from "./rpcValue.ts";
import { Sessions } from "./sessions.ts";
import { valueXml } from "./xmlWriter.ts";

/** A result with its type; a bare one is written without Status and Value. */
export interface Answer {
  readonly value: SimValue;
  readonly type: WireType;
  readonly bare: boolean;
}

const collectEveryMs = 30_000;
const login = "session.login_with_password";
const text: WireType = { kind: "string" };
const listMethods: WireType = { kind: "set", of: text };

/** Answers every call of one pool, on whichever host it arrives. */
export class Dispatcher {
  readonly #pool: SimulatedPoolLike;
  readonly #sessions: Sessions;
  readonly #tasks: Tasks;
  readonly #own: ReadonlyMap<string, MessageDefinition>;
  readonly #generic: ReadonlyMap<string, MessageDefinition>;
  readonly #aliases: ReadonlyMap<string, string>;
  #collectedMs: number;

  /** `stopped` ends the calls that wait for events. */
  constructor(pool: SimulatedPoolLike, stopped: AbortSignal) {
    this.#pool = pool;
    this.#sessions = new Sessions(pool);
    this.#tasks = new Tasks(pool);
    const events = new Events(pool.db, this.#sessions, stopped);
    this.#own = coreMessages({ pool, sessions: this.#sessions, tasks: this.#tasks, events });
    this.#generic = genericMessages(pool.db);
    this.#aliases = new Map(this.#names().map((name) => [name.replace(".", "_"), name]));
    this.#collectedMs = pool.clock.now();
  }

  /**
   * The answer to `call`, arrived at the host `hostRef`; throws SimFailure. `masterAddress` is where a slave
   * sends its callers.
   */
  async answer(hostRef: string, call: RpcCall, masterAddress: () => string): Promise<Answer> {
    const system = this.#answerSystem(call);
    if (system !== null) return system;
    if (this.#pool.hostCondition(hostRef) === "starting") throw new SimFailure("HOST_STILL_BOOTING");
    if (hostRef !== this.#pool.masterRef) throw new SimFailure("HOST_IS_SLAVE", [masterAddress()]);
    this.#collect();
    if (call.method === login || call.method === "session_login_with_password") return this.#login(call);
    return this.#answerMessage(hostRef, call);
  }

  /** Whether this session may read measures over HTTP; on slaves too, the pool's sessions are one. */
  admits(sessionRef: string): boolean {
    try {
      this.#sessions.require(sessionRef);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Whether user and password may read measures over HTTP: a session for one request. With `leaves` it stays
   * behind, as it did on slaves of old.
   */
  async admitsUser(user: string, password: string, leaves: boolean): Promise<boolean> {
    try {
      const session = await this.#sessions.login(user, password, "");
      if (!leaves) this.#sessions.logout(session);
      return true;
    } catch {
      return false;
    }
  }

  /** Ends the task under which something was fetched over HTTP; without a failure it went well. */
  ended(taskRef: string | null, failure: SimFailure | null): void {
    if (taskRef === null) return;
    if (failure === null) this.#tasks.succeed(taskRef, "");
    else this.#tasks.fail(taskRef, failure);
  }

  #answerSystem({ method, params }: RpcCall): Answer | null {
    if (method === "system.listMethods") return { value: this.#names(), type: listMethods, bare: true };
    if (!method.startsWith("system.isAlive:")) return null;
    return { value: method.slice("system.isAlive:".length) || describeFirst(params), type: text, bare: true };
  }

  async #login({ method, params }: RpcCall): Promise<Answer> {
    if (params.length < 2) throw mismatch(method, 2, params.length);
    const [user = "", password = "", , originator = ""] = params.map((param) => String(convert(param, text)));
    const { originators } = this.#pool.profile ?? todaysProfile;
    const value = await this.#sessions.login(user, password, originators ? originator : "");
    return { value, type: text, bare: false };
  }

  async #answerMessage(hostRef: string, call: RpcCall): Promise<Answer> {
    const isAsync = call.method.startsWith("Async.");
    const name = isAsync ? call.method.slice("Async.".length) : call.method;
    const definition = this.#find(name, isAsync);
    const [first, ...rest] = call.params;
    if (definition === undefined) throw this.#unknown(call.method, first);
    checkCount(call.method, definition, call.params.length);
    const sessionRef = textAt([first === undefined ? "" : convert(first, text)], 0);
    const args = rest
      .slice(0, definition.params.length)
      .map((param, index) => argument(definition, param, index));
    this.#sessions.require(sessionRef);
    if (isAsync && !definition.async) {
      throw new SimFailure("Fault", [`No async mode for this operation (rpc: ${call.method})`]);
    }
    const guarded = this.#guard(this.#aliases.get(name) ?? name, definition);
    if (isAsync) return this.#start(hostRef, call.method, guarded, sessionRef, args);
    const whole = await this.#run(hostRef, call.method, guarded, sessionRef, args);
    const value = this.#pool.damaged?.(this.#aliases.get(name) ?? name, args, whole) ?? whole;
    return { value, type: wireType(definition.result), bare: false };
  }

  /** The message for those alone whose role may call it. Of an Async call the refusal ends the task. */
  #guard(name: string, definition: MessageDefinition): MessageDefinition {
    return {
      ...definition,
      handle: (call) => {
        const role = this.#sessions.roleOf(call.sessionRef);
        const isOfKey = /\.(add_to|remove_from)_/.test(name);
        const permission = permissionOf(name, isOfKey ? textAt(call.args, 1) : undefined);
        if (role !== null && !mayDo(role, permission))
          throw new SimFailure("RBAC_PERMISSION_DENIED", denial(permission));
        return definition.handle(call);
      },
    };
  }

  /** A synchronous call: its task, where it has one, goes with the answer. */
  async #run(
    hostRef: string,
    method: string,
    definition: MessageDefinition,
    sessionRef: string,
    args: readonly SimValue[],
  ): Promise<SimValue> {
    const task = definition.async
      ? this.#tasks.open(method, sessionRef)
      : this.#tasks.dummy(method, randomUUID());
    try {
      return await definition.handle({ hostRef, sessionRef, args, task });
    } finally {
      if (definition.async) this.#tasks.vanish(task.ref);
    }
  }

  /** An Async call: the task's ref at once, the work behind. */
  #start(
    hostRef: string,
    method: string,
    definition: MessageDefinition,
    sessionRef: string,
    args: readonly SimValue[],
  ): Answer {
    const task = this.#tasks.open(method, sessionRef);
    const work = async () => definition.handle({ hostRef, sessionRef, args, task });
    work().then(
      (value) => this.#tasks.succeed(task.ref, this.#resultOf(value, wireType(definition.result))),
      (thrown: unknown) => this.#tasks.fail(task.ref, this.#failureOf(thrown, task)),
    );
    return { value: task.ref, type: text, bare: false };
  }

  #resultOf(value: SimValue, type: WireType): string {
    const profile = this.#pool.profile ?? todaysProfile;
    return type.kind === "void" ? profile.voidResult : valueXml(value, type, profile.xml);
  }

  /** A message that was interrupted by task.cancel ends as cancelled, whatever it threw. */
  #failureOf(thrown: unknown, task: TaskHandle): SimFailure {
    if (task.cancelled.aborted && !(thrown instanceof SimFailure))
      return new SimFailure("TASK_CANCELLED", [task.ref]);
    return toFailure(thrown);
  }

  #isKnown(name: string): boolean {
    return this.#pool.profile === undefined || hasMessage(this.#pool.profile, name);
  }

  #find(name: string, isAsync: boolean): MessageDefinition | undefined {
    if (!this.#isKnown(name)) return undefined;
    const found = this.#pool.messages.get(name) ?? this.#own.get(name) ?? this.#generic.get(name);
    if (found !== undefined || isAsync) return found;
    if (name === "host.list_methods") return { ...listing, handle: () => this.#names() };
    const alias = this.#aliases.get(name);
    return alias === undefined ? undefined : this.#find(alias, false);
  }

  #unknown(method: string, first: RpcValue | undefined): SimFailure {
    if (first !== undefined) this.#sessions.require(String(convert(first, text)));
    return new SimFailure("MESSAGE_METHOD_UNKNOWN", [method]);
  }

  #names(): string[] {
    const names = [login, ...this.#own.keys(), ...this.#generic.keys(), ...this.#pool.messages.keys()];
    return [...new Set([...names, "host.list_methods"])].filter((name) => this.#isKnown(name));
  }

  /** xapi clears away old sessions and tasks every 30 s; nobody can tell if it happens just before a call. */
  #collect(): void {
    const now = this.#pool.clock.now();
    if (now - this.#collectedMs < collectEveryMs) return;
    this.#collectedMs = now;
    this.#sessions.collect();
    this.#tasks.collect();
  }
}

const listing: Omit<MessageDefinition, "handle"> = {
  params: [],
  minArgs: 0,
  async: false,
  result: "set:string",
};

function argument(definition: MessageDefinition, param: RpcValue, index: number): SimValue {
  return convert(param, wireType(definition.params[index] ?? "string"));
}

/** `received` counts the session; xapi's numbers do not. */
function checkCount(method: string, definition: MessageDefinition, received: number): void {
  const given = received - 1;
  const hasDefaults = definition.minArgs < definition.params.length;
  const fits = given >= definition.minArgs && (hasDefaults || given <= definition.params.length);
  if (!fits) throw mismatch(method, definition.params.length, given);
}

function mismatch(method: string, expected: number, received: number): SimFailure {
  return new SimFailure("MESSAGE_PARAMETER_COUNT_MISMATCH", [method, String(expected), String(received)]);
}

function describeFirst([first]: readonly RpcValue[]): string {
  return first?.kind === "string" ? first.text : "";
}
