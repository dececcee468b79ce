/**
 * xapi's connection to a workload balancing server: TLS with xapi's limits, one request, and an answer read as xapi reads
 * it. Of HTTP it knows a status, a length and the end of the connection.
 */
import { X509Certificate } from "node:crypto";
import { type ConnectionOptions, connect, type PeerCertificate } from "node:tls";
import { SimFailure } from "../server/failure.ts";

/** TLS 1.2 only, two suites with RSA, one curve. */
const limits = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.2",
  ciphers: "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256",
  ecdhCurve: "secp384r1",
} as const;

export interface WlbDoor {
  readonly host: string;
  readonly port: number;
  /** The pool's own address, where the system lets it choose. */
  readonly from?: string;
  /** PEM of what is trusted; null where nothing is verified. */
  readonly trusted: readonly string[] | null;
}

export interface ExchangeOptions {
  /** Whether the answer is read to the end of the connection, whatever its length says. */
  readonly untilClosed: boolean;
  /** Ends the exchange; it rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/**
 * The body of the answer. @throws SimFailure WLB_CONNECTION_REFUSED, WLB_UNKNOWN_HOST, WLB_CONNECTION_RESET,
 * SSL_VERIFY_ERROR or WLB_AUTHENTICATION_FAILED.
 */
export function exchange(
  door: WlbDoor,
  bytes: Buffer,
  { untilClosed, signal }: ExchangeOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(tlsOptions(door), () => void socket.write(bytes));
    const ended = (settle: () => void): void => {
      signal.removeEventListener("abort", stop);
      settle();
      socket.destroy();
    };
    const stop = (): void => ended(() => reject(signal.reason));
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    const chunks: Buffer[] = [];
    const look = (isEnd: boolean): void => {
      const answer = readAnswer(Buffer.concat(chunks), isEnd, untilClosed);
      if (answer === null) return;
      ended(() => (answer instanceof SimFailure ? reject(answer) : resolve(answer)));
    };
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (!untilClosed) look(false);
    });
    socket.on("end", () => look(true));
    socket.on("close", () => ended(() => reject(new SimFailure("WLB_CONNECTION_RESET"))));
    socket.on("error", (error: NodeJS.ErrnoException) => ended(() => reject(failureOf(error))));
  });
}

function tlsOptions({ host, port, from, trusted }: WlbDoor): ConnectionOptions {
  return {
    host,
    port,
    ...limits,
    ...(from === undefined ? {} : { localAddress: from, family: 4 }),
    ...(trusted === null
      ? { rejectUnauthorized: false }
      : {
          ca: [...trusted],
          checkServerIdentity: (_: string, certificate: PeerCertificate) => nameMismatch(host, certificate),
        }),
  } as ConnectionOptions;
}

/** stunnel's checkHost: an address is compared as a name too, so that an IP SAN does not help. */
function nameMismatch(host: string, certificate: PeerCertificate): Error | undefined {
  const { raw } = certificate;
  if (new X509Certificate(raw).checkHost(host) !== undefined) return undefined;
  return Object.assign(new Error("Subject checks failed"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
}

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: "WLB_CONNECTION_REFUSED",
  ENOTFOUND: "WLB_UNKNOWN_HOST",
  EAI_AGAIN: "WLB_UNKNOWN_HOST",
  EHOSTUNREACH: "WLB_UNKNOWN_HOST",
  ENETUNREACH: "WLB_UNKNOWN_HOST",
};

const unverified =
  /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECRYPT)|ALTNAME|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|CA_MD|EE_KEY/;

function failureOf({ code = "", message }: NodeJS.ErrnoException): SimFailure {
  const known = unreachable[code];
  if (known !== undefined) return new SimFailure(known);
  const isOfTls = code.startsWith("ERR_SSL_");
  if (!isOfTls && unverified.test(code)) return new SimFailure("SSL_VERIFY_ERROR", [message]);
  return new SimFailure("WLB_CONNECTION_RESET");
}

/** What has come so far: a body, a failure, or null where more must come. */
function readAnswer(bytes: Buffer, isEnd: boolean, untilClosed: boolean): string | SimFailure | null {
  const nothing = isEnd ? new SimFailure("WLB_CONNECTION_RESET") : null;
  const split = bytes.indexOf("\r\n\r\n");
  if (split < 0) return nothing;
  const [first = "", ...lines] = bytes.subarray(0, split).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
  if (status === 401 || status === 403) return new SimFailure("WLB_AUTHENTICATION_FAILED");
  // Whatever else it says, its body stays unread.
  if (status !== 200) return new SimFailure("WLB_CONNECTION_RESET");
  const body = bytes.subarray(split + 4);
  const length = untilClosed ? null : lengthIn(lines);
  if (length === null) return isEnd ? body.toString("utf8") : null;
  return body.length < length ? nothing : body.subarray(0, length).toString("utf8");
}

/** A header with a colon in its value is none to this reader. */
function lengthIn(lines: readonly string[]): number | null {
  const values = lines.flatMap((line) => /^content-length:\s*(\d+)\s*$/i.exec(line)?.[1] ?? []);
  return values[0] === undefined ? null : Number(values[0]);
}
