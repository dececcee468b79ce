/** Ganeti's hbal on the same pool, through its text file; null where it is not installed or takes too long. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Pool } from "../../test/support/plan/pools.ts";
import type { PlainMove } from "../../test/support/plan/verify.ts";

const group = "11111111-2222-3333-4444-555555555555";

/** Whether the program is installed. */
export function hasHbal(): boolean {
  return spawnSync("hbal", ["--version"]).status === 0;
}

/** The moves that hbal lists, with the wall time of the child in ms (it has one thread). */
export function hbal(pool: Pool, seconds: number): { moves: PlainMove[]; wallMs: number } | null {
  const folder = mkdtempSync(path.join(tmpdir(), "xcp-balance-hbal-"));
  try {
    const { data, use } = write(pool);
    writeFileSync(path.join(folder, "pool.data"), data);
    writeFileSync(path.join(folder, "pool.use"), use);
    const started = performance.now();
    const args = ["-t", "pool.data", "-U", "pool.use"];
    const child = spawnSync("hbal", args, {
      cwd: folder,
      timeout: seconds * 1000,
      maxBuffer: 1e8,
      encoding: "utf8",
    });
    const wallMs = performance.now() - started;
    if (child.status !== 0) return null;
    return { moves: parse(pool, child.stdout), wallMs };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Pinned VMs are written as VMs on local storage, which hbal never moves; it knows no infeasible pairs. */
function write({ snapshot, rules }: Pool): { data: string; use: string } {
  const at = new Map(snapshot.placements.map(({ vmUuid, hostUuid }) => [vmUuid, hostUuid]));
  const subjects = new Set(rules.map(({ subject }) => subject));
  const hosts = snapshot.hosts.map((host) => {
    const own = snapshot.vms.filter(({ uuid }) => at.get(uuid) === host.uuid);
    const used = own.reduce((sum, { memoryMb }) => sum + (memoryMb ?? 0), 0);
    const free = Math.floor((host.placementFreeBytes ?? 0) / 1024 / 1024);
    return `${host.name}|${2048 + used + free}|2048|${free}|0|0|${host.cpuNum}|${host.isMaster ? "M" : "N"}|${group}|1||N|0|1|1.0`;
  });
  const names = new Map(snapshot.hosts.map(({ uuid, name }) => [uuid, name]));
  const vms = snapshot.vms.map((vm) => {
    const disk = vm.immovable === null ? "sharedfile" : "plain";
    return `${vm.name}|${vm.memoryMb}|1024|${vm.vcpuNum}|running|Y|${names.get(at.get(vm.uuid) ?? vm.uuid)}||${disk}||1|-`;
  });
  const policy =
    "|2048,1,20480,1,1,1|128,1,0,1,1,1;1048576,64,4194304,16,8,32|sharedfile,plain,drbd,ext|64.0|256.0";
  const cpus = snapshot.hosts.reduce((sum, { cpuNum }) => sum + (cpuNum ?? 0), 0) / snapshot.hosts.length;
  const use = snapshot.vms.map((vm) => {
    const cpu = ((vm.vcpuAverage ?? 0) * (vm.vcpuNum ?? 0)) / 100 / cpus;
    const net = subjects.has("PifEth0RxKb") ? (vm.vif0RxKb ?? 0) / 125_000 : 0;
    return `${vm.name} ${cpu.toFixed(6)} 0 0 ${net.toFixed(6)}`;
  });
  const data = `pool|${group}|preferred||\n\n${hosts.join("\n")}\n\n${vms.join("\n")}\n\n\n${policy}\n`;
  return { data, use: `${use.join("\n")}\n` };
}

function parse({ snapshot }: Pool, text: string): PlainMove[] {
  const vms = new Map(snapshot.vms.map(({ name, uuid }) => [name, uuid]));
  const hosts = new Map(snapshot.hosts.map(({ name, uuid }) => [name, uuid]));
  const moves: PlainMove[] = [];
  for (const [, name, from, to] of text.matchAll(
    /^\s*\d+\.\s+(\S+)\s+(\S+?)(?::\S+)?\s*=>\s*(\S+?)(?::\S+)?\s/gm,
  )) {
    const [vm, source, destination] = [vms.get(name ?? ""), hosts.get(from ?? ""), hosts.get(to ?? "")];
    if (vm !== undefined && source !== undefined && destination !== undefined) {
      moves.push({ vm, source, destination });
    }
  }
  return moves;
}
