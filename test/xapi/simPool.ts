/** Tests of the simulated pool's behaviour: a pool whose time is moved by hand, called as clients call it. */

import { findHost, findVm } from "../../src/simulator/behaviour/find.ts";
import { SimulatedPool, type SimulatedPoolOptions } from "../../src/simulator/behaviour/simulatedPool.ts";
import { Dispatcher } from "../../src/simulator/server/dispatch.ts";
import { SimFailure } from "../../src/simulator/server/failure.ts";
import type { RpcValue } from "../../src/simulator/server/rpcValue.ts";

export type Argument = string | number | boolean | Readonly<Record<string, string>>;

export interface CalledPool {
  readonly pool: SimulatedPool;
  host(name: string): string;
  vm(name: string): string;
  /** Calls a message as a logged-in client; a failure is thrown as SimFailure. */
  call(method: string, ...args: Argument[]): Promise<unknown>;
  /** The failure that a call ends with, as [code, ...params]; null where it succeeds. */
  failure(method: string, ...args: Argument[]): Promise<string[] | null>;
  /** Starts Async.VM.pool_migrate and answers its task. */
  migrate(vm: string, host: string, options?: Readonly<Record<string, string>>): Promise<string>;
  /** A field of a task. */
  task(ref: string, field: string): unknown;
}

export async function openScenario(text: string, options: SimulatedPoolOptions = {}): Promise<CalledPool> {
  return open(SimulatedPool.fromScenario(text, { manualClock: true, badPasswordDelayMs: 0, ...options }));
}

export async function openThesis(options: SimulatedPoolOptions = {}): Promise<CalledPool> {
  return open(SimulatedPool.fromBuiltin("thesis", { manualClock: true, ...options }));
}

export async function open(pool: SimulatedPool): Promise<CalledPool> {
  const dispatcher = new Dispatcher(pool, new AbortController().signal);
  let session = "";
  const raw = async (method: string, params: RpcValue[]): Promise<unknown> =>
    (await dispatcher.answer(pool.masterRef, { method, params }, () => "master")).value;
  const login = async (): Promise<void> => {
    session = String(await raw("session.login_with_password", [toRpc("root"), toRpc("xenroot")]));
  };
  await login();
  const call = async (method: string, ...args: Argument[]): Promise<unknown> => {
    if (!pool.db.has("session", session)) await login();
    return raw(method, [toRpc(session), ...args.map(toRpc)]);
  };
  return {
    pool,
    call,
    host: (name) => findHost(pool.model, name),
    vm: (name) => findVm(pool.model, name),
    failure: async (method, ...args) => {
      try {
        await call(method, ...args);
        return null;
      } catch (error) {
        if (error instanceof SimFailure) return [error.code, ...error.params];
        throw error;
      }
    },
    migrate: async (vm, host, options = { live: "true" }) =>
      String(
        await call("Async.VM.pool_migrate", findVm(pool.model, vm), findHost(pool.model, host), options),
      ),
    task: (ref, field) => pool.db.get("task", ref, field),
  };
}

function toRpc(value: Argument): RpcValue {
  if (typeof value === "string") return { kind: "string", text: value };
  if (typeof value === "number") return { kind: "float", number: value };
  if (typeof value === "boolean") return { kind: "bool", bool: value };
  return { kind: "struct", members: new Map(Object.entries(value).map(([key, text]) => [key, toRpc(text)])) };
}
