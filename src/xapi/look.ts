/** Looks at members one by one, as no program does that only wants a session: who answers, and by what certificate. */

import { AppError } from "../domain/errors.ts";
import type { XapiOptions } from "./client.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { type ConnectPolicy, connectSocket, type ShownCertificate, shownCertificate } from "./tls.ts";

/** A member, and what comes of connecting to it. */
export interface LookedAt {
  /** As the settings name it, without a path. */
  readonly url: string;
  readonly host: string;
  readonly secure: boolean;
  /** Why no connection came about, or the certificate is not trusted; null where the member may be talked to. */
  readonly problem: AppError | null;
  /** The certificate, trusted or not; null where none was seen. */
  readonly certificate: ShownCertificate | null;
}

/** Connects to each of `options.urls`, and sends nothing. Never rejects but with the reason of an abort. */
export async function lookAtMembers(options: XapiOptions): Promise<readonly LookedAt[]> {
  const policy = { ...options, now: options.now ?? (() => new Date()) };
  const signal = options.signal ?? new AbortController().signal;
  const endpoints = new Map(options.urls.map((url) => [url, parseEndpoint(url)]));
  return Promise.all([...endpoints].map(([, endpoint]) => lookAt(endpoint, policy, signal)));
}

async function lookAt(endpoint: Endpoint, policy: ConnectPolicy, signal: AbortSignal): Promise<LookedAt> {
  const { url, host, secure } = endpoint;
  const problem = await connectSocket(endpoint, policy, signal).then(
    (socket) => {
      socket.destroy();
      return null;
    },
    (error: unknown) => {
      if (error instanceof AppError) return error;
      throw error;
    },
  );
  const certificate = secure ? await shownCertificate(endpoint, policy, signal).catch(() => null) : null;
  return { url, host, secure, problem, certificate };
}
