/** Ends a private server whose owner was killed without a chance to end it. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";

/**
 * A shell that waits for our end of its pipe: when we are gone without a word (kill -9), it ends the server.
 * Any line on its standard input dismisses it.
 * Like everything here it asks first whether the process still is the server of our data folder.
 */
export function startGuardian(server: ChildProcess, data: string): ChildProcess {
  const script = `
    read -r word && exit 0
    args=$(tr '\\0' ' ' <"/proc/$1/cmdline") || args=$(ps -o args= -p "$1")
    case " $args " in *" --datadir=$2 "*) kill -TERM "$1" ;; esac`;
  const args = ["-c", script, "sh", String(server.pid ?? 0), data];
  const guardian = spawn("/bin/sh", args, { stdio: ["pipe", "ignore", "ignore"], detached: true });
  guardian.on("error", () => undefined);
  guardian.stdin.on("error", () => undefined);
  guardian.unref();
  (guardian.stdin as Socket).unref();
  return guardian;
}
