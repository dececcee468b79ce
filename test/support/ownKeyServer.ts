/**
 * A MySQL server that is after the password: it lets nobody in by proof, asks for full authentication and offers a key
 * of its own. It records what it was told.
 */
import { constants, generateKeyPairSync, privateDecrypt } from "node:crypto";
import net from "node:net";

export interface OwnKeyServer extends AsyncDisposable {
  readonly port: number;
  /** Clients that came as far as being asked. */
  readonly asked: number;
  /** The passwords that it was told. */
  readonly told: readonly string[];
}

export type AskedPlugin = "caching_sha2_password" | "sha256_password" | "mysql_clear_password";

const scramble = Buffer.from("0123456789abcdefghij", "latin1");

export async function startOwnKeyServer(host: string, plugin: AskedPlugin): Promise<OwnKeyServer> {
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
  const sockets = new Set<net.Socket>();
  const told: string[] = [];
  let asked = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    const send = (sequence: number, body: Buffer) => void socket.write(packet(sequence, body));
    send(0, greeting(plugin));
    const steps: ((body: Buffer) => void)[] = [
      () => {
        asked++;
        send(2, Buffer.concat([Buffer.from([0xfe]), Buffer.from(`${plugin}\0`), scramble, Buffer.from([0])]));
      },
      (body) => {
        if (plugin === "mysql_clear_password") told.push(body.toString("utf8").replace(/\0$/, ""));
        else if (plugin === "sha256_password") send(4, more(Buffer.from(pem)));
        else send(4, more(Buffer.from([4])));
      },
      (body) => {
        if (plugin === "sha256_password") told.push(decrypted(body));
        else send(6, more(Buffer.from(pem)));
      },
      (body) => void told.push(decrypted(body)),
    ];
    socket.on("data", (bytes: Buffer) => {
      steps.shift()?.(bytes.subarray(4));
      if (steps.length === 0 || told.length > 0) socket.end(packet(8, denied));
    });
  });
  const decrypted = (body: Buffer): string => {
    const key = { key: keys.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" };
    const clear = privateDecrypt(key, body).map((byte, index) => byte ^ (scramble[index % 20] ?? 0));
    return Buffer.from(clear).toString("utf8").replace(/\0$/, "");
  };
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  return {
    port: address.port,
    get asked() {
      return asked;
    },
    told,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const denied = Buffer.from("\xff\x15\x04#28000Access denied", "latin1");

function packet(sequence: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([body.length & 0xff, body.length >> 8, 0, sequence]), body]);
}

function more(data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([1]), data]);
}

function greeting(plugin: string): Buffer {
  const capabilities = 0x00_0a_82_0f;
  return Buffer.concat([
    Buffer.from([10]),
    Buffer.from("8.4.0\0\x01\0\0\0", "latin1"),
    scramble.subarray(0, 8),
    Buffer.from([
      0,
      capabilities & 0xff,
      (capabilities >> 8) & 0xff,
      45,
      2,
      0,
      (capabilities >> 16) & 0xff,
      0,
      21,
    ]),
    Buffer.alloc(10),
    scramble.subarray(8),
    Buffer.from(`\0${plugin}\0`, "latin1"),
  ]);
}
