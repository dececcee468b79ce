/** The server's certificate: made on the first start, or laid there by an administrator. */
import fs from "node:fs/promises";
import { certificateFiles, type RsaCertificate, readRsaCertificate } from "../program/rsaCertificate.ts";
import { writeWhole } from "../program/wholeFile.ts";

export interface ServerCertificate extends RsaCertificate {
  /** The file that a pool is given, and whether it was made just now. */
  readonly file: string;
  readonly isNew: boolean;
}

/** Of the key that is made; a longer one takes several times the CPU of every request. */
const keyBits = 2048;
const years = 10;

/**
 * The certificate in `folder` (certificate.pem and key.pem); where there is none one for `names`, at least one, is made.
 * @throws AppError "file" where it cannot be read or written; "certificate" where pools could not use it.
 */
export async function serverCertificate(
  folder: string,
  names: readonly string[],
  { now, unique }: { readonly now: Date; readonly unique: string },
): Promise<ServerCertificate> {
  const { file, keyFile } = certificateFiles(folder);
  const isNew = !(await isThere(file)) && !(await isThere(keyFile));
  if (isNew) {
    const made = await make(names, now);
    await writeWhole(keyFile, made.private, unique);
    await writeWhole(file, made.cert, unique);
  }
  return { ...readRsaCertificate(folder), file, isNew };
}

async function isThere(file: string): Promise<boolean> {
  return fs.access(file).then(
    () => true,
    () => false,
  );
}

async function make(names: readonly string[], now: Date): Promise<{ private: string; cert: string }> {
  // Wanted once in ten years; loading it takes as much CPU as starting the rest of the program.
  const { generate } = await import("selfsigned");
  const [first = "localhost"] = names;
  return generate([{ name: "commonName", value: first }], {
    keySize: keyBits,
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
