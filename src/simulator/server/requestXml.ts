/** Reads XML-RPC calls, keeping the tag of every value: xapi tells a bare 3 from an <int>3. */

import { parseFloatText, type RpcCall, type RpcValue } from "./rpcValue.ts";

/** A body that is no XML-RPC call; the caller hears HTTP 500. */
export class MalformedRequest extends Error {}

interface Element {
  readonly name: string;
  readonly children: Element[];
  text: string;
}

const deepest = 100;

/** The call that `xml` holds; throws MalformedRequest. */
export function readCallXml(xml: string): RpcCall {
  const root = parseXml(xml);
  if (root.name !== "methodCall") throw new MalformedRequest(`<${root.name}> in place of <methodCall>`);
  const method = child(root, "methodName");
  const params = root.children.find((element) => element.name === "params")?.children ?? [];
  return { method: method.text, params: params.map((param) => readValue(child(param, "value"))) };
}

function child(parent: Element, name: string): Element {
  const found = parent.children.find((element) => element.name === name);
  if (found === undefined) throw new MalformedRequest(`<${parent.name}> without <${name}>`);
  return found;
}

function readValue(value: Element): RpcValue {
  const typed = value.children[0];
  if (typed === undefined) return { kind: "string", text: value.text };
  switch (typed.name) {
    case "string":
      return { kind: "string", text: typed.text };
    case "int":
    case "i4":
    case "i8":
      if (!/^\s*[+-]?\d+\s*$/.test(typed.text)) throw new MalformedRequest(`no integer: ${typed.text}`);
      return { kind: "int", text: typed.text.trim() };
    case "double":
      return { kind: "float", number: parseFloatText(typed.text) };
    case "boolean":
      return { kind: "bool", bool: typed.text.trim() === "1" };
    case "dateTime.iso8601":
      return { kind: "datetime", text: typed.text };
    case "nil":
      return { kind: "nil" };
    case "array":
      return { kind: "array", items: child(typed, "data").children.map(readValue) };
    case "struct":
      return { kind: "struct", members: new Map(typed.children.map(readMember)) };
    default:
      throw new MalformedRequest(`<${typed.name}> is no XML-RPC type`);
  }
}

function readMember(member: Element): [string, RpcValue] {
  return [child(member, "name").text, readValue(child(member, "value"))];
}

const token =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z][\w.:-]*)([^<>]*)>|([^<]+)/y;

/** A small XML reader: elements and text, no DOCTYPE, nothing left open. */
function parseXml(xml: string): Element {
  const document: Element = { name: "", children: [], text: "" };
  const open: Element[] = [document];
  token.lastIndex = xml.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (token.lastIndex < xml.length) {
    const found = token.exec(xml);
    if (found === null) throw new MalformedRequest("not XML");
    const [, cdata, slash, name, rest, text] = found;
    const top = open.at(-1) ?? document;
    if (cdata !== undefined) top.text += cdata;
    else if (text !== undefined) top.text += unescapeXml(text);
    else if (name !== undefined && slash === "/") closeElement(open, name);
    else if (name !== undefined) openElement(open, top, name, rest?.trimEnd().endsWith("/") === true);
  }
  const [root, ...others] = document.children;
  if (open.length > 1 || root === undefined || others.length > 0 || document.text.trim() !== "") {
    throw new MalformedRequest("not one whole XML document");
  }
  return root;
}

function openElement(open: Element[], top: Element, name: string, empty: boolean): void {
  const element: Element = { name, children: [], text: "" };
  top.children.push(element);
  if (!empty) open.push(element);
  if (open.length > deepest) throw new MalformedRequest("too deeply nested");
}

function closeElement(open: Element[], name: string): void {
  const closed = open.pop();
  if (open.length === 0 || closed?.name !== name) throw new MalformedRequest(`</${name}> closes nothing`);
}

const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&([^;&]*);?/g, (whole, name: string) => {
    const code = /^#x([0-9a-f]+)$/i.exec(name)?.[1];
    const decimal = /^#(\d+)$/.exec(name)?.[1];
    const point = code !== undefined ? Number.parseInt(code, 16) : Number(decimal ?? -1);
    if (point >= 0 && point <= 0x10ffff) return String.fromCodePoint(point);
    const plain = named[name];
    if (plain === undefined || !whole.endsWith(";")) throw new MalformedRequest(`unknown entity ${whole}`);
    return plain;
  });
}
