import { generate } from "selfsigned";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/store/connection.ts";
import { startTlsOnlyServer, type TlsOnlyServer } from "../support/tlsOnlyServer.ts";

interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A certificate that is its own authority, for exactly these names and addresses. */
async function certificateFor(names: { dns?: string; ip?: string }): Promise<Certificate> {
  const altNames = [
    ...(names.dns === undefined ? [] : [{ type: 2 as const, value: names.dns }]),
    ...(names.ip === undefined ? [] : [{ type: 7 as const, ip: names.ip }]),
  ];
  const { private: key, cert } = await generate([{ name: "commonName", value: "a test" }], {
    keySize: 2048,
    extensions: [{ name: "subjectAltName", altNames }],
  });
  return { key, cert };
}

let localhost: Certificate;
let address: Certificate;
let stranger: Certificate;
beforeAll(async () => {
  localhost = await certificateFor({ dns: "localhost" });
  address = await certificateFor({ ip: "127.0.0.1" });
  stranger = await certificateFor({ dns: "localhost", ip: "127.0.0.1" });
});

let server: TlsOnlyServer | undefined;
afterEach(() => server?.close());

async function messageOf(shown: Certificate, host: string, caPem: string, offersTls = true): Promise<string> {
  server = await startTlsOnlyServer(shown, offersTls);
  const servers = [{ host, port: server.port }];
  const account = { user: "xcp", password: "secret", database: "Xen" };
  const limits = { connectTimeoutMs: 5_000, statementTimeoutMs: 5_000 };
  const error: unknown = await openDatabase({ servers, ...account, ...limits, caPem }).catch(
    (reason: unknown) => reason,
  );
  return error instanceof Error ? error.message : "";
}

const refused = /its certificate is not one that MysqlCaFile vouches for under this name/;
const letIn = /access denied for xcp/;

describe("a MySQL server over TLS", () => {
  it("is spoken to when its authority and its name are right", async () => {
    expect(await messageOf(localhost, "localhost", localhost.cert)).toMatch(letIn);
    expect(server?.secretBytes).toBeGreaterThan(0);
  });

  it("is spoken to when its authority and its address are right", async () => {
    expect(await messageOf(address, "127.0.0.1", address.cert)).toMatch(letIn);
    expect(server?.secretBytes).toBeGreaterThan(0);
  });

  it("of another authority sees no name and no password", async () => {
    expect(await messageOf(stranger, "localhost", localhost.cert)).toMatch(refused);
    expect(server?.secretBytes).toBe(0);
  });

  it("with a certificate for another name sees no name and no password", async () => {
    expect(await messageOf(address, "localhost", address.cert)).toMatch(refused);
    expect(server?.secretBytes).toBe(0);
  });

  it("with a certificate for a name, reached by an address, sees no name and no password", async () => {
    expect(await messageOf(localhost, "127.0.0.1", localhost.cert)).toMatch(refused);
    expect(server?.secretBytes).toBe(0);
  });

  it("that offers no TLS is not spoken to in clear", async () => {
    expect(await messageOf(localhost, "localhost", localhost.cert, false)).toMatch(
      /offers no TLS: enable it there/,
    );
  });
});
