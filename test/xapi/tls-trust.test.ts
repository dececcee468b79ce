import { inspect } from "node:util";
import { afterEach, expect, test } from "vitest";
import type { AppError } from "../../src/domain/errors.ts";
import { connectXapi, type Trust } from "../../src/xapi/client.ts";
import type { HostRef } from "../../src/xapi/records.ts";
import { makeCertificate } from "./support/certificates.ts";
import { options, rejection, withClient } from "./support/connect.ts";
import { startRecordingServer } from "./support/recordingTls.ts";
import { masterScript, slaveScript, startMember } from "./support/scriptedMember.ts";
import { success } from "./support/xapiText.ts";

const mine = await makeCertificate({ ip: "127.0.0.1" });
const stranger = await makeCertificate({ ip: "127.0.0.1" });
const host = "OpaqueRef:host-1" as HostRef;

function pinned(...sha256: string[]): Trust {
  return { kind: "fingerprints", sha256 };
}

afterEach(() => {
  delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
});

test("a host with a pinned certificate is spoken to, however the fingerprint is written", async () => {
  await using member = await startMember(masterScript(), { tls: mine });
  const plain = mine.fingerprint.replaceAll(":", "").toLowerCase();
  for (const pin of [mine.fingerprint, plain]) {
    await withClient(member.url, async (client) => expect(client.url).toBe(member.url), {
      trust: pinned(pin),
    });
  }
});

test("a host with another certificate than the pinned one receives not one byte", async () => {
  await using server = await startRecordingServer(stranger);
  const error = (await rejection(
    connectXapi(options(server.url, { trust: pinned(mine.fingerprint) })),
  )) as AppError;
  expect(error.code).toBe("certificate");
  expect((await server.received()).length).toBe(0);
});

test("the recording server does see the login of a client that trusts it", async () => {
  await using server = await startRecordingServer(mine);
  const attempt = connectXapi(options(server.url, { trust: pinned(mine.fingerprint), callTimeoutMs: 1500 }));
  expect(await rejection(attempt)).toMatchObject({ code: "pool" });
  expect((await server.received()).toString()).toContain("session.login_with_password");
});

test("a changed certificate is shown beside the trusted one, with the line that accepts it", async () => {
  await using server = await startRecordingServer(stranger);
  const error = await rejection(connectXapi(options(server.url, { trust: pinned(mine.fingerprint) })));
  expect(error.message).toContain(`trusted (XenFingerprint): ${mine.fingerprint}`);
  expect(error.message).toMatch(new RegExp(`seen: +${stranger.fingerprint}`));
  expect(error.message).toContain(`XenFingerprint=${mine.fingerprint},${stranger.fingerprint}`);
});

test("a wrong certificate ends the search: no other member is tried", async () => {
  await using server = await startRecordingServer(stranger);
  await using member = await startMember(masterScript(), { tls: mine });
  const attempt = connectXapi(options([server.url, member.url], { trust: pinned(mine.fingerprint) }));
  expect(await rejection(attempt)).toMatchObject({ code: "certificate" });
  expect(member.calls).toEqual([]);
});

test("a redirect to a host with a wrong certificate does not carry the password there", async () => {
  await using server = await startRecordingServer(stranger);
  await using slave = await startMember(
    slaveScript(() => server.address),
    { tls: mine },
  );
  const error = await rejection(connectXapi(options(slave.url, { trust: pinned(mine.fingerprint) })));
  expect(error).toMatchObject({ code: "certificate", message: expect.stringContaining(server.url) });
  expect(slave.methods()).toEqual(["session.login_with_password"]);
  expect((await server.received()).length).toBe(0);
});

test("a host that changes its certificate between two calls receives not one byte more", async () => {
  const member = await startMember(masterScript({ "host.compute_free_memory": success("1") }), { tls: mine });
  const client = await connectXapi(options(member.url, { trust: pinned(mine.fingerprint) }));
  expect(await client.computeFreeMemory(host)).toBe(1);
  await member.close();
  await using server = await startRecordingServer(stranger, { port: member.port });
  const error = await rejection(client.computeFreeMemory(host));
  expect(error).toMatchObject({ code: "certificate" });
  await client.close();
  expect((await server.received()).length).toBe(0);
});

test.each(["TLSv1.2", undefined] as const)(
  "reconnecting verifies again: no session is resumed (%s)",
  async (version) => {
    const script = masterScript({ "host.compute_free_memory": success("1") });
    await using member = await startMember(script, {
      tls: { ...mine, ...(version === undefined ? {} : { maxVersion: version }) },
    });
    await withClient(member.url, async (client) => expect(await client.computeFreeMemory(host)).toBe(1), {
      trust: pinned(mine.fingerprint),
    });
    expect(member.connections()).toBeGreaterThan(1);
    expect(member.resumed()).toBe(0);
  },
);

test("a GET on another member is under the same trust", async () => {
  await using server = await startRecordingServer(stranger);
  await using member = await startMember(masterScript(), { tls: mine });
  const error = await withClient(
    member.url,
    (client) => rejection(client.httpGet(server.address, "/rrd_updates", { start: "1" })),
    { trust: pinned(mine.fingerprint) },
  );
  expect(error).toMatchObject({ code: "certificate" });
  expect((await server.received()).length).toBe(0);
});

test("the pinned certificate is refused once it has expired, and says so", async () => {
  const from = new Date("2020-01-01T00:00:00Z");
  const expired = await makeCertificate({ from, until: new Date("2021-01-01T00:00:00Z") });
  await using server = await startRecordingServer(expired);
  const error = await rejection(connectXapi(options(server.url, { trust: pinned(expired.fingerprint) })));
  expect(error).toMatchObject({ code: "certificate", message: expect.stringMatching(/expired on .*2021/) });
  expect((await server.received()).length).toBe(0);
});

test("a self-signed certificate that nobody vouches for is shown with the line to add, and nothing is sent", async () => {
  await using server = await startRecordingServer(stranger);
  const error = await rejection(connectXapi(options(server.url)));
  expect(error).toMatchObject({ code: "certificate", message: expect.stringContaining("self-signed") });
  expect(error.message).toContain(`\n  XenFingerprint=${stranger.fingerprint}`);
  expect((await server.received()).length).toBe(0);
});

test("NODE_TLS_REJECT_UNAUTHORIZED=0 opens nothing", async () => {
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  await using server = await startRecordingServer(stranger);
  expect(await rejection(connectXapi(options(server.url)))).toMatchObject({ code: "certificate" });
  expect((await server.received()).length).toBe(0);
});

test("a certificate from the given authority is trusted for its own name", async () => {
  await using member = await startMember(masterScript(), { tls: mine });
  await withClient(member.url, async (client) => expect(client.url).toBe(member.url), {
    trust: { kind: "ca", pem: mine.cert },
  });
});

test("a certificate from the given authority for another name receives not one byte", async () => {
  const elsewhere = await makeCertificate({ ip: "10.9.8.7" });
  await using server = await startRecordingServer(elsewhere);
  const error = await rejection(
    connectXapi(options(server.url, { trust: { kind: "ca", pem: elsewhere.cert } })),
  );
  expect(error).toMatchObject({ code: "certificate", message: expect.stringContaining("another name") });
  expect((await server.received()).length).toBe(0);
});

test("a certificate from another authority than the given one receives not one byte", async () => {
  await using server = await startRecordingServer(stranger);
  const error = await rejection(connectXapi(options(server.url, { trust: { kind: "ca", pem: mine.cert } })));
  expect(error).toMatchObject({ code: "certificate", message: expect.stringContaining("XenCaFile") });
  expect((await server.received()).length).toBe(0);
});

test("https to a plain port names the mistake", async () => {
  await using member = await startMember(masterScript());
  const error = await rejection(connectXapi(options(member.url.replace("http:", "https:"))));
  expect(error).toMatchObject({ code: "pool", message: expect.stringMatching(/TLS on this port|handshake/) });
});

test("http to a TLS port fails without the password being understood", async () => {
  await using server = await startRecordingServer(mine);
  const error = await rejection(connectXapi(options(server.url.replace("https:", "http:"))));
  expect(error).toMatchObject({ code: "pool" });
  expect((await server.received()).length).toBe(0);
});

test("a peer that accepts the connection and never shakes hands is given up", async () => {
  await using mute = await startRecordingServer(mine, { mute: true });
  const error = await rejection(connectXapi(options(mute.url, { connectTimeoutMs: 200 })));
  expect(error).toMatchObject({
    code: "pool",
    message: expect.stringContaining("no connection within 0.2 s"),
  });
});

test("a certificate failure shows no password", async () => {
  await using server = await startRecordingServer(stranger);
  const error = await rejection(connectXapi(options(server.url, { password: "canary-password" })));
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary-password");
});

test("an old host is spoken to in TLS 1.0 only where the settings allow it", async () => {
  const tls = { ...mine, minVersion: "TLSv1", maxVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
  await using member = await startMember(masterScript(), { tls });
  const trust = pinned(mine.fingerprint);
  const refused = await rejection(connectXapi(options(member.url, { trust })));
  expect(refused.message).toContain("XenTlsMinVersion=TLSv1");
  await withClient(member.url, async (client) => expect(client.url).toBe(member.url), {
    trust,
    minTlsVersion: "TLSv1",
  });
});
