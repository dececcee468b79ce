/** The password that pools log in with, as a salted hash: scrypt:N:r:p:salt:hash, the last two in base64url. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

const cost = { N: 16_384, r: 8, p: 1 };
const hashBytes = 32;

/** The hash of `password` with a salt of its own; two calls never give the same. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, hashBytes, cost);
  return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64url"), hash.toString("base64url")].join(":");
}

/** Whether `password` has this hash; takes the same time whether or not. False for what is no hash. */
export async function hasPassword(stored: string, password: string): Promise<boolean> {
  const [, N, r, p, salt, hash] =
    /^scrypt:(\d{1,8}):(\d{1,3}):(\d{1,3}):([\w-]+):([\w-]+)$/.exec(stored) ?? [];
  if (hash === undefined || salt === undefined) return false;
  const wanted = Buffer.from(hash, "base64url");
  const options = { N: Number(N), r: Number(r), p: Number(p) };
  const found = await derive(password, Buffer.from(salt, "base64url"), wanted.length, options);
  return timingSafeEqual(found, wanted);
}

function derive(
  password: string,
  salt: Buffer,
  bytes: number,
  options: { readonly N: number; readonly r: number; readonly p: number },
): Promise<Buffer> {
  const maxmem = 256 * options.N * options.r;
  return new Promise((resolve, reject) => {
    scrypt(password, salt, bytes, { ...options, maxmem }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
