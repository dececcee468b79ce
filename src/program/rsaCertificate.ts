/**
 * The certificate that xcp-wlb shows, with its key: read from a folder, and whether pools could use it. Pools want an RSA
 * key; with an EC key none of them could connect, and they would not say why.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { AppError } from "../domain/errors.ts";
import { passwordFile, readGuarded, trustFile } from "./privateFile.ts";

export interface RsaCertificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  /** "AB:CD:...", SHA-256. */
  readonly fingerprint: string;
  /** The DNS names that it is for. */
  readonly names: readonly string[];
  readonly validTo: Date;
  /** Bits of its key. */
  readonly bits: number;
}

/** Pools that verify refuse fewer. */
const leastBits = 2048;

/** The files in the folder of a server: its certificate, and the key. */
export function certificateFiles(folder: string): { readonly file: string; readonly keyFile: string } {
  return { file: path.join(folder, "certificate.pem"), keyFile: path.join(folder, "key.pem") };
}

/**
 * The certificate in `folder`.
 * @throws AppError "settings" where it cannot be read, or others may read the key; "certificate" where pools could not use it.
 */
export function readRsaCertificate(folder: string): RsaCertificate {
  const { file, keyFile } = certificateFiles(folder);
  for (const [there, lacking] of [
    [file, keyFile],
    [keyFile, file],
  ] as const) {
    if (!fs.existsSync(there) || fs.existsSync(lacking)) continue;
    throw new AppError("certificate", `${there} is there without ${lacking}`, {
      next: "lay that beside it, or remove it: both are made anew then",
    });
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
    bits: bitsOf(parsed),
  };
}

function bitsOf({ publicKey }: X509Certificate): number {
  return publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
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
  const bits = bitsOf(parsed);
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
