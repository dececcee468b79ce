/**
 * Opens connections to pool members. A TLS peer is verified before anybody gets the socket to write on:
 * no byte of HTTP, so no password, ever reaches a host that did not show the certificate we trust.
 */

import { connect as connectPlain, isIP, type Socket } from "node:net";
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureVersion,
  type TLSSocket,
} from "node:tls";
import type { Endpoint } from "./endpoint.ts";
import { CertificateError, XapiUnreachable } from "./errors.ts";

/** Whom to believe when a host shows its certificate. */
export type Trust =
  | { readonly kind: "system" }
  | { readonly kind: "fingerprints"; readonly sha256: readonly string[] }
  | { readonly kind: "ca"; readonly pem: string };

export interface ConnectPolicy {
  readonly trust: Trust;
  readonly minTlsVersion: SecureVersion;
  /** For name look-up, TCP and TLS together. */
  readonly connectTimeoutMs: number;
  /** For the dates in pinned certificates. */
  readonly now: () => Date;
}

/**
 * A connected and verified socket. Rejects with CertificateError or XapiUnreachable.
 * `abort` gives up at once; `onShown` hears of the certificate, also of one that is not trusted.
 */
export async function connectSocket(
  endpoint: Endpoint,
  policy: ConnectPolicy,
  abort: AbortSignal,
  onShown: (certificate: ShownCertificate) => void = () => {},
): Promise<Socket> {
  if (!endpoint.secure)
    return await connected(endpoint, connectPlain(address(endpoint)), "connect", policy, abort);
  const pinned = policy.trust.kind === "fingerprints";
  const socket = connectTls(tlsOptions(endpoint, policy));
  try {
    await connected(endpoint, socket, "secureConnect", policy, abort);
  } catch (error) {
    if (!refusedCertificate(socket)) throw error;
    throw await untrusted(endpoint, policy, socket.authorizationError, abort, onShown);
  }
  const certificate = socket.getPeerCertificate();
  if (certificate.fingerprint256 !== undefined) onShown(asShown(certificate));
  const problem = pinned ? pinProblem(endpoint, policy, certificate) : null;
  if (problem === null) return socket;
  socket.destroy();
  throw problem;
}

function address(endpoint: Endpoint): { host: string; port: number } {
  return { host: endpoint.host, port: endpoint.port };
}

/** Made once a policy: to read the authorities anew for each of 64 hosts costs more than their handshakes. */
const contexts = new WeakMap<ConnectPolicy, SecureContext>();

function contextOf(policy: ConnectPolicy): SecureContext {
  const known = contexts.get(policy);
  if (known !== undefined) return known;
  const { trust, minTlsVersion } = policy;
  const old = minTlsVersion === "TLSv1" || minTlsVersion === "TLSv1.1";
  const context = createSecureContext({
    minVersion: minTlsVersion,
    // Without it OpenSSL refuses TLS 1.0 whatever minVersion says.
    ...(old ? { ciphers: "DEFAULT@SECLEVEL=0" } : {}),
    ...(trust.kind === "ca" ? { ca: trust.pem } : {}),
  });
  contexts.set(policy, context);
  return context;
}

function tlsOptions(endpoint: Endpoint, policy: ConnectPolicy): ConnectionOptions {
  const { trust } = policy;
  return {
    ...address(endpoint),
    // A pool certificate is found by name; an IP address may not be sent as one.
    ...(isIP(endpoint.host) === 0 ? { servername: endpoint.host } : {}),
    secureContext: contextOf(policy),
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing. With pins, pinProblem decides instead:
    // self-signed certificates have no chain. No session is ever passed, since a resumed one shows no certificate.
    rejectUnauthorized: trust.kind !== "fingerprints",
  };
}

/** Waits until `socket` emits `ready`, for the policy's time at most. */
function connected<S extends Socket>(
  endpoint: Endpoint,
  socket: S,
  ready: "connect" | "secureConnect",
  policy: ConnectPolicy,
  abort: AbortSignal,
): Promise<S> {
  return new Promise((resolve, reject) => {
    const seconds = policy.connectTimeoutMs / 1000;
    const late = (): void => fail(noConnection(endpoint, `no connection within ${seconds} s`));
    const timer = setTimeout(late, policy.connectTimeoutMs);
    const end = (): void => {
      clearTimeout(timer);
      abort.removeEventListener("abort", aborted);
      socket.removeListener("close", closed);
    };
    const fail = (error: unknown): void => {
      end();
      // A later error of a socket that nobody waits for must not end the process.
      socket.on("error", () => {});
      socket.destroy();
      reject(error);
    };
    const aborted = (): void => fail(abort.reason);
    const closed = (): void => fail(noConnection(endpoint, "the connection was closed during the handshake"));
    const failed = (error: Error): void => fail(noConnection(endpoint, describeConnect(error), error));
    if (abort.aborted) {
      aborted();
      return;
    }
    abort.addEventListener("abort", aborted);
    socket.once("error", failed);
    socket.once("close", closed);
    socket.once(ready, () => {
      end();
      socket.removeListener("error", failed);
      resolve(socket);
    });
  });
}

function noConnection(endpoint: Endpoint, why: string, cause?: unknown): XapiUnreachable {
  return new XapiUnreachable("no-connection", `${endpoint.url}: ${why}`, { sent: false, cause });
}

function describeConnect(error: Error & { code?: string; reason?: string }): string {
  switch (error.code) {
    case "ECONNREFUSED":
      return "connection refused; is the toolstack running there?";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the name cannot be resolved";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "no route to this host";
    case "ECONNRESET":
      return "the connection was closed during the handshake";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "there is no TLS on this port; write http:// if plain HTTP is meant";
    case "ERR_SSL_UNSUPPORTED_PROTOCOL":
    case "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION":
    case "ERR_SSL_VERSION_TOO_LOW":
      return "no common TLS version; XenServer 6.5 and older need XenTlsMinVersion=TLSv1";
    default:
      return error.code === "EPROTO" ? `TLS failed (${error.reason ?? "protocol error"})` : error.message;
  }
}

function refusedCertificate(socket: TLSSocket): boolean {
  // Node's types say Error; it is the code of the failed verification, or nothing where none took place.
  return typeof socket.authorizationError === "string" || socket.authorizationError instanceof Error;
}

const pinsByPolicy = new WeakMap<ConnectPolicy, readonly string[]>();

/** The pins in the form in which they compare. */
function pinsOf(policy: ConnectPolicy): readonly string[] {
  const known = pinsByPolicy.get(policy);
  if (known !== undefined) return known;
  const pins = policy.trust.kind === "fingerprints" ? policy.trust.sha256.map(normalFingerprint) : [];
  pinsByPolicy.set(policy, pins);
  return pins;
}

/** Why the pinned fingerprints do not accept `certificate`, or null. */
function pinProblem(
  endpoint: Endpoint,
  policy: ConnectPolicy,
  certificate: PeerCertificate,
): CertificateError | null {
  const pins = pinsOf(policy);
  const seen: string | undefined = certificate.fingerprint256;
  if (seen === undefined)
    return certificateError(endpoint, null, `${endpoint.url} showed no certificate; nothing was sent to it`);
  if (!pins.includes(normalFingerprint(seen))) return changed(endpoint, pins, normalFingerprint(seen));
  const now = policy.now().getTime();
  if (now > Date.parse(certificate.valid_to)) return badDate(endpoint, "expired on", certificate.valid_to);
  if (now < Date.parse(certificate.valid_from)) {
    return badDate(endpoint, "is not valid before", certificate.valid_from);
  }
  return null;
}

function changed(endpoint: Endpoint, pins: readonly string[], seen: string): CertificateError {
  return certificateError(
    endpoint,
    seen,
    [
      `${endpoint.url} shows a certificate that is not among the trusted ones; nothing was sent to it.`,
      ...pins.map((pin) => `  trusted (XenFingerprint): ${pin}`),
      `  seen:                     ${seen}`,
      "If the certificate was renewed, or belongs to another member of the pool, compare it on the host:",
      `  ${readFingerprint}`,
      "and add it to the settings, or run xcp-collect --trust:",
      `  XenFingerprint=${[...pins, seen].join(",")}`,
    ].join("\n"),
  );
}

function badDate(endpoint: Endpoint, what: string, date: string): CertificateError {
  return certificateError(
    endpoint,
    null,
    `the certificate of ${endpoint.url} is the trusted one, but ${what} ${date}; nothing was sent to it. ` +
      "Install a new certificate on the host (xe host-emergency-reset-server-certificate) and trust that, " +
      "or set this machine's clock right.",
  );
}

/** The command that shows a host's fingerprint on the host itself. */
export const readFingerprint = "openssl x509 -noout -fingerprint -sha256 -in /etc/xensource/xapi-ssl.pem";

/** Fingerprints compare in one form: "AB:CD:...". */
export function normalFingerprint(text: string): string {
  if (/^[0-9A-F]{2}(?::[0-9A-F]{2})*$/.test(text)) return text;
  const digits = text.replace(/[^0-9a-fA-F]/g, "").toUpperCase();
  return digits.replace(/..(?=.)/g, "$&:");
}

/** The failure of system or CA trust, with the fingerprint that a second, silent handshake shows. */
async function untrusted(
  endpoint: Endpoint,
  policy: ConnectPolicy,
  verification: Error | string,
  abort: AbortSignal,
  onShown: (certificate: ShownCertificate) => void,
): Promise<CertificateError> {
  const shown = await shownCertificate(endpoint, policy, abort).catch(() => null);
  if (shown !== null) onShown(shown);
  const seen = shown?.fingerprint ?? null;
  const by = policy.trust.kind === "ca" ? "XenCaFile" : "this machine's authorities";
  const why = describeVerification(String(verification));
  const lines = [
    `the certificate of ${endpoint.url} is not trusted by ${by}: ${why}. Nothing was sent to it.`,
  ];
  if (seen !== null) {
    lines.push(
      `  seen (SHA-256): ${seen}`,
      "If this command on the host shows the same:",
      `  ${readFingerprint}`,
      // The settings take one of the two only.
      policy.trust.kind === "ca"
        ? "replace XenCaFile by this line:"
        : "add this line to the settings, or run xcp-collect --trust, which shows those of all members:",
      `  XenFingerprint=${seen}`,
    );
  }
  return certificateError(endpoint, seen, lines.join("\n"));
}

function describeVerification(code: string): string {
  if (code.includes("SELF_SIGNED")) return "it is self-signed";
  if (code.includes("EXPIRED")) return "it has expired";
  if (code.includes("ALTNAME")) return "it was made for another name";
  if (code.includes("UNABLE_TO")) return "nobody known has signed it";
  return code;
}

/** A certificate as its host shows it; whether anybody should believe it is not said. */
export interface ShownCertificate {
  /** SHA-256, "AB:CD:...". */
  readonly fingerprint: string;
  readonly validTo: Date;
}

/** The certificate that the host shows. A handshake only. Rejects with XapiUnreachable. */
export async function shownCertificate(
  endpoint: Endpoint,
  policy: ConnectPolicy,
  abort: AbortSignal,
): Promise<ShownCertificate> {
  const socket = connectTls({ ...tlsOptions(endpoint, policy), rejectUnauthorized: false });
  try {
    await connected(endpoint, socket, "secureConnect", policy, abort);
    return asShown(socket.getPeerCertificate());
  } finally {
    socket.destroy();
  }
}

function asShown({ fingerprint256, valid_to }: PeerCertificate): ShownCertificate {
  return { fingerprint: normalFingerprint(fingerprint256), validTo: new Date(valid_to) };
}

function certificateError(endpoint: Endpoint, seen: string | null, message: string): CertificateError {
  return new CertificateError(endpoint.url, seen === null ? null : normalFingerprint(seen), message);
}
