/**
 * How long a pool waits for stars: xcp-wlb as a process, a pool of 64 hosts and 2,400 VMs (a tenth of them halted), 10
 * requests at once, each on a connection of its own as xapi makes them. `npm run bench -- wlb [requests [at once]]`
 * Tells the whole exchange with its TLS, and what is left of it without: the same number of exchanges that are refused for
 * their path.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { startProjectServer, workFolder } from "../../src/privateServer/projectServer.ts";
import { openDatabase, type StoreOptions } from "../../src/store/connection.ts";
import { createHostRule } from "../../src/store/ruleChanges.ts";
import { installSchema } from "../../src/store/schema/schema.ts";
import { beginCollection, saveSnapshot } from "../../src/store/snapshot.ts";
import { hashPassword } from "../../src/wlb/password.ts";
import { poolOf, poolUuid } from "./pool.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const [requests = 2000, atOnce = 10] = process.argv.slice(2).map(Number);
const basic = Buffer.from("wlb:bench").toString("base64");
function bytesOf(method: string, parameters: string, path = "/Citrix.Dwm.WorkloadBalance/Service"): string {
  const body = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><${method} xmlns="http://schemas.citrix.com/DWM"><request>${parameters}</request></${method}></s:Body></s:Envelope>`;
  return [
    `POST ${path} HTTP/1.1`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    `SOAPAction: "http://schemas.citrix.com/DWM/IWorkloadBalance/${method}"`,
    `Authorization: Basic ${basic}`,
    "Host: localhost",
    "",
    body,
  ].join("\r\n");
}

/** Milliseconds of the whole exchange, and from the request's last byte to the answer's last. */
async function timed(port: number, bytes: string): Promise<{ whole: number; answer: number; text: string }> {
  const began = performance.now();
  const socket = tls.connect({
    port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    maxVersion: "TLSv1.2",
    ciphers: "ECDHE-RSA-AES256-GCM-SHA384",
    ecdhCurve: "secp384r1",
  });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const end = once(socket, "end");
  await once(socket, "secureConnect");
  const sent = performance.now();
  socket.write(bytes);
  await end;
  const now = performance.now();
  socket.destroy();
  return { whole: now - began, answer: now - sent, text: Buffer.concat(chunks).toString("utf8") };
}

function told(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1);
  say(`${what}: median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`);
}

async function measure(port: number, vms: readonly string[], path?: string): Promise<void> {
  const whole: number[] = [];
  const answer: number[] = [];
  let left = requests;
  const began = performance.now();
  const client = async () => {
    for (let n = left--; n > 0; n = left--) {
      const vm = vms[n % vms.length] ?? "";
      const request = bytesOf(
        "VMGetRecommendations",
        `<PoolUuid>${poolUuid}</PoolUuid><VmUuid>${vm}</VmUuid>`,
        path,
      );
      const reply = await timed(port, request);
      if (path === undefined && !reply.text.includes("<Stars>")) throw new Error(reply.text.slice(0, 600));
      whole.push(reply.whole);
      answer.push(reply.answer);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  const seconds = (performance.now() - began) / 1000;
  const what = path === undefined ? "stars" : "nothing (refused path)";
  told(
    `${what}, ${requests} requests, ${atOnce} at once, ${(requests / seconds).toFixed(0)}/s: with TLS`,
    whole,
  );
  told(`${what}: from the request to the end of the answer`, answer);
}

async function main(): Promise<void> {
  const server = await startProjectServer({ name: `bench-wlb-${process.pid}`, say: () => {} });
  const folder = await mkdtemp(join(tmpdir(), "xcp-bench-wlb-"));
  let child: ChildProcess | null = null;
  try {
    const options: StoreOptions = {
      servers: [{ host: server.host, port: server.port }],
      user: server.rootUser,
      password: server.rootPassword,
      database: "Xen",
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 60_000,
    };
    await installSchema(options);
    const db = await openDatabase(options);
    const { snapshot, rules } = poolOf();
    for (const rule of rules) await createHostRule(db, rule, "bench");
    await saveSnapshot(db, await beginCollection(db), snapshot, { complete: true });
    await db.close();
    const settings = [
      `MysqlHost=${server.host}:${server.port}`,
      `MysqlUsr=${server.rootUser}`,
      `MysqlPass='${server.rootPassword}'`,
      "WlbListen=127.0.0.1:0",
      "WlbUsr=wlb",
      `WlbPassHash=${await hashPassword("bench")}`,
      "WlbMaxAgeSeconds=86400",
    ];
    await writeFile(join(folder, "settings"), settings.join("\n"), { mode: 0o600 });
    const project = fileURLToPath(new URL(".", `file://${workFolder}/`));
    child = spawn(process.execPath, [join(project, "..", "dist", "wlb", "main.js")], { cwd: folder });
    let output = "";
    child.stderr?.on("data", (chunk: Buffer) => process.stderr.write(chunk));
    const port = await new Promise<number>((resolve) => {
      child?.stdout?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        const [, found] = /listening to 127\.0\.0\.1:(\d+)/.exec(output) ?? [];
        if (found !== undefined) resolve(Number(found));
      });
    });
    const join1 = `<Password>p</Password><PoolUuid>${poolUuid}</PoolUuid><UserName>u</UserName><XenServerUrl>http://192.0.2.1:80/</XenServerUrl>`;
    const added = await timed(port, bytesOf("AddXenServer", join1));
    if (!added.text.includes("<Id>")) throw new Error(added.text);
    const halted = snapshot.vms.filter(({ powerState }) => powerState === "Halted").map(({ uuid }) => uuid);
    // What is worked out ahead takes some seconds after a collection.
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    say(`${snapshot.hosts.length} hosts, ${snapshot.vms.length} VMs, ${halted.length} of them halted`);
    await measure(port, halted);
    await measure(port, halted, "/");
  } finally {
    child?.kill("SIGTERM");
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
