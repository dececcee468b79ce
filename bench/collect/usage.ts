/**
 * Loaded into every measured process before its program (node --import): when the process ends it writes to file
 * descriptor 3 what the process used and what it exchanged with the pool.
 */
import { subscribe } from "node:diagnostics_channel";
import { writeSync } from "node:fs";
import type { ClientRequest, IncomingMessage } from "node:http";
import process from "node:process";

/** What one process used, start of Node included. */
export interface Usage {
  readonly cpuMs: number;
  readonly peakMb: number;
  /** HTTP requests to the pool. */
  readonly calls: number;
  /** Bytes of the answers' bodies. */
  readonly bytes: number;
}

let calls = 0;
let bytes = 0;

subscribe("http.client.response.finish", (message) => {
  const { response } = message as { request: ClientRequest; response: IncomingMessage };
  calls += 1;
  bytes += Number(response.headers["content-length"] ?? 0);
});

process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  const usage: Usage = {
    cpuMs: (user + system) / 1000,
    peakMb: process.resourceUsage().maxRSS / 1024,
    calls,
    bytes,
  };
  writeSync(3, JSON.stringify(usage));
});
