/** What xapi's client makes of an answer: rows of uuids and figures, or the error that it raises. Pure. */
import { SimFailure } from "../server/failure.ts";
import {
  type AnswerElement,
  type AnswerNode,
  AnswerXmlError,
  firstChild,
  readAnswerXml,
  textOfChild,
} from "./answerXml.ts";
import type { WlbMethod } from "./request.ts";

/** How good a host is for a VM. */
export interface PlacementRow {
  readonly host: string;
  readonly id: string;
  readonly stars: number;
  /** Why it has none; "" beside stars. */
  readonly zeroReason: string;
}

/** Where a VM should go; without a VM: the host that should be switched. */
export interface MoveRow {
  readonly vm: string;
  readonly host: string;
  readonly id: string;
}

export interface OptimizationRow extends MoveRow {
  readonly optimization: string;
  readonly reason: string;
}

/** What the client knows of its own pool. */
export interface KnownUuids {
  readonly isHost: (uuid: string) => boolean;
  readonly isVm: (uuid: string) => boolean;
  readonly liveHosts: number;
}

/** The password travels there. */
const untold = "Logging output disabled for this call.";

function malformed(method: string, reason: string, text: string): SimFailure {
  return new SimFailure("WLB_MALFORMED_RESPONSE", [method, reason, text]);
}

/** An answer whose envelope was understood. */
export class WlbAnswer {
  readonly #method: WlbMethod;
  readonly #body: string;
  readonly #result: AnswerElement;

  /** @throws SimFailure WLB_MALFORMED_RESPONSE, or WLB_INTERNAL_ERROR for a fault. */
  constructor(method: WlbMethod, body: string) {
    this.#method = method;
    this.#body = body;
    this.#result = this.#find();
  }

  #find(): AnswerElement {
    let root: AnswerElement;
    try {
      root = readAnswerXml(this.#body);
    } catch (error) {
      if (error instanceof AnswerXmlError) throw malformed(this.#method, error.message, "");
      throw error;
    }
    const body = firstChild(root, "Body");
    const result = firstChild(firstChild(body, `${this.#method}Response`), `${this.#method}Result`);
    if (result !== null) return result;
    const text = textOfChild(firstChild(firstChild(body, "Fault"), "Reason"), "Text");
    if (text !== null) throw new SimFailure("WLB_INTERNAL_ERROR", ["Exception:", text]);
    throw this.#malformed("Expected data is missing or corrupt. No exception found.");
  }

  #malformed(reason: string): SimFailure {
    return malformed(this.#method, reason, this.#method === "AddXenServer" ? untold : this.#body);
  }

  /** What is looked for is not there: either an error is, or nothing that could be read. */
  #missing(): SimFailure {
    return this.#refusal() ?? this.#malformed("Some data is missing or corrupt.");
  }

  /** An error of the server's; its code wins over data beside it. */
  #refusal(): SimFailure | null {
    const code = textOfChild(this.#result, "ResultCode");
    if (code === null || code === "0") return null;
    return new SimFailure("WLB_INTERNAL_ERROR", [code, textOfChild(this.#result, "ErrorMessage") ?? ""]);
  }

  #checked(): AnswerElement {
    const refusal = this.#refusal();
    if (refusal !== null) throw refusal;
    return this.#result;
  }

  /** AddXenServer. */
  assertAdded(): void {
    if (firstChild(this.#checked(), "Id") === null) throw this.#missing();
  }

  /** SetXenPoolConfiguration: nothing at all may stand there, not even a code of 0. */
  assertEmpty(): void {
    if (this.#result.children.length === 0) return;
    const code = textOfChild(this.#result, "ResultCode");
    if (code === null)
      throw malformed("unknown", "found a leaf, but expected the path to continue", this.#body);
    throw new SimFailure("WLB_INTERNAL_ERROR", [code, textOfChild(this.#result, "ErrorMessage") ?? ""]);
  }

  /** GetXenPoolConfiguration. */
  configuration(): [key: string, value: string][] {
    const parms = firstChild(this.#checked(), "OptimizationParms");
    if (parms === null) throw this.#missing();
    return elementsOf(parms).map((each) => {
      const [key, value] = [textOfChild(each, "Key"), textOfChild(each, "Value")];
      if (key === null || value === null) throw this.#malformed("a key or a value is missing");
      return [key, value];
    });
  }

  /** VMGetRecommendations: as many as there are live hosts, or none. */
  placements({ isHost, liveHosts }: KnownUuids): PlacementRow[] {
    const list = firstChild(this.#checked(), "Recommendations");
    if (list === null) throw this.#missing();
    if (list.children.length !== 0 && list.children.length !== liveHosts) {
      throw this.#malformed("List of returned reccomendations is not equal to the number of hosts in pool");
    }
    return elementsOf(list).map((each) => {
      const [host, id, given, reason] = ["HostUuid", "RecommendationId", "Stars", "ZeroScoreReason"].map(
        (name) => textOfChild(each, name),
      );
      if (host == null || id == null || given == null || reason == null) throw this.#missing();
      const row = { host, id: wholeText(id), stars: floatOf(given) };
      if (!isHost(host)) throw this.#malformed("Invalid VM or host UUID");
      if (row.stars === 0) return { ...row, zeroReason: reason };
      if (reason === "None") return { ...row, zeroReason: "" };
      throw this.#malformed(
        `Recommendation has both a non-zero score (${row.stars.toFixed(6)}) and a reason for zero (${reason})`,
      );
    });
  }

  /** HostGetRecommendations; an empty VM is a host that should be switched on first. */
  evacuation({ isHost, isVm }: KnownUuids): MoveRow[] {
    const result = this.#checked();
    if (result.children.length === 0) return [];
    const list = firstChild(result, "Recommendations");
    if (list === null) throw this.#missing();
    return elementsOf(list).map((each) => {
      const [host, id] = [textOfChild(each, "HostUuid"), textOfChild(each, "RecommendationId")];
      if (host === null || id === null) throw this.#malformed("Missing VmUuid, RecID or HostUuid");
      const vm = textOfChild(each, "VmUuid") ?? "";
      if (!isHost(host) || (vm !== "" && !isVm(vm))) throw this.#malformed("Invalid VM or host UUID");
      return { vm, host, id: wholeText(id) };
    });
  }

  /** GetOptimizationRecommendations; the target of a move is not looked at. */
  optimization({ isHost, isVm }: KnownUuids): OptimizationRow[] {
    const result = this.#checked();
    if (result.children.length === 0) return [];
    const list = firstChild(result, "Recommendations");
    const given = textOfChild(result, "OptimizationId");
    if (list === null || given === null) throw this.#missing();
    const optimization = wholeText(given);
    return elementsOf(list).map((each) => {
      const vm = textOfChild(each, "VmToMoveUuid") ?? "";
      const host = textOfChild(each, vm === "" ? "MoveFromHostUuid" : "MoveToHostUuid");
      const [id, reason] = [textOfChild(each, "RecommendationId"), textOfChild(each, "Reason")];
      if (host === null || id === null || reason === null) {
        throw this.#malformed("Missing VmToMoveUuid, RecID, MoveToHostUuid, or Reason");
      }
      if (vm === "" ? !isHost(host) : !isVm(vm)) throw this.#malformed("Invalid VM or host UUID");
      return { vm, host, id: wholeText(id), optimization, reason };
    });
  }

  /** ExecuteReport and GetDiagnostics: the text in `name`; "" where elements stand there. */
  streamed(name: "XmlDataSet" | "DiagnosticData"): string {
    const element = firstChild(this.#checked(), name);
    if (element === null) throw this.#malformed("Failed to detect end of XML, data could be truncated");
    const [text = ""] = element.children;
    return typeof text === "string" ? text : "";
  }
}

/** Text between the items is an item without anything in it. */
function elementsOf({ children }: AnswerElement): AnswerElement[] {
  return children.map((child: AnswerNode) =>
    typeof child === "string" ? { name: "", children: [] } : child,
  );
}

/** What OCaml's float_of_string takes of decimal numbers. */
function floatOf(text: string): number {
  if (/^[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d+)?$/i.test(text))
    return Number(text.replaceAll("_", ""));
  throw malformed("unknown", "Could not parse star rating/recID/optID", "unknown");
}

function wholeText(text: string): string {
  return String(Math.trunc(floatOf(text)));
}
