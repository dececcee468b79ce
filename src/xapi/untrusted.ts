/** One message for all members whose certificate nobody trusts, with one line to paste. */

import type { AppError } from "../domain/errors.ts";
import type { Endpoint } from "./endpoint.ts";
import { CertificateError } from "./errors.ts";
import { readFingerprint } from "./tls.ts";
import type { Transport } from "./transport.ts";

/** A host and the SHA-256 of the certificate that it shows. */
export interface Shown {
  readonly name: string;
  readonly fingerprint: string;
}

/**
 * `error`, which a member's certificate has raised, or in its place one that names every member of `members` whose
 * certificate is not among `pins`. Of the others a handshake is all that is asked.
 */
export async function withAllMembers(
  error: CertificateError,
  members: readonly Endpoint[],
  pins: readonly string[],
  transportTo: (endpoint: Endpoint) => Transport,
): Promise<AppError> {
  if (error.seen === null) return error;
  const first: Shown = { name: error.url, fingerprint: error.seen };
  const others = members.filter(({ secure, url }) => secure && url !== error.url);
  const looked = await Promise.all(
    others.map(async (endpoint): Promise<Shown[]> => {
      const fingerprint = await transportTo(endpoint).shownFingerprint();
      return fingerprint === null ? [] : [{ name: endpoint.url, fingerprint }];
    }),
  );
  const unknown = looked.flat().filter(({ fingerprint }) => !pins.includes(fingerprint));
  if (unknown.length === 0) return error;
  const lines = [
    "certificates of the pool are not trusted; nothing was sent to these hosts:",
    ...trustLines([first, ...unknown], pins),
  ];
  return new CertificateError(error.url, error.seen, lines.join("\n"));
}

/** The certificates that hosts show, how to compare them, and the line that trusts them beside `pins`. */
export function trustLines(shown: readonly Shown[], pins: readonly string[]): string[] {
  const all = [...new Set([...pins, ...shown.map(({ fingerprint }) => fingerprint)])];
  return [
    ...shown.map(({ name, fingerprint }) => `  ${name} shows ${fingerprint}`),
    "If this command on each of them shows the same:",
    `  ${readFingerprint}`,
    "let XenFingerprint say this, in the place of XenCaFile, or run xcp-collect --trust:",
    `  XenFingerprint=${all.join(",")}`,
  ];
}
