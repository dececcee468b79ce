/** Reads the nine requests. Parameters are found by name; what is missing, or is no uuid, is refused. Pure. */
import { asUuid, type Uuid } from "../domain/pool.ts";
import { Secret } from "../settings/secret.ts";
import { XmlError } from "../xml/scanner.ts";
import { type WlbMethod, WlbRefusal, wlbMethods } from "./methods.ts";
import { childNamed, readSoap, type SoapElement } from "./soap.ts";

/** What a pool, or a client through it, asks. */
export type WlbRequest =
  | {
      readonly method: "AddXenServer";
      readonly pool: Uuid;
      /** The account that the pool hands over. */
      readonly user: string;
      readonly password: Secret;
      /** "http://192.0.2.10:80/", whatever the pool really listens to. */
      readonly poolUrl: string;
    }
  | { readonly method: "RemoveXenServer" | "GetXenPoolConfiguration"; readonly pool: Uuid }
  | { readonly method: "GetOptimizationRecommendations"; readonly pool: Uuid }
  | {
      readonly method: "SetXenPoolConfiguration";
      readonly pool: Uuid;
      readonly values: ReadonlyMap<string, string>;
    }
  | { readonly method: "VMGetRecommendations"; readonly pool: Uuid; readonly vm: Uuid }
  | { readonly method: "HostGetRecommendations"; readonly pool: Uuid; readonly host: Uuid }
  | {
      readonly method: "ExecuteReport";
      readonly report: string;
      readonly parameters: ReadonlyMap<string, string>;
    }
  | { readonly method: "GetDiagnostics" };

/** The method that a SOAPAction header names; null where it names none of the nine. */
export function methodOf(soapAction: string | undefined): WlbMethod | null {
  const word = /([A-Za-z]+)"?\s*$/.exec(soapAction ?? "")?.[1];
  return wlbMethods.find((method) => method === word) ?? null;
}

/**
 * The request in `body`, which must be of `method`.
 * @throws WlbRefusal "invalidArgument" for anything else. Its message never holds a value of the body.
 */
export function readRequest(method: WlbMethod, body: string): WlbRequest {
  try {
    return fromEnvelope(method, readSoap(body));
  } catch (error) {
    if (error instanceof XmlError)
      throw new WlbRefusal("invalidArgument", `the request is refused: ${error.message}`);
    throw error;
  }
}

function fromEnvelope(method: WlbMethod, envelope: SoapElement): WlbRequest {
  if (envelope.name !== "Envelope") throw invalid("the request is no SOAP envelope");
  const asked = childNamed(childNamed(envelope, "Body"), method);
  if (asked === null) throw invalid(`the body holds no ${method}, which the header SOAPAction names`);
  const request = childNamed(asked, "request");
  const text = (name: string) => {
    const element = childNamed(request, name);
    if (element === null) throw invalid(`${method} without ${name}`);
    return element.text;
  };
  const uuid = (name: string) => uuidOf(name, text(name));
  switch (method) {
    case "AddXenServer":
      return {
        method,
        pool: uuid("PoolUuid"),
        user: text("UserName"),
        password: new Secret(text("Password")),
        poolUrl: text("XenServerUrl"),
      };
    case "RemoveXenServer":
    case "GetXenPoolConfiguration":
    case "GetOptimizationRecommendations":
      return { method, pool: uuid("PoolUuid") };
    case "SetXenPoolConfiguration":
      return { method, pool: uuid("PoolUuid"), values: valuesIn(childNamed(request, "OptimizationParms")) };
    case "VMGetRecommendations":
      return { method, pool: uuid("PoolUuid"), vm: uuid("VmUuid") };
    case "HostGetRecommendations":
      return { method, pool: uuid("PoolUuid"), host: uuid("HostUuid") };
    case "ExecuteReport":
      return {
        method,
        report: text("ReportName"),
        parameters: parametersIn(childNamed(request, "ReportParms")),
      };
    case "GetDiagnostics":
      return { method };
    default:
      return method satisfies never;
  }
}

/** The keys and values of a configuration; of a key that comes twice the last value counts, as in a map. */
function valuesIn(parms: SoapElement | null): ReadonlyMap<string, string> {
  return new Map((parms?.children ?? []).map((each) => [leaf(each, "Key"), leaf(each, "Value")]));
}

function parametersIn(parms: SoapElement | null): ReadonlyMap<string, string> {
  return new Map(
    (parms?.children ?? []).map((each) => [leaf(each, "ParameterName"), leaf(each, "ParameterValue")]),
  );
}

function leaf(element: SoapElement, name: string): string {
  const child = childNamed(element, name);
  if (child === null) throw invalid(`a ${element.name} without ${name}`);
  return child.text;
}

function uuidOf(name: string, text: string): Uuid {
  const trimmed = text.trim().toLowerCase();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(trimmed)) throw invalid(`${name} is no uuid`);
  return asUuid(trimmed);
}

function invalid(message: string): WlbRefusal {
  return new WlbRefusal("invalidArgument", message);
}
