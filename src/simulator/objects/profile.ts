/** Manners of a server by its release: fields, dialects, formats and limits that clients of an era meet. */

import { findRelease, type Release } from "./release.ts";

/** "%0.4f"; "%0.5g", which keeps five digits of whatever number; "%0.15g". */
export type NumberForm = "fixed-4" | "digits-5" | "digits-15";

/**
 * "unquoted": no JSON at all, keys without quotes and bare numbers; "data-in-meta": JSON with every number a
 * string and the rows inside `meta`; "strings": the same with the rows beside it.
 */
export type JsonForm = "unquoted" | "data-in-meta" | "strings";

/** How measures over HTTP differ among releases. */
export interface RrdManners {
  readonly numbers: NumberForm;
  readonly json: JsonForm;
  /** Whether an Accept header chooses between XML and JSON. */
  readonly readsAccept: boolean;
  /** Content type of JSON; null for none at all. */
  readonly jsonType: string | null;
  /** HTTP status for a request without `start`. */
  readonly withoutStart: 400 | 500;
  /** Whether a negative `start` counts from the newest point. */
  readonly negativeStart: boolean;
  /** Whether `host` must be the word true, not just be there. */
  readonly hostMustBeTrue: boolean;
  /** Whether `vm_uuid=all` means all VMs, and whether it may be given several times. */
  readonly vmUuid: "one-or-all" | "several";
  /** Whether the RRDs of hosts keep MIN and MAX. */
  readonly hostMinMax: boolean;
  /** Whether sources come in alphabetical order. */
  readonly sorted: boolean;
  /** What the answer says of the connection, which closes in any case. */
  readonly connection: "keep-alive" | "close";
}

/** What a release does its own way on the wire. */
export interface ServerProfile {
  readonly name: string;
  readonly release: Release;
  /** Code name of the newest named release whose fields it has. */
  readonly code: string;
  /** Its version of xapi, for fields that came after the last code name; null for none of them. */
  readonly xapi: string | null;
  /** "old": no XML declaration, `<value/>` for nothing, NaN for every odd number, faults. */
  readonly xml: "old" | "new";
  /** Version of JSON-RPC that POST /jsonrpc speaks at best; null where it is XML-RPC like any path. */
  readonly jsonRpc: 1 | 2 | null;
  /** Whether sessions are counted by their originator. */
  readonly originators: boolean;
  /** Bytes of headers above which a request is refused with 431. */
  readonly headerBytesMax: number;
  /** Whether Basic authentication on a slave leaves a session behind. */
  readonly leaksSessions: boolean;
  /** What a void call's task has as its result. */
  readonly voidResult: "" | "<value></value>";
  readonly rrd: RrdManners;
}

const manyBytes = 64 * 1024;

const oldRrd: RrdManners = {
  numbers: "fixed-4",
  json: "unquoted",
  readsAccept: false,
  jsonType: null,
  withoutStart: 400,
  negativeStart: false,
  hostMustBeTrue: false,
  vmUuid: "one-or-all",
  hostMinMax: true,
  sorted: false,
  connection: "close",
};

const rrdOf71: RrdManners = {
  ...oldRrd,
  jsonType: "application/json",
  negativeStart: true,
  connection: "keep-alive",
};

const rrdOf82: RrdManners = { ...rrdOf71, hostMustBeTrue: true };

const rrdOf2024: RrdManners = { ...rrdOf82, numbers: "digits-5", json: "data-in-meta", readsAccept: true };

const todaysRrd: RrdManners = {
  ...rrdOf2024,
  numbers: "digits-15",
  json: "strings",
  withoutStart: 500,
  vmUuid: "several",
  hostMinMax: false,
  sorted: true,
};

type Manners = Omit<ServerProfile, "name" | "release" | "code" | "xapi">;

const oldManners: Manners = {
  xml: "old",
  jsonRpc: null,
  originators: false,
  headerBytesMax: manyBytes,
  leaksSessions: true,
  voidResult: "",
  rrd: oldRrd,
};

const todaysManners: Manners = {
  xml: "new",
  jsonRpc: 2,
  originators: true,
  headerBytesMax: 1024,
  leaksSessions: false,
  voidResult: "<value></value>",
  rrd: todaysRrd,
};

const mannersOf65: Manners = {
  ...todaysManners,
  jsonRpc: 1,
  headerBytesMax: manyBytes,
  voidResult: "",
  rrd: { ...oldRrd, jsonType: "application/json" },
};
const mannersOf71: Manners = { ...mannersOf65, voidResult: "<value></value>", rrd: rrdOf71 };

type Line = readonly [
  name: string,
  product: string,
  version: string,
  code: string,
  xapi: string | null,
  manners: Manners,
];

const lines: readonly Line[] = [
  ["xcp-1.1", "XCP", "1.1.0", "cowley", null, oldManners],
  ["xenserver-6.0", "XenServer", "6.0.0", "boston", null, oldManners],
  ["xcp-1.6", "XCP", "1.6.10", "tampa", null, oldManners],
  ["xenserver-6.1", "XenServer", "6.1.0", "tampa", null, oldManners],
  ["xenserver-6.5", "XenServer", "6.5.0", "creedence", null, mannersOf65],
  ["xenserver-7.1", "XenServer", "7.1.0", "ely", null, mannersOf71],
  ["xcp-ng-8.2", "XCP-ng", "8.2.1", "stockholm_psr", "1.249.42", { ...todaysManners, rrd: rrdOf82 }],
  ["xenserver-8", "XenServer", "8.4.0", "nile", "24.10.0", { ...todaysManners, rrd: rrdOf2024 }],
  [
    "xcp-ng-8.3-ga",
    "XCP-ng",
    "8.3.0",
    "nile",
    "24.19.2",
    { ...todaysManners, rrd: { ...rrdOf2024, json: "strings" } },
  ],
  ["xcp-ng-8.3", "XCP-ng", "8.3.0", "orinoco", "26.17.0", todaysManners],
];

/** All profiles by name, oldest first. */
export const profiles: ReadonlyMap<string, ServerProfile> = new Map(
  lines.map((line) => [line[0], build(line)]),
);

function build([name, product, version, code, xapi, manners]: Line): ServerProfile {
  const release = findRelease(product, version);
  if (release === null) throw new Error(`profile ${name}: no release ${product} ${version}`);
  return { name, release, code, xapi, ...manners };
}

/** What a pool without a profile does: today's manners whatever release it plays, and every field. */
export const todaysProfile: ServerProfile = profiles.get("xcp-ng-8.3") as ServerProfile;
