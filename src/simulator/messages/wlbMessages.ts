/**
 * Workload balancing as a pool without its server answers: what a client meets that asks for recommendations. The
 * simulated pool has no client of that server: initialising ends as if nobody listened there.
 */
import { type PoolModel, poolRefOf } from "../metrics/model.ts";
import type { MessageCall, MessageDefinition } from "../objects/contract.ts";
import type { SimValue } from "../objects/datamodel.ts";
import { SimFailure } from "../server/failure.ts";

/** All of them by name. */
export function wlbMessages(model: PoolModel): [string, MessageDefinition][] {
  const { db } = model;
  const define = (
    name: string,
    params: readonly string[],
    result: string,
    handle: (call: MessageCall) => SimValue,
  ): [string, MessageDefinition] => [name, { params, minArgs: params.length, async: true, result, handle }];
  const recommend =
    (cls: "VM" | "host") =>
    ({ args }: MessageCall): never => {
      db.get(cls, String(args[0]), "uuid");
      return refuseUnlessEnabled(model);
    };
  const texts = ["string", "string", "string", "string", "string"];
  return [
    define("pool.initialize_wlb", texts, "void", ({ args }) => unreachable(String(args[0]))),
    define("pool.deconfigure_wlb", [], "void", () => deconfigure(model)),
    define("pool.send_wlb_configuration", ["map:string:string"], "void", () => refuseUninitialised(model)),
    define("pool.retrieve_wlb_configuration", [], "map:string:string", () => refuseUninitialised(model)),
    define("pool.retrieve_wlb_recommendations", [], "map:ref:VM:set:string", () =>
      refuseUnlessEnabled(model),
    ),
    define("VM.retrieve_wlb_recommendations", ["ref:VM"], "map:ref:host:set:string", recommend("VM")),
    define(
      "host.retrieve_wlb_evacuate_recommendations",
      ["ref:host"],
      "map:ref:VM:set:string",
      recommend("host"),
    ),
  ];
}

function urlOf(model: PoolModel): string {
  return model.db.text("pool", poolRefOf(model), "wlb_url");
}

function refuseUninitialised(model: PoolModel): never {
  const url = urlOf(model);
  if (url === "") throw new SimFailure("WLB_NOT_INITIALIZED");
  return unreachable(url);
}

/** Recommendations are only asked for while workload balancing is on. */
function refuseUnlessEnabled(model: PoolModel): never {
  const url = urlOf(model);
  if (url === "") throw new SimFailure("WLB_NOT_INITIALIZED");
  if (model.db.get("pool", poolRefOf(model), "wlb_enabled") !== true) throw new SimFailure("WLB_DISABLED");
  return unreachable(url);
}

/** xapi takes host:port and nothing else, not even a scheme. */
function unreachable(url: string): never {
  if (!/^[^:]+:\d+$/.test(url)) throw new SimFailure("WLB_URL_INVALID", [url]);
  throw new SimFailure("WLB_CONNECTION_REFUSED");
}

/** Forgets the server even where it cannot be told. */
function deconfigure(model: PoolModel): SimValue {
  if (urlOf(model) === "") throw new SimFailure("WLB_NOT_INITIALIZED");
  model.db.update("pool", poolRefOf(model), { wlb_url: "", wlb_username: "", wlb_enabled: false });
  return "";
}
