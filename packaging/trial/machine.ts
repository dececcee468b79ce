/** A Debian that boots: systemd as its first process, on a network of its own, by systemd-nspawn. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { DebianRoot } from "./debianRoot.ts";

/** What a machine of an administrator has beside the package. */
const installed = [
  "systemd-sysv",
  "dbus",
  "mariadb-server",
  "cron",
  "logrotate",
  "curl",
  "openssl",
  "acl",
  "procps",
];

/** Makes `made` from `base` where it is missing; a minute, and 900 MB. */
export function ensureMachine(base: string, made: string): void {
  if (existsSync(join(made, "usr/sbin/init"))) return;
  const layer = `${made}.growing`;
  const growing = new DebianRoot(base, layer);
  try {
    // No init here yet: services that packages would start are left to the boot.
    const policy = join(growing.path, "usr/sbin/policy-rc.d");
    writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
    growing.mustRun(["apt-get", "update"]);
    growing.mustRun(["apt-get", "install", "--yes", "--no-install-recommends", ...installed]);
    rmSync(policy);
    rmSync(`${made}.copy`, { recursive: true, force: true });
    execFileSync("cp", ["-a", "--no-target-directory", growing.path, `${made}.copy`]);
    renameSync(`${made}.copy`, made);
  } finally {
    growing.remove();
  }
}

/** It runs until `stop`. */
export class Machine {
  readonly root: DebianRoot;
  readonly #nspawn: ChildProcess;

  private constructor(root: DebianRoot, nspawn: ChildProcess) {
    this.root = root;
    this.#nspawn = nspawn;
  }

  /** Boots a layer over `made`. @throws Error where it is not up within a minute. */
  static async boot(made: string, folder: string): Promise<Machine> {
    const root = new DebianRoot(made, folder);
    const words = ["--private-network", "--boot", "--register=no", "--keep-unit", "--console=pipe"];
    const nspawn = spawn("systemd-nspawn", ["--directory", root.path, ...words], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const machine = new Machine(root, nspawn);
    for (let tries = 0; machine.state() !== "running"; tries++) {
      if (tries > 60 || nspawn.exitCode !== null) {
        const failed = machine.state();
        await machine.stop();
        throw new Error(`systemd does not come up: ${failed}`);
      }
      await setTimeout(1000);
    }
    return machine;
  }

  /** What systemd says of the whole. */
  state(): string {
    return this.run("systemctl is-system-running").stdout.trim();
  }

  /** Runs a script of bash in it, as root in /root. */
  run(script: string): { readonly code: number; readonly stdout: string; readonly stderr: string } {
    const leader = this.#leader();
    if (leader === null) return { code: -1, stdout: "", stderr: "it does not run" };
    const inside = ["--target", leader, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"];
    const variables = ["HOME=/root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"];
    const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const shell = ["/usr/bin/env", "-i", path, ...variables, "bash", "-ec", `cd /root; ${script}`];
    const { status, stdout, stderr } = spawnSync("nsenter", [...inside, "--", ...shell], {
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
    return { code: status ?? -1, stdout, stderr };
  }

  /** The same; throws with what was said where it ends with another code than 0. */
  must(script: string): string {
    const { code, stdout, stderr } = this.run(script);
    if (code !== 0) throw new Error(`${script}\nended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Asks until `text` has what is wanted. @throws Error with the last text after `seconds`. */
  async until(wanted: RegExp, script: string, seconds: number): Promise<string> {
    for (let tries = 0; ; tries++) {
      const { stdout } = this.run(script);
      if (wanted.test(stdout)) return stdout;
      if (tries >= seconds) throw new Error(`${script}\nnever said ${wanted}:\n${stdout}`);
      await setTimeout(1000);
    }
  }

  /** The first process inside, as this machine numbers it. */
  #leader(): string | null {
    const { stdout } = spawnSync("pgrep", ["--parent", `${this.#nspawn.pid}`], { encoding: "utf8" });
    return stdout.trim() === "" ? null : (stdout.trim().split("\n")[0] ?? null);
  }

  async stop(): Promise<void> {
    this.run("systemctl poweroff");
    for (let tries = 0; this.#nspawn.exitCode === null && tries < 20; tries++) await setTimeout(500);
    if (this.#nspawn.exitCode === null) this.#nspawn.kill("SIGKILL");
    await setTimeout(500);
    this.root.remove();
  }
}

/** Whether this machine has what boots another. */
export function canBoot(): boolean {
  return spawnSync("systemd-nspawn", ["--version"]).status === 0;
}
