/** A request of xapi's client of workload balancing, byte for byte. Pure. */

export type WlbMethod =
  | "AddXenServer"
  | "RemoveXenServer"
  | "SetXenPoolConfiguration"
  | "GetXenPoolConfiguration"
  | "VMGetRecommendations"
  | "HostGetRecommendations"
  | "GetOptimizationRecommendations"
  | "ExecuteReport"
  | "GetDiagnostics";

export interface WlbCaller {
  /** The host of wlb_url, without its port; an IPv6 address without brackets. */
  readonly host: string;
  readonly user: string;
  readonly password: string;
  /** "26.17": the client's version. */
  readonly version: string;
}

/** The whole request; `parameters` is what stands in the element `request`. */
export function requestBytes(
  method: WlbMethod,
  parameters: string,
  { host, user, password, version }: WlbCaller,
): Buffer {
  const body = Buffer.from(
    [
      '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">',
      "  <s:Body>",
      `    <${method} xmlns="http://schemas.citrix.com/DWM">`,
      '      <request xmlns:i="http://www.w3.org/2001/XMLSchema-instance">',
      `        ${parameters}`,
      "      </request>",
      `    </${method}>`,
      "  </s:Body>",
      "</s:Envelope>",
    ].join("\n"),
  );
  const head = [
    "POST /Citrix.Dwm.WorkloadBalance/Service HTTP/1.1",
    `content-length: ${body.length}`,
    `user-agent: xapi/${version}`,
    "connection: close",
    `SOAPAction: "http://schemas.citrix.com/DWM/IWorkloadBalance/${method}"`,
    "Content-Type: text/xml; charset=utf-8",
    `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
    `Host: ${host}`,
    "\r\n",
  ];
  return Buffer.concat([Buffer.from(head.join("\r\n")), body]);
}

/** `text` escaped as the client does: four characters, and no control characters but tab and line ends. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\p{Cc}]/gu, (control) =>
      control === "\t" || control === "\n" || control === "\r" ? control : "",
    )
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function element(name: string, text: string): string {
  return `<${name}>${text}</${name}>`;
}

/** Of the questions about an object: the elements in the order that is given, uuids as they are. */
export function uuidParameters(uuids: Readonly<Record<string, string>>): string {
  return Object.entries(uuids)
    .map(([name, uuid]) => element(name, uuid))
    .join("\n");
}

/** `address` is the master's, an IPv6 one without brackets. */
export function joiningParameters(
  pool: string,
  { user, password, address }: { readonly user: string; readonly password: string; readonly address: string },
): string {
  const host = address.includes(":") ? `[${address}]` : address;
  const lines = [
    element("Password", escaped(password)),
    element("PoolUuid", pool),
    element("UserName", escaped(user)),
    // Literally so, whatever the pool listens to.
    element("XenServerUrl", `http://${host}:80/`),
  ];
  return `${lines.join("\n")}\n`;
}

export function configurationParameters(pool: string, values: ReadonlyMap<string, string>): string {
  const pairs = [...values].map(
    ([key, value]) =>
      `${element(
        "b:KeyValueOfstringstring",
        element("b:Key", escaped(key)) + element("b:Value", escaped(value)),
      )}\n`,
  );
  return (
    '\n    <OptimizationParms xmlns:b="http://schemas.microsoft.com/2003/10/Serialization/Arrays">\n' +
    `      ${pairs.join("")}\n    </OptimizationParms>\n    ${element("PoolUuid", pool)}\n`
  );
}

export function reportParameters(report: string, parameters: readonly (readonly [string, string])[]): string {
  const all = parameters.map(([name, value]) =>
    element(
      "ReportParameter",
      element("ParameterName", escaped(name)) + element("ParameterValue", escaped(value)),
    ),
  );
  return element("ReportName", escaped(report)) + element("ReportParms", all.join(""));
}
