/**
 * What TLS alone takes of a request to xcp-wlb: its own wire with a fixed answer of 20 kB, asked on connections of their own by
 * clients that offer one curve each; a pool offers P-384. CPU of server and client, in ms an exchange.
 * `npm run bench -- tls [exchanges [rounds]]`
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { serverCertificate } from "../../src/wlb/certificate.ts";
import { startTlsServer } from "../../src/wlb/tlsServer.ts";

const curves = ["secp384r1", "prime256v1", "X25519"];
const request = "POST / HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nab";

/** Microseconds of CPU since `before`. */
function cpu(before?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function serve(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "xcp-bench-tls-"));
  const { key, cert } = await serverCertificate(folder, ["localhost"], { now: new Date(), unique: "bench" });
  await rm(folder, { recursive: true });
  const answer = { status: 200, body: "x".repeat(20_000) };
  const { port } = await startTlsServer({
    listen: { host: "127.0.0.1", port: 0 },
    key,
    cert,
    answer: () => Promise.resolve(answer),
    excuse: () => answer,
    failed: () => {},
  });
  process.on("message", () => process.send?.(cpu()));
  process.send?.(port);
}

async function exchange(port: number, ecdhCurve: string): Promise<void> {
  const socket = tls.connect({
    port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    maxVersion: "TLSv1.2",
    ciphers: "ECDHE-RSA-AES256-GCM-SHA384",
    ecdhCurve,
  });
  socket.on("data", () => {});
  await once(socket, "secureConnect");
  socket.write(request);
  await once(socket, "end");
  socket.destroy();
}

async function measure(exchanges: number, rounds: number): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), ["serve"]);
  const said = async () => Number((await once(server, "message"))[0]);
  const port = await said();
  const many = async (curve: string) => {
    let left = exchanges;
    const client = async () => {
      while (left-- > 0) await exchange(port, curve);
    };
    await Promise.all([client(), client(), client(), client()]);
  };
  const ofServer = async () => {
    server.send("cpu");
    return said();
  };
  try {
    for (const curve of curves) await many(curve);
    for (let round = 0; round < rounds; round++) {
      for (const curve of curves) {
        const [before, own] = [await ofServer(), process.cpuUsage()];
        await many(curve);
        const client = cpu(own) / 1000 / exchanges;
        const used = ((await ofServer()) - before) / 1000 / exchanges;
        process.stdout.write(`${curve}: server ${used.toFixed(2)} ms, client ${client.toFixed(2)} ms\n`);
      }
    }
  } finally {
    server.kill();
  }
}

const [first = "", second = ""] = process.argv.slice(2);
if (first === "serve") await serve();
else await measure(Number(first || 300), Number(second || 3));
