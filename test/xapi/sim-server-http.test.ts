/** The simulator's HTTP: limits, malformed requests, keep-alive, faults, many connections. */
import { once } from "node:events";
import { connect as connectTls, type PeerCertificate } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RunningSimulator, startSimulator } from "../../src/simulator/server/server.ts";
import { call, callXml, post, raw, type SmallPool, smallPool } from "./simServer.ts";

let pool: SmallPool;
let simulator: RunningSimulator;
let url: string;

beforeEach(async () => {
  pool = smallPool();
  simulator = await startSimulator(pool, { http: true, https: false });
  url = simulator.masterUrl;
});
afterEach(() => simulator.stop());

const login = callXml("session.login_with_password", ["root", "secret"]);

describe("answers", () => {
  test("carry xapi's headers in xapi's order and spelling, and nothing more", async () => {
    const [reply] = await raw(url, post("/", login));
    expect(reply?.head.split("\r\n").slice(1)).toEqual([
      `content-length: ${reply?.body.length}`,
      "connection: keep-alive",
      "cache-control: no-cache, no-store",
      "content-type: text/xml",
      "Access-Control-Allow-Origin: *",
      "Access-Control-Allow-Headers: X-Requested-With",
    ]);
  });

  test.each(["/", "/RPC2", "/xmlrpc", "/anything"])("POST %s is XML-RPC", async (path) => {
    const [reply] = await raw(url, post(path, login));
    expect(reply).toMatchObject({
      status: 200,
      body: expect.stringContaining("<name>Status</name><value>Success<"),
    });
  });

  test("POST /jsonrpc is JSON-RPC, version 1 where none is named", async () => {
    const body = JSON.stringify({ id: "a", method: "VM.get_all", params: ["OpaqueRef:x"] });
    const [reply] = await raw(url, post("/jsonrpc", body));
    expect(reply?.head).toContain("content-type: application/json");
    expect(reply?.body).toBe('{"result":null,"error":["SESSION_INVALID","OpaqueRef:x"],"id":"a"}');
  });

  test("two requests in one write are answered in their order on one connection", async () => {
    const [first, second] = await raw(url, post("/", login) + post("/", callXml("VM.frob", [])), 2);
    expect(first?.body).toContain("Success");
    expect(second?.body).toContain("MESSAGE_METHOD_UNKNOWN");
  });
});

describe("requests that xapi refuses", () => {
  test.each(["/", "/jsonrpc", "/nothing/here"])("GET %s is 403 with a page", async (path) => {
    const [reply] = await raw(url, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(reply).toMatchObject({ status: 403, body: expect.stringContaining("<html>") });
  });

  test.each<[string, string | Buffer]>([
    ["no content-length", "POST / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a chunked body", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"],
    ["a body over 300 KiB", `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${300 * 1024 + 1}\r\n\r\n`],
    ["malformed XML", post("/", "<methodCall><methodName>")],
    ["malformed JSON", post("/jsonrpc", "{")],
    ["a JSON batch", post("/jsonrpc", '[{"jsonrpc":"2.0","id":1,"method":"x","params":[]}]')],
    ["a JSON notification", post("/jsonrpc", '{"jsonrpc":"2.0","method":"x","params":[]}')],
    ["jsonrpc 1.0", post("/jsonrpc", '{"jsonrpc":"1.0","id":1,"method":"x","params":[]}')],
    [
      "latin-1 text",
      Buffer.concat([
        Buffer.from("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"),
        Buffer.from([0xe9]),
      ]),
    ],
  ])("%s is HTTP 500 with a page, and the connection closes", async (_, bytes) => {
    const [reply] = await raw(url, bytes);
    expect(reply).toMatchObject({ status: 500, body: expect.stringContaining("<html>") });
    expect(reply?.head).toContain("content-type: text/html");
    expect(reply?.head).toContain("connection: close");
  });

  test("a body of exactly 300 KiB is read", async () => {
    const call = callXml("x", [""]);
    const padded = call.replace("<value></value>", `<value>${"x".repeat(300 * 1024 - call.length)}</value>`);
    const [reply] = await raw(url, post("/", padded));
    expect(reply?.body).toContain("SESSION_INVALID");
  });

  test("headers of more than 1024 bytes are 431, some fewer are not", async () => {
    const [long] = await raw(url, post("/", login, [`Cookie: ${"x".repeat(1024)}`]));
    expect(long?.status).toBe(431);
    const [short] = await raw(url, post("/", login, [`Cookie: ${"x".repeat(900)}`]));
    expect(short?.status).toBe(200);
  });
});

describe("faults on command", () => {
  test("garbage is HTTP 200 that no parser takes", async () => {
    pool.fault = "garbage";
    const [reply] = await raw(url, post("/", login));
    expect(reply).toMatchObject({ status: 200, body: expect.not.stringContaining("</methodResponse>") });
  });

  test("an HTTP 500 and a cut connection", async () => {
    pool.fault = "http-500";
    expect((await raw(url, post("/", login)))[0]?.status).toBe(500);
    pool.fault = "close";
    expect(await raw(url, post("/", login))).toEqual([]);
  });

  test("a hanging call answers nothing while others on other connections are served", async () => {
    pool.fault = "hang";
    const hanging = raw(url, post("/", login));
    let answered = false;
    void hanging.then(() => (answered = true));
    await new Promise((done) => setTimeout(done, 50));
    pool.fault = "answer";
    expect(await call(url, "session.login_with_password", "root", "secret")).toMatch(/^OpaqueRef/);
    expect(answered).toBe(false);
    await simulator.stop();
    expect(await hanging).toEqual([]);
  });

  test("a host that is gone cuts every connection", async () => {
    pool.condition.set(pool.masterRef, "gone");
    expect(await raw(url, post("/", login))).toEqual([]);
  });

  test("a host that goes cuts the calls that wait on it", async () => {
    const session = String(await call(url, "session.login_with_password", "root", "secret"));
    const waiting = raw(url, post("/", callXml("event.from", [session, ["vm"], "", { double: 3600 }])));
    const none = raw(url, post("/", callXml("event.from", [session, ["message"], "", { double: 3600 }])));
    expect(await waiting).toHaveLength(1);
    pool.condition.set(pool.masterRef, "gone");
    expect(await none).toEqual([]);
  });
});

describe("https", () => {
  test("every host shows a certificate of its own for its address, with the fingerprint that is announced", async () => {
    const secure = await startSimulator(pool, { http: false, https: true });
    try {
      const seen = await Promise.all(secure.hosts.map(({ httpsUrl }) => peerCertificate(httpsUrl ?? "")));
      expect(seen.map(({ fingerprint256 }) => fingerprint256)).toEqual(
        secure.hosts.map(({ fingerprint256 }) => fingerprint256),
      );
      expect(new Set(seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(2);
      expect(seen.map(({ subjectaltname }) => subjectaltname)).toEqual(
        secure.hosts.map(({ address }) => `IP Address:${address}`),
      );
    } finally {
      await secure.stop();
    }
  });

  test("http and https together have a port each, the same on every host", async () => {
    const both = await startSimulator(pool, { http: true, https: true });
    const ports = (urls: readonly (string | undefined)[]) =>
      new Set(urls.map((text) => new URL(text ?? "").port)).size;
    expect(ports(both.hosts.map(({ httpUrl }) => httpUrl))).toBe(1);
    expect(ports(both.hosts.map(({ httpsUrl }) => httpsUrl))).toBe(1);
    expect(both.masterUrl).toBe(both.hosts[0]?.httpsUrl);
    await both.stop();
  });

  test("a port that is taken is an error, and what was bound before it is free again", async () => {
    const port = Number(new URL(url).port);
    await expect(startSimulator(smallPool(), { http: true, https: false, port })).rejects.toThrow(
      "EADDRINUSE",
    );
    await simulator.stop();
    const again = await startSimulator(smallPool(), { http: true, https: false, port });
    expect(new URL(again.masterUrl).port).toBe(String(port));
    await again.stop();
  });
});

async function peerCertificate(target: string): Promise<PeerCertificate> {
  const { hostname, port } = new URL(target);
  // The certificate is what is tested: nothing is sent, so nothing needs to be trusted.
  const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
}

describe("many clients", () => {
  test("a hundred connections at once get each its own answer", async () => {
    const session = String(await call(url, "session.login_with_password", "root", "secret"));
    const refs = Array.from({ length: 100 }, (_, index) =>
      pool.db.create("VM", { name_label: `vm ${index}` }),
    );
    const names = await Promise.all(refs.map((ref) => call(url, "VM.get_name_label", session, ref)));
    expect(names).toEqual(refs.map((_, index) => `vm ${index}`));
  });

  test("two simulators run side by side, and a stopped one refuses", async () => {
    const second = await startSimulator(smallPool(), { http: true, https: false });
    expect(await call(second.masterUrl, "session.login_with_password", "root", "secret")).toMatch(
      /^OpaqueRef/,
    );
    await second.stop();
    expect(await raw(second.masterUrl, post("/", login)).catch(() => [])).toEqual([]);
  });
});
