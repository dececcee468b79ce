import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { connectXapi } from "../../src/xapi/client.ts";
import type { HostRef, VmRef } from "../../src/xapi/records.ts";
import { options, rejection, withClient } from "./support/connect.ts";
import { type Answers, masterScript, startMember } from "./support/scriptedMember.ts";
import { Double, success } from "./support/xapiText.ts";

const host = "OpaqueRef:host-1" as HostRef;
const vm = "OpaqueRef:vm" as VmRef;

/** Calls compute_free_memory on a master with `answers`, and returns the failure. */
async function failureWith(answers: Answers, changes: Parameters<typeof options>[1] = {}): Promise<Error> {
  await using member = await startMember(masterScript(answers));
  return await withClient(member.url, (client) => rejection(client.computeFreeMemory(host)), changes);
}

test("a server that never answers is given up at the deadline", async () => {
  const error = await failureWith({ "host.compute_free_memory": () => null }, { callTimeoutMs: 1500 });
  expect(error).toMatchObject({ name: "XapiUnreachable", code: "pool", reason: "deadline", sent: true });
  expect(error.message).toContain("host.compute_free_memory: no complete answer within 1.5 s");
});

test("a body that drips for ever is given up at the deadline", async () => {
  const timers: NodeJS.Timeout[] = [];
  const error = await failureWith(
    {
      "host.compute_free_memory": (_, response) => {
        response.writeHead(200, { "content-length": 1_000_000 });
        timers.push(setInterval(() => response.write("<"), 10));
        return null;
      },
    },
    { callTimeoutMs: 1500 },
  );
  for (const timer of timers) clearInterval(timer);
  expect(error).toMatchObject({ reason: "deadline" });
});

test("an answer announced as larger than the limit is refused unread", async () => {
  const error = await failureWith(
    {
      "host.compute_free_memory": (_, response) => {
        response.writeHead(200, { "content-length": 5000 });
        response.flushHeaders();
        return null;
      },
    },
    { maxResponseBytes: 4000 },
  );
  expect(error).toMatchObject({ reason: "too-large", message: expect.stringContaining("4000 bytes") });
});

test("an endless answer without a length is cut off at the limit", async () => {
  const error = await failureWith(
    {
      "host.compute_free_memory": (_, response) => {
        const more = (): void => {
          while (!response.destroyed && response.write("x".repeat(1000)));
          if (!response.destroyed) response.once("drain", more);
        };
        more();
        return null;
      },
    },
    { maxResponseBytes: 4000 },
  );
  const message = expect.stringContaining("the answer is larger than 4000 bytes");
  expect(error).toMatchObject({ reason: "too-large", message });
});

test("a body that is cut short is no answer", async () => {
  const error = await failureWith({
    "host.compute_free_memory": (_, response) => {
      response.writeHead(200, { "content-length": 1000 });
      response.write(success("12345").slice(0, 100), () => response.destroy());
      return null;
    },
  });
  expect(error).toMatchObject({ reason: "lost", sent: true });
});

test("a complete body of incomplete XML is no answer", async () => {
  const error = await failureWith({ "host.compute_free_memory": success("12345").slice(0, -20) });
  expect(error).toMatchObject({ reason: "garbled", message: expect.stringContaining("ends too early") });
});

test("an HTTP 500 with a page is named by its status", async () => {
  const error = await failureWith({
    "host.compute_free_memory": (_, response) => {
      response.writeHead(500, { "content-type": "text/html" });
      response.end("<html><body><h1>HTTP 500 internal server error</h1></body></html>");
      return null;
    },
  });
  expect(error).toMatchObject({ reason: "http", status: 500, message: expect.stringContaining("HTTP 500") });
});

test("an HTTP redirect is not followed but shown", async () => {
  const error = await failureWith({
    "host.compute_free_memory": (_, response) => {
      response.writeHead(302, { location: "https://elsewhere.test/" });
      response.end();
      return null;
    },
  });
  expect(error).toMatchObject({ reason: "http", status: 302 });
  expect(error.message).toContain("https://elsewhere.test/");
});

test.each([
  ["empty", "", "empty"],
  ["JSON", '{"result":1}', "not XML"],
  ["a web page", "<!-- hi --><HTML><body></body></HTML>", "web page"],
  ["XML with a document type", '<!DOCTYPE x [<!ENTITY a "b">]><methodResponse/>', "DOCTYPE"],
  [
    "a bare value",
    "<methodResponse><params><param><value>1</value></param></params></methodResponse>",
    "envelope",
  ],
])("an answer that is %s is refused", async (_, body, said) => {
  const error = await failureWith({ "host.compute_free_memory": body });
  expect(error).toMatchObject({ reason: "garbled", message: expect.stringContaining(said) });
});

test("an answer that is not HTTP is refused", async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => socket.write("220 smtp ready\r\n"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const error = await rejection(connectXapi(options(`http://127.0.0.1:${port}`)));
  expect(error.message).toContain("not HTTP");
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test("a status line without a reason, as old servers write it, is an answer", async () => {
  const sockets = new Set<Socket>();
  const bodies = ["OpaqueRef:s", { "OpaqueRef:p": { uuid: "u", master: "OpaqueRef:h" } }, "OpaqueRef:h", ""];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      if (!chunk.includes("</methodCall>")) return;
      const body = success(bodies.shift() ?? "");
      socket.write(`HTTP/1.1 200\r\ncontent-length: ${body.length}\r\nconnection: keep-alive\r\n\r\n${body}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = await connectXapi(options(`http://127.0.0.1:${port}`));
  expect(client.pool.uuid).toBe("u");
  await client.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test("every request carries its length, small headers, and reuses the connection", async () => {
  await using member = await startMember(masterScript({ "host.compute_free_memory": success("7408566272") }));
  await withClient(member.url, async (client) => {
    for (let time = 0; time < 5; time++) expect(await client.computeFreeMemory(host)).toBe(7408566272);
  });
  const asked = member.calls.filter((call) => call.method === "host.compute_free_memory");
  expect(new Set(asked.map((call) => call.connection)).size).toBe(1);
  for (const call of member.calls) {
    expect(Number(call.headers["content-length"])).toBeGreaterThan(0);
    expect(call.headers["transfer-encoding"]).toBeUndefined();
    expect(JSON.stringify(call.headers).length).toBeLessThan(400);
  }
});

test("a hundred calls at once use no more connections than allowed", async () => {
  await using member = await startMember(masterScript({ "VM.query_data_source": success(new Double(0.25)) }));
  await withClient(
    member.url,
    async (client) => {
      const before = member.connections();
      const values = await Promise.all(
        Array.from({ length: 100 }, () => client.queryVmDataSource(vm, "cpu0")),
      );
      expect(values).toEqual(Array(100).fill(0.25));
      expect(member.connections() - before).toBeLessThanOrEqual(3);
    },
    { parallelCalls: 3 },
  );
});

test("a read on a kept connection that has died is sent again on a new one, once", async () => {
  let drops = 1;
  await using member = await startMember(
    masterScript({
      "host.compute_free_memory": (_, response) => {
        if (drops-- <= 0) return success("1");
        response.socket?.resetAndDestroy();
        return null;
      },
    }),
  );
  await withClient(member.url, async (client) => {
    expect(await client.computeFreeMemory(host)).toBe(1);
    drops = 2;
    expect(await rejection(client.computeFreeMemory(host))).toMatchObject({ reason: "lost" });
  });
});

test("a migration goes over a connection of its own, never over a kept one", async () => {
  await using member = await startMember(
    masterScript({ "Async.VM.pool_migrate": success("OpaqueRef:task") }),
  );
  await withClient(member.url, async (client) => {
    await client.pools();
    await client.poolMigrateAsync(vm, host);
  });
  const migration = member.calls.find((call) => call.method === "Async.VM.pool_migrate");
  expect(migration?.params).toEqual(["OpaqueRef:session-1", vm, host, new Map([["live", "true"]])]);
  expect(member.calls.filter((call) => call.connection === migration?.connection).length).toBe(1);
});

test("aborting the signal ends a call in progress with its reason", async () => {
  const abort = new AbortController();
  await using member = await startMember(
    masterScript({
      "host.compute_free_memory": () => {
        abort.abort(new Error("told to stop"));
        return null;
      },
    }),
  );
  const work = withClient(member.url, (client) => client.computeFreeMemory(host), { signal: abort.signal });
  await expect(work).rejects.toThrow("told to stop");
});

test("GET sends the session as a cookie on a connection of its own, and keeps it out of the address", async () => {
  await using member = await startMember((call, response) => {
    if (call.method !== "GET") return masterScript()(call, response);
    return "<xport/>";
  });
  await withClient(member.url, async (client) => {
    const answer = await client.httpGet(member.address, "/rrd_updates", { start: "1", cf: "AVERAGE" });
    expect(answer).toEqual({ contentType: "text/xml", body: "<xport/>" });
  });
  const get = member.calls.find((call) => call.method === "GET");
  expect(get?.url).toBe("/rrd_updates?start=1&cf=AVERAGE");
  expect(get?.headers).toMatchObject({ cookie: "session_id=OpaqueRef:session-1", accept: "text/xml" });
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const agents = new Set(member.calls.map((call) => call.headers["user-agent"]));
  expect([...agents]).toEqual([`xcp-balance/${version}`]);
});

test("an answer of HTTP 429 is told as a limit of calls, with the name to raise it for", async () => {
  await using member = await startMember((call, response) => {
    if (call.method !== "host.compute_free_memory") return masterScript()(call, response);
    response.writeHead(429).end();
    return null;
  });
  const work = withClient(member.url, (client) => client.computeFreeMemory(host));
  await expect(work).rejects.toThrow(
    /compute_free_memory: .* HTTP 429: calls are limited there; .* xcp-balance\//,
  );
});

test("GET renews a session that the member does not know", async () => {
  const script = masterScript();
  await using member = await startMember((call, response) => {
    if (call.method !== "GET") return script(call, response);
    if (call.headers.cookie?.includes("session-2") === true) return "<xport/>";
    response.writeHead(401).end();
    return null;
  });
  await withClient(member.url, async (client) => {
    expect((await client.httpGet(member.address, "/rrd_updates", {})).body).toBe("<xport/>");
  });
});
