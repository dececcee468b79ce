/** Runs the real programs as child processes and shows what they print; answers their questions one by one. */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

export type ServerBinary = "collect" | "manager" | "control";

export interface ChildOptions {
  readonly settings: string;
  readonly write: (text: string) => void;
  /** Typed one by one: the first at once, each other when the program has asked a question. */
  readonly answers?: readonly string[];
  readonly signal: AbortSignal;
}

/** Runs `dist/<program>/main.js`; resolves to its exit code when it has ended. */
export function runChild(
  program: ServerBinary,
  args: readonly string[],
  options: ChildOptions,
): Promise<number> {
  const main = fileURLToPath(new URL(`../${program}/main.js`, import.meta.url));
  const child = spawn(process.execPath, [main, "--settings", options.settings, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const release = endOnAbort(child, options.signal);
  const answers = [...(options.answers ?? [])];
  let pending = "";
  const answer = () => {
    const asked = /(\]:\n|\[Y\/N\] )$/.test(pending);
    const next = asked ? answers.shift() : undefined;
    if (next === undefined) return;
    pending = "";
    child.stdin.write(`${next}\n`);
    if (answers.length === 0) child.stdin.end();
  };
  // A program that ended does not read its answers any more; its exit code tells.
  child.stdin.on("error", () => {});
  const [command] = answers.splice(0, 1);
  if (command !== undefined) child.stdin.write(`${command}\n`);
  if (answers.length === 0) child.stdin.end();
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    options.write(text);
    pending += text;
    answer();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      release();
      if (options.signal.aborted) reject(options.signal.reason);
      else resolve(code ?? 1);
    });
  });
}

/** Ends the program when `signal` is aborted, and the second time at once: control would watch a migration on. */
function endOnAbort(child: ChildProcess, signal: AbortSignal): () => void {
  const end = () => {
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGTERM"), 300).unref();
  };
  if (signal.aborted) end();
  signal.addEventListener("abort", end);
  return () => signal.removeEventListener("abort", end);
}
