/** Runs another program with a time limit: killed with its children when the time is over. Never a shell. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";

export interface CalledOptions {
  /** The whole environment of the program. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it finds on standard input. */
  readonly input: string;
  readonly timeoutMs: number;
  /** Aborted where nobody waits for its answer any more: it is killed. */
  readonly signal: AbortSignal;
}

/** How it ended. */
export interface CalledEnd {
  /** Its exit code; null where it was killed or could not be started. */
  readonly code: number | null;
  /** Why it has no exit code; null where it has one. */
  readonly failure: string | null;
  /** The first 4,096 bytes each of what it wrote. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Between being asked to end and being killed. */
const graceMs = 1_000;
/** How long output is waited for after the end: a child that goes on in the background may hold the pipe open. */
const outputMs = 200;
const mostOutput = 4_096;

/**
 * Runs the executable `file` without arguments, in / and in a process group of its own. After `timeoutMs` (or an abort)
 * the whole group gets SIGTERM, a second later SIGKILL; nobody waits longer for it. A child that left the group is not
 * reached. Never rejects.
 */
export function runChild(file: string, options: CalledOptions): Promise<CalledEnd> {
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = spawn(file, [], {
        cwd: "/",
        env: { ...options.environment },
        detached: true,
        stdio: ["pipe", "pipe", "pipe"],
        shell: false,
      });
    } catch (error) {
      resolve(notStarted(error));
      return;
    }
    const stdout = gather(child.stdout);
    const stderr = gather(child.stderr);
    let failure: string | null = null;
    const timers: NodeJS.Timeout[] = [];
    const later = (ms: number, work: () => void) => timers.push(setTimeout(work, ms));
    const end = (code: number | null) => {
      for (const timer of timers) clearTimeout(timer);
      options.signal.removeEventListener("abort", onAbort);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
      child.unref();
      resolve({ code: failure === null ? code : null, failure, stdout: stdout(), stderr: stderr() });
    };
    const stop = (why: string) => {
      if (failure !== null) return;
      failure = why;
      killGroup(child, "SIGTERM");
      later(graceMs, () => killGroup(child, "SIGKILL"));
      later(2 * graceMs, () => end(null));
    };
    const onAbort = () => stop("stopped: the run ends");
    later(options.timeoutMs, () => stop(`no answer within ${Math.round(options.timeoutMs / 100) / 10} s`));
    options.signal.addEventListener("abort", onAbort);
    if (options.signal.aborted) onAbort();
    child.on("error", (error) => {
      failure ??= notStarted(error).failure;
      if (child.pid === undefined) end(null);
    });
    // Whoever does not read what it is told is welcome.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input);
    child.on("exit", (code, signal) => {
      // What it has begun goes with it where it was stopped; else it may go on.
      if (failure !== null) killGroup(child, "SIGKILL");
      if (signal !== null) failure ??= `killed by ${signal}`;
      child.once("close", () => end(code));
      later(outputMs, () => end(code));
    });
  });
}

function notStarted(error: unknown): CalledEnd {
  const why = error instanceof Error ? error.message : String(error);
  return { code: null, failure: `could not be started: ${why}`, stdout: "", stderr: "" };
}

/** Reads to the end, keeps the beginning. */
function gather(stream: NodeJS.ReadableStream | null): () => string {
  const kept: Buffer[] = [];
  let length = 0;
  stream?.on("data", (chunk: Buffer) => {
    if (length < mostOutput) kept.push(chunk.subarray(0, mostOutput - length));
    length += chunk.length;
  });
  stream?.on("error", () => {});
  return () => Buffer.concat(kept).toString("utf8");
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}

const harmless = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "LC_ALL",
  "TZ",
  "TMPDIR",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
];

/** What of our own environment another program gets: our passwords may stand in the rest of it. */
export function plainEnvironment(): Readonly<Record<string, string>> {
  const usual = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
  const own = harmless.flatMap((name) => {
    const value = process.env[name];
    return value === undefined || value === "" ? [] : [[name, value] as const];
  });
  return { ...usual, ...Object.fromEntries(own) };
}
