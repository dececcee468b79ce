/** Self-signed certificates, as every new host has one. */

import { X509Certificate } from "node:crypto";

/** A host's key and certificate. */
export interface HostCertificate {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
  /** "AB:CD:...", as openssl and XenCenter show it. */
  readonly fingerprint256: string;
}

/** A fresh certificate for `address`, which is an IPv4 address. */
export async function createCertificate(address: string): Promise<HostCertificate> {
  // Loading it takes as much CPU as starting the rest of the program, and most pools are simulated over plain HTTP.
  const { generate } = await import("selfsigned");
  const pems = await generate([{ name: "commonName", value: address }], {
    keySize: 2048,
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "subjectAltName", altNames: [{ type: 7, ip: address }] },
    ],
  });
  const { fingerprint256 } = new X509Certificate(pems.cert);
  return { key: pems.private, cert: pems.cert, fingerprint256 };
}
