/** Processes of this machine: whether one still is the one that was meant, and how to end it surely. */
import { type ChildProcess, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** When the process `pid` started, as a text to compare; null when it does not run. Tells a reused pid apart. */
export function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A zombie has ended; only its parent has not looked yet.
    return fields[0] === "Z" ? null : (fields[19] ?? null);
  } catch {
    return process.platform === "linux" ? null : askPs(pid, "lstart=");
  }
}

/** The arguments of the process `pid`, separated by spaces; "" when it does not run or hides them. */
export function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return process.platform === "linux" ? "" : (askPs(pid, "args=") ?? "");
  }
}

function askPs(pid: number, column: string): string | null {
  try {
    const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
    return execFileSync("ps", ["-o", column, "-p", String(pid)], { encoding: "utf8", stdio }).trim() || null;
  } catch {
    return null;
  }
}

/** Sends a signal; false when the process is gone or not ours to signal. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Ends a process that is not our child: asks, waits `patienceMs`, then kills. Returns when it is gone. */
export async function endProcess(pid: number, patienceMs: number): Promise<void> {
  const start = startOf(pid);
  const isThere = (): boolean => start !== null && startOf(pid) === start;
  for (const name of ["SIGTERM", "SIGKILL"] as const) {
    if (isThere()) signal(pid, name);
    for (let waited = 0; isThere() && waited < patienceMs; waited += 25) await pause(25);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** What this process started and must not leave behind. */
const ours = new Set<ChildProcess>();
let watching = false;

/**
 * Ends `child` with us, however we end: normally, by an uncaught error, by Ctrl-C or a signal. (For SIGKILL,
 * which no process sees, the private server has a guardian.)
 */
export function endWithUs(child: ChildProcess): void {
  ours.add(child);
  child.once("exit", () => ours.delete(child));
  if (watching) return;
  watching = true;
  process.on("exit", endAll);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => lastOnSignal(name));
}

function endAll(): void {
  for (const child of ours) child.kill("SIGTERM");
}

/** Where nobody else handles the signal, ends as without our listener; else leaves the ending to the other. */
function lastOnSignal(name: NodeJS.Signals): void {
  if (process.listenerCount(name) > 1) return;
  endAll();
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}
