/** Certificates for tests, made on the spot. */

import { X509Certificate } from "node:crypto";
import { generate } from "selfsigned";

export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
  /** SHA-256, "AB:CD:...". */
  readonly fingerprint: string;
}

export async function makeCertificate(
  options: { name?: string; ip?: string; from?: Date; until?: Date } = {},
): Promise<TestCertificate> {
  const name = options.name ?? "xen1.test";
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    ...(options.from === undefined ? {} : { notBeforeDate: options.from }),
    ...(options.until === undefined ? {} : { notAfterDate: options.until }),
    extensions: [
      { name: "basicConstraints", cA: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: name },
          ...(options.ip === undefined ? [] : [{ type: 7 as const, ip: options.ip }]),
        ],
      },
    ],
  });
  return { key: made.private, cert: made.cert, fingerprint: new X509Certificate(made.cert).fingerprint256 };
}
