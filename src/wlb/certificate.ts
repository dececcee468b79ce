/**
 * The server's certificate: made on the first start, or laid there by an administrator. Pools want an RSA key; with an
 * EC key none of them could connect, and they would not say why.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";
import { generate } from "selfsigned";
import { AppError } from "../domain/errors.ts";
import { passwordFile, readGuarded, trustFile } from "../program/privateFile.ts";
import { writeWhole } from "../program/wholeFile.ts";

export interface ServerCertificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  /** "AB:CD:...", SHA-256. */
  readonly fingerprint: string;
  /** The DNS names that it is for. */
  readonly names: readonly string[];
  readonly validTo: Date;
  /** The file that a pool is given, and whether it was made just now. */
  readonly file: string;
  readonly isNew: boolean;
}

const years = 10;
const leastBits = 2048;

/**
 * The certificate in `folder` (certificate.pem and key.pem); where there is none one for `names`, at least one, is made.
 * @throws AppError "file" where it cannot be read or written; "certificate" where pools could not use it.
 */
export async function serverCertificate(
  folder: string,
  names: readonly string[],
  { now, unique }: { readonly now: Date; readonly unique: string },
): Promise<ServerCertificate> {
  const file = path.join(folder, "certificate.pem");
  const keyFile = path.join(folder, "key.pem");
  const isNew = !(await isThere(file)) && !(await isThere(keyFile));
  if (isNew) {
    const made = await make(names, now);
    await writeWhole(keyFile, made.private, unique);
    await writeWhole(file, made.cert, unique);
  }
  const cert = readGuarded(file, trustFile);
  const key = readGuarded(keyFile, passwordFile);
  const parsed = parse(cert, key, file, keyFile);
  return {
    key,
    cert,
    fingerprint: parsed.fingerprint256,
    names: dnsNames(parsed),
    validTo: new Date(parsed.validTo),
    file,
    isNew,
  };
}

async function isThere(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  );
}

function make(names: readonly string[], now: Date): Promise<{ private: string; cert: string }> {
  const [first = "localhost"] = names;
  return generate([{ name: "commonName", value: first }], {
    keySize: leastBits,
    algorithm: "sha256",
    notBeforeDate: new Date(now.getTime() - 86_400_000),
    notAfterDate: new Date(now.getTime() + years * 365 * 86_400_000),
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true, keyEncipherment: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: names.map((value) => ({ type: 2 as const, value })) },
    ],
  });
}

function parse(cert: string, key: string, file: string, keyFile: string): X509Certificate {
  let parsed: X509Certificate;
  let type: string | undefined;
  try {
    parsed = new X509Certificate(cert);
    const privateKey = createPrivateKey(key);
    type = privateKey.asymmetricKeyType;
    if (!parsed.checkPrivateKey(privateKey)) throw new Error(`it does not belong to ${keyFile}`);
  } catch (cause) {
    throw new AppError("certificate", `cannot use the certificate ${file}`, {
      cause,
      next: "lay a certificate and its key there, or remove both: new ones are made then",
    });
  }
  if (type !== "rsa") {
    throw new AppError(
      "certificate",
      `${file} has an ${type === "ec" ? "EC" : String(type)} key: pools accept RSA only (xapi would say WLB_CONNECTION_RESET)`,
      { next: "use a certificate with an RSA key, or remove both files: new ones are made then" },
    );
  }
  const bits = parsed.publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < leastBits) {
    throw new AppError(
      "certificate",
      `${file} has an RSA key of ${bits} bits: pools that verify refuse fewer than ${leastBits}`,
      { next: "use a longer key, or remove both files: new ones are made then" },
    );
  }
  return parsed;
}

function dnsNames({ subjectAltName, subject }: X509Certificate): string[] {
  const names = (subjectAltName ?? "")
    .split(", ")
    .flatMap((entry) => (entry.startsWith("DNS:") ? [entry.slice(4)] : []));
  if (names.length > 0 || (subjectAltName ?? "") !== "") return names;
  const [, commonName] = /^CN=(.+)$/m.exec(subject) ?? [];
  return commonName === undefined ? [] : [commonName];
}
