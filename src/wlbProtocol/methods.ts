/** The nine methods of the protocol, and the codes of what is refused. Pure. */

export const wlbMethods = [
  "AddXenServer",
  "RemoveXenServer",
  "SetXenPoolConfiguration",
  "GetXenPoolConfiguration",
  "VMGetRecommendations",
  "HostGetRecommendations",
  "GetOptimizationRecommendations",
  "ExecuteReport",
  "GetDiagnostics",
] as const;

export type WlbMethod = (typeof wlbMethods)[number];

/** Where the pool sends every request. */
export const wlbPath = "/Citrix.Dwm.WorkloadBalance/Service";

/**
 * Why nothing else is answered. The numbers are the protocol's: XenCenter has a sentence for each of them, `xe` prints
 * number and text.
 */
export const wlbCodes = {
  /** The pool account that was handed over is empty. */
  credentialsInvalid: 4021,
  invalidArgument: 4007,
  unknownFailure: 4014,
  poolUnknown: 4015,
  noCurrentMetrics: 4016,
  hostExcluded: 4022,
  notSavedNow: 4023,
  outOfRange: 4011,
  unreachable: 4003,
} as const;

export type WlbCode = keyof typeof wlbCodes;

/** An answer that says why there is none; the text is for the administrator. */
export class WlbRefusal extends Error {
  readonly code: WlbCode;

  constructor(code: WlbCode, message: string) {
    super(message);
    this.name = "WlbRefusal";
    this.code = code;
  }
}
