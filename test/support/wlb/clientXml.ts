/** XML as xapi's client of workload balancing reads it: local names only, white space between elements is nothing. */

export interface XmlElement {
  /** Without its prefix. */
  readonly name: string;
  readonly children: readonly XmlNode[];
}

export type XmlNode = XmlElement | string;

/** Thrown where the client would give up on the document itself; the message is the client's. */
export class NotXml extends Error {}

/** The root of `document`; texts between elements stay only where they hold more than blanks, tabs and line feeds. */
export function parseClientXml(document: string): XmlElement {
  if (document === "") throw new NotXml("unexpected end of input line 1");
  const tokens = document
    .replace(/^\ufeff/, "")
    .matchAll(
      /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([^\s<>/]+)[^<>]*?(\/?)>|[^<]+|</g,
    );
  const roots: XmlElement[] = [];
  const open: { readonly name: string; readonly children: XmlNode[] }[] = [];
  for (const [token, cdata, slash, qualified, selfClosed] of tokens) {
    const children: XmlNode[] = open.at(-1)?.children ?? [];
    if (qualified !== undefined) {
      const name = qualified.replace(/^[^:]*:/, "");
      if (slash === "/") {
        const element = open.pop();
        if (element?.name !== name) throw new NotXml(`</${name}> closes nothing`);
        (open.at(-1)?.children ?? roots).push(element as never);
      } else if (selfClosed === "/")
        (open.length > 0 ? children : roots).push({ name, children: [] } as never);
      else open.push({ name, children: [] });
      continue;
    }
    if (cdata === undefined && /^<[!?]/.test(token)) continue;
    if (token === "<") throw new NotXml("a bare <");
    const text = cdata ?? unescaped(token);
    if (!/[^ \t\n]/.test(text)) continue;
    if (open.length === 0) throw new NotXml("expected root element line 1");
    children.push(text);
  }
  const [root] = roots;
  if (root === undefined || open.length > 0) throw new NotXml("unexpected end of input");
  return root;
}

function unescaped(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
  return text.replace(
    /&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi,
    (_, hex?: string, decimal?: string, name?: string) => {
      if (name === undefined)
        return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
      const known = named[name];
      if (known === undefined) throw new NotXml(`unknown entity ${name}`);
      return known;
    },
  );
}

/** The first child of that name. */
export function childOf(element: XmlElement | null, name: string): XmlElement | null {
  const found = element?.children.find((child) => typeof child !== "string" && child.name === name);
  return found === undefined || typeof found === "string" ? null : found;
}

/** The text of the first child of that name: "" of one that is empty, null where there is none. */
export function textOf(element: XmlElement | null, name: string): string | null {
  const child = childOf(element, name);
  if (child === null) return null;
  const [first] = child.children;
  return first === undefined ? "" : typeof first === "string" ? first : null;
}
