/** Many pools' worth of requests to a running xcp-wlb, each on a connection of its own as xapi makes them. */
import { readFileSync } from "node:fs";
import { poolUuid } from "./recordedPool.ts";
import { parameters, type RunningWlb } from "./serve.ts";

export interface LoadOptions {
  readonly requests: number;
  /** Connections at once at most. */
  readonly atOnce: number;
  /** Requests begun in a second, evenly; absent: as fast as they are answered. */
  readonly perSecond?: number;
  readonly vms: readonly string[];
  /** Of the server in MiB, after so many requests. */
  readonly memoryEvery?: number;
}

export interface LoadResult {
  /** Milliseconds of each exchange, TLS included, sorted. */
  readonly ms: readonly number[];
  /** Hosts that each answer named, and how often; -1 stands for an answer without stars. */
  readonly entries: ReadonlyMap<number, number>;
  /** Numbers of recommendations that came twice. */
  readonly repeated: number;
  /** MiB that the server occupied. */
  readonly memory: readonly number[];
  /** Seconds of CPU that the server took. */
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/** Asks for stars; the methods that follow each other are those of a pool in use. */
export async function load(server: RunningWlb, options: LoadOptions): Promise<LoadResult> {
  const { requests, atOnce, perSecond, vms, memoryEvery = requests } = options;
  const pid = server.program.child.pid ?? 0;
  const ms: number[] = [];
  const entries = new Map<number, number>();
  const memory = [memoryMib(pid)];
  let last = 0;
  let repeated = 0;
  const cpuBefore = cpuOf(pid);
  const began = performance.now();
  let next = 0;
  const client = async () => {
    for (let n = next++; n < requests; n = next++) {
      if (perSecond !== undefined) await until(began + (n * 1000) / perSecond);
      const vm = vms[n % vms.length] ?? "";
      const sent = performance.now();
      const { body } = await server.ask(
        "VMGetRecommendations",
        parameters({ PoolUuid: poolUuid, VmUuid: vm }),
      );
      ms.push(performance.now() - sent);
      const ids = [...body.matchAll(/<RecommendationId>(\d+)</g)].map(([, id]) => Number(id));
      const count = body.includes("<Stars>") ? ids.length : -1;
      entries.set(count, (entries.get(count) ?? 0) + 1);
      // In the order of the answers numbers may overtake each other; none comes twice.
      if (atOnce === 1 && (ids[0] ?? 0) <= last) repeated++;
      last = ids.at(-1) ?? last;
      if (ms.length % memoryEvery === 0) memory.push(memoryMib(pid));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return {
    ms: ms.toSorted((a, b) => a - b),
    entries,
    repeated,
    memory,
    cpuSeconds: cpuOf(pid) - cpuBefore,
    seconds: (performance.now() - began) / 1000,
  };
}

/** The value below which a part of the sorted ones lies. */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

function until(atMs: number): Promise<void> {
  const left = atMs - performance.now();
  return left <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, left));
}

function memoryMib(pid: number): number {
  const [, kib = "0"] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kib) / 1024);
}

/** User and system time of all its threads; the kernel counts in hundredths. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
