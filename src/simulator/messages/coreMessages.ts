/** The messages that belong to the server itself: sessions, tasks, events, messages and the clock. */

import type { Tasks } from "../behaviour/tasks.ts";
import type { MessageCall, MessageDefinition, SimulatedPoolLike } from "../objects/contract.ts";
import { simMap } from "../objects/datamodel.ts";
import { denial, mayDo, permissionOf } from "../objects/roles.ts";
import type { Events } from "../server/events.ts";
import { SimFailure } from "../server/failure.ts";
import type { Sessions } from "../server/sessions.ts";
import { textAt } from "./genericMessages.ts";

/** What the messages work on. */
export interface Services {
  readonly pool: SimulatedPoolLike;
  readonly sessions: Sessions;
  readonly tasks: Tasks;
  readonly events: Events;
}

type MethodRow = readonly [string, readonly string[], number, string, MessageDefinition["handle"]];

/** The server's own messages by their full names; host.list_methods and system.* are the dispatcher's. */
export function coreMessages(services: Services): ReadonlyMap<string, MessageDefinition> {
  const rows = [
    ...sessionRows(services),
    ...taskRows(services),
    ...eventRows(services),
    ...otherRows(services),
  ];
  return new Map(
    rows.map(([name, params, minArgs, result, handle]) => [
      name,
      { params, minArgs, async: false, result, handle },
    ]),
  );
}

function sessionRows({ sessions }: Services): MethodRow[] {
  const logout = ({ sessionRef }: MessageCall) => {
    sessions.logout(sessionRef);
    return "";
  };
  return [
    ["session.logout", [], 0, "void", logout],
    ["session.local_logout", [], 0, "void", logout],
    ["session.get_all_subject_identifiers", [], 0, "set:string", () => []],
    ["session.logout_subject_identifier", ["string"], 1, "void", () => ""],
  ];
}

function taskRows({ pool, tasks, sessions }: Services): MethodRow[] {
  const onTask = (act: (ref: string) => void) => (call: MessageCall) => {
    const ref = textAt(call.args, 0);
    pool.db.get("task", ref, "uuid");
    assertOwn(call.sessionRef, ref);
    act(ref);
    return "";
  };
  /** Everybody may end tasks of his own; of others only who may destroy any. */
  const assertOwn = (session: string, task: string): void => {
    const role = sessions.roleOf(session);
    const any = permissionOf("task.destroy/any");
    if (role === null || mayDo(role, any) || sessions.ownsTask(session, task)) return;
    throw new SimFailure("RBAC_PERMISSION_DENIED", denial(any));
  };
  return [
    [
      "task.create",
      ["string", "string"],
      2,
      "ref:task",
      ({ args, sessionRef }) => tasks.create(textAt(args, 0), textAt(args, 1), sessionRef),
    ],
    ["task.destroy", ["ref:task"], 1, "void", onTask((ref) => tasks.destroy(ref))],
    ["task.cancel", ["ref:task"], 1, "void", onTask((ref) => tasks.cancel(ref))],
    [
      "task.set_status",
      ["ref:task", "enum:task_status_type"],
      2,
      "void",
      (call) => onTask((ref) => tasks.setStatus(ref, textAt(call.args, 1)))(call),
    ],
  ];
}

function eventRows({ events }: Services): MethodRow[] {
  const names = (call: MessageCall) => (call.args[0] as readonly string[]).map(String);
  return [
    [
      "event.from",
      ["set:string", "string", "float"],
      3,
      "record:event_batch",
      (call) => events.from(call.sessionRef, names(call), textAt(call.args, 1), Number(call.args[2])),
    ],
    [
      "event.inject",
      ["string", "string"],
      2,
      "string",
      ({ args }) => events.inject(textAt(args, 0), textAt(args, 1)),
    ],
    [
      "event.register",
      ["set:string"],
      1,
      "void",
      (call) => {
        events.register(call.sessionRef, names(call));
        return "";
      },
    ],
    [
      "event.unregister",
      ["set:string"],
      1,
      "void",
      (call) => {
        events.unregister(call.sessionRef, names(call));
        return "";
      },
    ],
    ["event.next", [], 0, "set:record:old_event", ({ sessionRef }) => events.next(sessionRef)],
  ];
}

function otherRows({ pool }: Services): MethodRow[] {
  const { db, clock } = pool;
  const time = ({ args }: MessageCall) => {
    const host = textAt(args, 0);
    db.get("host", host, "uuid");
    return new Date(clock.now() + (pool.clockAheadMs?.(host) ?? 0));
  };
  return [
    ["host.get_servertime", ["ref:host"], 1, "datetime", time],
    ["host.get_server_localtime", ["ref:host"], 1, "datetime", time],
    [
      "message.create",
      ["string", "int", "enum:cls", "string", "string"],
      5,
      "ref:message",
      ({ args }) => {
        const [name = "", priority = 0, cls = "", objUuid = "", body = ""] = args;
        const timestamp = new Date(clock.now());
        return db.create("message", { name, priority, cls, obj_uuid: objUuid, body, timestamp });
      },
    ],
    [
      "message.destroy",
      ["ref:message"],
      1,
      "void",
      ({ args }) => {
        db.destroy("message", textAt(args, 0));
        return "";
      },
    ],
    [
      "message.get",
      ["enum:cls", "string", "datetime"],
      3,
      "map:ref:message:record:message",
      ({ args: [cls, uuid, since] }) => {
        const wanted = (ref: string) =>
          db.get("message", ref, "cls") === cls &&
          db.get("message", ref, "obj_uuid") === uuid &&
          Number(db.get("message", ref, "timestamp")) > Number(since);
        return simMap(
          db
            .all("message")
            .filter(wanted)
            .map((ref) => [ref, db.record("message", ref)]),
        );
      },
    ],
  ];
}
