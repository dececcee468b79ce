/** The steady way: collect() again and again with a PoolFollower, as xcp-collect --interval runs it, and what each run took. */
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest, IncomingMessage } from "node:http";
import process from "node:process";
import { collect } from "../../src/collect/collect.ts";
import { PoolFollower } from "../../src/collect/poolFollower.ts";
import { keepHeapSmall } from "../../src/program/memory.ts";
import type { CollectSettings, XenSettings } from "../../src/settings/types.ts";
import type { Database } from "../../src/store/connection.ts";
import { median } from "./measured.ts";

/** What one run took; medians over the runs after the first. */
export interface SteadyResult {
  /** The first run, which reads everything. */
  readonly firstMs: number;
  readonly collectMs: number;
  readonly slowestMs: number;
  readonly cpuMs: number;
  /** HTTP requests, bytes of the answers' bodies, and those of them that the master answered. */
  readonly calls: number;
  readonly bytes: number;
  readonly masterBytes: number;
  /** The most that the process held up to the end of the first run, and from then on, as often as it was looked at. */
  readonly firstMb: number;
  readonly laterMb: number;
  /** Of the process when the runs were over. */
  readonly restingMb: number;
  /** Runs that read everything all the same. */
  readonly whole: number;
}

const traffic = { calls: 0, bytes: 0, masterBytes: 0 };

/** `runs` runs after the first, begun `everyMs` apart. Throws when anything could not be read. */
export async function collectSteadily(
  db: Database,
  settings: { readonly xen: XenSettings; readonly collect: CollectSettings },
  { runs, everyMs }: { readonly runs: number; readonly everyMs: number },
): Promise<SteadyResult> {
  countTraffic(new URL(settings.xen.urls[0] ?? "").host);
  keepHeapSmall();
  const memory = watchMemory();
  const follower = new PoolFollower();
  let firstMb = 0;
  const results: {
    ms: number;
    cpuMs: number;
    calls: number;
    bytes: number;
    masterBytes: number;
    whole: boolean;
  }[] = [];
  try {
    for (let run = 0; run <= runs; run++) {
      const before = { ...traffic };
      const cpu = process.cpuUsage();
      const startedMs = performance.now();
      const { unread, skipped, reading } = await collect(db, {
        ...settings,
        follower,
        signal: new AbortController().signal,
      });
      const ms = performance.now() - startedMs;
      const { user, system } = process.cpuUsage(cpu);
      if (unread.length + skipped.length > 0) throw new Error(JSON.stringify({ unread, skipped }));
      results.push({
        ms,
        cpuMs: (user + system) / 1000,
        calls: traffic.calls - before.calls,
        bytes: traffic.bytes - before.bytes,
        masterBytes: traffic.masterBytes - before.masterBytes,
        whole: reading.wholeBecause !== null,
      });
      if (run === 0) firstMb = memory.begin();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - ms)));
    }
  } finally {
    memory.stop();
    await follower.close();
  }
  const [first, ...steady] = results;
  const middle = (of: (run: (typeof results)[number]) => number) => median(steady.map(of));
  return {
    firstMs: first?.ms ?? Number.NaN,
    collectMs: middle(({ ms }) => ms),
    slowestMs: Math.max(...steady.map(({ ms }) => ms)),
    cpuMs: middle(({ cpuMs }) => cpuMs),
    calls: middle(({ calls }) => calls),
    bytes: middle(({ bytes }) => bytes),
    masterBytes: middle(({ masterBytes }) => masterBytes),
    firstMb,
    laterMb: memory.begin(),
    restingMb: process.memoryUsage.rss() / 2 ** 20,
    whole: steady.filter(({ whole }) => whole).length,
  };
}

/** Looks at the memory of the process every 100 ms. `begin`: the most since the last `begin`, in MB. */
function watchMemory(): { begin(): number; stop(): void } {
  let most = 0;
  const look = (): void => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 100);
  return {
    begin: () => {
      look();
      const found = most / 2 ** 20;
      most = 0;
      return found;
    },
    stop: () => clearInterval(timer),
  };
}

function countTraffic(master: string): void {
  subscribe("http.client.response.finish", (message) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    const bytes = Number(response.headers["content-length"] ?? 0);
    traffic.calls += 1;
    traffic.bytes += bytes;
    if (request.getHeader("host") === master) traffic.masterBytes += bytes;
  });
}
