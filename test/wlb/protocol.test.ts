/** The recorded requests are read as they were meant; what is hostile or wrong is refused with a reason, never a value. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { WlbRefusal } from "../../src/wlbProtocol/methods.ts";
import { methodOf, readRequest, type WlbRequest } from "../../src/wlbProtocol/request.ts";

const pool = "11111111-0000-4000-8000-000000000001";
const folder = new URL("../../../shared/wlb/recorded/requests/", import.meta.url);

function recorded(name: string): WlbRequest {
  const [head = "", body = ""] = readFileSync(new URL(`${name}.http`, folder), "utf8").split("\r\n\r\n");
  const method = methodOf(/^SOAPAction: (.*)$/m.exec(head)?.[1]?.trim());
  if (method === null) throw new Error(`no method in ${name}`);
  return readRequest(method, body);
}

describe.skipIf(!existsSync(folder))("the recorded requests (beside the repository: shared/wlb)", () => {
  it("are read by their names, with what is escaped in them", () => {
    const added = recorded("AddXenServer");
    expect(added).toMatchObject({
      method: "AddXenServer",
      pool,
      user: "root",
      poolUrl: "http://192.0.2.10:80/",
    });
    expect(added.method === "AddXenServer" && added.password.reveal()).toBe('p&"w<d>');
    expect(recorded("RemoveXenServer")).toEqual({ method: "RemoveXenServer", pool });
    expect(recorded("GetXenPoolConfiguration")).toEqual({ method: "GetXenPoolConfiguration", pool });
    expect(recorded("SetXenPoolConfiguration")).toEqual({
      method: "SetXenPoolConfiguration",
      pool,
      values: new Map([
        ["AutoBalanceEnabled", "true"],
        ["OptimizationMode", "0"],
      ]),
    });
    expect(recorded("VMGetRecommendations")).toEqual({
      method: "VMGetRecommendations",
      pool,
      vm: "bbbbbbbb-0000-4000-8000-000000000001",
    });
    expect(recorded("HostGetRecommendations")).toEqual({
      method: "HostGetRecommendations",
      pool,
      host: "aaaaaaaa-0000-4000-8000-000000000001",
    });
    expect(recorded("GetOptimizationRecommendations")).toEqual({
      method: "GetOptimizationRecommendations",
      pool,
    });
    expect(recorded("ExecuteReport")).toEqual({
      method: "ExecuteReport",
      report: "pool_health",
      parameters: new Map([
        ["LocaleCode", "en"],
        ["Start", "-7"],
        ["End", "0"],
        ["PoolID", pool],
        ["UTCOffset", "0"],
      ]),
    });
    expect(recorded("GetDiagnostics")).toEqual({ method: "GetDiagnostics" });
  });
});

function envelope(content: string): string {
  return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${content}</s:Body></s:Envelope>`;
}

const removal = `<RemoveXenServer><request><PoolUuid>${pool}</PoolUuid></request></RemoveXenServer>`;

describe("what is refused", () => {
  it("is nothing of a plain request", () => {
    expect(readRequest("RemoveXenServer", envelope(removal))).toEqual({ method: "RemoveXenServer", pool });
  });

  it.each([
    ["a document type", `<!DOCTYPE x [<!ENTITY a "b">]>${envelope(removal)}`, "DOCTYPE"],
    ["a document type within", envelope(`<!DOCTYPE x>${removal}`), "DOCTYPE"],
    [
      "what is deeper than any request",
      envelope("<a>".repeat(30) + "</a>".repeat(30)),
      "nested deeper than 20",
    ],
    ["a hundred thousand elements", envelope(`<a>${"<b/>".repeat(100_000)}</a>`), "more than 20000 elements"],
    ["a document cut off", envelope(removal).slice(0, -20), "ends too early"],
    ["wrong nesting", "<Envelope><Body></Envelope></Body>", "</Body> should be"],
    ["no XML", "garbage", "text where a tag should be"],
    ["nothing", "", "ends too early"],
    ["two envelopes", envelope(removal) + envelope(removal), "something follows"],
    ["text behind the envelope", `${envelope(removal)}x`, "something follows"],
    ["another method than the header's", envelope(removal.replaceAll("Remove", "Add")), "SOAPAction"],
    ["no envelope", removal, "no SOAP envelope"],
    ["a pool twice", envelope(removal.replace(/(<PoolUuid>.*<\/PoolUuid>)/, "$1$1")), "2 times"],
    ["a pool that is no uuid", envelope(removal.replace(pool, "secret-word")), "PoolUuid is no uuid"],
    ["no pool", envelope("<RemoveXenServer><request/></RemoveXenServer>"), "without PoolUuid"],
  ])("%s", (_, body, reason) => {
    let refused: unknown = null;
    try {
      readRequest("RemoveXenServer", body);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(WlbRefusal);
    expect(refused).toMatchObject({ code: "invalidArgument" });
    expect((refused as Error).message).toContain(reason);
    expect((refused as Error).message).not.toContain("secret-word");
  });

  it("entities of one's own stay text, so that nothing grows", () => {
    const body = envelope(
      "<SetXenPoolConfiguration><request><OptimizationParms><a><Key>k</Key><Value>&lol;&amp;</Value></a></OptimizationParms>" +
        `<PoolUuid>${pool}</PoolUuid></request></SetXenPoolConfiguration>`,
    );
    expect(readRequest("SetXenPoolConfiguration", body)).toMatchObject({
      values: new Map([["k", "&lol;&"]]),
    });
  });

  it("is a header without one of the nine", () => {
    expect(methodOf('"http://schemas.citrix.com/DWM/IWorkloadBalance/GetDiagnostics"')).toBe(
      "GetDiagnostics",
    );
    for (const header of [undefined, "", '"x/DropDatabase"', "constructor"])
      expect(methodOf(header)).toBeNull();
  });
});
