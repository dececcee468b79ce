/** Workload balancing as a pool's callers meet it: its server is asked as wlb.md of xapi's client has it. */
import { evacuationAdvice } from "../behaviour/evacuation.ts";
import { type PoolModel, poolRefOf } from "../metrics/model.ts";
import type { MessageDefinition, MessageHandler } from "../objects/contract.ts";
import { type SimMap, simMap } from "../objects/datamodel.ts";
import { optimizationAdvice, placementAdvice } from "../wlb/advice.ts";
import { askWlb, assertWlbEnabled, assertWlbLicensed, joinWlb, leaveWlb } from "../wlb/client.ts";
import { configurationParameters, uuidParameters } from "../wlb/request.ts";

/** All of them by name. */
export function wlbMessages(model: PoolModel): [string, MessageDefinition][] {
  const { db } = model;
  const define = (
    name: string,
    params: string,
    result: string,
    handle: MessageHandler,
  ): [string, MessageDefinition] => {
    const types = params.split(" ").filter((type) => type !== "");
    return [name, { params: types, minArgs: types.length, async: true, result, handle }];
  };
  const ofPool = () => uuidParameters({ PoolUuid: db.text("pool", poolRefOf(model), "uuid") });
  return [
    define("pool.initialize_wlb", "string string string string string", "void", async ({ args }) => {
      const [url = "", user = "", password = "", xenUser = "", xenPassword = ""] = args.map(String);
      await joinWlb(model, { url, user, password }, { user: xenUser, password: xenPassword });
      return "";
    }),
    define("pool.deconfigure_wlb", "", "void", async () => {
      await leaveWlb(model, ofPool());
      return "";
    }),
    define("pool.send_wlb_configuration", "map:string:string", "void", async ({ args: [config] }) => {
      const values = new Map(Object.entries(config as SimMap).map(([key, value]) => [key, String(value)]));
      const uuid = db.text("pool", poolRefOf(model), "uuid");
      const parameters = configurationParameters(uuid, values);
      (await askWlb(model, "SetXenPoolConfiguration", parameters)).assertEmpty();
      return "";
    }),
    define("pool.retrieve_wlb_configuration", "", "map:string:string", async () =>
      simMap((await askWlb(model, "GetXenPoolConfiguration", ofPool())).configuration()),
    ),
    define("pool.retrieve_wlb_recommendations", "", "map:ref:VM:set:string", () => optimizationAdvice(model)),
    ["pool.set_wlb_enabled", setter(model, "wlb_enabled")],
    ["pool.set_wlb_verify_cert", setter(model, "wlb_verify_cert")],
    define("VM.retrieve_wlb_recommendations", "ref:VM", "map:ref:host:set:string", ({ args }) => {
      db.get("VM", String(args[0]), "uuid");
      return placementAdvice(model, String(args[0]));
    }),
    define(
      "host.retrieve_wlb_evacuate_recommendations",
      "ref:host",
      "map:ref:VM:set:string",
      async ({ args }) => {
        db.get("host", String(args[0]), "uuid");
        assertWlbEnabled(model);
        return evacuationAdvice(model, String(args[0]));
      },
    ),
  ];
}

/** A field that only a pool with the feature may set. */
function setter(model: PoolModel, field: "wlb_enabled" | "wlb_verify_cert"): MessageDefinition {
  return {
    params: ["ref:pool", "bool"],
    minArgs: 2,
    async: false,
    result: "void",
    handle: ({ args: [pool, value] }) => {
      assertWlbLicensed(model, String(pool));
      model.db.set("pool", String(pool), field, value === true);
      return "";
    },
  };
}
