/** A fresh Debian in a folder: made once by debootstrap, a thin layer over it for each trial, programs run inside. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The whole environment; that of a root's shell by default. */
  readonly env?: Readonly<Record<string, string>>;
  /** Fed to standard input. */
  readonly input?: string;
}

/** The release that has the Node that the programs need. */
const release = "trixie";

/** Debian's own server, or what this machine's apt is told to ask. */
function mirror(): string {
  const chosen = process.env["XCP_DEBIAN_MIRROR"];
  if (chosen !== undefined) return chosen;
  const lists = spawnSync("sh", ["-c", "cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null"], {
    encoding: "utf8",
  }).stdout;
  return (
    /^(?:URIs:|deb(?: \[[^\]]*\])?) *(https?:\S+\/debian\/?)(?=\s)/m.exec(lists)?.[1] ??
    "http://deb.debian.org/debian"
  );
}

/** Makes `base` where it is missing: what debootstrap calls minbase, and Node. Minutes, and 350 MB. */
export function ensureBase(base: string): void {
  if (existsSync(join(base, "usr/bin/node"))) return;
  const growing = `${base}.growing`;
  rmSync(growing, { recursive: true, force: true });
  mkdirSync(growing, { recursive: true });
  const args = ["--variant=minbase", "--include=nodejs", release, growing, mirror()];
  execFileSync("debootstrap", args, { stdio: ["ignore", "ignore", "inherit"] });
  renameSync(growing, base);
}

/** A Debian of its own over `base`, in `folder`; what is written goes into the layer. */
export class DebianRoot {
  readonly path: string;
  private readonly folder: string;

  constructor(base: string, folder: string) {
    this.folder = folder;
    rmSync(folder, { recursive: true, force: true });
    const [layer, work, root] = ["layer", "work", "root"].map((name) => join(folder, name));
    for (const each of [layer, work, root]) mkdirSync(each ?? "", { recursive: true });
    this.path = root ?? "";
    const layers = `lowerdir=${base},upperdir=${layer},workdir=${work}`;
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", layers, this.path]);
  }

  /** Its files and folders, and a digest of each, without what the package manager keeps for itself. */
  contents(): readonly string[] {
    const kept =
      "^\\./(var/(lib/(dpkg|apt)|cache|log/(dpkg|apt)[^/]*)|proc|dev|sys|tmp)(/|$)|^\\./etc/[a-z]*- ";
    const list = `cd "$0" && find . -xdev \\( -type f -printf '%p %m %s\\n' -o -printf '%p %m\\n' \\) | grep -vE '${kept}' | sort`;
    return execFileSync("sh", ["-c", list, this.path], { encoding: "utf8", maxBuffer: 2 ** 26 }).split("\n");
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), "utf8");
  }

  /** Runs a program inside to its end; a code other than 0 is a result. */
  run(command: readonly string[], options: RunOptions = {}): Ran {
    const { status, stdout, stderr } = spawnSync("unshare", this.inside(command, options.env), {
      input: options.input ?? "",
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
    return { code: status ?? -1, stdout, stderr };
  }

  /** The same; throws with what was said where it ends with another code than 0. */
  mustRun(command: readonly string[], options: RunOptions = {}): string {
    const { code, stdout, stderr } = this.run(command, options);
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Starts a program that runs until it is killed. */
  start(command: readonly string[]): ChildProcess {
    return spawn("unshare", this.inside(command), {
      env: rootsEnvironment,
      stdio: ["pipe", "pipe", "inherit"],
    });
  }

  /**
   * Its own /proc with processes alone, as ProcSubset=pid has it, and this machine's /dev. The network is this machine's: the
   * database and the simulated pool are on its loopback addresses.
   */
  private inside(command: readonly string[], environment = rootsEnvironment): string[] {
    const enter =
      'mount -t proc -o subset=pid proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" "$@"';
    const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
    const begin = ["--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", enter, this.path];
    return [...begin, "/usr/bin/env", "-i", ...variables, ...command];
  }

  remove(): void {
    execFileSync("umount", [this.path]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const rootsEnvironment: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  DEBIAN_FRONTEND: "noninteractive",
};
