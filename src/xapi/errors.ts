/** Failures of talking to a pool: XAPI said no, or no usable answer came. */

import { AppError } from "../domain/errors.ts";

/** XAPI answered with a failure: its code and parameters. */
export class XapiError extends Error {
  readonly code: string;
  readonly params: readonly string[];

  constructor(code: string, params: readonly string[], call?: string) {
    super(
      `${call === undefined ? "" : `${call}: `}${code}${params.length === 0 ? "" : ` (${params.join(", ")})`}`,
    );
    this.name = "XapiError";
    this.code = code;
    this.params = params;
  }
}

/** Why no usable answer came. */
export type UnreachableReason =
  | "no-connection"
  | "lost"
  | "deadline"
  | "http"
  | "garbled"
  | "too-large"
  | "aborted";

/** Nobody gave a usable answer. Whether the pool acted on the request is unknown when `sent` is true. */
export class XapiUnreachable extends AppError {
  readonly reason: UnreachableReason;
  readonly sent: boolean;
  /** The HTTP status, where reason is "http". */
  readonly status: number | null;

  constructor(
    reason: UnreachableReason,
    message: string,
    options: { readonly sent: boolean; readonly status?: number; readonly cause?: unknown },
  ) {
    super("pool", message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "XapiUnreachable";
    this.reason = reason;
    this.sent = options.sent;
    this.status = options.status ?? null;
  }
}

/** A host showed a certificate that nobody trusts; nothing was sent to it. */
export class CertificateError extends AppError {
  /** The host as messages name it. */
  readonly url: string;
  /** SHA-256 of what it showed, "AB:CD:..."; null where it is trusted but for its dates, or was not seen. */
  readonly seen: string | null;

  constructor(url: string, seen: string | null, message: string) {
    super("certificate", message);
    this.url = url;
    this.seen = seen;
  }
}
