/** Options and clean-up for clients in tests. */

import { connectXapi, type XapiOptions } from "../../../src/xapi/client.ts";
import type { XapiClient } from "../../../src/xapi/xapiClient.ts";
import { password } from "./scriptedMember.ts";

export function options(url: string | readonly string[], changes: Partial<XapiOptions> = {}): XapiOptions {
  return {
    urls: typeof url === "string" ? [url] : url,
    user: "root",
    password,
    trust: { kind: "system" },
    minTlsVersion: "TLSv1.2",
    connectTimeoutMs: 5000,
    callTimeoutMs: 10_000,
    maxResponseBytes: 8 * 1024 * 1024,
    originator: "xcp-test",
    ...changes,
  };
}

/** Runs `work` with a client of `url` and logs out. */
export async function withClient<T>(
  url: string | readonly string[],
  work: (client: XapiClient) => Promise<T>,
  changes: Partial<XapiOptions> = {},
): Promise<T> {
  const client = await connectXapi(options(url, changes));
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** What `promise` rejects with. Fails where it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: Error) => ({ error }),
  );
  if ("error" in outcome) return outcome.error;
  throw new Error(`resolved instead of failing: ${String(outcome.value)}`);
}
