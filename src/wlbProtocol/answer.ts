/**
 * Writes the answers, each a whole document. The pool's reader is easily hurt: it takes a word of text between two
 * items for an item, wants numbers with a point, identities in lower case, and every answer to have its own form where
 * there is nothing to say. Pure.
 */
import type { Uuid } from "../domain/pool.ts";
import { type WlbCode, type WlbMethod, wlbCodes } from "./methods.ts";

/** How good a host is for a VM. */
export interface HostStars {
  readonly host: Uuid;
  /** 0: the VM cannot run there; otherwise up to 5. */
  readonly stars: number;
  /** Why there are none: a short sentence. Not told beside stars. */
  readonly reason: string;
}

/** What moves a VM, or switches a host; the words that XenCenter has a label for. */
export type ReasonWord =
  | "PowerOn"
  | "PowerOff"
  | "Consolidate"
  | "Cpu"
  | "Disk"
  | "DiskRead"
  | "DiskWrite"
  | "LoadAverage"
  | "Memory"
  | "Network"
  | "NetworkRead"
  | "NetworkWrite"
  | "None";

export type Severity = "Low" | "Medium" | "High" | "Critical";

/** One step of a plan. */
export type Advice =
  | {
      readonly kind: "move";
      readonly id: number;
      readonly vm: Uuid;
      readonly from: Uuid;
      readonly to: Uuid;
      readonly reason: ReasonWord;
    }
  | {
      readonly kind: "power";
      readonly id: number;
      readonly host: Uuid;
      readonly reason: "PowerOn" | "PowerOff";
    };

const dwm = "http://schemas.citrix.com/DWM";

/** An envelope around `content`, which is XML. */
function envelope(method: WlbMethod, content: string): string {
  return (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>' +
    `<${method}Response xmlns="${dwm}"><${method}Result>${content}</${method}Result></${method}Response>` +
    "</s:Body></s:Envelope>"
  );
}

function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

/** Uuids are compared as text, and the pool's are in lower case. */
function uuidElement(name: string, uuid: Uuid): string {
  return element(name, uuid.toLowerCase());
}

/** `text` as XML can hold it: markup escaped, and what is no character of XML left out. */
export function escapeXml(text: string): string {
  return text.replace(noCharacter, "").replace(/[&<>"\r]/g, (character) => escapes[character] ?? "");
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\r": "&#xD;",
};

// Controls but tab and line ends, lone surrogates, and the two that are no characters.
const noCharacter = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** Why nothing is answered. */
export function refusalAnswer(method: WlbMethod, code: WlbCode, message: string): string {
  return envelope(method, element("ErrorMessage", message) + element("ResultCode", String(wlbCodes[code])));
}

/**
 * What went wrong where no method is known whose answer could tell: a fault of SOAP 1.2, the only kind that a pool reads. It
 * raises WLB_INTERNAL_ERROR with the text.
 */
export function faultAnswer(message: string): string {
  return (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>' +
    `</s:Code><s:Reason><s:Text xml:lang="en">${escapeXml(message)}</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>`
  );
}

/** Of RemoveXenServer and SetXenPoolConfiguration: nothing at all, for even a code of 0 would be an error. */
export function doneAnswer(method: "RemoveXenServer" | "SetXenPoolConfiguration"): string {
  return envelope(method, "");
}

export function addedAnswer(id: number): string {
  return envelope("AddXenServer", element("Id", String(id)));
}

export function configurationAnswer(values: ReadonlyMap<string, string>): string {
  const pairs = [...values].map(
    ([key, value]) =>
      `<b:KeyValueOfstringstring>${element("b:Key", key)}${element("b:Value", value)}</b:KeyValueOfstringstring>`,
  );
  const xmlns = 'xmlns:b="http://schemas.microsoft.com/2003/10/Serialization/Arrays"';
  return envelope(
    "GetXenPoolConfiguration",
    `<OptimizationParms ${xmlns}>${pairs.join("")}</OptimizationParms>`,
  );
}

/** The number that follows `id`: positive, and within what 32 bits with a sign hold. */
export function nextId(id: number): number {
  return (id % 0x7fff_ffff) + 1;
}

/**
 * One entry for each of `hosts`, which must be the live ones, numbered from `firstId` on.
 * A host with stars has the reason "None", the only one that is taken beside them.
 */
export function placementAnswer(hosts: readonly HostStars[], firstId: number): string {
  let id = firstId;
  const entries = hosts.map(({ host, stars, reason }) => {
    const own = id;
    id = nextId(id);
    const rated = Math.min(5, Math.max(0, Math.round(stars * 100) / 100));
    return (
      `<VmPlacementRecommendation>${element("CanBootVM", String(rated > 0))}${uuidElement("HostUuid", host)}` +
      `${element("RecommendationId", String(own))}${element("Stars", String(rated))}` +
      `${element("ZeroScoreReason", rated > 0 ? "None" : zeroReason(reason))}</VmPlacementRecommendation>`
    );
  });
  return envelope("VMGetRecommendations", `<Recommendations>${entries.join("")}</Recommendations>`);
}

/** An empty reason, or "None", would say nothing. */
function zeroReason(reason: string): string {
  return reason === "" || reason === "None" ? "Other" : reason;
}

/** Where the VMs of a host would go; those that cannot go anywhere are left out. */
export interface EvacuationAdvice {
  readonly moves: readonly { readonly id: number; readonly vm: Uuid; readonly to: Uuid }[];
  readonly complete: boolean;
}

export function evacuationAnswer({ moves, complete }: EvacuationAdvice): string {
  const entries = moves.map(
    ({ id, vm, to }) =>
      `<HostEvacuationRecommendation>${uuidElement("HostUuid", to)}${element("RecommendationId", String(id))}` +
      `${uuidElement("VmUuid", vm)}</HostEvacuationRecommendation>`,
  );
  return envelope(
    "HostGetRecommendations",
    `${element("CanPlaceAllVMs", String(complete))}<Recommendations>${entries.join("")}</Recommendations>`,
  );
}

/** The plan as it stands, or that there is nothing to do. */
export function optimizationAnswer(id: number, severity: Severity, advice: readonly Advice[]): string {
  if (advice.length === 0) return envelope("GetOptimizationRecommendations", "");
  const entries = advice.map((each) => {
    const fields =
      each.kind === "move"
        ? uuidElement("MoveFromHostUuid", each.from) +
          uuidElement("MoveToHostUuid", each.to) +
          element("Reason", each.reason) +
          element("RecommendationId", String(each.id)) +
          uuidElement("VmToMoveUuid", each.vm)
        : uuidElement("MoveFromHostUuid", each.host) +
          element("Reason", each.reason) +
          element("RecommendationId", String(each.id));
    return `<PoolOptimizationRecommendation>${fields}</PoolOptimizationRecommendation>`;
  });
  return envelope(
    "GetOptimizationRecommendations",
    `${element("OptimizationId", String(id))}<Recommendations>${entries.join("")}</Recommendations>` +
      element("Severity", severity),
  );
}

/** `document` goes as text: as elements it would reach nobody. */
export function reportAnswer(document: string): string {
  return envelope("ExecuteReport", element("XmlDataSet", document));
}

export function diagnosticsAnswer(text: string): string {
  return envelope("GetDiagnostics", element("DiagnosticData", text));
}
