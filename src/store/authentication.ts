/**
 * Logging in at a MySQL server over a way that others may share: without telling it, or whoever sits between, the
 * password. mysql2 left to itself encrypts it with whatever key the other end sends.
 */
import { createHash } from "node:crypto";
import net from "node:net";
import type { ConnectionOptions } from "mysql2/promise";

/** How the message of a failure begins whose server wanted to be told the password; the driver keeps no more of it. */
export const passwordAsked = "it asks for the password itself";

const advice =
  "set MysqlCaFile, so that the server is known before it is told, " +
  "or MysqlHost to 127.0.0.1 or its socket's path where it is this machine";

type AuthPlugins = NonNullable<ConnectionOptions["authPlugins"]>;

/** The ways to log in over TCP without TLS: those that prove the knowledge of the password, and no others. */
export function proofsOnly(password: string): AuthPlugins {
  return {
    caching_sha2_password: () => cachingSha2(password),
    // It knows no proof: the password itself is always sent.
    sha256_password: () => () => {
      throw new Error(`${passwordAsked} (sha256_password): ${advice}`);
    },
  };
}

/** Whether `host` is this machine by itself, whatever a name service says. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  return net.isIPv4(host) ? host.startsWith("127.") : loopback6.check(host, "ipv6");
}

const loopback6 = new net.BlockList();
loopback6.addAddress("::1", "ipv6");
loopback6.addSubnet("::ffff:127.0.0.0", 104, "ipv6");

const fullAuthentication = 4;

/** caching_sha2_password as far as its proof goes; the server asks for more when it has not cached the account. */
function cachingSha2(password: string): (data: Buffer) => Buffer | null {
  let proven = false;
  return (data) => {
    if (!proven) {
      proven = true;
      return proofOf(password, data.subarray(0, 20));
    }
    if (data[0] === fullAuthentication) {
      const when = "caching_sha2_password, after a restart of the server or a new password";
      throw new Error(`${passwordAsked} (${when}): ${advice}`);
    }
    return null;
  };
}

/** XOR(SHA256(password), SHA256(SHA256(SHA256(password)), scramble)). */
function proofOf(password: string, scramble: Buffer): Buffer {
  if (password === "") return Buffer.alloc(0);
  const once = sha256(Buffer.from(password, "utf8"));
  const mask = sha256(Buffer.concat([sha256(once), scramble]));
  return Buffer.from(once.map((byte, index) => byte ^ (mask[index] ?? 0)));
}

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
